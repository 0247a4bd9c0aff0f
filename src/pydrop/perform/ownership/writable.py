"""Whether a user can write something: asked of the kernel by a process that has that user's rights.

Owner and mode mean little on NFS with root_squash, CIFS, VirtioFS or an idmapped mount; the kernel's answer does.

Only the effective ids of that process are the user's. Its real and its saved uid stay root's: so none of the user's own
processes can stop it (``kill(-1, SIGSTOP)``), end it or trace it (kill(2), ptrace(2)).
"""

import _signal
import posix as os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .volume_path import OpenVolume
PATIENCE = 5.0  # seconds for an answer: a server may be dead, and others may keep the process from a processor
LAST_WAIT = 0.5  # seconds for a killed process to go: it may be stuck in the kernel


def can_write(place: "OpenVolume", uid: int, gid: int, groups: tuple[int, ...]) -> bool | None:
    """Whether uid:gid with these supplementary groups may write `place` (and enter it, where it is a folder).

    None where no answer came in time; False where it cannot be found out otherwise.
    """
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    child = None
    try:
        child = os.fork()
        if child == 0:
            _answer(place, uid, gid, groups)  # with signals held back: the parent's stack is not the child's to unwind
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
        status = _status(child, PATIENCE)
        if status is None:
            return None
        child = None
        return status == 0
    except OSError:  # no more processes, or SIGCHLD is ignored and the kernel kept no status
        return False
    finally:
        if child:
            _end(child)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def _answer(place: "OpenVolume", uid: int, gid: int, groups: tuple[int, ...]) -> None:
    """Take the user's rights, ask, and exit: 0 for yes. Never returns."""
    code = 1
    try:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(-1, uid, -1)
        if place.is_folder:
            can = os.access(".", os.W_OK | os.X_OK, dir_fd=place.fd, effective_ids=True)
        else:
            can = os.access(place.name, os.W_OK, dir_fd=place.parent, effective_ids=True, follow_symlinks=False)
        code = 0 if can else 1
    finally:
        os._exit(code)


def _status(child: int, seconds: float) -> int | None:
    """The wait status of a child; None where it has not ended in so many seconds."""
    end, pause = time.monotonic() + seconds, 0.0003
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            return None
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
    return ended[1]


def _end(child: int) -> None:
    """Leave no child behind: an access that hangs on a dead server is killed."""
    try:
        os.kill(child, _signal.SIGKILL)
        _status(child, LAST_WAIT)
    except OSError:
        pass
