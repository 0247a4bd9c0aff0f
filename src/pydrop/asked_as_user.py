"""Asks the kernel what a user may do, by a child process that has the user's effective ids.

Owner and mode mean little on NFS with root_squash, on CIFS, FUSE or an idmapped mount, or with access control lists;
the kernel's answer does. The child's real and saved uids stay root's, so none of the user's own processes may stop it
(``kill(-1, SIGSTOP)``), end it or trace it (kill(2), ptrace(2)). Nothing is changed here.
"""

import _signal
import posix as os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.model import Identity

Rights = tuple[int, int, tuple[int, ...]]  # uid, gid, supplementary groups

LONGEST = 1.0  # seconds for all answers together, where nobody says more
FIRST_PAUSE, LONGEST_PAUSE = 0.0003, 0.02  # seconds between two looks for an answer
LAST_WAIT = 0.5  # seconds for the end of a child that was killed: at once, unless it hangs in the kernel
PIECE = 65536  # bytes


def rights_of(who: "Identity | None") -> "Rights | None":
    return (who.uid, who.gid, who.groups) if who else None


def answers(
    who: "Rights | None", subjects: "tuple[str, ...]", ask: "Callable[[str], int]", seconds: "float | None" = None
) -> bytes:
    """What `ask`, which the child calls, returns for each subject in turn: one byte each, of those that came in time.

    A server may be dead, so it waits so many seconds in all. `who` None: the child stays who this process is. b""
    where the child cannot be had or cannot become that user, or the kernel does not tell."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    before = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    child, found, ended = -1, bytearray(), False
    try:
        child = os.fork()
        if child == 0:  # with signals held back: the parent's stack is not the child's to unwind
            _answer(who, subjects, ask, writing)
        os.close(writing)
        writing = -1
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
        ended = _receive(reading, found, time.monotonic() + (LONGEST if seconds is None else seconds))
    except OSError:  # no more processes
        pass
    finally:
        _end(child, ended)
        for descriptor in (reading, writing):
            if descriptor >= 0:
                os.close(descriptor)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, before)
    return bytes(found)


def _receive(reading: int, found: bytearray, until: float) -> bool:
    """Add what the child writes, until it ends or the time is over. Returns whether it has ended."""
    pause = FIRST_PAUSE
    while True:
        try:
            part = os.read(reading, PIECE)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            continue
        if not part:
            return True
        found += part


def _end(child: int, ended: bool) -> None:
    """Leave no child behind. One that hangs in the kernel on a dead server is not waited for."""
    if child <= 0:
        return
    try:
        if ended:  # its number may be another's by now, if SIGCHLD is ignored
            os.waitpid(child, 0)
            return
        os.kill(child, _signal.SIGKILL)
        until = time.monotonic() + LAST_WAIT
        while os.waitpid(child, os.WNOHANG)[0] == 0 and time.monotonic() < until:
            time.sleep(FIRST_PAUSE)
    except OSError:  # SIGCHLD is ignored, and the kernel has reaped it
        pass


def _answer(who: "Rights | None", subjects: "tuple[str, ...]", ask: "Callable[[str], int]", writing: int) -> None:
    """In the child: take the user's ids, ask, and exit. Never returns."""
    try:
        if who is not None:
            _become(*who)
        if _can_ask():
            for subject in subjects:
                os.write(writing, bytes((ask(subject),)))
    finally:
        os._exit(0)


def _become(uid: int, gid: int, groups: tuple[int, ...]) -> None:
    if set(os.getgroups()) != set(groups):
        os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)


def _can_ask() -> bool:
    """Whether the kernel answers for effective ids: an old runtime's filter refuses the call, whatever is asked."""
    return os.access("/", os.F_OK, effective_ids=True)
