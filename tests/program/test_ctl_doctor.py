"""`pydropctl doctor` as a process: its JSON, its exit codes, and that it changes and betrays nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway

CTL = f"{PYDROP}ctl"
ENV = {"PATH": "/usr/bin:/bin", "PUID": str(APP), "COLUMNS": "100"}


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path)


def content(place: Throwaway, *words: str, env: "dict[str, str]" = ENV) -> "dict[str, Any]":
    done = place.run(CTL, "doctor", "--json", *words, env=env)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["works"] else 1)
    return found


def facts(found: "dict[str, Any]", title: str) -> "dict[str, dict[str, str]]":
    section = next(section for section in found["sections"] if section["title"] == title)
    return {fact["name"]: fact for fact in section["facts"]}


TITLES = [
    *("Who runs this", "What the runtime allows", "Beyond the container", "Files", "Volumes and other mounts"),
    *("Resources", "Settings"),
]


@pytest.mark.quick
@pytest.mark.python
def test_json_has_its_documented_shape(place: Throwaway) -> None:
    found = content(place, env=ENV | {"PYDROP_CHOWN": "/missing"})
    assert list(found) == ["works", "error", "sections", "start", "changes"]
    assert (found["works"], found["error"]) == (True, "")
    assert [section["title"] for section in found["sections"]] == TITLES
    every = [fact for section in found["sections"] for fact in section["facts"]]
    assert all(list(fact) == ["name", "found", "level"] for fact in every)
    assert {fact["level"] for fact in every} <= {"ok", "note", "problem"}
    assert list(found["start"]) == ["user", "name", "steps", "warnings"]
    assert (found["start"]["user"], found["start"]["name"]) == (f"{APP}:1000", "app")
    change = next(change for change in found["changes"] if "/missing" in change["why"])
    assert list(change) == ["why", "lines"]
    assert all(list(line) == ["where", "line"] for line in change["lines"])


def test_where_no_plan_can_be_made_start_is_null_and_the_error_is_the_start_s_own(place: Throwaway) -> None:
    found = content(place, env=ENV | {"PUID": "x"})
    started = place.run(PYDROP, "true", env=ENV | {"PUID": "x"})
    assert found["start"] is None
    assert started.stderr.decode().strip() == f"pydrop: {found['error']}"
    assert facts(found, "Settings")["problem"]["level"] == "problem"
    assert facts(found, "Files")["account files"]["level"] == "ok"  # the rest is looked at all the same


def test_the_steps_are_those_of_the_plan(place: Throwaway) -> None:
    planned = json.loads(place.run(CTL, "plan", "--json", "true", env=ENV).stdout)
    assert content(place)["start"]["steps"] == [step["words"] for step in planned["steps"]]


FAILING = {
    "a secret that is not there": ({"FILE__DB": "/run/secrets/db"}, [], "FILE__DB=/run/secrets/db is not there"),
    "a command that is not there": ({}, ["--", "nonsense"], "unable to run the command: nonsense was not found"),
    "a command that is a folder": ({}, ["--", "/etc"], "unable to run the command: /etc is a directory"),
    "a hook of somebody else's": ({"PYDROP_HOOKS": "/mnt/home"}, [], "/mnt/home/hook belongs to user 1500"),
    "a run-dir on a read-only folder": (
        {"PYDROP_RUN_DIRS": "/run/web"},
        [],
        "unable to make /run/web (PYDROP_RUN_DIRS): /run is read-only",
    ),
    "a volume that is part of the system": ({"PYDROP_CHOWN": "/etc"}, [], "the volume /etc is part of the system"),
    "a volume that is missing, and must not be": (
        {"PYDROP_CHOWN": "/missing", "PYDROP_CHOWN_ERRORS": "fail"},
        [],
        "the volume /missing cannot be owned: No such file",
    ),
    "a volume that is read-only, and must not be": (
        {"PYDROP_CHOWN": "/run/volume", "PYDROP_CHOWN_ERRORS": "fail"},
        [],
        "the volume /run/volume cannot be owned: it is mounted read-only",
    ),
    "a misspelt variable": ({"PYDROP_CHWON": "/data"}, [], "PYDROP_CHWON is not a setting of pydrop"),
}
WITHOUT_MOUNTING = "setpriv --bounding-set=-sys_admin --inh-caps=-all"


@pytest.mark.parametrize("case", FAILING)
def test_what_a_start_would_fail_of_is_said_and_exit_code_1(place: Throwaway, case: str) -> None:
    env, words, said = FAILING[case]
    hook = place.folder / "home/hook"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    (place.folder / "run/volume").mkdir()
    script = "chown 1500 /mnt/home/hook; mount --bind /run /run; mount -o remount,bind,ro /run; "
    line = " ".join([f"{name}={value}" for name, value in env.items()])
    doctor = f"exec env {line} {WITHOUT_MOUNTING} {CTL} doctor --json {' '.join(words)}"
    done = place.run("sh", "-c", script + doctor, env=ENV)
    found = json.loads(done.stdout)
    assert (done.returncode, found["works"]) == (1, False)
    assert found["error"].startswith(said), found["error"]
    assert any(said in change["why"] for change in found["changes"])
    start = f"exec env {line} {WITHOUT_MOUNTING} {PYDROP} {words[-1] if words else 'true'}"
    started = place.run("sh", "-c", script + start, env=ENV)
    assert started.returncode in (125, 126, 127), started  # a start does fail of it


def test_every_problem_of_the_settings_file_is_told(place: Throwaway) -> None:
    (place.folder / "etc/pydrop.toml").write_text('usr = "app"\nlog-level = "loud"\n')
    changes = [change["why"] for change in content(place)["changes"]]
    assert any("usr in /etc/pydrop.toml" in why for why in changes)
    assert any("log-level" in why for why in changes)


def test_settings_are_told_as_they_were_given_but_for_what_may_be_a_secret(place: Throwaway) -> None:
    (place.folder / "etc/pydrop.toml").write_text('umask = "027"\n')
    env = ENV | {"PYDROP_SECRETS": "DB", "DB": "hunter2", "FILE__KEY": "/etc/passwd"}
    done = place.run(CTL, "doctor", "--json", "--groups", "adm", env=env)
    found = facts(json.loads(done.stdout), "Settings")
    assert found["puid"]["found"] == f"PUID={APP}"
    assert found["groups"]["found"] == "--groups=adm"
    assert found["umask"]["found"] == 'umask = "027" in /etc/pydrop.toml'
    assert found["secrets"]["found"] in ("PYDROP_SECRETS", "FILE__KEY")
    assert b"hunter2" not in done.stdout


def test_privileged_and_without_seccomp_is_worth_a_note(place: Throwaway) -> None:
    found = facts(content(place), "What the runtime allows")
    assert found["capabilities"]["level"] == "note"
    assert "--privileged" in found["capabilities"]["found"]
    assert found["seccomp"]["level"] == "note"


def test_a_running_container_is_told_of_its_next_start(place: Throwaway) -> None:
    script = f"{PYDROP} sleep 60 & while ! [ -s /run/pydrop/record ]; do :; done; {CTL} doctor --json; kill %1"
    found = json.loads(place.run("sh", "-c", script, env=ENV).stdout)
    assert facts(found, "Who runs this")["pydrop"]["found"].startswith("has started this container")
    assert len(found["start"]["steps"]) > 3


def test_nothing_is_changed(place: Throwaway) -> None:
    place.run("true", env=ENV)
    before = {path: path.lstat().st_mtime_ns for path in place.folder.rglob("*")}
    place.run(CTL, "doctor", env=ENV | {"PYDROP_CHOWN": "/mnt/home", "PYDROP_RUN_DIRS": "/run/web"})
    assert {path: path.lstat().st_mtime_ns for path in place.folder.rglob("*")} == before


def test_the_text_fits_the_terminal_and_names_of_strangers_do_not_move_it(place: Throwaway) -> None:
    (place.folder / "home/a\x1b[2Jb").mkdir()
    script = f"mount -t tmpfs none /mnt/home/a*; exec {CTL} doctor"
    for columns in ("60", "100"):
        done = place.run("sh", "-c", script, env=ENV | {"COLUMNS": columns})
        text = done.stdout.decode()
        assert r"/mnt/home/a\x1b[2Jb" in text
        assert "\x1b" not in text
        assert max([len(line) for line in text.splitlines() if "PIDs" not in line and "/" not in line]) <= int(columns)


REFUSED = {
    "an option that is none": (["--chow", "/data"], "--chow is not an option of pydrop"),
    "an option that shows something": (["--help=x"], "--help=x is not an option"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_words_are_one_line_and_125(place: Throwaway, case: str) -> None:
    words, _ = REFUSED[case]
    done = place.run(CTL, "doctor", *words, env=ENV)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (125, b"", 1), done
    assert done.stderr.startswith(b"pydrop: ")


def test_without_proc_it_is_one_line_and_125(place: Throwaway) -> None:
    done = place.run("sh", "-c", f"umount --lazy /proc && umount --lazy /proc && exec {CTL} doctor", env=ENV)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (125, b"", 1), done
    assert done.stderr.startswith(b"pydrop: unable to read /proc")


def test_in_a_root_that_is_no_mount_point_it_says_so(place: Throwaway) -> None:
    """chroot(8) into a folder: mountinfo has no line for /."""
    script = f"""
for folder in usr bin lib lib64 proc {Path(CTL).parts[1]}; do
    [ ! -e /$folder ] || {{ mkdir -p /mnt/x/$folder && mount --rbind /$folder /mnt/x/$folder; }}
done
mkdir -p /mnt/x/etc /mnt/x/run /mnt/x/dev && cp /etc/passwd /etc/group /mnt/x/etc || exit
exec /usr/sbin/chroot /mnt/x {CTL} doctor --json
"""
    done = place.run("sh", "-c", script, env=ENV)
    assert done.stderr == b"", done
    found = {fact["name"]: fact["found"] for each in json.loads(done.stdout)["sections"] for fact in each["facts"]}
    assert found["/"] == "no mount of its own"


def test_as_somebody_else_it_looks_all_the_same(place: Throwaway) -> None:
    script = f"exec setpriv --reuid={APP} --regid={APP} --clear-groups {CTL} doctor --json"
    done = place.run("sh", "-c", script, env=ENV | {"PYDROP_CHOWN": "/mnt/home"})
    found = json.loads(done.stdout)
    assert (done.returncode, found["start"]["user"]) == (0, f"{APP}:{APP}")
    assert any("PYDROP_CHOWN cannot be had" in change["why"] for change in found["changes"])
