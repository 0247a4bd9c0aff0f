"""`pydropctl plan` prints the very steps that a start performs, and changes nothing."""

import json
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway

pytestmark = [pytest.mark.quick, pytest.mark.python]

CTL = f"{PYDROP}ctl"
ENV = {
    "PATH": "/usr/bin:/bin",
    "PUID": str(APP),
    "PGID": str(APP),
    "PYDROP_CHOWN": "/mnt/home",
    "PYDROP_RUN_DIRS": "/run/web",
    "COLUMNS": "100",
}


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path)


def contents(folder: Path) -> list[tuple[str, int, int, bytes]]:
    """Everything below a folder: name, owner, mode, content."""
    found = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found.append((str(path), status.st_uid, status.st_mode, path.read_bytes() if path.is_file() else b""))
    return found


def test_the_steps_are_those_of_the_start_in_the_same_words_and_order(place: Throwaway) -> None:
    planned = place.run(CTL, "plan", "--json", "--", "true", env=ENV)
    steps = [step["words"] for step in json.loads(planned.stdout)["steps"]]
    started = place.run(PYDROP, "true", env=ENV | {"PYDROP_LOG_LEVEL": "debug"})
    assert started.returncode == 0
    said = [line.removeprefix("pydrop: ") for line in started.stderr.decode().splitlines()]
    performed = [next((step for step in steps if line.startswith(f"{step}: ")), None) for line in said]
    assert [step for step in performed if step] == steps[:-1]
    assert steps[-1].startswith("1500:1500")  # the drop is said by the summary, after it is proven


def test_planning_changes_nothing(place: Throwaway) -> None:
    place.run("true", env=ENV)  # mount(8) itself leaves a folder in /run
    before = contents(place.folder)
    done = place.run(CTL, "plan", "--", "true", env=ENV)
    assert done.returncode == 0, done
    assert contents(place.folder) == before


def test_the_table_names_each_step_and_the_setting_that_asked_for_it(place: Throwaway) -> None:
    done = place.run(CTL, "plan", "gunicorn", "app:app", env=ENV)
    rows = done.stdout.decode().splitlines()
    assert rows[0].split()[0] == "STEP"
    assert any("volumes" in row and "/mnt/home" in row and "PYDROP_CHOWN" in row for row in rows)
    assert any("1500:1500" in row and "PUID" in row for row in rows)
    assert rows[-1].split()[1:] == ["exec", "gunicorn", "app:app"]
    assert max(map(len, rows)) <= 100


def test_what_is_so_already_is_said(place: Throwaway) -> None:
    place.run(PYDROP, "true", env=ENV)
    done = place.run(CTL, "plan", "--json", "true", env=ENV)
    accounts = next(step for step in json.loads(done.stdout)["steps"] if step["kind"] == "accounts")
    assert accounts["done"] is True


def test_json_has_its_documented_shape(place: Throwaway) -> None:
    content = json.loads(place.run(CTL, "plan", "--json", "--chown", "/mnt/home", "true", env=ENV).stdout)
    assert set(content) == {"identity", "steps", "warnings", "command", "environment", "sources"}
    assert content["identity"]["uid"] == APP
    assert content["command"] == ["true"]
    assert content["environment"]["USER"] == "app"
    assert content["sources"]["chown"] == "--chown"
    assert all(set(step) == {"kind", "words", "why", "done"} for step in content["steps"])


def test_what_a_start_would_refuse_the_plan_refuses_too(place: Throwaway) -> None:
    done = place.run(CTL, "plan", "true", env=ENV | {"PUID": "x"})
    assert done.returncode == 125
    assert done.stderr.decode().startswith("pydrop: PUID=x is not a number")
    assert done.stdout == b""


def test_what_stands_behind_the_command_is_the_commands(place: Throwaway) -> None:
    for words in (("--json", "--", "ls", "--json", "-h"), ("--umask", "022", "--json", "ls", "--json", "-h")):
        content = json.loads(place.run(CTL, "plan", *words, env=ENV).stdout)
        assert content["command"] == ["ls", "--json", "-h"]


def test_options_without_a_command_are_a_plan_for_true(place: Throwaway) -> None:
    for words in (("--chown", "/mnt/home"), ("--no-new-privs", "--"), ()):
        assert json.loads(place.run(CTL, "plan", "--json", *words, env=ENV).stdout)["command"] == ["true"]


def test_wrong_words_are_one_line_and_125(place: Throwaway) -> None:
    for words, said in ((["--jsn"], "--jsn is not an option of pydrop"), (["--version"], "--version starts nothing")):
        done = place.run(CTL, "plan", *words, env=ENV)
        assert (done.returncode, done.stdout) == (125, b"")
        assert done.stderr.decode().startswith(f"pydrop: {said}; ")
        assert done.stderr.count(b"\n") == 1


def test_what_a_volume_lacks_is_shown_with_the_line_that_helps(place: Throwaway) -> None:
    """One that is not there, and an idmapped one, as the start for somebody else has left it."""
    mapped = ENV | {"PYDROP_CHOWN": "/mnt/data:idmap", "PUID": "1600", "PGID": "1600"}
    (place.folder / "data").mkdir()
    of_others = "mount -t tmpfs -o uid=7,gid=8 none /mnt/data"  # which can be mapped, wherever the tests are
    asked = "PUID=1500 PGID=1500 PYDROP_CHOWN=/mnt/data:/mnt/gone"
    script = f"{of_others} && {PYDROP} true && {asked} {CTL} plan --json -- true"
    done = place.run("sh", "-c", script, env=mapped)
    planned = json.loads(done.stdout)
    (words,) = [step["words"] for step in planned["steps"] if step["kind"] == "volumes"]
    left = "/mnt/data (mismatch): left alone, an idmapped mount that shows 1600:1600"
    assert words == f"{left}; /mnt/gone (mismatch): does not exist"
    gone, shown = planned["warnings"]
    assert gone == "the volume /mnt/gone does not exist; mount it (volumes: [./data:/mnt/gone]), or go on without it"
    assert "dst=/mnt/data,idmap=uids=OWNER-1500-1;gids=GROUP-1500-1'" in shown
