"""The entries of one folder: a look at each, and the change of what is wrong and no folder itself."""

import posix as os
from _stat import S_ISDIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .by_descriptor import ByDescriptor
    from .folder import Folder
    from .target import Target
    from .volume_mount import VolumeMount
    from .volume_report import VolumeReport

    Hold = Callable[[Folder, str], bool]


class Entries:
    """Looks at the entries of folders and changes them. For one process: a forked worker begins it anew."""

    def __init__(self, target: "Target", report: "VolumeReport", mount: "VolumeMount", alone: bool) -> None:
        """`alone`: no other pydrop gives folders of this volume away meanwhile."""
        self.target = target
        self.report = report
        self._mount = mount
        self._alone = alone
        self._by_descriptor: ByDescriptor | None = None  # not needed yet

    def begin_in_worker(self) -> None:
        """Forget what belongs to the process that forked this one: /proc/self, once opened, stays that one's."""
        self._by_descriptor = None

    def close(self) -> None:
        if self._by_descriptor:
            self._by_descriptor.close()

    def sweep(self, folder: "Folder", most: int) -> None:
        """Look at the next `most` entries of a folder; those that are listed already, to be given away, come last."""
        self.look(folder, folder.take_names(most) if folder.ended else self.listed(folder, most, by_kind=True))

    def listed(self, folder: "Folder", most: int, by_kind: bool) -> list[str]:
        """The names of the next `most` entries of a folder, which has ended where there are fewer.

        `by_kind`: folders, where the filesystem names the kind of an entry beside its name, are noted at once, and left
        out. Where it does not, that is a look at each, which a process that gives names away leaves to the worker.
        """
        if folder.is_brief():
            try:
                return self._listed_at_once(folder, most)
            except OSError:
                pass  # one by one, it can be read up to where it is damaged
        names: list[str] = []
        folders: list[str] = []
        excluded = self.target.excluded.inside(folder) if self.target.excluded else None
        count, note_folder, note_name = 0, folders.append, names.append
        try:
            for count, entry in zip(range(1, most + 1), folder.listing()):  # noqa: B007, B905 # counted to its end; shorter on purpose
                name = entry.name
                if excluded and excluded(name):
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
        if folders:
            folder.note(folders)
            self.report.count(len(folders), 0, 0)
        return names

    def _listed_at_once(self, folder: "Folder", most: int) -> list[str]:
        """As `listed`, but the rest is listed too, and folders are not told apart. Raises OSError."""
        names = os.listdir(folder.fd)
        if self.target.excluded and (excluded := self.target.excluded.inside(folder)):
            names = [name for name in names if not excluded(name)]
        folder.end()
        if len(names) <= most:
            return names
        folder.keep(names)
        return folder.take_names(most)

    def look(self, folder: "Folder", names: list[str]) -> None:
        """Look at entries of a folder by their names; change what is no folder, note folders.

        The one loop whose every call counts: a look at an entry that is right is one call of the kernel, and one that
        is wrong takes two where names can be trusted, without a call in Python.
        """
        uid, gid, mode = self.target.uid, self.target.gid, self.target.mode
        mount_names = self._mount.names() if self._alone else ()  # else nothing is changed by its name
        settle, fd, stat, chown, others = self._settle, folder.fd, os.stat, os.chown, self.target.other_inodes
        count, given = 0, 0
        folders: list[str] = []
        hold: Hold | None = None  # the one before was held and wrong: this one probably is too; to look first is waste
        by_name = self._by_name(folder)
        try:
            for count, name in enumerate(names, 1):  # noqa: B007 # where it ends, so many were looked at
                try:
                    if hold:
                        hold = hold if hold(folder, name) else None
                        continue
                    info = stat(name, dir_fd=fd, follow_symlinks=False)
                    if S_ISDIR(info.st_mode):
                        folders.append(name)
                    elif (
                        info.st_uid == uid and info.st_gid == gid and not (mode and mode(info.st_mode) != info.st_mode)
                    ):
                        continue
                    elif by_name and info.st_nlink == 1 and name not in mount_names and info.st_ino not in others:
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
            self.report.count(count, given, given)
            if folders:
                folder.note(folders)

    def _by_name(self, folder: "Folder") -> bool:
        """Whether entries that are wrong may be changed by their names, without holding them.

        By its name, the look and the change are two calls, between which somebody who may write in this folder could
        put a link to a file of root's under the name. So it is done only where root alone may write, and no other
        pydrop gives the folder away meanwhile.
        """
        return self._alone and folder.root_alone and self.target.plain

    def _settle(self, folder: "Folder", name: str, info: os.stat_result) -> "Hold | None":
        """Change the owner of an entry that is no folder, where it is wrong; what to hold the next one with at once.

        The folder is taken from its owner, if that one is to lose it anyway, so that this entry and those that follow
        may be changed by their names. Else the entry is held by a descriptor. Either way it is looked at again.
        """
        target = self.target
        if target.right(info) or self._mount.is_mapped():
            return None
        if info.st_nlink > 1:
            from . import by_descriptor

            if by_descriptor.of_others(target, info):
                self.report.linked.add_below(folder, name)
                return None
        if not folder.taken and self._take(folder):
            info = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
            if info.st_nlink == 1 and not S_ISDIR(info.st_mode) and name not in self._mount.names():
                if not target.right(info):
                    os.chown(name, target.uid, target.gid, dir_fd=folder.fd, follow_symlinks=False)
                    self.report.count(0, 1, 1)
                return None
        by = self._by_descriptor or self._holding()
        return by.settle if by.settle(folder, name) and not folder.taken else None

    def _holding(self) -> "ByDescriptor":
        if self._by_descriptor is None:
            from .by_descriptor import ByDescriptor

            self._by_descriptor = ByDescriptor(self.target, self.report, self._mount)
        return self._by_descriptor

    def _take(self, folder: "Folder") -> bool:
        """Make the folder root's alone, where its owner is to lose it anyway; whether it is root's alone now."""
        if not self._alone or folder.lent or not self.target.may_take(folder.info):
            return False
        try:
            folder.take()
        except OSError:
            return False
        return folder.root_alone

    def change_unentered(self, parent: "Folder", name: str) -> None:
        """Change a folder that cannot be looked into."""
        try:
            self._holding().change_folder(parent, name)
        except OSError as error:
            self.refuse(error, parent, name)

    def refuse(self, error: OSError, folder: "Folder", name: str) -> None:
        self.report.refuse_below(error.errno or 0, folder, name)
