"""`pydropctl verify` fails on each fault that it claims to see, and on nothing where all is well."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults import throwaway
from tests.faults.throwaway import APP, ONE_FILE, Throwaway

# What is installed lies here in these tests: /tmp is their own, and the machine's may be where it was installed.
PREFIX = "/srv"
PYDROP = f"{PREFIX}/pydrop" if ONE_FILE else f"{PREFIX}/bin/pydrop"
CTL = f"{PYDROP}ctl"
INSTALLED = os.path.dirname(throwaway.PYDROP) if ONE_FILE else sys.prefix
READ_ONLY = f"mount --bind {INSTALLED} {PREFIX} && mount -o remount,bind,ro {PREFIX}"
OURS = f"{READ_ONLY} && mount -t tmpfs -o mode=1777 none /tmp || exit 99; "
ADM, STAFF = 4, 50  # asked for; and that of the account
ENV = {
    "PATH": "/usr/bin:/bin",
    "PUID": str(APP),
    "PGID": str(APP),
    "PYDROP_CHOWN": "/mnt/home:/mnt/file",
    "PYDROP_RUN_DIRS": "/run/web",
    "PYDROP_GROUPS": "adm",
    "UMASK": "027",
}
PROGRAMS = {"HOME": "/mnt/home", "USER": "app", "LOGNAME": "app"}
PLAIN = (b"root:x:0:0::/root:/bin/sh\n", b"root:x:0:\nadm:x:4:\n")
NO_CAPS = "--bounding-set=-all --inh-caps=-all"
WHO = f"--reuid={APP} --regid={APP} --groups={ADM},{STAFF},{APP}"
DROP = f"{WHO} {NO_CAPS} --no-new-privs"
PACKAGE = next(Path(sys.prefix).glob("lib/python3*/site-packages/pydrop")).relative_to(sys.prefix)
CODE = PYDROP if ONE_FILE else f"{PREFIX}/{PACKAGE}/ctl/progress_bar.py"
OWN = f"{PREFIX}/{PACKAGE}"
# No file of the machine gives its caller anything, and none is looked at: only what is planted on the tmpfs /mnt/x.
PYTHON = Path(sys.executable).resolve()  # not below PREFIX, whatever the checkout's folder is
BIND_SOCKET = f"""{PYTHON} -c "import socket; socket.socket(socket.AF_UNIX).bind('/mnt/sock')" """
NOTHING_GRANTS = """
while read -r _ _ _ _ point _; do
    mount -o remount,bind,nosuid "$(printf %b "$point")" 2>/dev/null
done </proc/self/mountinfo
mount -t tmpfs none /mnt/x || exit 99
"""
WITH_NET_RAW = (
    "cp -p /bin/true /mnt/x && python3 -I -c 'import os; os.setxattr("
    '"/mnt/x/true", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))\''
)


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    place = Throwaway(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "x").mkdir()
    return place


def run(
    place: Throwaway,
    plant: str = ":",
    drop: str = DROP,
    env: "Mapping[str, str | None]" = {},  # noqa: B006 # only read
    words: str = "",
    form: str = "--json",
) -> "subprocess.CompletedProcess[bytes]":
    """A start as ENV asks for it; then `plant` as root; then verify, dropped to the user by setpriv."""
    given = {name: value for name, value in {**ENV, **PROGRAMS, **env}.items() if value is not None}
    line = shlex.join([f"{name}={value}" for name, value in given.items()])
    world = NOTHING_GRANTS if "--no-new-privs" not in drop else ""
    script = f"{PYDROP} true && umask 027 && {plant} && exec setpriv {drop} env -i {line} {CTL} verify {form} {words}"
    return shell(place, world + script, ENV)


def shell(place: Throwaway, script: str, env: "dict[str, str]") -> "subprocess.CompletedProcess[bytes]":
    return place.run("sh", "-c", OURS + script, env=env)


def checks(done: "subprocess.CompletedProcess[bytes]") -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


@pytest.mark.python
def test_nothing_is_amiss_where_nothing_is(place: Throwaway) -> None:
    done = run(place, words="--devices /dev/null -- ls --nonsense")
    found = checks(done)
    print(done.stdout.decode())
    assert {name for name, check in found.items() if check["verdict"] != "ok"} == {"set-uid files"}
    assert found["set-uid files"]["verdict"] == "skip"
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "ok"
    assert {check for check, *_ in FAULTS.values()} <= {*found, "TMPDIR"}


@pytest.mark.quick
@pytest.mark.python
def test_behind_the_entrypoint_nothing_is_amiss_either(place: Throwaway) -> None:
    done = shell(place, f"exec {PYDROP} {CTL} verify --json --strict", ENV | {"TMPDIR": "/mnt/home"})
    assert {check["verdict"] for check in checks(done).values()} == {"ok", "skip"}, done.stdout.decode()
    assert done.returncode == 0


def test_what_was_kept_and_read_is_as_asked(place: Throwaway) -> None:
    env = ENV | {"PYDROP_KEEP_CAPS": "net_bind_service", "FILE__DB": "/etc/hostname", "PYDROP_SECRETS": "KEY,NOT"}
    (place.folder / "etc/hostname").write_text("x")
    done = shell(
        place,
        f"exec {PYDROP} {CTL} verify --json --strict",
        env | {"KEY_FILE": "/etc/hostname", "PYDROP_BOUNDING_SET": "empty"},
    )
    found = checks(done)
    assert {check["verdict"] for check in found.values()} == {"ok", "skip"}, done
    assert found["capabilities"]["found"] == found["bounding set"]["found"] == "only NET_BIND_SERVICE"
    assert found["secrets"]["found"] == "KEY arrived, nobody has set NOT, no pointer left"


# what is said of each: (check, verdict, words of what was found, and what is different from a good start)
FAULTS: "dict[str, tuple[str, str, str, dict[str, Any]]]" = {
    "root": ("not root", "fail", "uid 0", {"drop": "--no-new-privs"}),
    "root was asked for": (
        "not root",
        "warn",
        "because PUID=0 asks for it",
        {"drop": "--no-new-privs", "env": {"PUID": "0"}},
    ),
    "gid 0": ("not in root's group", "fail", "gid 0", {"drop": DROP.replace(f"--regid={APP}", "--regid=0")}),
    "gid 0 is supplementary": (
        "not in root's group",
        "fail",
        "supplementary",
        {"drop": DROP.replace("--groups=", "--groups=0,")},
    ),
    "gid 0 was asked for": (
        "not in root's group",
        "warn",
        "because PGID asks for it",
        {"drop": DROP.replace(f"--regid={APP}", "--regid=0"), "env": {"PGID": "0"}},
    ),
    "another uid": ("ids as asked", "fail", "means 1500:1500", {"drop": DROP.replace("--reuid=1500", "--reuid=1501")}),
    "another gid": ("ids as asked", "fail", "means 1500:1500", {"drop": DROP.replace("--regid=1500", "--regid=1501")}),
    "PYDROP_USER is somebody else": (
        "ids as asked",
        "fail",
        "means 65534:65534",
        {"env": {"PUID": None, "PGID": None, "PYDROP_USER": "nobody"}},
    ),
    "a group is missing": (
        "groups",
        "fail",
        "not in 4, which PYDROP_GROUPS",
        {"drop": DROP.replace(f"={ADM},", "=")},
    ),
    "a group of root's own": ("groups", "fail", "in 24", {"drop": DROP.replace("--groups=", "--groups=24,")}),
    "no name": ("own name", "fail", "git", {"plant": f"sed -i /:{APP}:/d /etc/passwd"}),
    "the group has no name": ("group's name", "warn", "no name", {"plant": f"sed -i /:{APP}:/d /etc/group"}),
    "USER is another": ("USER and LOGNAME", "fail", "USER=root", {"env": {"USER": "root"}}),
    "LOGNAME is another": ("USER and LOGNAME", "fail", "LOGNAME=x", {"env": {"LOGNAME": "x"}}),
    "USER is unset": ("USER and LOGNAME", "warn", "USER not set", {"env": {"USER": None}}),
    "an inheritable capability": (
        "capabilities",
        "fail",
        "inheritable NET_RAW",
        {"drop": f"{WHO} --inh-caps=-all,+net_raw --bounding-set=-all,+net_raw --no-new-privs"},
    ),
    "an ambient capability": (
        "capabilities",
        "fail",
        "ambient NET_RAW",
        {"drop": f"{WHO} --inh-caps=+net_raw --ambient-caps=+net_raw --bounding-set=-all,+net_raw --no-new-privs"},
    ),
    "a capability is missing": (
        "capabilities",
        "fail",
        "PYDROP_KEEP_CAPS asks for NET_RAW",
        {"env": {"PYDROP_KEEP_CAPS": "net_raw"}},
    ),
    "the bounding set is full": (
        "bounding set",
        "warn",
        "no file within reach gives them",
        {"drop": f"{WHO} --inh-caps=-all", "env": {"PYDROP_NO_NEW_PRIVS": "0"}},
    ),
    "the bounding set is full, and was to be empty": (
        "bounding set",
        "fail",
        "though PYDROP_BOUNDING_SET asks for an empty one",
        {"drop": f"{WHO} --inh-caps=-all --no-new-privs", "env": {"PYDROP_BOUNDING_SET": "empty"}},
    ),
    "the bounding set is full, and a file gives it": (
        "bounding set",
        "fail",
        "within reach",
        {"drop": f"{WHO} --inh-caps=-all", "plant": "cp -p /bin/true /mnt/x && chmod 6755 /mnt/x/true"},
    ),
    "no_new_privs is off": ("no_new_privs", "fail", "off", {"drop": f"{WHO} {NO_CAPS}"}),
    "CAP_SETUID": (
        "no way back",
        "fail",
        "setresuid, setuid, seteuid",
        {"drop": f"{WHO} --inh-caps=+setuid --ambient-caps=+setuid --bounding-set=-all,+setuid --no-new-privs"},
    ),
    "CAP_SETGID": (
        "no way back",
        "fail",
        "setgroups, setresgid, setegid",
        {"drop": f"{WHO} --inh-caps=+setgid --ambient-caps=+setgid --bounding-set=-all,+setgid --no-new-privs"},
    ),
    "a set-uid file": (
        "set-uid files",
        "fail",
        "/mnt/x/true",
        {"drop": f"{WHO} {NO_CAPS}", "plant": "cp -p /bin/true /mnt/x && chmod 4755 /mnt/x/true"},
    ),
    "a set-gid file": (
        "set-uid files",
        "fail",
        "/mnt/x/true",
        {"drop": f"{WHO} {NO_CAPS}", "plant": "cp -p /bin/true /mnt/x && chmod 2755 /mnt/x/true"},
    ),
    "a file with capabilities": (
        "set-uid files",
        "fail",
        "/mnt/x/true",
        {
            "drop": f"{WHO} --inh-caps=-all --bounding-set=-all,+net_raw",
            "plant": "cp -p /bin/true /mnt/x && python3 -I -c 'import os; os.setxattr("
            '"/mnt/x/true", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))\'',
        },
    ),
    "another umask": ("umask", "fail", "000, but UMASK asks for 027", {"plant": "umask 000"}),
    "no HOME": ("HOME", "fail", "not set", {"env": {"HOME": None}}),
    "HOME is root's": ("HOME", "fail", "/root cannot be written: Permission", {"env": {"HOME": "/root"}}),
    "HOME is missing": ("HOME", "fail", "No such file", {"env": {"HOME": "/nowhere"}}),
    "HOME is no folder": ("HOME", "fail", "Not a directory", {"env": {"HOME": "/mnt/file"}}),
    "HOME is not the account's": ("HOME", "warn", "ssh", {"env": {"HOME": "/tmp"}}),
    "/tmp is root's": ("/tmp", "fail", "Permission denied", {"plant": "mount -t tmpfs -o mode=755 none /tmp"}),
    "/tmp is read-only": ("/tmp", "fail", "Read-only", {"plant": "mount -t tmpfs -o mode=1777,ro none /tmp"}),
    "/tmp is not sticky": ("/tmp", "fail", "0777", {"plant": "mount -t tmpfs -o mode=777 none /tmp"}),
    "TMPDIR is missing": ("TMPDIR", "fail", "No such file", {"env": {"TMPDIR": "/nowhere"}}),
    "the volume is root's": (
        "volume /mnt/home",
        "fail",
        "Permission denied",
        {"plant": "chown 0:0 /mnt/home && chmod 755 /mnt/home"},
    ),
    "the volume is read-only": (
        "volume /mnt/home",
        "fail",
        "Read-only",
        {"plant": "mount --bind /mnt/home /mnt/home && mount -o remount,bind,ro /mnt/home"},
    ),
    "the volume is missing": ("volume /mnt/home", "warn", "does not exist", {"plant": "rmdir /mnt/home"}),
    "the volume is full": (
        "volume /mnt/home",
        "fail",
        "No space left",
        {
            "plant": f"mount -t tmpfs -o size=4k,uid={APP} none /mnt/home && head -c4096 /dev/zero >/mnt/home/file",
        },
    ),
    "the volume became a link of the user's": (
        "volume /mnt/home",
        "fail",
        "symlink",
        {"plant": f"rmdir /mnt/home && ln -s /tmp /mnt/home && chown -h {APP} /mnt/home && chown {APP} /mnt"},
    ),
    "a file that is a volume is root's": (
        "volume /mnt/file",
        "fail",
        "Permission denied",
        {"plant": "chown 0:0 /mnt/file && chmod 644 /mnt/file"},
    ),
    "the run-dir is root's": ("run-dir /run/web", "fail", "Permission denied", {"plant": "chown 0:0 /run/web"}),
    "the run-dir is missing": ("run-dir /run/web", "fail", "No such file", {"plant": "rmdir /run/web"}),
    "standard output is root's": ("/dev/stdout", "fail", "Permission denied", {"plant": "chown 0 /proc/self/fd/1"}),
    "standard error is root's": ("/dev/stderr", "fail", "Permission denied", {"plant": "chown 0 /proc/self/fd/2"}),
    "a device is closed": (
        "device /dev/null",
        "fail",
        "Permission denied",
        {
            "plant": "mount -t tmpfs none /dev && mknod -m 600 /dev/null c 1 3 && ln -s /proc/self/fd/1 /dev/stdout && "
            "ln -s /proc/self/fd/2 /dev/stderr",
            "words": "--devices /dev/null",
        },
    ),
    "a device can only be read": (
        "device /dev/null",
        "warn",
        "can be read, not written",
        {"plant": "mount -t tmpfs none /dev && mknod -m 644 /dev/null c 1 3", "words": "--devices /dev/null"},
    ),
    "the command is missing": ("command", "fail", "nonsense was not found", {"words": "nonsense"}),
    "the command may not be executed": (
        "command",
        "fail",
        "/mnt/x/true has no execute bit",
        {"plant": "cp /bin/true /mnt/x && chmod 600 /mnt/x/true", "words": "/mnt/x/true"},
    ),
    "the command is not this user's to execute": (
        "command",
        "fail",
        "/mnt/x/true: it is there, but this user may not execute it",
        {"plant": "cp /bin/true /mnt/x && chmod 744 /mnt/x/true", "words": "/mnt/x/true"},
    ),
    "the command is a folder": ("command", "fail", "/mnt/x is a directory", {"words": "/mnt/x"}),
    "the command has capabilities that it cannot have": (
        "command",
        "fail",
        "/mnt/x/true has file capabilities (NET_RAW)",
        {"plant": WITH_NET_RAW, "words": "/mnt/x/true"},
    ),
    "a program in the PATH has capabilities that it cannot have": (
        "file capabilities",
        "warn",
        "refuses to execute /mnt/x/true (NET_RAW)",
        {"plant": WITH_NET_RAW, "env": {"PATH": "/mnt/x:/usr/bin:/bin"}},
    ),
    "the settings file is everybody's": (
        "settings file",
        "fail",
        "written by everybody",
        {"plant": "touch /etc/pydrop.toml && chmod 666 /etc/pydrop.toml"},
    ),
    "the settings file is the user's": (
        "settings file",
        "fail",
        f"belongs to user {APP}",
        {"plant": f"touch /etc/pydrop.toml && chown {APP} /etc/pydrop.toml"},
    ),
    "the settings file is closed": (
        "settings file",
        "warn",
        "cannot be read by this user",
        {"plant": "touch /etc/pydrop.toml && chmod 600 /etc/pydrop.toml"},
    ),
    "a hook is the user's": (
        "hooks",
        "fail",
        f"belongs to user {APP}",
        {
            "plant": "mkdir -m 755 /etc/pydrop.d && cp /bin/true /etc/pydrop.d && chmod 755 /etc/pydrop.d/true && "
            f"chown {APP} /etc/pydrop.d/true",
        },
    ),
    "a hook has no execute bit": (
        "hooks",
        "fail",
        "/etc/pydrop.d/true has no execute bit",
        {"plant": "mkdir -m 755 /etc/pydrop.d && cp /bin/true /etc/pydrop.d && chmod 644 /etc/pydrop.d/true"},
    ),
    "the folder of hooks is the user's": (
        "hooks",
        "fail",
        f"belongs to user {APP}",
        {"plant": f"mkdir -m 755 /etc/pydrop.d && chown {APP} /etc/pydrop.d"},
    ),
    "pydrop's code is the user's": (
        "pydrop's own code",
        "fail",
        f"belongs to user {APP}",
        {"plant": f"cp {CODE} /mnt/x/f && chown {APP} /mnt/x/f && mount --bind /mnt/x/f {CODE}"},
    ),
    **{
        f"what is loaded from {name} is the user's": (
            "pydrop's own code",
            "fail",
            f"belongs to user {APP}",
            {"plant": f"cp {OWN}/{name} /mnt/x/f && chown {APP} /mnt/x/f && mount --bind /mnt/x/f {OWN}/{name}"},
        )
        for name in ("entry.py", "pid1/init.py", f"perform/__pycache__/privileges.{sys.implementation.cache_tag}.pyc")
    },
    "passwd is the user's": ("account files", "warn", "CVE-2020-10695", {"plant": f"chown {APP} /etc/passwd"}),
    "a pointer to a secret": ("secrets", "fail", "FILE__DB", {"env": {"FILE__DB": "/run/secrets/db"}}),
    "a pointer and its secret": (
        "secrets",
        "fail",
        "DB_FILE",
        {"env": {"PYDROP_SECRETS": "DB", "DB_FILE": "/run/secrets/db", "DB": "x"}},
    ),
    "a secret that a start without root could not read": (
        "secrets",
        "fail",
        "DB_FILE names a file that this user cannot read",
        {"env": {"PYDROP_SECRETS": "DB", "DB_FILE": "/mnt/secret"}, "plant": "install -m 0600 /dev/null /mnt/secret"},
    ),
}


BY_PIP = {fault: pytest.mark.pip for fault in FAULTS if fault.startswith("what is loaded from ")}


@pytest.mark.parametrize("fault", [pytest.param(fault, marks=BY_PIP.get(fault, ())) for fault in FAULTS])
def test_each_fault_that_is_planted_is_seen(place: Throwaway, fault: str) -> None:
    name, verdict, words, planted = FAULTS[fault]
    done = run(place, **planted)
    check = checks(done)[name]
    assert check["verdict"] == verdict, check
    assert words in check["found"]
    assert check["remedy"]
    failed = [name for name, check in checks(done).items() if check["verdict"] == "fail"]
    assert done.returncode == (1 if failed else 0)
    assert (name in failed) == (verdict == "fail")


# set-uid files that this user gains nothing from
HARMLESS = {
    "none": ":",
    "on a mount that is nosuid": "mount -o remount,nosuid /mnt/x && cp /bin/true /mnt/x && chmod 6755 /mnt/x/true",
    "not to be executed": "cp /bin/true /mnt/x && chmod 4750 /mnt/x/true",
    "in a folder that is closed": "mkdir -m 700 /mnt/x/a && cp /bin/true /mnt/x/a && chmod 6755 /mnt/x/a/true",
    "the user's own": f"cp /bin/true /mnt/x && chown {APP}:{APP} /mnt/x/true && chmod 6755 /mnt/x/true",
    "a link to one on a mount that is nosuid": "ln -s /usr/bin/su /mnt/x",
    "a capability that is not in the bounding set": "cp -p /bin/true /mnt/x && python3 -I -c 'import os; os.setxattr("
    '"/mnt/x/true", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))\'',
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_grants_nothing_is_no_fault(place: Throwaway, case: str) -> None:
    env = {"PYDROP_NO_NEW_PRIVS": "0"}
    done = run(place, plant=HARMLESS[case], drop=f"{WHO} {NO_CAPS}", env=env)
    found = checks(done)
    assert found["set-uid files"]["verdict"] == "ok", found["set-uid files"]
    assert found["no_new_privs"]["found"] == "off, as PYDROP_NO_NEW_PRIVS asks"
    assert done.returncode == 0


@pytest.mark.parametrize(("mode", "verdict"), [("622", "ok"), ("660", "fail"), ("644", "fail")])
def test_a_socket_can_be_connected_to_where_it_can_be_written(place: Throwaway, mode: str, verdict: str) -> None:
    """connect(2) asks for no more; and nothing is sent to it."""
    done = run(place, plant=f"{BIND_SOCKET} && chmod {mode} /mnt/sock", words="--devices /mnt/sock")
    check = checks(done)["device /mnt/sock"]
    said = "can be connected to" if verdict == "ok" else f"cannot be connected to: Permission denied (0:0 0{mode})"
    assert (check["verdict"], check["found"]) == (verdict, said)
    assert ("chgrp docker /mnt/sock" in check["remedy"]) == (verdict == "fail")


def test_a_device_that_is_not_there_is_a_warning(place: Throwaway) -> None:
    done = run(place, words="--devices /dev/nosuch")
    check = checks(done)["device /dev/nosuch"]
    assert check["verdict"] == "warn" and "does not exist" in check["found"]
    assert "--device /dev/nosuch" in check["remedy"]
    assert done.returncode == 0


def test_an_idmapped_volume_that_shows_another_owner_has_its_line(place: Throwaway) -> None:
    """As the policy idmap of a start for somebody else has left it."""
    plant = f"env PUID=1600 PGID=1600 PYDROP_CHOWN=/mnt/x/data:idmap {PYDROP} true"
    plant = f"mkdir /mnt/x/data && chown 7:7 /mnt/x/data && {plant}"
    done = run(place, plant=plant, words="--chown /mnt/x/data")
    check = checks(done)["volume /mnt/x/data"]
    assert check["verdict"] == "fail"
    assert check["found"].endswith("an idmapped mount, through which it shows as 1600:1600")
    assert f"idmap=uids=OWNER-{APP}-1;gids=GROUP-{APP}-1'" in check["remedy"]


def test_docs_verify_md_names_every_check(place: Throwaway) -> None:
    text = (Path(__file__).parent.parent.parent / "docs/verify.md").read_text()
    found = checks(run(place, words="--devices /dev/null -- ls", env={"TMPDIR": "/tmp/."}))
    names = {re.sub("^(volume|run-dir|device) .*", r"\1 PATH", name) for name in found}
    section = text.partition("## The checks")[2].partition("\n## ")[0]
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {name for cell in first for name in re.findall("`([^`]+)`", cell)} == names


@pytest.mark.parametrize("page", ["verify", "doctor"])
def test_the_json_of_the_docs_has_the_shape_that_is_printed(place: Throwaway, page: str) -> None:
    text = (Path(__file__).parent.parent.parent / f"docs/{page}.md").read_text()
    shown = json.loads(text.partition("```json\n")[2].partition("```")[0])
    printed = json.loads(shell(place, f"exec {CTL} {page} --json", ENV | {"PYDROP_CHOWN": "/missing"}).stdout)
    assert shape(shown) == shape(printed)


def shape(value: object) -> object:
    """The names and kinds in a JSON value; of a list, those of its first item."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_strict_takes_a_warning_for_a_failure(place: Throwaway) -> None:
    for form, code, verdict in (("--json", 0, "warn"), ("--json --strict", 1, "fail")):
        done = run(place, env={"USER": None}, form=form)
        assert (done.returncode, json.loads(done.stdout)["verdict"]) == (code, verdict)


def test_json_has_its_documented_shape(place: Throwaway) -> None:
    content = json.loads(run(place).stdout)
    assert list(content) == ["verdict", "checks"]
    assert all(list(check) == ["name", "verdict", "found", "remedy"] for check in content["checks"])
    assert all(bool(check["remedy"]) == (check["verdict"] in ("warn", "fail")) for check in content["checks"])


def test_as_root_all_that_root_could_do_is_skipped_and_the_remedy_is_told_once(place: Throwaway) -> None:
    done = shell(place, f"exec {CTL} verify", ENV | {"COLUMNS": "100"})
    text = done.stdout.decode()
    assert done.returncode == 1
    assert "uid 0: this is root, not the program's user" in text
    assert text.count("docker run --rm IMAGE pydropctl verify") == 1
    assert max(map(len, text.splitlines())) <= 100


def test_the_table_sums_up(place: Throwaway) -> None:
    done = run(place, form="", env={"USER": "root", "TMPDIR": "/nowhere"})
    rows = done.stdout.decode().splitlines()
    assert rows[0].split() == ["CHECK", "RESULT", "WHAT", "WAS", "FOUND"]
    assert rows[-1] == "34 checks: 2 failed, 1 skipped"
    assert any(row.startswith("TMPDIR: add a tmpfs") for row in rows)


def test_nss_wrapper_names_the_user_as_it_does_for_the_program(tmp_path: Path) -> None:
    """/etc is read-only, so pydrop names the user by LD_PRELOAD, which pydropctl itself does not obey."""
    place = Throwaway(tmp_path, PLAIN[0], PLAIN[1])
    for before, name in (("", "uid 1500 is app"), ("env -u LD_PRELOAD ", "uid 1500 has no name")):
        script = f"mount -o remount,bind,ro /etc && exec {PYDROP} {before}{CTL} verify --json"
        done = shell(place, script, ENV | {"PYDROP_CHOWN": "/mnt/home"})
        assert checks(done)["own name"]["found"].startswith(name), done


def sizes(place: Throwaway) -> "dict[Path, tuple[int, int]]":
    """Mode and size of everything, but for the start's times: a second start has other words for them."""
    paths = [path for path in place.folder.rglob("*") if path.name != "timeline"]
    return {path: (path.lstat().st_mode, path.lstat().st_size) for path in paths}


def test_what_was_looked_at_stays_as_it_was(place: Throwaway) -> None:
    (place.folder / "file").write_text("content")
    shell(place, f"exec {PYDROP} true", ENV)
    before = sizes(place)
    shell(place, f"exec {PYDROP} {CTL} verify", ENV)
    assert sizes(place) == before


REFUSED: "dict[str, tuple[dict[str, str], str, str]]" = {
    "a setting that is none": ({"PUID": "x"}, "", "PUID=x is not a number"),
    "an option that is none": ({}, "--chow /data", "--chow is not an option of pydrop"),
    "a group that is none": ({"PYDROP_GROUPS": "nonsense"}, "", "PYDROP_GROUPS: the image has no group 'nonsense'"),
    "a file that is none": ({"PYDROP_CONFIG": "/nowhere"}, "", "the settings file /nowhere is not there"),
    "nothing to verify": ({}, "--version", "--version starts nothing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_settings_are_one_line_and_125(place: Throwaway, case: str) -> None:
    env, words, said = REFUSED[case]
    done = run(place, env=env, words=words)
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (125, b"")
    assert lines[-1].startswith(f"pydrop: {said}"), lines
    assert "Traceback" not in done.stderr.decode()


def test_without_proc_it_is_one_line_and_125(place: Throwaway) -> None:
    done = run(place, plant="while umount --lazy /proc 2>/dev/null; do :; done")
    assert (done.returncode, done.stdout) == (125, b"")
    assert done.stderr.decode().splitlines()[-1].startswith("pydrop: ")


def test_names_of_strangers_move_no_terminal(place: Throwaway) -> None:
    done = run(place, env={"TMPDIR": "/\x1b]0;x"}, form="")
    assert b"\x1b" not in done.stdout
    assert rb"/\x1b]0;x" in done.stdout
