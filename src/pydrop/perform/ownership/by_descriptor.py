"""Entries that are changed by a descriptor, since others than root may exchange their names meanwhile."""

import posix as os
from _stat import S_ISDIR
from errno import ENOENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .entries import Entries
    from .folder import Folder
    from .target import Target
    from .walk import Walk


def settle(entries: "Entries", folder: "Folder", name: str) -> bool:
    """Look and change by one descriptor (O_PATH: nothing is opened by that); whether it had to be changed."""
    wanted, report = entries.wanted, entries.report
    held = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder.fd)
    try:
        info = os.fstat(held)
        if S_ISDIR(info.st_mode):
            folder.folders.append(name)
            return False
        if wanted.right(info):
            return False
        if name in entries.names_of_mounts() and entries.elsewhere(held):
            report.mounts.add(folder.path(name))
        elif info.st_uid == 0 and unsure(wanted, folder.fd, name, info):
            report.linked.add(folder.path(name))
        elif wanted.mode is None and not wanted.dry:
            os.chown(str(held), *wanted.owner(info), dir_fd=_descriptors(entries))
            report.given += 1
            report.changed += 1
        else:
            entries.change(held, info)
        return True
    finally:
        os.close(held)


def _descriptors(entries: "Entries") -> int:
    if entries.descriptors < 0:
        entries.descriptors = os.open("/proc/self/fd", os.O_PATH | os.O_DIRECTORY)
    return entries.descriptors


def of_others(wanted: "Target", info: os.stat_result) -> bool:
    """Whether this is a file of root's with more names: the others may lie outside the volume."""
    return info.st_uid == 0 and info.st_nlink > 1 and not wanted.hard_links and not S_ISDIR(info.st_mode)


def unsure(wanted: "Target", folder: int, name: str, info: os.stat_result) -> bool:
    """Whether a file with `info`, held and once found by `name` in `folder`, may have other names after all.

    Somebody could link a file of root's in here and take the name away again between our open and our look. Then
    the count is one, but the name is gone, for which FileNotFoundError is raised; if it is put back, it counts two.
    """
    if info.st_uid != 0 or wanted.hard_links or S_ISDIR(info.st_mode):
        return False
    if info.st_nlink > 1:
        return True
    again = os.stat(name, dir_fd=folder, follow_symlinks=False)
    same = (info.st_dev, info.st_ino) == (again.st_dev, again.st_ino)
    if not same or again.st_nlink == 0:  # 0: removed within that call
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT))
    return again.st_nlink > 1


def change_unentered(walk: "Walk", parent: "Folder", name: str) -> None:
    """Change a folder that cannot be looked into, as far as it is one."""
    try:
        held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=parent.fd)
    except OSError:
        return
    try:
        info = os.fstat(held)
        if not walk.wanted.right(info) and not walk.entries.elsewhere(held):
            walk.entries.change(held, info)
    except OSError as error:
        walk.entries.refuse(error, parent, name)
    finally:
        os.close(held)
