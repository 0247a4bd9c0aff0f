"""The entries of one folder: a look at each, and the change of what is wrong and no folder itself."""

import posix as os
from _stat import S_ISDIR

from . import mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .folder import Folder
    from .report import Report
    from .wanted import Wanted


class Entries:
    """What looking and changing needs, in one process: a forked worker needs its own, since /proc/self stays ours."""

    def __init__(self, wanted: "Wanted", report: "Report", alone: bool, table: "Callable[[], mounts.Table]") -> None:
        """`table` is asked where something is wrong: what is right may lie on any mount."""
        self.wanted = wanted
        self.report = report
        self.alone = alone  # no other pydrop gives folders of this volume away meanwhile
        self.table = table
        self.descriptors = -1  # /proc/self/fd, through which a held entry is reached
        self.mount: mounts.Mount | None = None  # None: mounts are crossed
        self.mount_names: frozenset[str] | None = None  # not asked for yet

    def open(self, top: int) -> None:
        """Get ready for the volume that `top` is a descriptor of."""
        self.descriptors = os.open("/proc/self/fd", os.O_PATH | os.O_DIRECTORY)
        if not self.wanted.across_mounts:
            self.mount = mounts.Mount(top)

    def close(self) -> None:
        if self.mount:
            self.mount.close()
        if self.descriptors >= 0:
            os.close(self.descriptors)
        self.descriptors = -1

    def elsewhere(self, fd: int) -> bool:
        """Whether `fd` is on another mount than the volume, and that matters."""
        return self.mount is not None and not self.mount.holds(fd)

    def sweep(self, folder: "Folder", most: int) -> None:
        """Look at the next `most` entries of a folder; those that are listed already, to be given away, come last."""
        self.look(folder, folder.take_names(most) if folder.ended else self.listed(folder, most, by_kind=True))

    def listed(self, folder: "Folder", most: int, by_kind: bool) -> list[str]:
        """The names of the next `most` entries of a folder, which has ended where there are fewer.

        `by_kind`: folders, where the filesystem names the kind of an entry beside its name, are noted at once, and left
        out. Where it does not, that is a look at each; who gives names away leaves it to the one who gets them.
        """
        names: list[str] = []
        excluded, folders = self.wanted.excluded, folder.folders
        prefix = folder.path("") if excluded else ""
        count, before = 0, len(folders)
        note_folder, note_name = folders.append, names.append
        try:
            for count, entry in zip(range(1, most + 1), folder.entries):  # noqa: B007, B905 # counted to its end; shorter on purpose
                name = entry.name
                if excluded and excluded(prefix + name):
                    continue
                try:
                    note = note_folder if by_kind and entry.is_dir(follow_symlinks=False) else note_name
                except OSError:  # it had to be looked at for that: the next look says what is wrong
                    note = note_name
                note(name)
        except OSError as error:  # the folder itself cannot be read to its end
            self.refuse(error, folder, "")
            count = 0
        if count < most:
            folder.end()
        self.report.looked_at += len(folders) - before
        folder.found += len(folders) - before
        return names

    def look(self, folder: "Folder", names: list[str]) -> None:
        """Look at entries of a folder by their names; change what is no folder, note folders.

        The one loop whose every call counts: a look at an entry that is right is one call of the kernel, and one that
        is wrong takes two where names can be trusted, without a call of our own.
        """
        uid, gid, mode = self.wanted.uid, self.wanted.gid, self.wanted.mode
        settle, settle_held, folders = self._settle, self._settle_held, folder.folders
        mount_names = self._names_of_mounts() if self.alone else ()  # else nothing is changed by its name
        fd, stat, chown = folder.fd, os.stat, os.chown
        count, before, given = 0, len(folders), 0
        hold = False  # the one before was held and wrong: this one probably is too, and a look before that is waste
        by_name = self._by_name(folder)
        try:
            for count, name in enumerate(names, 1):  # noqa: B007 # where it ends, so many were looked at
                try:
                    if hold:
                        hold = settle_held(folder, name)
                        continue
                    info = stat(name, dir_fd=fd, follow_symlinks=False)
                    if S_ISDIR(info.st_mode):
                        folders.append(name)
                    elif (
                        info.st_uid == uid and info.st_gid == gid and not (mode and mode(info.st_mode) != info.st_mode)
                    ):
                        continue
                    elif by_name and info.st_nlink == 1 and name not in mount_names:
                        chown(name, uid, gid, dir_fd=fd, follow_symlinks=False)
                        given += 1
                    else:
                        hold = settle(folder, name, info)
                        by_name = self._by_name(folder)
                except FileNotFoundError:
                    pass
                except OSError as error:
                    self.refuse(error, folder, name)
        finally:
            self.report.looked_at += count
            self.report.given += given
            self.report.changed += given
            folder.found += len(folders) - before

    def _names_of_mounts(self) -> frozenset[str]:
        """What an entry must be called to be a mount, which is not to be changed; nothing where mounts are crossed."""
        if self.mount_names is None:
            self.mount_names = self.table().names() if self.mount else frozenset()
        return self.mount_names

    def _by_name(self, folder: "Folder") -> bool:
        """Whether entries that are wrong may be changed by their names, without holding them.

        By its name, the look and the change are two calls, between which somebody who may write in this folder could
        put a link to a file of root's under the name. So only where root alone may write, and no other pydrop gives the
        folder away meanwhile.
        """
        return self.alone and folder.root_alone and self.wanted.plain

    def _settle(self, folder: "Folder", name: str, info: os.stat_result) -> bool:
        """Give an entry that is no folder to whom it should belong; whether the next one is held at once.

        The folder is taken from its owner, if it is not to stay his, so that this one and those that follow may be
        changed by their names. Else it is held by a descriptor. Either way it is looked at again.
        """
        wanted = self.wanted
        if wanted.right(info):
            return False
        if info.st_nlink > 1 and wanted.of_others(info):
            self.report.linked.add(folder.path(name))
            return False
        if folder.taken or not self._take(folder):
            return self._settle_held(folder, name) and not folder.taken
        info = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
        if info.st_nlink > 1 or S_ISDIR(info.st_mode) or name in self._names_of_mounts():
            self._settle_held(folder, name)
        elif not wanted.right(info):
            os.chown(name, wanted.uid, wanted.gid, dir_fd=folder.fd, follow_symlinks=False)
            self.report.given += 1
            self.report.changed += 1
        return False

    def _take(self, folder: "Folder") -> bool:
        """Make the folder root's alone, where that takes nothing from whom it will belong to; whether it is now."""
        if not self.alone or folder.lent or not self.wanted.may_take(folder.info):
            return False
        try:
            folder.take()
        except OSError:
            return False
        return folder.root_alone

    def _settle_held(self, folder: "Folder", name: str) -> bool:
        """Look and change by one descriptor (O_PATH: nothing is opened by that); whether it had to be changed."""
        wanted, report = self.wanted, self.report
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder.fd)
        try:
            info = os.fstat(held)
            if S_ISDIR(info.st_mode):
                folder.folders.append(name)
                return False
            if wanted.right(info):
                return False
            if name in self._names_of_mounts() and self.elsewhere(held):
                report.mounts.add(folder.path(name))
            elif info.st_uid == 0 and wanted.unsure(folder.fd, name, info):
                report.linked.add(folder.path(name))
            elif wanted.mode is None and not wanted.dry:
                os.chown(str(held), *wanted.owner(info), dir_fd=self.descriptors)
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
