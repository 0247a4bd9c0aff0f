"""The side of the process that makes the start: what it asks of the one that stays, before it becomes the command."""

import _signal
import fcntl
import marshal
import posix as os

from pydrop.errors import FAILED, BadSetting, PydropError
from pydrop.inherited import require_uninterrupted
from pydrop.pid1 import terminal
from pydrop.pid1.dialogue import ASKED, INIT_REFUSES, NOT_WANTED, STARTER_FAILED
from pydrop.process import InitProcess, InitStep, Outcome, Start, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def plain(value: object) -> "Any":
    """A value as what marshal takes: its fields in a tuple."""
    return tuple([plain(each) for each in value.contents()]) if isinstance(value, Value) else value


def decline(init: InitProcess) -> None:
    """Nothing asks for init mode: init makes the start itself. Never returns."""
    came_ignored = _signal.getsignal(_signal.SIGCHLD) == _signal.SIG_IGN
    blocked = sum([1 << number for number in _signal.pthread_sigmask(_signal.SIG_BLOCK, ())])
    os.write(init.ask, NOT_WANTED + bytes([came_ignored]) + blocked.to_bytes(9, "little"))
    os._exit(0)


def perform(step: InitStep, start: Start) -> Outcome:
    """Tell init what to do. From here on this process is in a group of its own, in the foreground; or in a
    session of its own, which has no terminal until init has let it go."""
    init = start.init
    assert init is not None
    if step.supervision.session:
        os.setsid()
    pipe = _pipe_for_line(step.supervision.ready, init)
    content = marshal.dumps(plain(step))
    _write(init.ask, ASKED + len(content).to_bytes(4, "little") + (pipe + 1).to_bytes(4, "little") + content)
    if not step.supervision.session:
        terminal.in_group_of_its_own()
    if step.supervision.ready != "notify":
        return Outcome()
    place = _line(init.answer)
    _refuse_without(place)
    return Outcome(environment=(("NOTIFY_SOCKET", place),))


def _pipe_for_line(ready: str, init: InitProcess) -> int:
    """For ``fd:N``: N is the writing end of a pipe, which the command inherits; returns the reading end, else -1."""
    kind, _, number = ready.partition(":")
    if kind != "fd":
        return -1
    wanted = int(number)
    _make_room(wanted, init)
    try:
        os.fstat(wanted)
    except OSError:
        pass
    else:
        raise BadSetting(f"descriptor {wanted}, which ready=fd:{wanted} names, is in use", "name another one")
    reading, writing = os.pipe()
    if reading == wanted:
        reading = fcntl.fcntl(reading, fcntl.F_DUPFD_CLOEXEC, wanted + 1)
    if writing == wanted:
        os.set_inheritable(writing, True)
    else:
        os.dup2(writing, wanted)
        os.close(writing)
    return reading


def _make_room(wanted: int, init: InitProcess) -> None:
    """Move a descriptor of ours that has the number."""
    for name in ("ask", "answer"):
        if getattr(init, name) == wanted:
            setattr(init, name, fcntl.fcntl(wanted, fcntl.F_DUPFD_CLOEXEC, wanted + 1))
            os.close(wanted)


def wait_for_go(init: InitProcess) -> None:
    """Until init has given up root too. Where it could not it has said so, and nothing is run."""
    go = os.read(init.answer, 1)
    require_uninterrupted()
    _refuse_without(go.decode("ascii"))


def _line(descriptor: int) -> str:
    """Up to the end of a line, and no byte further: the word behind it is for wait_for_go."""
    line = b""
    while (more := os.read(descriptor, 1)) not in (b"", b"\n"):
        line += more
    return line.decode("ascii")


def _refuse_without(word: str) -> None:
    """Nothing is run where init refuses (it has said why) or is gone."""
    if word == INIT_REFUSES.decode("ascii"):
        os._exit(FAILED)
    if not word:
        raise PydropError("the process that was to stay as init is gone", "see what killed it; the command was not run")


def fails(init: InitProcess) -> None:
    """The command could not be run."""
    try:
        os.write(init.ask, STARTER_FAILED)
    except OSError:  # nobody is left to hear it
        pass


def _write(descriptor: int, content: bytes) -> None:
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    except BrokenPipeError:  # whoever waits for the answer finds init gone
        pass
