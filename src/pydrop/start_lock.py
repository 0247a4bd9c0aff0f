"""The lock of a container's start: /run/pydrop/lock, held by the process that makes the start until it is the command.

Where /run cannot have it, it is in another of record.PLACES.

It is a lock of fcntl(2), which belongs to that process alone: no worker and no hook inherits it, and the kernel takes
it away when the process ends or executes the command. The file names its holder, as the record does, so that another
container that shares /run is told from this one. Whoever waits holds the lock shared.
"""

import errno
import fcntl
import posix as os
import time

from pydrop import proc_stat, state_folder
from pydrop.record import LOCK, PLACE, PLACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ABOVE = 200  # the lowest descriptor for the lock: `ready = fd:N` wants a low one to be free
MOMENT = 0.002  # seconds between two looks at who holds the lock
NAME_SIZE = 128  # bytes of the file, which is never made shorter: on ext4 and overlayfs that waits for the disk
BUSY = (errno.EAGAIN, errno.EACCES)


class StartLock:
    """The lock, whether this process holds it or not. Where no place can have the file, nobody ever holds it.

    `maker` is the process that had the lock before this one, while it lives: its pid, else 0."""

    def __init__(self, places: tuple[str, ...] = PLACES) -> None:
        self.file, self.place = _opened(places)
        self.later: StartLock | None = None  # the same in /run, which had no place for it at first
        self.maker = 0
        self._before = ""

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
            self._before = self._holder()
            self.maker = proc_stat.pid_of(self._before) if proc_stat.lives(self._before) else 0
            self._name(proc_stat.instance(os.getpid()))
        except OSError as error:
            if error.errno in BUSY:
                return False
            self.release()  # a filesystem without locks, or one that is full
        return True

    def retake(self) -> None:
        """Take the lock in /run too, where that had no place for it before and has one by now.

        Both are held then: whoever came before waits for the first one."""
        if self.place == PLACE:
            return
        later = StartLock((PLACE,))
        if later.took():
            self.later = later

    def release(self) -> None:
        if self.file >= 0:
            os.close(self.file)
        self.file = -1

    def give_back(self) -> None:
        """Release the lock of a start that another process has made: the file names that one as before."""
        if self.file >= 0:
            self._name(self._before)
        self.release()

    def _name(self, holder: str) -> None:
        os.pwrite(self.file, holder.encode("ascii", "replace").ljust(NAME_SIZE), 0)

    def _holder(self) -> str:
        return os.pread(self.file, NAME_SIZE, 0).decode("ascii", "replace").rstrip()


def _opened(places: tuple[str, ...]) -> tuple[int, str]:
    """A descriptor of the file, which is root's alone, and the place that has it; -1 and "" where none can."""
    for place in places:
        file = _opened_in(place)
        if file >= 0:
            return file, place
    return -1, ""


def _opened_in(place: str) -> int:
    folder = state_folder.at(place)
    if folder < 0:
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
