"""Walks the path of an entry from `/` on, one component at a time, each opened relative to the folder before it.

The kernel follows no link here (O_NOFOLLOW). This module follows a link only where root created it in a folder that
nobody else can write (`/var/run`). Anything else in place of a folder was planted or is a mistake, and is refused.
"""

import _stat as stat
import errno
import posix as os

ROOT = "/"
WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
MOST_LINKS = 40  # as the kernel's own limit (path_resolution(7))


class Refused(Exception):
    """An entry cannot be created or fixed: the reason, the remedy, and `errno` where the kernel gave one."""

    def __init__(self, why: str, remedy: str, number: int | None = None) -> None:
        super().__init__(why, remedy)
        self.why = why
        self.remedy = remedy
        self.errno = number
        self.replaced = False  # whether others than root can have put there what is in the way


class Place:
    """Where an entry is, as far as the way was walked: `name` in the last folder, which `parent` is open on.

    `alone` says whether nobody but root can rename anything on the way to that folder."""

    def __init__(self) -> None:
        self.folders = [os.open(ROOT, WALK)]
        self.alone = True
        self.name = ""

    @property
    def parent(self) -> int:
        return self.folders[-1]

    def close(self) -> None:
        while self.folders:
            os.close(self.folders.pop())

    def follow(self, path: str, last: bool) -> None:
        """Walk to the last component; folders on the way are created where they are missing.

        With `last`, a link of root's in the last place is walked too. Raises Refused, OSError."""
        rest = names(path)
        links = 0
        while rest:
            self.name = rest.pop()
            target = None
            if self.name == "..":
                self.leave()
            elif rest:
                target = self.enter()
            else:
                target = self.target() if last else None
                if target is None:
                    return
            if target is not None:
                links += 1
                if links > MOST_LINKS:
                    raise Refused("it leads through too many links", "name the folder itself")
                rest += names(target)
                while target.startswith("/") and len(self.folders) > 1:
                    self.leave()
        raise Refused("it is no place for anything", "name a path below /run")

    def may_be_replaced(self) -> bool:
        """Whether somebody other than root can have put there what has the name now, or taken it away."""
        folder = os.fstat(self.parent)
        try:
            status = look(self.parent, self.name)
        except OSError:
            status = None
        if status is None:
            return not self.alone or not _is_roots(folder)
        return status.st_uid != 0 or not self.alone_with(status)

    def alone_with(self, status: os.stat_result) -> bool:
        """Whether nobody but root can have put what has this status into the last folder."""
        return self.alone and _keeps(os.fstat(self.parent), status)

    def leave(self) -> None:
        if len(self.folders) > 1:
            os.close(self.folders.pop())

    def enter(self) -> str | None:
        """Open the next folder, created where it is missing. Where a link is in its place, return its target."""
        above = os.fstat(self.parent)
        try:
            folder = os.open(self.name, WALK, dir_fd=self.parent)
        except FileNotFoundError:
            os.mkdir(self.name, 0o755, dir_fd=self.parent)
            folder = os.open(self.name, WALK, dir_fd=self.parent)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            target = self.target()
            if target is None:
                raise Refused(
                    f"{self.name} on the way there is no folder", "remove it, or name another path"
                ) from error
            return target
        self.folders.append(folder)
        self._note_way(above)
        return None

    def _note_way(self, above: os.stat_result) -> None:
        """A folder of `above` was entered. Raises Refused for one that root keeps to itself, if it may have been moved
        there: what is created in it would be led astray."""
        status = os.fstat(self.parent)
        self.alone = self.alone and _keeps(above, status)
        if not self.alone and is_private(status):
            raise Refused(
                f"{self.name} on the way is a private folder of root's that others could have moved there",
                "remove it, or give it the right owner in the image",
            )

    def target(self) -> str | None:
        """The target of a link; None for anything else. Raises Refused for a link that is not surely root's."""
        status = look(self.parent, self.name)
        if status is None or not stat.S_ISLNK(status.st_mode):
            return None
        if not (self.alone and status.st_uid == 0 and _is_roots(os.fstat(self.parent))):
            raise Refused(f"{self.name} is a link that somebody other than root could have put there", "remove it")
        return os.readlink(self.name, dir_fd=self.parent)


def is_private(status: os.stat_result) -> bool:
    """Whether root keeps this to itself."""
    return status.st_uid == 0 and not status.st_mode & 0o077


def _is_roots(folder: os.stat_result) -> bool:
    """Whether only root can put names into this folder, or exchange them."""
    return folder.st_uid == 0 and not folder.st_mode & 0o022


def _keeps(folder: os.stat_result, status: os.stat_result) -> bool:
    """Whether nobody but root can have put this into the folder.

    In a sticky folder (`/tmp`) nobody moves what is root's; but a file could be a further name of one elsewhere."""
    if folder.st_mode & stat.S_ISVTX and folder.st_uid == status.st_uid == 0:
        return stat.S_ISDIR(status.st_mode) or _is_roots(folder)
    return _is_roots(folder)


def names(path: str) -> list[str]:
    """The components of a path, last first, so that the next one is popped off the end."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def look(parent: int, name: str) -> os.stat_result | None:
    """The status of a name in a folder, without following a link; None where nothing has the name."""
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
