"""The entries of one folder: a look at each, and the change of what is wrong and no folder itself."""

import posix as os
from _stat import S_ISDIR
from itertools import islice

from . import mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .folder import Folder
    from .report import Report
    from .wanted import Wanted

SLICE = 4096  # entries looked at before the folders among them are entered: bounds memory in wide folders


class Entries:
    """What looking and changing needs, in one process: a forked worker needs its own, since /proc/self stays ours."""

    __slots__ = ("descriptors", "mount", "mount_names", "report", "wanted")

    def __init__(self, wanted: "Wanted", report: "Report") -> None:
        self.wanted = wanted
        self.report = report
        self.descriptors = -1  # /proc/self/fd, through which a held entry is reached
        self.mount: mounts.Mount | None = None  # None: mounts are crossed
        self.mount_names: frozenset[str] = frozenset()

    def open(self, top: int) -> None:
        """Get ready for the volume that `top` is a descriptor of."""
        self.descriptors = os.open("/proc/self/fd", os.O_PATH | os.O_DIRECTORY)
        if not self.wanted.across_mounts:
            self.mount = mounts.Mount(top)
            self.mount_names = mounts.mount_point_names()

    def close(self) -> None:
        if self.mount:
            self.mount.close()
        if self.descriptors >= 0:
            os.close(self.descriptors)
            self.descriptors = -1

    def elsewhere(self, fd: int) -> bool:
        """Whether `fd` is on another mount than the volume, and that matters."""
        return self.mount is not None and not self.mount.holds(fd)

    def sweep(self, folder: "Folder") -> None:
        """Look at the next entries of a folder; change what is no folder, and note folders for later.

        The one loop whose every call counts: a look at an entry that is right is one call of the kernel.
        """
        uid, gid, mode, excluded = self.wanted.uid, self.wanted.gid, self.wanted.mode, self.wanted.excluded
        settle, settle_held, folders = self._settle, self._settle_held, folder.folders
        prefix = folder.path("") if excluded else ""
        count = passed = 0
        ended = True
        hold = False  # the one before was held and wrong: this one probably is too, and a look before that is waste
        try:
            for count, entry in enumerate(islice(folder.entries, SLICE), 1):  # noqa: B007 # what is counted is used below
                try:
                    if excluded and excluded(prefix + entry.name):
                        passed += 1
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif hold:
                        hold = settle_held(folder, entry.name)
                    else:
                        info = entry.stat(follow_symlinks=False)
                        if info.st_uid != uid or info.st_gid != gid or (mode and mode(info.st_mode) != info.st_mode):
                            hold = settle(folder, entry.name, info)
                except FileNotFoundError:
                    pass
                except OSError as error:
                    self.refuse(error, folder, entry.name)
            ended = count < SLICE
        except OSError as error:  # the folder itself cannot be read to its end
            self.refuse(error, folder, "")
        self.report.looked_at += count - passed
        if ended:
            folder.end()

    def _settle(self, folder: "Folder", name: str, info: os.stat_result) -> bool:
        """Give an entry that is no folder to whom it should belong; whether it had to be held for that.

        By its name, the look and the change are two calls, between which somebody who may write in this folder could
        put a link to a file of root's under the name. So this is done where root alone may write; elsewhere the entry
        is held by a descriptor and looked at again.
        """
        wanted = self.wanted
        if wanted.right(info) or S_ISDIR(info.st_mode):
            return False
        if info.st_nlink > 1 and wanted.of_others(info):
            self.report.linked.add(folder.path(name))
            return False
        if not folder.root_alone or wanted.mode is not None or name in self.mount_names:
            return self._settle_held(folder, name)
        os.chown(name, wanted.uid, wanted.gid, dir_fd=folder.fd, follow_symlinks=False)
        self.report.given += 1
        self.report.changed += 1
        return False

    def _settle_held(self, folder: "Folder", name: str) -> bool:
        """Look and change by one descriptor (O_PATH: nothing is opened by that); whether it had to be changed."""
        wanted, report = self.wanted, self.report
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder.fd)
        try:
            info = os.fstat(held)
            if wanted.right(info) or S_ISDIR(info.st_mode):
                return False  # a folder that was none a moment ago: the next start looks into it
            if name in self.mount_names and self.elsewhere(held):
                report.mounts.add(folder.path(name))
            elif info.st_uid == 0 and wanted.unsure(folder.fd, name, info):
                report.linked.add(folder.path(name))
            elif wanted.mode is None:
                os.chown(str(held), wanted.uid, wanted.gid, dir_fd=self.descriptors)
                report.given += 1
                report.changed += 1
            else:
                self.change(held, info)
            return True
        finally:
            os.close(held)

    def change(self, fd: int, info: os.stat_result, opened: bool = False) -> None:
        self.report.given += self.wanted.give(fd, info, opened)
        self.report.changed += 1

    def refuse(self, error: OSError, folder: "Folder", name: str) -> None:
        self.report.refuse(error.errno or 0, folder.path(name) or ".")
