"""What a start says while its volumes take their time, on a terminal and in a log.

A terminal, a log and JSON each have one test by the real clock; the others have a faster one. The rhythm itself is
tested in tests/pure/test_ownership_progress_messages.py.
"""

import fcntl
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway
from tests.program.fast_clock import FAST_PYDROP, FAST_SLOW
from tests.program.terminal import SLOW, Terminal, slow_looks

ENV = {"PATH": "/usr/bin:/bin", "PUID": "1500", "PGID": "1500", "PYDROP_HOME": "/mnt/made", "PYDROP_CHOWN": "/mnt/data"}
HINT = "pydrop: /mnt/data takes a while; the policy on-root-mismatch would skip this next time"
LINE = r"pydrop: \d+ entries looked at, \d+ changed, \d+ a second(; /mnt/data is done to about \d+%| in /mnt/data)"


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    """`/mnt/data` has 661 entries."""
    return with_volume(tmp_path, folders=12, files=54)


@pytest.fixture
def small(tmp_path: Path) -> Throwaway:
    """`/mnt/data` has 3 entries."""
    return with_volume(tmp_path, folders=1, files=1)


def with_volume(folder: Path, folders: int, files: int) -> Throwaway:
    for number in range(folders):
        (folder / "data" / str(number)).mkdir(parents=True)
        for file in range(files):
            (folder / "data" / str(number) / str(file)).touch()
    return Throwaway(folder)


def words(place: Throwaway, *around: str, program: tuple[str, ...] = (PYDROP,), **env: str) -> "list[str | bytes]":
    given = [f"{name}={value}" for name, value in (ENV | env).items()]
    return place.inside(*around, "env", "-i", *given, *program, "sh", "-c", "echo started")


def fast(place: Throwaway, *around: str, **env: str) -> "list[str | bytes]":
    return words(place, *around, program=FAST_PYDROP, **env)


def held(folder: Path) -> int:
    """The lock that another container would hold."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def lines(started: "list[str | bytes]") -> list[str]:
    """What a start says where standard error is a pipe."""
    done = subprocess.run(started, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"started\n"), done
    return done.stderr.decode().splitlines()


def test_in_a_log_it_is_a_line_after_two_seconds_and_the_hint_once(place: Throwaway) -> None:
    first, hint, *more, summary = lines(words(place, *SLOW))
    assert re.fullmatch(LINE, first)
    assert hint == HINT
    assert len(more) <= 1
    assert "661 of 661 entries given to 1500:1500" in summary


def test_where_the_policy_has_the_hint_already_it_is_not_given(place: Throwaway) -> None:
    said = lines(fast(place, *FAST_SLOW, PYDROP_CHOWN_POLICY="on-root-mismatch"))
    assert re.fullmatch(LINE, said[0])
    assert HINT not in said


def test_a_start_that_is_quick_says_nothing_of_it(place: Throwaway) -> None:
    assert len(lines(words(place))) == 1


def test_at_warn_nothing_is_said(place: Throwaway) -> None:
    assert lines(fast(place, *FAST_SLOW, PYDROP_LOG_LEVEL="warn")) == []


@pytest.mark.parametrize(("columns", "clock"), [(80, "real"), (40, "fast")])
def test_a_terminal_has_one_line_that_lives(place: Throwaway, columns: int, clock: str) -> None:
    """It is gone when the summary comes, never wraps, and holds no escape sequence."""
    terminal = Terminal(words(place, *SLOW) if clock == "real" else fast(place, *FAST_SLOW), columns)
    assert terminal.end() == 0
    live = [frame for frame in terminal.frames if " looked at" in frame and "given" not in frame]
    assert len(live) > 5
    assert max(map(len, live)) <= columns - 3
    assert len(set(live)) > 5
    assert "\x1b" not in terminal.sent
    left = "".join(row.ljust(columns) if len(row) == columns else row + " " for row in terminal.screen.lines)
    assert re.sub(r"\s", "", HINT) in re.sub(r"\s", "", left)
    assert " looked at" not in left and left.count("pydrop: ") == 2
    assert terminal.sent.endswith(" ms\r\n")


def test_it_is_gone_before_a_hook_speaks(small: Throwaway) -> None:
    """What else writes on the terminal does not know of a line that stands there."""
    hook = small.folder / "etc/pydrop.d/10-speak"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\necho hook speaks >&2\n")
    hook.chmod(0o755)
    lock = held(small.folder / "data")
    terminal = Terminal(fast(small), 80)
    terminal.watch(until=lambda t: any("another container" in frame for frame in t.frames))
    os.close(lock)
    assert terminal.end() == 0
    assert terminal.screen.lines[0] == "hook speaks"


def test_json_has_no_live_line_on_a_terminal_either(place: Throwaway) -> None:
    """One object a line, for who reads it by a program."""
    terminal = Terminal(words(place, *SLOW, PYDROP_LOG_FORMAT="json"), 200)
    assert terminal.end() == 0
    said = [json.loads(line) for line in terminal.sent.replace("\r\n", "\n").splitlines()]
    assert "\r" not in terminal.sent.replace("\r\n", "\n")
    assert re.fullmatch(LINE.removeprefix("pydrop: "), said[0]["message"])
    assert {line["level"] for line in said} == {"info"}


def test_while_another_container_works_it_says_so_once(small: Throwaway) -> None:
    """And when it is done, the start goes on."""
    lock = held(small.folder / "data")
    with subprocess.Popen(fast(small), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout and process.stderr
            line = process.stderr.readline().decode()
            assert line == "pydrop: another container is working on /mnt/data; waiting for it\n"
            os.close(lock)
            (summary,) = process.stderr.read().decode().splitlines()
            assert "3 of 3 entries given to 1500:1500" in summary
            assert process.stdout.read() == b"started\n"
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.python
def test_ctrl_c_while_it_lives_leaves_one_line(place: Throwaway) -> None:
    """Where the live line and the ^C were, it says that the next start goes on."""
    terminal = Terminal(fast(place, *slow_looks(2000)), 80)
    terminal.watch(until=lambda t: sum(" looked at" in frame for frame in t.frames) > 3)
    terminal.type("\x03")
    assert terminal.end() == 130
    assert " looked at" not in "".join(terminal.screen.lines) and "^C" not in "".join(terminal.screen.lines)
    said = terminal.sent.rpartition("pydrop: warning: ")[2]
    assert said == "stopped by SIGINT before the command was run; the next start goes on from here\r\n"
