"""`pydropctl doctor` in containers as people start them: the key lines, and what it says must be changed."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from tests.container.engine import ROOT

DATA = "--volume={volume}:/data"
CAPS = "cap_add: [CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID]"

# case -> (options, environment, words behind doctor, exit code, words that are said, folded to one line each section)
CASES: "dict[str, tuple[list[str], dict[str, str], list[str], int, list[str]]]" = {
    "as docker starts it": (
        [],
        {},
        [],
        0,
        [
            "A start of pydrop works here: the program would run as app 1000:1000; nothing to change.",
            "user 0:0 (root)",
            "user namespace none: ids are the host's own",
            "capabilities docker's default, 14 of them",
            "a start needs nothing more than that",
            "account files can be rewritten",
            "/ overlay, can be written",
            "let an init reap them (PYDROP_INIT=1, docker run --init)",
            "none: what the program writes is gone with the container",
            "WHAT TO CHANGE Nothing.",
        ],
    ),
    "an arbitrary uid": (
        ["--user=12345:0", DATA],
        {"PUID": "1500"},
        [],
        0,
        [
            "the program would run as app 12345:0",
            "user 12345:0 (not root)",
            "a start needs none, since it is not root that starts",
            "! account files cannot be written here, so the user has no name",
            "! /data",
            "app 12345:0 cannot write it",
            "started as 12345:0 and not as root, so PUID cannot be had",
            "install libnss-wrapper (Debian)",
            "give it to 12345:0 on the host (chown)",
        ],
    ),
    "a read-only root": (
        ["--read-only", "--read-only-tmpfs=false"],
        {"PUID": "1500", "PYDROP_RUN_DIRS": "/run/web"},
        [],
        1,
        [
            "A start of pydrop would FAIL here: unable to make /run/web (PYDROP_RUN_DIRS): /run is read-only",
            "- / overlay, read-only",
            "! /run part of the root filesystem, read-only",
            'compose: tmpfs: ["/run"]',
            "docker run: --tmpfs /run",
            "It would not come to its end: unable to make /run/web",
        ],
    ),
    "a read-only root with a tmpfs on /run": (
        ["--read-only", "--tmpfs=/run:rw,size=16m"],
        {"PUID": "1500", "PYDROP_RUN_DIRS": "/run/web"},
        [],
        0,
        ["/run tmpfs, 16 MiB", "run as app 1500:1500", "/tmp tmpfs"],
    ),
    "a /run that executes nothing": (
        ["--tmpfs=/run:rw,noexec,size=16m"],
        {"PUID": "1500"},
        [],
        0,
        ["- /run tmpfs, 16 MiB, noexec", "nothing to change"],
    ),
    "a command that lies there": (
        ["--tmpfs=/tmp:rw,noexec,size=16m", "--volume=/bin/true:/tmp/start"],
        {"PUID": "1500"},
        ["--", "/tmp/start"],
        0,
        ["! /tmp tmpfs, 16 MiB, noexec", "/tmp/start lies on /tmp, where nothing can be executed", "--tmpfs /tmp:exec"],
    ),
    "no-new-privileges": (
        ["--security-opt=no-new-privileges"],
        {"PUID": "1500"},
        [],
        0,
        ["no_new_privs on: nothing here gains privileges", "nothing to change"],
    ),
    "no capability": (
        ["--cap-drop=ALL", DATA],
        {"PUID": "1500", "PYDROP_CHOWN": "/data"},
        [],
        1,
        [
            "A start of pydrop would FAIL here: root lacks the capabilities to become 1500:1500",
            "! a start lacks SETGID, SETUID: without them",
            "! set-up lacks CHOWN, DAC_OVERRIDE, FOWNER",
            "bounding set empty",
            "Nothing: it would end with exit code 125",
            f"compose: {CAPS}",
            "securityContext: {capabilities: {add: [CHOWN,",
        ],
    ),
    "the capabilities that it asked for": (
        ["--cap-drop=ALL", *[f"--cap-add={name}" for name in re.findall("[A-Z_]{4,}", CAPS)], DATA],
        {"PUID": "1500", "PYDROP_CHOWN": "/data"},
        [],
        0,
        ["capabilities 5: CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID", "nothing to change"],
    ),
    "a user namespace": (
        ["--uidmap=0:100000:65536", "--gidmap=0:100000:65536", DATA],
        {"PUID": "1500"},
        [],
        0,
        [
            "- user namespace rootless, or --uidmap: uids 0 to 65535 here are 100000 to 165535 outside",
            "! /data",
            "its owner is not mapped into this user namespace",
            "on the host: chown 101500 the folder",
        ],
    ),
    "a number that is not mapped": (
        ["--uidmap=0:100000:65536", "--gidmap=0:100000:65536"],
        {"PUID": "70000"},
        [],
        1,
        ["FAIL here: user 70000 (PUID) does not exist in this user namespace, which maps 0 to 65535"],
    ),
    "a read-only volume": (
        ["--volume={volume}:/data:ro"],
        {"PUID": "1500", "PYDROP_CHOWN": "/data"},
        [],
        0,
        ["! /data", "to be owned, which cannot be", "take :ro (Kubernetes: readOnly: true) away"],
    ),
    "a volume of somebody else's": (
        [DATA],
        {"PUID": "1500"},
        [],
        0,
        [
            "! /data",
            "owned by 999:999, mode 0755; app 1500:1500 cannot write it",
            "docker run: -e PYDROP_CHOWN=/data",
            'compose: environment: {PYDROP_CHOWN: "/data"}',
        ],
    ),
    "a volume that is to be owned": (
        [DATA],
        {"PUID": "1500", "PYDROP_CHOWN": "/data"},
        [],
        0,
        ["to be given to app 1500:1500 (policy mismatch)", "nothing to change"],
    ),
    "init mode": ([], {"PYDROP_INIT": "1"}, [], 0, ["PID 1 will be pydrop in init mode, which reaps orphans"]),
    "a terminal": (["--tty"], {"TERM": "dumb"}, [], 0, ["in: terminal of 0, out: terminal of 0"]),
    "limits": (
        ["--memory=256m", "--cpus=0.5", "--init", "--init-path=/usr/bin/tini"],
        {},
        [],
        0,
        ["memory limit 256 MiB", "limited to the time of 0.5", "an init, which reaps orphans"],
    ),
}


@pytest.fixture
def doctor(run, volume):
    names = iter(("first", "second"))

    def doctor(options: "list[str]", env: "dict[str, str]", words: "list[str]", form: "list[str]"):
        asked = any("{volume}" in option for option in options)
        folder = volume({}, name=next(names), top=(999, 999)) if asked else ""
        given = [option.format(volume=folder) for option in options]
        command = ["doctor", *form, *words]
        return run(*given, "--entrypoint=pydropctl", env={"COLUMNS": "400", **env}, command=command)

    return doctor


def flat(text: str) -> str:
    """Without colours, and with one blank for each space."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", text).split())


@pytest.mark.parametrize("case", CASES)
def test_what_is_found_is_said_and_what_to_change(doctor, case):
    options, env, words, code, said = CASES[case]
    result = doctor(options, env, words, [])
    print(result.stdout)
    assert result.code == code, str(result)
    assert result.stderr == ""
    text = flat(result.stdout)
    assert [words for words in said if words not in text] == []


def documented() -> "list[list[str]]":
    """The rows of the table in docs/doctor.md: options of docker run, what is said, what is to be changed."""
    rows = re.findall(
        r"^\| (nothing|`.*?`) \| `(.*)` \| (?:`(.*)`)? ?\|$", Path(ROOT, "docs/doctor.md").read_text(), re.M
    )
    return [list(row) for row in rows]


@pytest.mark.parametrize(("options", "said", "change"), documented())
def test_docs_doctor_md_tells_the_truth(doctor, options, said, change):
    words = [] if options == "nothing" else shlex.split(options.strip("`").replace("./data", "{volume}"))
    result = doctor(words, {}, [], [])
    assert (said in flat(result.stdout), change in flat(result.stdout)) == (True, True), str(result)
    assert result.code == (1 if "FAIL" in said else 0)


@pytest.mark.quick
def test_the_docs_show_more_than_ten_containers():
    assert len(documented()) == 13


@pytest.mark.parametrize("case", ["a read-only root", "no capability", "a volume of somebody else's"])
def test_the_change_that_it_names_is_enough(doctor, case):
    """What is fixed as it says is no longer told."""
    options, env, words, _, _ = CASES[case]
    changes = json.loads(doctor(options, env, words, ["--json"]).stdout)["changes"]
    lines = [line["line"] for change in changes for line in change["lines"] if line["where"] == "docker run"]
    more = [word for line in lines for word in re.sub(r"(--\S+|-e) ", r"\1=", line).replace("-e=", "--env=").split()]
    assert more
    env = {name: value for name, value in env.items() if not any(name in word for word in more)}
    mended = doctor([*options, *more], env, words, ["--json"])
    assert json.loads(mended.stdout)["works"] is True, str(mended)


def test_colours_are_for_terminals(doctor):
    assert "\x1b" not in doctor([], {}, [], []).stdout
    assert "\x1b[1mWHO RUNS THIS" in doctor(["--tty"], {"TERM": "xterm"}, [], []).stdout
    assert "\x1b" not in doctor(["--tty"], {"TERM": "xterm", "NO_COLOR": "1"}, [], []).stdout


def test_behind_the_entrypoint_it_says_that_it_is_too_late(run):
    result = run(env={"COLUMNS": "400"}, command=["pydropctl", "doctor"])
    assert "pydrop has dropped root here already" in result.stdout
    assert "docker run --rm --entrypoint pydropctl IMAGE doctor" in result.stdout


def test_openshift_s_old_pattern_is_called_what_it_is(run, tmp_path):
    passwd = tmp_path / "passwd"
    passwd.write_text("root:x:0:0:root:/root:/bin/bash\n")
    os.chmod(passwd, 0o664)
    options = ("--user=12345:0", f"--volume={passwd}:/etc/passwd", "--entrypoint=pydropctl")
    text = flat(run(*options, env={"COLUMNS": "400"}, command=["doctor"]).stdout)
    assert "/etc/passwd can be written by group 0" in text
    assert "CVE-2020-10695" in text
    assert "pydrop adds the user's line to /etc/passwd" in text
