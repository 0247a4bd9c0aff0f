"""Init mode on a real terminal: job control, Ctrl-C, Ctrl-Z, fg, a new size, and no signal that nobody sent."""

import fcntl
import os
import re
import signal
import struct
import sys
import termios
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway
from tests.program.initmode import CHILD, ENV, below, cmdline, made, status, until
from tests.program.terminal import Screen, Terminal

RECORDER = """
import signal, sys, os, time
def tell(number, _):
    os.write(1, f"<{number}>".encode())
for n in range(1, 65):
    if n not in (9, 19, 20, 21, 22, 17, 32, 33): signal.signal(n, tell)
os.write(1, b"<up>")
while True: time.sleep(60)
"""


class AnyBytes(Screen):
    """Not drawn at all: a shell sends more than letters."""

    def feed(self, text: str) -> None:
        pass


class Shown(Terminal):
    """A terminal for all three streams, whose escape sequences are left out."""

    def __init__(self, words: "list[str | bytes]") -> None:
        super().__init__(["sh", "-c", 'exec "$@" >&2', "sh", *words], 80)
        self.screen = AnyBytes(80)
        self.read = 0  # characters of the text, up to the end of what was asked for last

    def text(self) -> str:
        return re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]|\x1b[=>]", "", self.sent)

    def shows(self, words: str, seconds: float = 15) -> "Shown":
        """Until it shows these words behind those that it was asked for last."""
        self.watch(lambda _: bool(re.search(words, self.text()[self.read :])), seconds)
        found = re.search(words, self.text()[self.read :])
        assert found
        self.read += found.end()
        return self


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Throwaway:
    return made(tmp_path_factory.mktemp("terminal"))


def on_terminal(place: Throwaway, *words: str) -> Shown:
    """`words` as PID 1's own or below a shell, with the terminal as its three streams."""
    given = [f"{name}={value}" for name, value in (ENV | {"TERM": "xterm", "PS1": "$ "}).items()]
    return Shown(place.inside("env", "-i", *given, *words))


SHELL = ("bash", "--norc", "--noprofile", "-i")


def in_front(pid: int) -> bool:
    """Whether a program runs and has the terminal: the shell names the job before it gives it that."""
    stat = (
        Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    )  # proc(5): state, ppid, pgrp, session, tty, tpgid
    return stat[0] != "T" and stat[2] == stat[5]


def is_stopped(pid: int) -> bool:
    return status(pid)["State"].startswith("T")


def test_an_interactive_shell_has_job_control_below_pid_1(place: Throwaway) -> None:
    """No word about a terminal that it cannot have; a job is stopped, listed and continued, and interrupted."""
    shown = on_terminal(place, PYDROP, "--init", *SHELL)
    shown.shows(r"\$ ")
    assert "no job control" not in shown.text() and "cannot set terminal" not in shown.text()
    shown.type("sleep 44\n")
    assert until(lambda: any(cmdline(pid).startswith(b"sleep") for pid in below(shown.process.pid)))
    shown.type("\x1a")
    shown.shows(r"Stopped\s+sleep 44")
    shown.type("jobs\n")
    shown.shows(r"Stopped\s+sleep 44")
    shown.type("fg\n")
    shown.shows(r"sleep 44\s")
    assert until(lambda: any(in_front(pid) for pid in below(shown.process.pid) if cmdline(pid).startswith(b"sleep")))
    shown.type("\x03")
    shown.shows(r"\$ ")
    shown.type("echo code=$?\n")
    shown.shows(r"code=130")
    shown.type("exit 7\n")
    assert shown.end() == 7


def test_the_command_has_the_foreground_and_nobody_sends_it_a_signal(place: Throwaway) -> None:
    """No HUP and no CONT from the hand-over of the terminal (Yelp/dumb-init#136); Ctrl-C and a new size come once."""
    shown = on_terminal(place, PYDROP, "--init", sys.executable, "-I", "-c", RECORDER)
    shown.shows("<up>")
    fcntl.ioctl(shown.own, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
    shown.shows(f"<{int(signal.SIGWINCH)}>")
    shown.type("\x03")
    shown.shows(f"<{int(signal.SIGINT)}>")
    shown.type("\x1c")
    shown.shows(f"<{int(signal.SIGQUIT)}>")
    recorder = next(pid for pid in below(shown.process.pid) if b"RECORDER" in cmdline(pid) or b"<up>" in cmdline(pid))
    assert Path(f"/proc/{recorder}/stat").read_text().rpartition(")")[2].split()[2] == str(recorder)  # its own group
    os.kill(recorder, signal.SIGKILL)
    assert shown.end() == 137
    assert re.findall(r"<(\d+)>", shown.text()) == [
        str(int(n)) for n in (signal.SIGWINCH, signal.SIGINT, signal.SIGQUIT)
    ]


def test_ctrl_z_below_pid_1_stops_nothing_for_ever(place: Throwaway) -> None:
    """No shell is above that could continue it, so it goes on, as it would without an init."""
    shown = on_terminal(place, PYDROP, "--init", "sh", "-c", "stty -echo; echo up; read line; echo got=$line")
    shown.shows("up")
    shown.type("\x1a")
    shown.type("hello\n")
    shown.shows("got=hello")
    assert shown.end() == 0


def test_pydrop_is_a_job_of_the_shell_above_it(place: Throwaway) -> None:
    """Ctrl-Z stops it and its command, the shell says so, fg continues both, with the terminal; bg without."""
    shown = on_terminal(place, *SHELL)
    shown.shows(r"\$ ")
    shown.type(f'{PYDROP} --init {sys.executable} -I -c \'import sys; print("up"); print("got=" + input())\'\n')
    shown.shows(r"up\s")
    shown.type("\x1a")
    shown.shows(r"Stopped")
    shown.type("fg\n")
    shown.type("again\n")
    shown.shows("got=again")
    shown.type(f"{PYDROP} --init sleep 33\n")
    assert until(lambda: any(cmdline(pid).startswith(b"sleep") for pid in below(shown.process.pid)))
    shown.type("\x1a")
    shown.shows(r"Stopped")
    shown.type("bg\n")
    shown.shows(r"sleep 33 &")
    shown.type("echo mine\n")  # the terminal is the shell's
    shown.shows(r"mine\s+\$ ")
    shown.type("kill %1; wait; echo ended\n")
    shown.shows(r"ended\s+\$ ")
    shown.type("exit 0\n")
    assert shown.end() == 0


def test_a_background_job_does_not_take_the_terminal(place: Throwaway) -> None:
    """tini does: whoever types then types into nowhere."""
    shown = on_terminal(place, *SHELL)
    shown.shows(r"\$ ")
    shown.type(f"{PYDROP} --init {CHILD} asleep &\n")
    shown.shows("ready")
    shown.type("echo mine\n")
    shown.shows(r"mine\s+\$ ")
    shown.type("kill %1; wait; exit 0\n")
    assert shown.end() == 0


@pytest.mark.parametrize("when", ["stopped in the background", "running in the background"])
def test_a_background_job_that_is_brought_to_the_front_reads_the_terminal(place: Throwaway, when: str) -> None:
    """A shell continues what it has seen stop. What runs, it only gives the terminal, and tells nobody: the command, in
    a group of its own, is then stopped when it reads (TTIN)."""
    stops = when.startswith("stopped")
    shown = on_terminal(place, *SHELL)
    shown.shows(r"\$ ")
    shown.type(f"{PYDROP} --init sh -c 'sleep {0 if stops else 2}; read line; echo got=$line' &\n")
    shown.shows(r"\$ ")
    words = b"sh\0-c\0" if stops else b"sleep\0"
    assert until(
        lambda: any(is_stopped(pid) == stops for pid in below(shown.process.pid) if cmdline(pid).startswith(words))
    )
    shown.type("fg\n")
    shown.shows(r"read line.*\s")
    if not stops:
        assert until(lambda: not any(cmdline(pid).startswith(b"sleep\0") for pid in below(shown.process.pid)))
    shown.type("hello\n")
    shown.shows("got=hello")
    shown.type("exit 3\n")
    assert shown.end() == 3
