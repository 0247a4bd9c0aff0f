"""The lock of a container's start: /run/pydrop/lock, held by the process that makes the start until it is the command.

It is a lock of fcntl(2), which belongs to that process alone: no worker and no hook inherits it, and the kernel takes
it away when the process ends or executes the command. The file names its holder, as the record does, so that another
container that shares /run is told from this one. Whoever waits holds the lock shared.
"""

import errno
import fcntl
import posix as os
import time

from pydrop import proc_stat
from pydrop.errors import Untrusted
from pydrop.record import LOCK, PLACE
from pydrop.trust import roots_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ABOVE = 200  # the lowest descriptor for the lock: `ready = fd:N` wants a low one to be free
MOMENT = 0.002  # seconds between two looks at who holds the lock
NAME_SIZE = 128  # bytes of the file, which is never made shorter: on ext4 and overlayfs that waits for the disk
BUSY = (errno.EAGAIN, errno.EACCES)


class StartLock:
    """The lock, whether this process holds it or not. Where /run cannot have the file, nobody ever holds it."""

    def __init__(self) -> None:
        self.file = _opened()

    @classmethod
    def is_held(cls) -> bool:
        """Whether another living process of this container has taken the lock last."""
        lock = cls()
        holder = lock._holder() if lock.file >= 0 else ""
        lock.release()
        return proc_stat.lives(holder) and proc_stat.pid_of(holder) != os.getpid()

    def take(self, before_waiting: "Callable[[int], None]") -> bool:
        """Take the lock. False where another process of this container held it, and this one has waited for its end.

        `before_waiting` is called with that process's pid."""
        while not self.took():
            holder = self._holder()
            if proc_stat.lives(holder):
                before_waiting(proc_stat.pid_of(holder))
                fcntl.lockf(self.file, fcntl.LOCK_SH)
                return False
            if holder and holder.split(" ")[0] != proc_stat.container():
                self.release()  # another container has the same /run
                return True
            time.sleep(MOMENT)  # the holder has not written its name yet, or is one who waited
        return True

    def took(self) -> bool:
        """Take the lock unless somebody has it. True too where there can be none."""
        if self.file < 0:
            return True
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(self.file, proc_stat.instance(os.getpid()).encode("ascii").ljust(NAME_SIZE), 0)
        except OSError as error:
            if error.errno in BUSY:
                return False
            self.release()  # a filesystem without locks, or one that is full
        return True

    def retake(self) -> None:
        """Take the lock where there was no place for it before, and /run is there by now."""
        if self.file < 0:
            self.file = _opened()
            if not self.took():
                self.release()

    def release(self) -> None:
        if self.file >= 0:
            os.close(self.file)
        self.file = -1

    def _holder(self) -> str:
        return os.pread(self.file, NAME_SIZE, 0).decode("ascii", "replace").rstrip()


def _opened() -> int:
    """A descriptor of the file, which is root's alone; -1 where that cannot be."""
    try:
        folder = roots_folder(PLACE)
    except (OSError, Untrusted):
        return -1
    try:
        return _moved(os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600, dir_fd=folder))
    except OSError:
        return -1
    finally:
        os.close(folder)


def _moved(file: int) -> int:
    """The descriptor, moved up where there is room. Closing the other one would end a lock: there is none yet."""
    try:
        higher = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, ABOVE)
    except OSError:
        return file
    os.close(file)
    return higher
