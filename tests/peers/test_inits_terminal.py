"""The inits as `docker run -t` starts them: PID 1 leads a session, and standard input is its terminal."""

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.throwaway import Throwaway
from tests.program.initmode import below, children, until

from .inits import CHILD, ENVIRONMENT, INITS, Alive, is_settled, made

pytestmark = pytest.mark.quick

INTERRUPT, QUIT, SUSPEND = b"\x03", b"\x1c", b"\x1a"
KEYS = {INTERRUPT: 2, QUIT: 3, SUSPEND: 20}
MARK = 40


class OnTerminal(Alive):
    """`own` is the terminal's other end, where keys are typed. What the command prints goes to a pipe."""

    def __init__(self, place: Throwaway, init: str, *options: str, what: str = "record") -> None:
        given = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        leading = ("setsid", "--ctty", "env", "-i", *given)
        inside = place.inside(*leading, *INITS[init], *options, "--", CHILD, what)
        self.own, theirs = pty.openpty()
        self.process = subprocess.Popen(
            ["unshare", "--kill-child", *inside[1:]], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, bufsize=0
        )
        os.close(theirs)
        self.started.append(self)
        assert self.line() == "ready"
        self.pid = children(self.process.pid)[0]
        self.settle()

    def settle(self) -> None:
        until(lambda: all(is_settled(pid) for pid in [self.pid, *below(self.pid)]))

    def seen(self) -> list[int]:
        """The signals that the command got until now, but for the mark behind them."""
        self.send(MARK)
        came: list[int] = []
        while (line := self.line()) != str(MARK):
            came.append(int(line))
        return came

    def type(self, key: bytes) -> None:
        os.write(self.own, key)

    def kill(self) -> None:
        super().kill()
        os.close(self.own)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Throwaway:
    return made(tmp_path_factory.mktemp("terminal"))


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    while Alive.started:
        Alive.started.pop().kill()


def foreground(pid: int) -> "tuple[bool, bool]":
    """Whether a process has a controlling terminal, and whether its group is in the foreground there (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    group, terminal, in_front = int(fields[2]), int(fields[4]), int(fields[5])
    return terminal != 0, terminal != 0 and in_front == group


WAYS = [
    *[("tini", ()), ("our tini", ()), ("our tini", ("-g",)), ("dumb-init", ()), ("our dumb-init", ())],
    *[("our dumb-init", ("-c",)), ("pydrop", ())],
]


@pytest.mark.parametrize(("init", "options"), WAYS)
def test_the_command_has_the_terminal(init: str, options: "tuple[str, ...]", place: Throwaway) -> None:
    alive = OnTerminal(place, init, *options)
    assert foreground(alive.command()) == (True, True)


@pytest.mark.parametrize(("init", "options"), WAYS)
def test_no_signal_comes_of_the_terminals_hand_over(init: str, options: "tuple[str, ...]", place: Throwaway) -> None:
    """The kernel sends HUP and CONT as PID 1 gives the terminal up, which nobody meant for the command
    (dumb-init#136)."""
    assert OnTerminal(place, init, *options).seen() == []


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("init", "options"), [way for way in WAYS if way[0] != "dumb-init"])
def test_a_key_is_one_signal(init: str, options: "tuple[str, ...]", key: bytes, place: Throwaway) -> None:
    """The terminal sends it to the foreground, where the init is not."""
    alive = OnTerminal(place, init, *options)
    alive.type(key)
    assert alive.line() == str(KEYS[key])
    assert alive.seen() == []


def test_dumb_inits_single_child_gets_a_key_twice(place: Throwaway) -> None:
    """Why ours has a group of its own there: dumb-init is in the foreground too, and passes it on. Not each time: the
    second is one with the first where that has not been taken yet."""
    alive = OnTerminal(place, "dumb-init", "-c")
    for _ in range(500):
        alive.type(INTERRUPT)
        assert alive.line() == "2"
        if alive.seen() == [2]:
            return
    pytest.fail("one signal for each of 500 keys")


def test_a_stop_that_is_typed_stops_tinis_command_for_ever(place: Throwaway) -> None:
    """dumb-init's is in an orphaned process group, where the kernel ignores it."""
    alive = OnTerminal(place, "tini", what="asleep")
    alive.type(SUSPEND)
    assert until(lambda: alive.state() == "ST")
    alive.settle()
    assert alive.state() == "ST"


@pytest.mark.parametrize(
    ("init", "options"), [("our tini", ()), ("our dumb-init", ()), ("our dumb-init", ("-c",)), ("pydrop", ())]
)
def test_a_stop_that_is_typed_stops_nothing_for_ever(init: str, options: "tuple[str, ...]", place: Throwaway) -> None:
    """No shell is above PID 1 that could continue its command: a TERM behind the stop is heard."""
    alive = OnTerminal(place, init, *options, what="asleep")
    alive.type(SUSPEND)
    alive.type(INTERRUPT)
    assert alive.end() == 130


@pytest.mark.parametrize("init", ["our tini", "our dumb-init", "pydrop"])
def test_a_hup_that_is_meant_comes(init: str, place: Throwaway) -> None:
    """Only what the hand-over makes is taken back."""
    alive = OnTerminal(place, init)
    alive.send(1)
    alive.send(18)
    assert alive.seen() == [1, 18]
