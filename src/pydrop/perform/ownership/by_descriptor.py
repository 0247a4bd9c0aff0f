"""Entries that are changed by a descriptor, since others than root may exchange their names meanwhile."""

import posix as os
from _stat import S_ISDIR
from errno import ENOENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .folder import Folder
    from .target import Target
    from .volume_mount import VolumeMount
    from .volume_report import VolumeReport


class ByDescriptor:
    """Looks at an entry and changes it by one descriptor (O_PATH: nothing is opened by that). For one process."""

    def __init__(self, target: "Target", report: "VolumeReport", mount: "VolumeMount") -> None:
        self._target = target
        self._report = report
        self._mount = mount
        self._descriptors = -1  # /proc/self/fd, through which an entry that is held is reached, once one was

    def close(self) -> None:
        if self._descriptors >= 0:
            os.close(self._descriptors)
        self._descriptors = -1

    def settle(self, folder: "Folder", name: str) -> bool:
        """Change the entry where it is wrong, or leave it alone with a reason; whether it was wrong. A folder is only
        noted."""
        target, report, mount = self._target, self._report, self._mount
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder.fd)
        try:
            info = os.fstat(held)
            if S_ISDIR(info.st_mode):
                folder.note([name])
                return False
            if target.right(info):
                return False
            if name in mount.names() and mount.is_left_at(held):
                mount.leave_alone(folder.path(name))
            elif unsure(target, folder.fd, name, info):
                report.linked.add_below(folder, name)
            elif target.mode is None and not target.dry:
                if self._descriptors < 0:
                    self._descriptors = os.open("/proc/self/fd", os.O_PATH | os.O_DIRECTORY)
                os.chown(str(held), *target.owner(info), dir_fd=self._descriptors)
                report.count(0, 1, 1)
            else:
                report.count(0, 1, target.give(held, info))
            return True
        finally:
            os.close(held)

    def change_folder(self, parent: "Folder", name: str) -> None:
        """Change a folder that cannot be looked into, as far as it is one. Raises OSError where it cannot be changed
        either."""
        try:
            held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=parent.fd)
        except OSError:
            return
        try:
            info = os.fstat(held)
            if not (self._target.right(info) or self._mount.is_mapped() or self._mount.is_left_at(held)):
                self._report.count(0, 1, self._target.give(held, info))
        finally:
            os.close(held)


def of_others(target: "Target", info: os.stat_result) -> bool:
    """Whether this is a file of root's or of a third user with more names: those may lie outside the volume.

    Whoever may write in the volume can link anybody's file into it, where fs.protected_hardlinks is off."""
    return _is_others(target, info) and info.st_nlink > 1


def _is_others(target: "Target", info: os.stat_result) -> bool:
    return not (info.st_uid in target.owners or target.hard_links or S_ISDIR(info.st_mode))


def unsure(target: "Target", folder: int, name: str, info: os.stat_result) -> bool:
    """Whether a file with `info`, held and once found by `name` in `folder`, may have other names after all.

    Somebody could link a file of root's or of a third user in here and take the name away again between the open and
    the look. Then the count is one, but the name is gone, for which FileNotFoundError is raised; if it is put back, it
    counts two.
    """
    if not _is_others(target, info):
        return False
    if info.st_nlink > 1:
        return True
    again = os.stat(name, dir_fd=folder, follow_symlinks=False)
    same = (info.st_dev, info.st_ino) == (again.st_dev, again.st_ino)
    if not same or again.st_nlink == 0:  # 0: removed within that call
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT))
    return again.st_nlink > 1
