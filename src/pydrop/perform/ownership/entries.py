"""The entries of one folder: a look at each, and the change of what is wrong and no folder itself."""

import posix as os
from _stat import S_ISDIR

from .mounts import VolumeMount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .folder import Folder
    from .target import Target
    from .volume_path import Surroundings
    from .volume_report import VolumeReport

    Hold = Callable[["Entries", Folder, str], bool]


class Entries:
    """What looking and changing needs, in one process: a forked worker needs its own, since /proc/self stays ours."""

    def __init__(self, wanted: "Target", report: "VolumeReport", alone: bool, around: "Surroundings") -> None:
        """`around` is asked for the mounts where something is wrong: what is right may lie on any."""
        self.wanted = wanted
        self.report = report
        self.alone = alone  # no other pydrop gives folders of this volume away meanwhile
        self.around = around
        self.descriptors = -1  # /proc/self/fd, through which a held entry is reached, once one was
        self.mount: VolumeMount | None = None  # None: mounts are crossed
        self.mount_names: frozenset[str] | None = None  # not asked for yet

    def open(self, top: int) -> None:
        """Get ready for the volume that `top` is a descriptor of."""
        if not self.wanted.across_mounts:
            self.mount = VolumeMount(top, self.around.probes)

    def close(self) -> None:
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
        if folder.is_brief():
            try:
                return self._listed_at_once(folder, most)
            except OSError:
                pass  # one by one, it can be read up to where it is damaged
        names: list[str] = []
        excluded, folders = self.wanted.excluded, folder.folders
        prefix = folder.path("") if excluded else ""
        count, before = 0, len(folders)
        note_folder, note_name = folders.append, names.append
        try:
            for count, entry in zip(range(1, most + 1), folder.listing()):  # noqa: B007, B905 # counted to its end; shorter on purpose
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

    def _listed_at_once(self, folder: "Folder", most: int) -> list[str]:
        """As `listed`, but the rest is listed too, and folders are not told apart. Raises OSError."""
        names = os.listdir(folder.fd)
        if excluded := self.wanted.excluded:
            prefix = folder.path("")
            names = [name for name in names if not excluded(prefix + name)]
        folder.end()
        folder.names += names
        return folder.take_names(most)

    def look(self, folder: "Folder", names: list[str]) -> None:
        """Look at entries of a folder by their names; change what is no folder, note folders.

        The one loop whose every call counts: a look at an entry that is right is one call of the kernel, and one that
        is wrong takes two where names can be trusted, without a call of our own.
        """
        uid, gid, mode = self.wanted.uid, self.wanted.gid, self.wanted.mode
        settle, folders = self._settle, folder.folders
        mount_names = self.names_of_mounts() if self.alone else ()  # else nothing is changed by its name
        fd, stat, chown = folder.fd, os.stat, os.chown
        count, before, given = 0, len(folders), 0
        hold: Hold | None = None  # the one before was held and wrong: this one probably is too; to look first is waste
        by_name = self._by_name(folder)
        try:
            for count, name in enumerate(names, 1):  # noqa: B007 # where it ends, so many were looked at
                try:
                    if hold:
                        hold = hold if hold(self, folder, name) else None
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

    def names_of_mounts(self) -> frozenset[str]:
        """What an entry must be called to be a mount, which is not to be changed; nothing where mounts are crossed."""
        if self.mount_names is None:
            self.mount_names = self.around.mounts().names() if self.mount else frozenset()
        return self.mount_names

    def _by_name(self, folder: "Folder") -> bool:
        """Whether entries that are wrong may be changed by their names, without holding them.

        By its name, the look and the change are two calls, between which somebody who may write in this folder could
        put a link to a file of root's under the name. So only where root alone may write, and no other pydrop gives the
        folder away meanwhile.
        """
        return self.alone and folder.root_alone and self.wanted.plain

    def _settle(self, folder: "Folder", name: str, info: os.stat_result) -> "Hold | None":
        """Give an entry that is no folder to whom it should belong; what to hold the next one with at once.

        The folder is taken from its owner, if it is not to stay his, so that this one and those that follow may be
        changed by their names. Else it is held by a descriptor. Either way it is looked at again.
        """
        wanted = self.wanted
        if wanted.right(info):
            return None
        if info.st_nlink > 1:
            from . import by_descriptor

            if by_descriptor.of_others(wanted, info):
                self.report.linked.add(folder.path(name))
                return None
        if not folder.taken and self._take(folder):
            info = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
            if info.st_nlink == 1 and not S_ISDIR(info.st_mode) and name not in self.names_of_mounts():
                if not wanted.right(info):
                    os.chown(name, wanted.uid, wanted.gid, dir_fd=folder.fd, follow_symlinks=False)
                    self.report.given += 1
                    self.report.changed += 1
                return None
        from . import by_descriptor

        return by_descriptor.settle if by_descriptor.settle(self, folder, name) and not folder.taken else None

    def _take(self, folder: "Folder") -> bool:
        """Make the folder root's alone, where that takes nothing from whom it will belong to; whether it is now."""
        if not self.alone or folder.lent or not self.wanted.may_take(folder.info):
            return False
        try:
            folder.take()
        except OSError:
            return False
        return folder.root_alone

    def change(self, fd: int, info: os.stat_result, opened: bool = False) -> None:
        self.report.given += self.wanted.give(fd, info, opened)
        self.report.changed += 1

    def refuse(self, error: OSError, folder: "Folder", name: str) -> None:
        self.report.refuse(error.errno or 0, folder.path(name) or ".")
