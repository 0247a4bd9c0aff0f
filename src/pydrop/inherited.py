"""What this process was started with, before Python or pydrop changed any of it.

The launcher (launcher.c) hands over a word STATE, argv[0], the arguments, and an environment in which every
string has a `!` in front. `python3 -I -m pydrop` comes without a launcher: then the environment is as
the kernel has it in /proc/self/environ, and SIGPIPE and SIGXFSZ are taken to have come unignored,
since CPython ignores both before anybody can look.
"""

import _signal
import posix as os
import sys

from pydrop.encoding import decoded
from pydrop.errors import Interrupted
from pydrop.process import InitProcess, Start, StarterProcess
from pydrop.signals import ENDING

IGNORED_BY_PYTHON = (_signal.SIGPIPE, _signal.SIGXFSZ)
DISGUISE = "!"


def from_launcher(words: list[str]) -> Start:
    """`words` is sys.argv as launcher.c left it: ``-c STATE NAME ARGUMENT...``."""
    _, state, name, *arguments = words
    ignored, blocked, clock, *forked = state.split(":")
    for descriptor in forked[2:]:
        os.set_inheritable(int(descriptor), False)
    return Start(
        name=name,
        arguments=tuple(arguments),
        environment=tuple([line[1:] for line in _environment() if line.startswith(DISGUISE)]),
        ignored=tuple([s for s, letter in zip(IGNORED_BY_PYTHON, ignored, strict=True) if letter != "-"]),
        blocked=tuple([s for s, letter in zip(ENDING, blocked, strict=True) if letter != "-"]),
        began=int(clock) / 1e6,
        init=_init(*map(int, forked[1:])) if forked[:1] == ["C"] else None,
        starter=_starter(*map(int, forked[1:])) if forked[:1] == ["G"] else None,
    )


def _init(pid: int, answer: int, ask: int) -> InitProcess:
    return InitProcess(pid=pid, ask=ask, answer=answer)


def _starter(pid: int, asks: int, answers: int) -> StarterProcess:
    return StarterProcess(pid=pid, asks=asks, answers=answers)


def without_launcher(words: list[str]) -> Start:
    """For ``python3 -I -m pydrop ARGUMENT...``."""
    came_blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)
    return Start(
        name=words[0],
        arguments=tuple(words[1:]),
        environment=_environment(),
        ignored=(),
        blocked=tuple([s for s in ENDING if s in came_blocked]),
    )


def _environment() -> tuple[str, ...]:
    """As the kernel laid it out at exec: in order, doubles included, without what Python added."""
    try:
        with open("/proc/self/environ", "rb") as file:
            block = file.read()
    except OSError:  # no /proc: Python's view, which has lost doubles and may have LC_CTYPE added
        from os import environ

        return tuple([f"{name}={value}" for name, value in environ.items()])
    return tuple([decoded(line) for line in block.split(b"\0")[:-1]])


def occupy_closed_streams() -> None:
    """Where 0, 1 or 2 came closed, keep a close-on-exec /dev/null there: a file that root opens must
    not get the number that messages are written to. The program finds it closed, as it came."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open("/dev/null", os.O_RDWR)  # takes the lowest free number: this one


def interruptible(start: Start) -> None:
    """From here on TERM, INT, HUP and QUIT raise `Interrupted`, also those that came since the launcher.

    A signal that came ignored stays ignored (nohup), one that came blocked stays blocked."""
    for number in ENDING:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _interrupt)
    sys.unraisablehook = _unraisable
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [s for s in ENDING if s not in start.blocked])


_interrupted = 0  # the signal that came first


def _interrupt(signum: int, _frame: object) -> None:
    """Once: a second signal must not break into the cleaning up after the first."""
    global _interrupted
    if not _interrupted:
        _interrupted = signum
        raise Interrupted(signum)


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    """What Python cannot raise it prints. An interruption that got lost so is raised again: require_uninterrupted."""
    if not isinstance(what.exc_value, Interrupted):
        sys.__unraisablehook__(what)


def end_by(signum: int) -> int:
    """Ends this process by the signal that interrupted it, for a parent that asks how its child ended (a shell stops
    its script after an interrupted child). Returns 128 + `signum` where that signal does nothing: to PID 1."""
    _signal.signal(signum, _signal.SIG_DFL)
    os.kill(os.getpid(), signum)
    return 128 + signum


def require_uninterrupted() -> None:
    """Raise Interrupted again where it was lost: what is raised inside a callback of the interpreter's
    own (importlib has some, for weak references) is printed as ignored, and the start would go on."""
    if _interrupted:
        raise Interrupted(_interrupted)
