"""A folder on the way through a volume: its descriptor, and what is left to do in it."""

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

    O_NOATIME is for the owner and CAP_FOWNER only (open(2)); where this process is neither, the folder is opened
    without. Raises OSError, for a symlink too.
    """
    try:
        return os.open(name, FOLDER | os.O_NOATIME, dir_fd=start)
    except PermissionError as error:
        if error.errno != EPERM:
            raise
        return os.open(name, FOLDER, dir_fd=start)


def on_disk(info: os.stat_result) -> bool:
    """Whether it lies on a block device of this machine; only then is a folder's size believed."""
    return os.major(info.st_dev) != 0


class Folder:
    """An open folder, found as `name` in the folder `above` it; None for the top.

    `fd` is -1 while the folder is too far up to be kept open.
    """

    def __init__(self, fd: int, name: str, above: "Folder | None") -> None:
        """Take over the descriptor. Raises OSError where fstat(2) fails; then the descriptor is left to the caller."""
        self.info = os.fstat(fd)
        self.fd = fd
        self.name = name
        self.above = above
        # Nobody but root can exchange names here, so an entry may be changed by its name after a look at it: two calls
        # instead of four. fs.protected_hardlinks is no reason to do so elsewhere: a link of root's that lies in the
        # volume already can still be renamed
        self.root_alone = self.info.st_uid == 0 and not self.info.st_mode & 0o022
        self.taken = False  # from its owner, to whom it goes back where the user cannot get it
        self.lent = False  # by the process that forked this one, which alone may take, finish or give back the folder
        self.folders: list[str] = []  # still to enter
        self.found = 0  # folders in it that are entered or will be
        self.done = 0  # of those, what this process is through with
        self.began = time.monotonic()
        self.names: list[str] = []  # entries that are listed, and still to look at
        self.entries: ScandirIterator | None = None  # those still to be listed, once that has begun
        self.ended = False
        self.place: int | None = None  # how far its path has come in the patterns of what is excluded, see Patterns

    def is_brief(self) -> bool:
        """Whether nothing of it is listed yet, and all of it may be: os.listdir is quicker than os.scandir, but holds
        all names at once."""
        return self.entries is None and 0 < self.info.st_size <= BRIEF and on_disk(self.info)

    def listing(self) -> "ScandirIterator":
        """What is still to be listed. Raises OSError."""
        if self.entries is None:
            self.entries = os.scandir(self.fd)
        return self.entries

    def has_entries(self) -> bool:
        """Whether there may be some to look at."""
        return not self.ended or bool(self.names)

    def note(self, folders: list[str]) -> None:
        """Folders in it were found, which are to be entered."""
        self.folders += folders
        self.found += len(folders)

    def keep(self, names: list[str]) -> None:
        """Entries are listed, and to be looked at later."""
        self.names += names

    def take_names(self, most: int) -> list[str]:
        """Some of the entries that are listed already; they are no longer to look at here."""
        names = self.names[-most:]
        del self.names[-most:]
        return names

    def take_folders(self, count: int) -> list[str]:
        """The first of the folders still to enter; they are no longer to enter here."""
        folders = self.folders[:count]
        del self.folders[:count]
        return folders

    def put_back(self, folders: list[str]) -> None:
        """Folders that were taken from here are to be entered here after all."""
        self.folders += folders

    def become_part(self, folders: list[str], names: list[str]) -> None:
        """In a worker: of this folder, which the process that forked it has open too, only this part is left to do."""
        self.folders, self.names = folders, names
        self.found, self.done = len(folders), 0
        self.began = time.monotonic()
        self.ended = self.lent = True

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
        """To its owner from before it was taken: the walk ends here, or the folder cannot be given to the user.

        Where the kernel refuses that, the folder stays root's, which the next start sees as wrong.
        """
        if self.taken and self.fd >= 0 and not self.lent:
            self.root_alone = self.taken = False
            try:
                os.chown(self.fd, self.info.st_uid, -1)
            except OSError:
                pass

    def end(self) -> None:
        """There are no more entries to list."""
        if self.entries and not self.ended:
            self.entries.close()
        self.ended = True

    def close(self) -> None:
        if not self.ended:
            self.end()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def leave(self) -> None:
        """Close it for good: all below it is done, which the folder above counts."""
        if self.above is not None:
            self.above.done += 1
        self.close()

    def reopen(self, name: str, start: int) -> bool:
        """Open it again by a name in `start`; whether what was opened is this very folder. Raises OSError."""
        self.fd = opened(name, start)
        info = os.fstat(self.fd)
        return (info.st_dev, info.st_ino) == (self.info.st_dev, self.info.st_ino)

    def path(self, name: str) -> str:
        """The path of an entry here relative to the volume; for "" that of the folder with a slash behind it."""
        names = [name]
        folder = self
        while folder.above is not None:
            names.append(folder.name)
            folder = folder.above
        return "/".join(reversed(names))
