"""Whether a user can write something: asked of the kernel by a process that is that user.

Owner and mode mean little on NFS with root_squash, CIFS, VirtioFS or an idmapped mount; the kernel's answer does.
"""

import _signal
import posix as os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .volume_path import OpenVolume


def can_write(place: "OpenVolume", uid: int, gid: int, groups: tuple[int, ...]) -> bool:
    """Whether uid:gid with these supplementary groups may write `place` (and enter it, where it is a folder).

    False where it cannot be found out.
    """
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    child = None
    try:
        child = os.fork()
        if child == 0:
            _answer(place, uid, gid, groups)  # with signals held back: the parent's stack is not the child's to unwind
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
        status = os.waitpid(child, 0)[1]
        child = None
        return status == 0
    except OSError:  # no more processes, or SIGCHLD is ignored and the kernel kept no status
        return False
    finally:
        if child:
            _end(child)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def _answer(place: "OpenVolume", uid: int, gid: int, groups: tuple[int, ...]) -> None:
    """Become the user, ask, and exit: 0 for yes. Never returns."""
    code = 1
    try:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        # access(2) asks for the real ids, which are the user's now
        if place.is_folder:
            code = 0 if os.access(".", os.W_OK | os.X_OK, dir_fd=place.fd) else 1
        else:
            code = 0 if os.access(place.name, os.W_OK, dir_fd=place.parent) else 1
    finally:
        os._exit(code)


def _end(child: int) -> None:
    """Leave no child behind: an access that hangs on a dead server is killed."""
    try:
        os.kill(child, _signal.SIGKILL)
        os.waitpid(child, 0)
    except OSError:
        pass
