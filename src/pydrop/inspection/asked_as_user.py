"""Asks the kernel what a user may do, by a child process that has the user's effective ids.

Its real and saved ids stay root's, so no process of that user may stop, trace or kill it. It is not waited for where a
server does not answer. Nothing is changed here. The mounts step and doctor ask.
"""

import _signal
import posix as os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.model import Identity

LONGEST = 1.0  # seconds for all answers together
LAST_WAIT = 0.5  # seconds for the end of a child that was killed: at once, unless it hangs in the kernel


def answers(who: "Identity | None", subjects: "tuple[str, ...]", ask: "Callable[[str], int]") -> bytes:
    """What `ask`, which the child calls, returns for each subject in turn: one byte each, of those that came in time.

    `who` None: the child stays who this process is. b"" where the child cannot be had or cannot become that user."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    child, found, whole = -1, b"", False
    try:
        child = os.fork()
        if child == 0:  # with signals held back: the parent's stack is not the child's to unwind
            _answer(who, subjects, ask, writing)
        os.close(writing)
        writing = -1
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
        found, whole = _received(reading)
    except OSError:  # no more processes
        pass
    finally:
        _end(child, whole)
        for descriptor in (reading, writing):
            if descriptor >= 0:
                os.close(descriptor)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
    return found


def _received(reading: int) -> tuple[bytes, bool]:
    """What the child writes within the time, and whether it has ended."""
    import select

    found, until = b"", time.monotonic() + LONGEST
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    while (left := until - time.monotonic()) > 0 and poll.poll(left * 1000):
        part = os.read(reading, 65536)
        if not part:
            return found, True
        found += part
    return found, False


def _end(child: int, ended: bool) -> None:
    """Leave no child behind. One that hangs in the kernel on a dead server is not waited for."""
    if child <= 0:
        return
    try:
        if ended:
            os.waitpid(child, 0)
            return
        os.kill(child, _signal.SIGKILL)
        until = time.monotonic() + LAST_WAIT
        while os.waitpid(child, os.WNOHANG)[0] == 0 and time.monotonic() < until:
            time.sleep(0.0005)
    except OSError:  # SIGCHLD is ignored, and the kernel has reaped it
        pass


def _answer(who: "Identity | None", subjects: "tuple[str, ...]", ask: "Callable[[str], int]", writing: int) -> None:
    """In the child: take the user's ids, ask, and exit. Never returns."""
    try:
        if who is not None:
            if set(os.getgroups()) != set(who.groups):
                os.setgroups(who.groups)
            os.setegid(who.gid)
            os.seteuid(who.uid)
        if _can_ask():
            for subject in subjects:
                os.write(writing, bytes((ask(subject),)))
    finally:
        os._exit(0)


def _can_ask() -> bool:
    """Whether the kernel answers for effective ids: an old runtime's filter refuses the call, whatever is asked."""
    return os.access("/", os.F_OK, effective_ids=True)
