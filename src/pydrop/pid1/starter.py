"""The starter's side of init mode: what it asks of init, before it becomes the command.

`perform` is the performer of InitStep. `entry` and `compat.init_tools` call the other functions.
"""

import fcntl
import marshal
import posix as os

from pydrop.errors import FAILED, BadSetting, PydropError
from pydrop.inherited import require_uninterrupted
from pydrop.pid1 import terminal
from pydrop.pid1.dialogue import ASKED, INIT_REFUSES, STARTER_FAILED
from pydrop.process import InitProcess, InitStep, Outcome, Start, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def plain(value: object) -> "Any":
    """A Value as a tuple of its fields, which marshal can write; anything else unchanged."""
    return tuple([plain(each) for each in value.contents()]) if isinstance(value, Value) else value


def perform(step: InitStep, start: Start) -> Outcome:
    """Send init the request. From here on this process leads a group of its own, in the foreground.

    With `session` it leads a session of its own instead, which has no terminal until init has let it go."""
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
    address = _line(init.answer)
    _end_if_refused(address)
    return Outcome(environment=(("NOTIFY_SOCKET", address),))


def _pipe_for_line(ready: str, init: InitProcess) -> int:
    """For ready=``fd:N`` make a pipe. N is its writing end, which the command inherits. Returns the reading end, or -1.

    BadSetting where descriptor N came open."""
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
    """Move a pipe to init away from the descriptor number that the command is to have."""
    for name in ("ask", "answer"):
        if getattr(init, name) == wanted:
            setattr(init, name, fcntl.fcntl(wanted, fcntl.F_DUPFD_CLOEXEC, wanted + 1))
            os.close(wanted)


def wait_for_go(init: InitProcess) -> None:
    """Wait until init has dropped privileges too. Where init could not, it has printed why, and this process ends."""
    word = os.read(init.answer, 1)
    require_uninterrupted()
    _end_if_refused(word.decode("ascii"))


def _line(descriptor: int) -> str:
    """Read one line, and no byte further: the word behind it is for wait_for_go."""
    line = b""
    while (octet := os.read(descriptor, 1)) not in (b"", b"\n"):
        line += octet
    return line.decode("ascii")


def _end_if_refused(word: str) -> None:
    """End this process where init refuses, and so has printed why. PydropError where init is gone."""
    if word == INIT_REFUSES.decode("ascii"):
        os._exit(FAILED)
    if not word:
        raise PydropError("the process that was to stay as init is gone", "see what killed it; the command was not run")


def fails(init: InitProcess) -> None:
    """Tell init that the command could not be run; this process's exit code says why."""
    try:
        os.write(init.ask, STARTER_FAILED)
    except OSError:  # init is gone
        pass


def _write(descriptor: int, content: bytes) -> None:
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    except BrokenPipeError:  # init is gone, which the read of its answer finds out
        pass
