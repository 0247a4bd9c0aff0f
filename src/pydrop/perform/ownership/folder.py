"""A folder on the way through a volume."""

import posix as os


class Folder:
    """An open folder, found as `name` in the folder `above` it; None for the top.

    `fd` is -1 while the folder is too far up to be kept open.
    """

    __slots__ = ("above", "ended", "entries", "fd", "folders", "ident", "info", "name", "root_alone")

    def __init__(self, fd: int, name: str, above: "Folder | None") -> None:
        """Take over the descriptor. Raises OSError where the folder cannot be read; then the descriptor is left."""
        self.info = os.fstat(fd)
        self.fd = fd
        self.name = name
        self.above = above
        self.ident = (self.info.st_dev, self.info.st_ino)
        # Nobody but root can exchange names here, so an entry may be changed by its name after a look at it: two calls
        # instead of four. fs.protected_hardlinks is no reason to do so elsewhere: a link of root's that lies in the
        # volume already can still be renamed
        self.root_alone = self.info.st_uid == 0 and not self.info.st_mode & 0o022
        self.folders: list[str] = []  # still to enter
        self.entries = os.scandir(fd)  # still to look at
        self.ended = False

    def end(self) -> None:
        """There are no more entries to look at."""
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
