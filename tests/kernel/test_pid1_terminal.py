"""Who finds the terminal, at any moment: two processes that look for it do so in no order."""

import fcntl
import os
import pty
import subprocess
import sys
import termios

import pytest

from pydrop.pid1 import terminal

pytestmark = pytest.mark.quick

ASKED = """
import os, sys
from pydrop.pid1 import terminal
def says(name, found):
    print(name, found >= 0, found >= 0 and terminal.is_in_front(found, os.getpgrp()), flush=True)
says("before", terminal.controlling())
begun, end = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    terminal.in_group_of_its_own()
    os.write(begun[1], b"x")
    os.read(end[0], 1)
    os._exit(0)
os.read(begun[0], 1)
found = terminal.controlling()
says("after", found)
print("command", terminal.is_in_front(found, child))
os.write(end[1], b"x")
"""


def _ask(controls: bool) -> list[str]:
    own, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        stdin=theirs,
        capture_output=True,
        text=True,
        start_new_session=True,
        preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controls else None,
        timeout=30,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    os.close(own)
    os.close(theirs)
    return done.stdout.split("\n")[:-1]


def test_init_finds_its_terminal_also_when_the_command_has_taken_it_before() -> None:
    """A busy machine runs the two in either order; without the terminal fg would not bring the command back."""
    assert _ask(True) == ["before True True", "after True False", "command True"]


def test_a_terminal_of_another_session_is_none() -> None:
    assert _ask(False) == ["before False False", "after False False", "command False"]


def test_no_stream_that_is_a_terminal_is_none() -> None:
    assert (
        subprocess.run(
            [sys.executable, "-c", "from pydrop.pid1 import terminal; print(terminal.controlling())"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        == "-1\n"
    )
    assert not terminal.is_in_front(-1, 1)
