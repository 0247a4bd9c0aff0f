"""The way through a volume: every entry below the top, once, led by descriptors and never by a path.

Folders are left for good only when all below is done, and change their owner at that moment: until then a folder of
root's stays one that nobody else can rearrange.
"""

import os
from errno import ESTALE
from itertools import islice
from stat import S_ISDIR

from . import mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .report import Report
    from .wanted import Wanted

OPEN = 24  # folders kept open on the way down: with their iterators, under 60 descriptors at any depth
SLICE = 4096  # entries looked at before the folders among them are entered: bounds memory in wide folders
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK


class Level:
    """A folder on the way from the top to where the walk is. `fd` is -1 while it is too far up to be kept open."""

    __slots__ = ("ended", "entries", "fd", "folders", "ident", "info", "name", "root_alone")

    def __init__(self, fd: int, name: str, info: os.stat_result) -> None:
        self.fd = fd
        self.name = name
        self.info = info
        self.ident = (info.st_dev, info.st_ino)
        # Nobody but root can exchange names here, so an entry may be changed by its name after a look at it
        self.root_alone = info.st_uid == 0 and not info.st_mode & 0o022
        self.folders: list[str] = []  # still to enter
        self.entries = os.scandir(fd)
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


class Walk:
    """One walk of one process. `levels` is the way down; of it, 1 to `closed` have no descriptor just now."""

    __slots__ = ("closed", "descriptors", "levels", "mount", "mount_names", "report", "wanted")

    def __init__(self, wanted: "Wanted", report: "Report") -> None:
        self.wanted = wanted
        self.report = report
        self.levels: list[Level] = []
        self.closed = 0
        self.descriptors = -1  # /proc/self/fd, through which a held entry is reached
        self.mount: mounts.Mount | None = None
        self.mount_names: frozenset[str] = frozenset()

    def run(self, top: int) -> None:
        """Look at everything below the folder `top` (O_PATH), and change what is wrong, but not the top itself.

        Raises OSError where the top cannot be opened.
        """
        if not self.wanted.across_mounts:
            self.mount = mounts.Mount(top)
            self.mount_names = mounts.mount_point_names()
        try:
            self.descriptors = os.open("/proc/self/fd", os.O_PATH | os.O_DIRECTORY)
            fd = os.open(".", FOLDER, dir_fd=top)
            try:
                self.levels.append(Level(fd, ".", os.fstat(fd)))
            finally:
                if not self.levels:
                    os.close(fd)
            while self.levels:
                self._go_on(self.levels[-1])
        finally:
            for level in self.levels:
                level.close()
            if self.mount:
                self.mount.close()
            if self.descriptors >= 0:
                os.close(self.descriptors)

    def _go_on(self, level: Level) -> None:
        if level.folders:
            self._enter(level, level.folders.pop())
        elif level.ended:
            self._leave()
        else:
            self._sweep(level)

    # -- what is in a folder ----------------------------------------------------------------------

    def _sweep(self, level: Level) -> None:
        """Look at the next entries of a folder; change what is no folder, and note folders for later.

        The one loop whose every call counts: a look at an entry that is right is one call of the kernel.
        """
        uid, gid, mode, excluded = self.wanted.uid, self.wanted.gid, self.wanted.mode, self.wanted.excluded
        settle, settle_held, folders = self._settle, self._settle_held, level.folders
        prefix = self._path(level, "") if excluded else ""
        count = passed = 0
        ended = True
        hold = (
            False  # the entry before was held and wrong: so is this one probably, and a look without holding is waste
        )
        try:
            for count, entry in enumerate(islice(level.entries, SLICE), 1):  # noqa: B007 # what is counted is used below
                try:
                    if excluded and excluded(prefix + entry.name):
                        passed += 1
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif hold:
                        hold = settle_held(level, entry.name)
                    else:
                        info = entry.stat(follow_symlinks=False)
                        if info.st_uid != uid or info.st_gid != gid or (mode and mode(info.st_mode) != info.st_mode):
                            hold = settle(level, entry.name, info)
                except FileNotFoundError:
                    pass
                except OSError as error:
                    self._refuse(error, level, entry.name)
            ended = count < SLICE
        except OSError as error:  # the folder itself cannot be read to its end
            self._refuse(error, level, "")
        self.report.looked_at += count - passed
        if ended:
            level.end()

    def _settle(self, level: Level, name: str, info: os.stat_result) -> bool:
        """Give an entry that is no folder to whom it should belong; whether it had to be held for that.

        By its name, the look and the change are two calls, between which somebody who may write in this folder could
        put a link to a file of root's under the name. So this is done where root alone may write; elsewhere the entry
        is held by a descriptor and looked at again.
        """
        wanted = self.wanted
        if wanted.right(info) or S_ISDIR(info.st_mode):
            return False
        if info.st_nlink > 1 and wanted.of_others(info):
            self.report.linked.add(self._path(level, name))
            return False
        if not level.root_alone or wanted.mode is not None or name in self.mount_names:
            return self._settle_held(level, name)
        os.chown(name, wanted.uid, wanted.gid, dir_fd=level.fd, follow_symlinks=False)
        self.report.given += 1
        self.report.changed += 1
        return False

    def _settle_held(self, level: Level, name: str) -> bool:
        """Look and change by one descriptor (O_PATH: nothing is opened by that); whether it had to be changed."""
        wanted, report = self.wanted, self.report
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=level.fd)
        try:
            info = os.fstat(held)
            if wanted.right(info) or S_ISDIR(info.st_mode):
                return False  # a folder that was none a moment ago: the next start looks into it
            if name in self.mount_names and self.mount and not self.mount.holds(held):
                report.mounts.add(self._path(level, name))
            elif info.st_uid == 0 and wanted.unsure(level.fd, name, info):
                report.linked.add(self._path(level, name))
            elif wanted.mode is None:
                os.chown(str(held), wanted.uid, wanted.gid, dir_fd=self.descriptors)
                report.given += 1
                report.changed += 1
            else:
                self._change(held, info)
            return True
        finally:
            os.close(held)

    def _change(self, fd: int, info: os.stat_result, opened: bool = False) -> None:
        self.report.given += self.wanted.give(fd, info, opened)
        self.report.changed += 1

    # -- from folder to folder --------------------------------------------------------------------

    def _enter(self, parent: Level, name: str) -> None:
        try:
            fd = os.open(name, FOLDER, dir_fd=parent.fd)
        except (FileNotFoundError, NotADirectoryError):  # gone since, or exchanged: for a symlink it is ENOTDIR too
            return
        except OSError as error:
            self._refuse(error, parent, name)
            self._enter_not(parent, name)
            return
        try:
            if self.mount and not self.mount.holds(fd):
                self.report.mounts.add(self._path(parent, name))
            else:
                self.levels.append(Level(fd, name, os.fstat(fd)))
                fd = -1
        except OSError as error:
            self._refuse(error, parent, name)
        finally:
            if fd >= 0:
                os.close(fd)
        if len(self.levels) - self.closed > OPEN:
            self._close_farthest()

    def _enter_not(self, parent: Level, name: str) -> None:
        """Change a folder that cannot be looked into, as far as it is one."""
        try:
            held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=parent.fd)
        except OSError:
            return
        try:
            info = os.fstat(held)
            if not self.wanted.right(info) and (self.mount is None or self.mount.holds(held)):
                self._change(held, info)
        except OSError as error:
            self._refuse(error, parent, name)
        finally:
            os.close(held)

    def _leave(self) -> None:
        """The end of a folder: all below it is done, so it may change itself."""
        level = self.levels.pop()
        try:
            if self.levels:
                self._finish(level)
                if self.levels[-1].fd < 0:
                    self._climb(level)
        finally:
            level.close()

    def _finish(self, level: Level) -> None:
        if self.wanted.right(level.info):
            return
        try:
            self._change(level.fd, level.info, opened=True)
        except OSError as error:
            self._refuse(error, self.levels[-1], level.name)

    # -- deeper than there are descriptors --------------------------------------------------------

    def _close_farthest(self) -> None:
        """Close the folder next to the top that is still open, and read it to its end before that."""
        self.closed += 1
        level = self.levels[self.closed]
        while not level.ended:
            self._sweep(level)
        level.close()

    def _climb(self, child: Level) -> None:
        """Open the last level again, which was closed on the way down.

        ".." of a folder that somebody moved meanwhile may lie outside the volume: only the very folder that we came
        through is taken.
        """
        level = self.levels[-1]
        try:
            level.fd = os.open("..", FOLDER, dir_fd=child.fd)
            found = self._is(level, level.fd)
        except OSError:
            found = False
        if found:
            self.closed -= 1
            return
        level.close()
        self._descend_again()

    def _is(self, level: Level, fd: int) -> bool:
        info = os.fstat(fd)
        return (info.st_dev, info.st_ino) == level.ident and (self.mount is None or self.mount.holds(fd))

    def _descend_again(self) -> None:
        """Find the way from the top to the last level by name; what is no longer on it is given up, and reported."""
        depth = 0
        fd = self.levels[0].fd
        for level in self.levels[1:]:
            try:
                level.fd = os.open(level.name, FOLDER, dir_fd=fd)
                found = self._is(level, level.fd)
            except OSError:
                found = False
            if not found:
                break
            if depth:
                self.levels[depth].close()
            depth, fd = depth + 1, level.fd
        else:
            self.closed = depth - 1
            return
        lost = self.levels[depth + 1]
        self.report.refuse(ESTALE, self._path(lost, ""))
        lost.close()
        del self.levels[depth + 1 :]
        self.closed = max(depth - 1, 0)

    # -- words ------------------------------------------------------------------------------------

    def _path(self, level: Level, name: str) -> str:
        """The path of an entry of `level` relative to the volume; for "" that of the folder with a slash behind it."""
        names = [above.name for above in self.levels[1:]]
        if level in self.levels:
            names = names[: self.levels.index(level)]
        return "/".join([*names, name])

    def _refuse(self, error: OSError, level: Level, name: str) -> None:
        self.report.refuse(error.errno or 0, self._path(level, name) or ".")
