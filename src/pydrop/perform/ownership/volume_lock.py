"""One volume, several containers that start together: an advisory lock on the top folder lets one of them work.

flock(2) of the folder itself: there is nothing to make and nothing to clean up, and a holder that is killed leaves
nothing behind. Anybody who may read the folder may hold it too, so nobody is waited for without end.
"""

import _stat as stat
import fcntl
import posix as os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .mounts import MountTable


STEP = 0.05  # seconds between two attempts: flock(2) has no timeout
LONGEST_WAIT = 600.0  # seconds to wait for another container's root, who alone can open the top: it may hang
OPEN_WAIT = 30.0  # the same where others may open the top, and so lock it, perhaps so that no start succeeds
OWN_WAIT = 1.0  # the same where the top is the user's own, who can hold it for ever: a walk alone makes it root's
READ_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH  # a list of access (acl(5)) shows in the group's bits
# Where a folder has one lock for all who can reach it; an NFS client keeps it to itself, and so may others
LOCAL = ("bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs")


class Lock:
    """The lock of a volume's top folder, and what came of asking for it."""

    def __init__(self, top: int) -> None:
        """`top` may be held by O_PATH. Raises OSError where the folder cannot be opened."""
        self.fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=top)
        self.alone = False  # nobody else who asks for the lock works on the volume now
        self.waited = 0.0  # seconds
        self.refused = False  # another container has had it for too long

    def take(self, alone: bool, uid: int, table: "Callable[[], MountTable]", waiting: "Callable[[], None]") -> None:
        """Wait for the lock: to work `alone`, or beside others that share it. `waiting` is called meanwhile.
        `uid` is whose the volume shall be.

        Where the filesystem has no locks, the work goes on without, and nobody counts as alone.
        """
        kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        began = other = time.monotonic()  # `other`: when the top was last seen to be another user's
        try:
            while not self._attempt(kind):
                now = time.monotonic()
                self.waited = now - began
                top = os.fstat(self.fd)
                if top.st_uid != uid:
                    other = now
                longest = LONGEST_WAIT if top.st_uid == 0 and not top.st_mode & READ_BY_OTHERS else OPEN_WAIT
                if self.waited > longest or now - other > OWN_WAIT:
                    self.refused = True
                    return
                waiting()
                time.sleep(STEP)
        except OSError:  # ENOLCK, EOPNOTSUPP: there are none
            return
        self.alone = alone and table().filesystem_type(self.fd) in LOCAL

    def _attempt(self, kind: int) -> bool:
        try:
            fcntl.flock(self.fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        os.close(self.fd)
