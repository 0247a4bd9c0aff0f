"""A folder on the way through a volume."""

import posix as os
import time
from errno import EPERM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class ScandirIterator(Protocol):
        """What os.scandir returns."""

        def __iter__(self) -> Iterator[os.DirEntry[str]]: ...

        def close(self) -> None: ...


BRIEF = 1 << 15  # bytes of a folder that is read at once: three thousand names at most
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK


def opened(name: str, start: int) -> int:
    """A descriptor of the folder `name` in `start`, through which a look leaves no trace in its access time.

    That one is the owner's, or CAP_FOWNER's, to spare (open(2)); where it is not ours, the folder is opened without.
    Raises OSError, for a symlink too.
    """
    try:
        return os.open(name, FOLDER | os.O_NOATIME, dir_fd=start)
    except PermissionError as error:
        if error.errno != EPERM:
            raise
        return os.open(name, FOLDER, dir_fd=start)


def on_disk(info: os.stat_result) -> bool:
    """Whether it lies on a block device of this machine; only then is it believed what it says of a folder's size."""
    return os.major(info.st_dev) != 0


class Folder:
    """An open folder, found as `name` in the folder `above` it; None for the top.

    `fd` is -1 while the folder is too far up to be kept open.
    """

    def __init__(self, fd: int, name: str, above: "Folder | None") -> None:
        """Take over the descriptor. Raises OSError where it says nothing of itself; then the descriptor is left."""
        self.info = os.fstat(fd)
        self.fd = fd
        self.name = name
        self.above = above
        self.ident = (self.info.st_dev, self.info.st_ino)
        # Nobody but root can exchange names here, so an entry may be changed by its name after a look at it: two calls
        # instead of four. fs.protected_hardlinks is no reason to do so elsewhere: a link of root's that lies in the
        # volume already can still be renamed
        self.root_alone = self.info.st_uid == 0 and not self.info.st_mode & 0o022
        self.taken = False  # from its owner, who gets it back where it cannot be given on
        self.lent = False  # by the process that walks here: to take it, finish it, or give it back is not for us
        self.folders: list[str] = []  # still to enter
        self.found = 0  # folders in it that are entered or will be
        self.done = 0  # of those, what this process is through with
        self.began = time.monotonic()
        self.names: list[str] = []  # entries that are listed, and still to look at
        self.entries: ScandirIterator | None = None  # those still to be listed, once that has begun
        self.ended = False

    def is_brief(self) -> bool:
        """Whether nothing of it is listed yet, and all of it may be: os.listdir is quicker than os.scandir, but holds
        all names at once."""
        return self.entries is None and 0 < self.info.st_size <= BRIEF and on_disk(self.info)

    def listing(self) -> "ScandirIterator":
        """What is still to be listed. Raises OSError."""
        if self.entries is None:
            self.entries = os.scandir(self.fd)
        return self.entries

    def take(self) -> None:
        """Make it root's alone for a while, so that entries may be changed by their names.

        Renaming and linking ask for the folder's owner under its lock, so that none goes on after this. Until then its
        owner could still open it to others, so its mode is looked at now. OSError where the kernel refuses.
        """
        os.chown(self.fd, 0, -1)
        self.taken = True
        self.root_alone = not os.fstat(self.fd).st_mode & 0o022
        if not self.root_alone:
            self.give_back()

    def give_back(self) -> None:
        """To whoever had it before it was taken: the walk ends here, or what should have had it cannot."""
        if self.taken and self.fd >= 0 and not self.lent:
            self.root_alone = self.taken = False
            os.chown(self.fd, self.info.st_uid, -1)

    def has_entries(self) -> bool:
        """Whether there may be some to look at."""
        return not self.ended or bool(self.names)

    def take_names(self, most: int) -> list[str]:
        """Some of the entries that are listed already; they are no longer to look at here."""
        names = self.names[-most:]
        del self.names[-most:]
        return names

    def end(self) -> None:
        """There are no more entries to list."""
        if self.entries and not self.ended:
            self.entries.close()
        self.ended = True

    def close(self) -> None:
        self.end()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def path(self, name: str) -> str:
        """The path of an entry here relative to the volume; for "" that of the folder with a slash behind it."""
        names = [name]
        folder = self
        while folder.above is not None:
            names.append(folder.name)
            folder = folder.above
        return "/".join(reversed(names))
