"""A start leaves where its time went, and `pydropctl timeline` shows it: as a table, as JSON, as a picture."""

import json
import re
import stat
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway, Traced, strace

CTL = f"{PYDROP}ctl"
ENV = {
    "PATH": "/usr/bin:/bin",
    "PUID": str(APP),
    "PGID": str(APP),
    "PYDROP_CHOWN": "/mnt/home",
    "PYDROP_LOG_LEVEL": "error",
    "COLUMNS": "120",
}
SVG = "{http://www.w3.org/2000/svg}"
BEFORE = ["interpreter", "modules", "settings", "survey", "plan"]
WHILE_IT_RUNS = '"$@" & while [ ! -s /run/pydrop/timeline ]; do sleep 0.01; done; exec {ctl} timeline --json'


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path)


def timeline(place: Throwaway, env: "dict[str, str]" = ENV) -> "dict[str, Any]":
    done = place.run(CTL, "timeline", "--json", env=env)
    assert done.returncode == 0, done
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.quick
@pytest.mark.python
def test_its_steps_are_those_of_the_plan_in_the_same_words_and_order(place: Throwaway) -> None:
    planned = json.loads(place.run(CTL, "plan", "--json", "true", env=ENV).stdout)["steps"]
    assert place.run(PYDROP, "true", env=ENV).returncode == 0
    steps = [part for part in timeline(place)["parts"] if part["changed"] is not None]
    assert [(step["kind"], step["words"]) for step in steps] == [(step["kind"], step["words"]) for step in planned]


def test_what_was_done_is_what_the_log_says(place: Throwaway) -> None:
    done = place.run(PYDROP, "true", env=ENV | {"PYDROP_LOG_LEVEL": "debug"})
    said = done.stderr.decode()
    parts = timeline(place)["parts"]
    for part in parts:
        assert part["kind"] == "privileges" or f"{part['words']}: {part['did']}" in said or part["changed"] is None
    assert {"accounts", "streams", "volumes", "privileges"} <= {part["kind"] for part in parts if part["did"]}


def test_a_second_start_finds_it_so_already(place: Throwaway) -> None:
    for _ in range(2):
        place.run(PYDROP, "true", env=ENV)
    changed = {part["kind"]: part["changed"] for part in timeline(place)["parts"]}
    assert (changed["accounts"], changed["volumes"], changed["privileges"]) == (False, False, True)
    assert changed["survey"] is None


def test_phases_stand_before_and_behind_and_leave_no_gap(place: Throwaway) -> None:
    began = time.time()
    place.run(PYDROP, "true", env=ENV)
    ended = time.time()
    found = timeline(place)
    kinds = [part["kind"] for part in found["parts"]]
    assert (kinds[:5], kinds[-4:]) == (BEFORE, ["record", "command", "privileges", "summary"])
    at = 0.0
    for part in found["parts"]:
        assert part["began_ms"] == pytest.approx(at, abs=0.002) and part["took_ms"] >= 0
        at = part["began_ms"] + part["took_ms"]
    assert found["total_ms"] == pytest.approx(at, abs=0.002)
    assert 0 < found["total_ms"] < (ended - began) * 1000
    assert began - 0.01 <= found["begun"] <= ended


def test_a_step_that_takes_long_is_seen_to(place: Throwaway) -> None:
    hook = place.folder / "etc/pydrop.d/10-slow"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nsleep 0.2\n")
    hook.chmod(0o755)
    place.run(PYDROP, "true", env=ENV)
    took = {part["kind"]: part["took_ms"] for part in timeline(place)["parts"]}
    assert max(took, key=took.__getitem__) == "hooks" and took["hooks"] >= 200


def test_json_has_its_documented_shape(place: Throwaway) -> None:
    place.run(PYDROP, "true", env=ENV)
    found = timeline(place)
    assert list(found) == ["program", "begun", "total_ms", "current", "parts"]
    assert all(list(part) == ["kind", "words", "did", "changed", "began_ms", "took_ms"] for part in found["parts"])
    assert found["program"] == "true"


def test_it_is_current_while_its_program_runs(place: Throwaway) -> None:
    script = WHILE_IT_RUNS.format(ctl=CTL)
    running = place.run("sh", "-c", script, "sh", PYDROP, "sleep", "60", env=ENV)
    assert (json.loads(running.stdout)["current"], running.stderr) == (True, b"")
    later = place.run(CTL, "timeline", "--json", env=ENV)
    assert json.loads(later.stdout)["current"] is False
    assert later.stderr.startswith(b"pydrop: warning: this is an earlier start's")


def test_init_modes_is_the_childs_start_and_names_inits_part(place: Throwaway) -> None:
    assert place.run(PYDROP, "--init", "true", env=ENV).returncode == 0
    kinds = [part["kind"] for part in timeline(place)["parts"]]
    assert "guardian" in kinds
    assert (kinds[:5], kinds[-3:]) == (BEFORE, ["privileges", "summary", "wait"])


def test_a_second_pydrop_in_the_container_leaves_it_alone(place: Throwaway) -> None:
    script = '"$@" & while [ ! -s /run/pydrop/timeline ]; do sleep 0.01; done; '
    script += f"cat /run/pydrop/timeline >/mnt/before; {PYDROP} true && cmp /mnt/before /run/pydrop/timeline"
    done = place.run("sh", "-c", script, "sh", PYDROP, "sleep", "60", env=ENV)
    assert done.returncode == 0, done


def test_it_is_roots_alone_and_holds_no_argument_and_no_value(place: Throwaway) -> None:
    (place.folder / "secret").write_text("hunter2")
    env = ENV | {"FILE__PASSWORD": "/mnt/secret", "TOKEN": "hunter3"}
    assert place.run(PYDROP, "sh", "-c", "true", "hunter4", env=env).returncode == 0
    file = place.folder / "run/pydrop/timeline"
    assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_uid) == (0o600, 0)
    assert b"hunter" not in file.read_bytes() and b"/mnt/secret" in file.read_bytes()


def test_without_one_it_says_what_to_do(place: Throwaway) -> None:
    for words in ((), ("--json",), ("--svg", "-")):
        done = place.run(CTL, "timeline", *words, env=ENV)
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.startswith(b"pydrop: no start has left its times in this container; a start as root leaves")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", b"/run/pydrop/timeline is empty"),
        (b"pydrop timeline 0\0x\0", b"is not what this version"),
        (b"x" * 99, b"is not"),
    ],
)
def test_a_broken_one_is_one_line(content: bytes, said: bytes, place: Throwaway) -> None:
    place.run(PYDROP, "true", env=ENV)
    (place.folder / "run/pydrop/timeline").write_bytes(content)
    done = place.run(CTL, "timeline", env=ENV)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert said in done.stderr


def test_who_is_not_root_is_told_so(place: Throwaway) -> None:
    place.run(PYDROP, "true", env=ENV)
    done = place.run("setpriv", "--reuid=1500", "--regid=1500", "--clear-groups", CTL, "timeline", env=ENV)
    assert done.returncode == 1
    assert done.stderr.startswith(b"pydrop: only root may read the times of the start; docker exec --user 0")


def test_where_run_cannot_be_written_the_start_goes_on_and_leaves_none(place: Throwaway) -> None:
    script = 'mount -o remount,bind,ro /run && exec "$@"'
    done = place.run("sh", "-c", script, "sh", PYDROP, "true", env=ENV)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (place.folder / "run/pydrop").exists()


@pytest.mark.parametrize("plant", ["folder", "symlink"])
def test_what_stands_in_its_place_is_never_a_reason_to_stop(plant: str, place: Throwaway) -> None:
    there = place.folder / "run/pydrop/timeline"
    there.parent.mkdir()
    there.mkdir() if plant == "folder" else there.symlink_to("/mnt/home/victim")
    done = place.run(PYDROP, "true", env=ENV)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (place.folder / "home/victim").exists()


def test_no_room_is_no_reason_either(place: Throwaway) -> None:
    script = 'ulimit -f 0 && exec "$@"'  # no file may grow
    env = ENV | {"PUID": "1000", "PGID": "1000"}
    done = place.run("sh", "-c", script, "sh", PYDROP, "true", env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (place.folder / "run/pydrop/timeline").exists()


def test_behind_the_drop_it_is_written_and_nothing_is_opened(place: Throwaway) -> None:
    log = place.folder / "log"
    tracer = strace(log, "openat,open,write,setresuid,execve")
    assert place.run(PYDROP, "true", env=ENV, around=tracer).returncode == 0
    calls = Traced(log).calls
    drop = next(n for n, (name, text) in enumerate(calls) if name == "setresuid" and "1500" in text)
    end = next(n for n, (name, _) in enumerate(calls) if n > drop and name == "execve")
    assert [name for name, _ in calls[drop + 1 : end] if name != "setresuid"] == ["write"]
    assert "pydrop timeline 1" in calls[end - 1][1]


def test_no_other_program_inherits_it(place: Throwaway) -> None:
    done = place.run(PYDROP, "sh", "-c", "ls -l /proc/self/fd", env=ENV)
    assert b"timeline" not in done.stdout and b"/dev/null" in done.stdout


# -- the table and the picture ---------------------------------------------------------------------


def test_the_table_has_a_row_a_part_and_fits(place: Throwaway) -> None:
    place.run(PYDROP, "true", env=ENV)
    parts = timeline(place)["parts"]
    lines = place.run(CTL, "timeline", env=ENV | {"COLUMNS": "100"}).stdout.decode().splitlines()
    assert lines[0].split() == ["BEGAN", "TOOK", "SHARE", "STEP", "WHAT", "IT", "WAS"]
    rows = [re.match(r" *[\d.]+ +[\d.]+ +\d+%  ([a-z]+)", line) for line in lines]
    assert [row[1] for row in rows if row] == [part["kind"] for part in parts]
    assert max(map(len, lines)) <= 100
    assert lines[-1].endswith("Times are milliseconds.")


def test_the_picture_is_well_formed_and_has_a_bar_a_part(place: Throwaway) -> None:
    place.run(PYDROP, "true", env=ENV)
    parts = timeline(place)["parts"]
    printed = place.run(CTL, "timeline", "--svg", "-", env=ENV).stdout
    assert place.run(CTL, "timeline", "--svg", "/mnt/picture.svg", env=ENV).stdout == b""
    assert (place.folder / "picture.svg").read_bytes() == printed
    bars = [rect for rect in ET.fromstring(printed).iter(f"{SVG}rect") if rect.get("class") == "bar"]
    assert len(bars) == len(parts)
    for bar, part in zip(bars, parts, strict=True):
        assert (bar[0].text or "").startswith(f"{part['kind']}: {part['words']}")


def test_a_picture_that_cannot_be_written_is_one_line_and_125(place: Throwaway) -> None:
    place.run(PYDROP, "true", env=ENV)
    for words in (("--svg", "/nowhere/x.svg"), ("--svg",), ("--svgg", "x"), ("more",)):
        done = place.run(CTL, "timeline", *words, env=ENV)
        assert (done.returncode, done.stdout) == (125, b"")
        assert done.stderr.decode().splitlines()[-1].startswith("pydrop: ")


def test_hostile_names_are_text(place: Throwaway) -> None:
    program = place.folder / '<b>&"\x1b[2J\n\udcff'
    program.symlink_to("/bin/true")
    assert place.run(PYDROP, b'/mnt/<b>&"\x1b[2J\n\xff', env=ENV).returncode == 0
    picture = place.run(CTL, "timeline", "--svg", "-", env=ENV).stdout
    assert r'<b>&"\x1b[2J\n\xff' in ET.fromstring(picture).findtext(f"{SVG}text", "")
    printed = place.run(CTL, "timeline", env=ENV).stdout
    assert b"\x1b" not in printed and rb"\x1b[2J\n\xff" in printed
    assert timeline(place)["program"].endswith(r"\x1b[2J\n\xff")


# -- the page --------------------------------------------------------------------------------------

DOCS = Path(__file__).parent.parent.parent / "docs"


def keys(value: object) -> object:
    """The shape of a JSON value: of a list, its first item's."""
    if isinstance(value, dict):
        return {name: keys(inner) for name, inner in value.items()}
    return [keys(value[0])] if isinstance(value, list) else type(value)


def test_the_pages_json_has_every_key(place: Throwaway) -> None:
    place.run(PYDROP, "true", env=ENV)
    found = timeline(place)
    found["parts"] = [part for part in found["parts"] if part["kind"] == "accounts"]
    (example,) = re.findall(r"```json\n(.*?)```", (DOCS / "timeline.md").read_text(), re.S)
    assert keys(json.loads(example)) == keys(found)


def test_the_page_explains_every_row_that_is_no_step(place: Throwaway) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", (DOCS / "timeline.md").read_text(), re.M))
    place.run(PYDROP, "--init", "true", env=ENV)
    phases = {part["kind"]: part["words"] for part in timeline(place)["parts"] if part["changed"] is None}
    assert rows == phases


@pytest.mark.pip
def test_without_the_launcher_it_begins_with_the_settings(place: Throwaway) -> None:
    done = place.run(sys.executable, "-I", "-m", "pydrop", "true", env=ENV)
    assert done.returncode == 0, done
    assert [part["kind"] for part in timeline(place)["parts"]][:2] == ["settings", "survey"]


def test_neither_a_start_without_root_nor_one_that_fails_leaves_one(place: Throwaway) -> None:
    user = ("setpriv", "--reuid=1500", "--regid=1500", "--clear-groups")
    assert place.run(*user, PYDROP, "true", env=ENV).returncode == 0
    assert place.run(PYDROP, "--owner-of", "/nowhere", "true", env=ENV).returncode == 125
    assert not (place.folder / "run/pydrop/timeline").exists()


def test_the_pages_picture_is_one_of_this_version(place: Throwaway) -> None:
    """Made by hand of a real start; what pydrop itself writes has the same head and kinds of row."""
    drawn = ET.fromstring((DOCS / "timeline.svg").read_bytes())
    place.run(PYDROP, "true", env=ENV)
    now = ET.fromstring(place.run(CTL, "timeline", "--svg", "-", env=ENV).stdout)
    assert drawn.find(f"{SVG}style") is not None
    assert drawn.findtext(f"{SVG}style") == now.findtext(f"{SVG}style")
    kinds = [text.text for text in drawn.iter(f"{SVG}text") if text.get("class") == "kind"]
    assert kinds[:5] == BEFORE and kinds[-2:] == ["privileges", "summary"]
