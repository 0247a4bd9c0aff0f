"""The state that this process was started with, before Python or pydrop changed any of it.

The launcher (launcher.c) hands over a word STATE, argv[0], the arguments, and an environment in which every string has
a `!` in front. ``python3 -I -B -m pydrop`` comes without a launcher. Then the environment is read from
/proc/self/environ, where the kernel keeps it, and SIGPIPE and SIGXFSZ count as not ignored, since CPython ignores both
before pydrop can look. The second half of the module turns TERM, INT, HUP and QUIT into `Interrupted` while root works.
"""

import _signal
import posix as os
import sys

from pydrop.encoding import decoded
from pydrop.errors import Interrupted
from pydrop.process import Start
from pydrop.signals import ENDING

IGNORED_BY_PYTHON = (_signal.SIGPIPE, _signal.SIGXFSZ)
DISGUISE = "!"  # the launcher puts it in front of each variable, so that no library finds a name that it reads


def from_launcher(words: list[str]) -> Start:
    """The start that launcher.c began. `words` is sys.argv as it left it: ``-c STATE NAME ARGUMENT...``, where STATE is
    ``IGNORED:BLOCKED:CLOCK``."""
    _, state, name, *arguments = words
    ignored, blocked, clock = state.split(":")
    return Start(
        name=name,
        arguments=tuple(arguments),
        environment=tuple([line[1:] for line in _environment() if line.startswith(DISGUISE)]),
        ignored=tuple([s for s, letter in zip(IGNORED_BY_PYTHON, ignored, strict=True) if letter != "-"]),
        blocked=tuple([s for s, letter in zip(ENDING, blocked, strict=True) if letter != "-"]),
        began=int(clock) / 1e6,
    )


def without_launcher(words: list[str]) -> Start:
    """The start of ``python3 -I -B -m pydrop ARGUMENT...``. TERM, INT, HUP and QUIT are blocked, as by the launcher."""
    came_blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)
    return Start(
        name=words[0],
        arguments=tuple(words[1:]),
        environment=_environment(),
        ignored=(),
        blocked=tuple([s for s in ENDING if s in came_blocked]),
    )


def _environment() -> tuple[str, ...]:
    """The environment as the kernel laid it out at exec: in order, with doubled names, without Python's additions."""
    try:
        block = _whole("/proc/self/environ")
    except OSError:  # without /proc Python's copy has to do, which lacks doubled names and may have LC_CTYPE added
        from os import environ

        return tuple([f"{name}={value}" for name, value in environ.items()])
    return tuple([decoded(line) for line in block.split(b"\0")[:-1]])


def _whole(path: str) -> bytes:
    parts: list[bytes] = []
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while part := os.read(file, 4096 << len(parts)):
            parts.append(part)
    finally:
        os.close(file)
    return b"".join(parts)


def occupy_closed_streams() -> None:
    """Open a close-on-exec /dev/null in place of each of 0, 1 and 2 that came closed.

    A file that root opens must not get the number that messages are written to. The program finds the descriptor
    closed, as it came."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open("/dev/null", os.O_RDWR)  # open(2) takes the lowest free number, which is `descriptor`


def interruptible(start: Start) -> None:
    """From here on TERM, INT, HUP and QUIT raise `Interrupted`. So does one that has waited since the launcher began.

    A signal that came ignored stays ignored (nohup). A signal that came blocked stays blocked."""
    for number in ENDING:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, _interrupt)
    sys.unraisablehook = _unraisable
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [s for s in ENDING if s not in start.blocked])


_interrupted = 0  # the first signal that interrupted this start


def _interrupt(signum: int, _frame: object) -> None:
    """Raise `Interrupted` once: a second signal must not interrupt the cleaning up after the first."""
    global _interrupted
    if not _interrupted:
        _interrupted = signum
        raise Interrupted(signum)


def _unraisable(lost: "sys.UnraisableHookArgs") -> None:
    """Print an exception that Python cannot raise, except `Interrupted`: require_uninterrupted raises that again."""
    if not isinstance(lost.exc_value, Interrupted):
        sys.__unraisablehook__(lost)


def end_by(signum: int) -> int:
    """End this process by the signal that interrupted it, so that its parent sees a signal and no exit code.

    A shell stops its script after a child that ended so. Returns 128 + `signum` where the signal has no effect, which
    is so for PID 1."""
    _signal.signal(signum, _signal.SIG_DFL)
    os.kill(os.getpid(), signum)
    return 128 + signum


def require_uninterrupted() -> None:
    """Raise `Interrupted` again where it was lost.

    Python only prints an exception that is raised inside a callback of the interpreter's own (importlib has some, for
    weak references). The start would go on."""
    if _interrupted:
        raise Interrupted(_interrupted)
