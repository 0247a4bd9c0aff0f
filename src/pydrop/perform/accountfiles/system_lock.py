"""The system's lock on the account files, /etc/.pwd.lock, as lckpwdf(3), useradd and passwd take it."""

import errno
import fcntl
import posix as os
import time

from pydrop.errors import PydropError

LOCK = ".pwd.lock"
LOCKED_ELSEWHERE = (errno.EAGAIN, errno.EACCES)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)


class locked:  # noqa: N801 # a context manager that reads as a word; contextlib costs 2 ms
    """``with locked(folder, seconds, needed=...)``: hold fcntl(2)'s write lock on the folder's .pwd.lock.

    Where the lock is not `needed` and its file cannot be created, the work goes on without it: a read-only folder
    does not allow the file, nor does /etc to a user other than root. Raises PydropError where another process holds
    the lock longer than `seconds`.
    """

    def __init__(self, folder: int, seconds: float, *, needed: bool) -> None:
        self.folder = folder
        self.seconds = seconds
        self.needed = needed
        self.file = -1

    def __enter__(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            self.file = os.open(LOCK, flags, 0o600, dir_fd=self.folder)
        except OSError as error:
            if self.needed:
                raise
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise
            return
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_error: object) -> None:
        if self.file >= 0:
            os.close(self.file)  # which unlocks
            self.file = -1

    def _wait(self) -> None:
        deadline = time.monotonic() + self.seconds
        while True:
            try:
                fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if error.errno in NO_LOCKS:
                    return
                if error.errno not in LOCKED_ELSEWHERE:
                    raise
            if time.monotonic() >= deadline:
                raise PydropError(
                    f"unable to lock /etc/{LOCK}: another program has held it for {self.seconds:g} s",
                    "let the useradd, passwd or other pydrop that holds it end, or end it (fuser /etc/.pwd.lock "
                    "names it), and start again",
                )
            time.sleep(0.01)
