"""Inspects the devices that the setting `devices` names: device files, sockets, and folders of them.

An image names what it could use, so nothing that is missing here ends a start. The groups that the program joins come
from what is found. So root follows no link that somebody else could have made: the program's user could name a disk.
"""

import os
import stat

from pydrop.errors import Untrusted
from pydrop.model import AbsentDevice, Device, Settings
from pydrop.trust import open_trusted

MOST_ENTRIES = 10_000  # of one folder that are looked at, with all below it: /dev has some hundreds
DEEPEST = 8  # folders below the one that is named


def look(settings: Settings, root: bool) -> tuple[tuple[Device, ...], tuple[AbsentDevice, ...]]:
    """The devices that are there, each once, and the paths at which there is none.

    `root`: this process is root, and goes by no name that another user could have put there."""
    source = settings.sources.get("devices", "devices")
    found: dict[tuple[int, int], Device] = {}
    absent = []
    for path in settings.devices:
        try:
            here = _at(path, root)
        except OSError as error:
            gone = isinstance(error, FileNotFoundError)
            absent.append(_absent(source, path, "does not exist" if gone else f"cannot be looked at: {error.strerror}"))
            continue
        except Untrusted as error:
            absent.append(AbsentDevice(path=path, problem=f"{source}: {error.problem}", remedy=error.remedy))
            continue
        if not here:
            absent.append(_absent(source, path, "is no device or socket and holds none"))
        found = {**here, **found}
    return tuple(found.values()), tuple(absent)


def _absent(source: str, path: str, why: str) -> AbsentDevice:
    line = f"--device {path}, in compose devices: [{path}]" if path.startswith("/dev/") else f"-v {path}:{path}"
    return AbsentDevice(
        path=path,
        problem=f"{source} names {path}, which {why}",
        remedy=f"pass it to the container ({line}), or go on without it",
    )


def _at(path: str, root: bool) -> dict[tuple[int, int], Device]:
    """(device, inode) -> what the path is, or what the folder holds. Raises OSError, and Untrusted as root."""
    held = _held(path, root)
    try:
        status = os.fstat(held)
        if stat.S_ISDIR(status.st_mode):
            return _in_folder(path, held, root)
        return {(status.st_dev, status.st_ino): _device(path, status)} if _is_device(status) else {}
    finally:
        os.close(held)


def _held(path: str, root: bool) -> int:
    """A descriptor (O_PATH: nothing is opened). As root, through folders of others only where no link is on the way."""
    if not root:
        return os.open(path, os.O_PATH)
    try:
        return open_trusted(path, os.O_PATH, content_may_be_foreign=True)
    except Untrusted:
        held = os.open(path, os.O_PATH | os.O_NOFOLLOW)
        status = os.fstat(held)
        by_no_link = os.readlink(f"/proc/self/fd/{held}") == path and not stat.S_ISLNK(status.st_mode)
        if by_no_link and _has_one_name(status):
            return held
        os.close(held)
        raise


def _has_one_name(status: os.stat_result) -> bool:
    """Whether it has no hard link: another user may have planted it as a further name of one of root's."""
    return status.st_nlink == 1 or stat.S_ISDIR(status.st_mode)


def _in_folder(path: str, held: int, root: bool) -> dict[tuple[int, int], Device]:
    """What the folder holds, with all below it; links in it lead to devices elsewhere (/dev/serial/by-id)."""
    found: dict[tuple[int, int], Device] = {}
    seen = 0
    for folder, folders, names, descriptor in os.fwalk(f"/proc/self/fd/{held}/."):
        inner = folder.removeprefix(f"/proc/self/fd/{held}/.")
        place = path + inner
        if inner.count("/") >= DEEPEST:
            folders.clear()
        for name in sorted(names):
            seen += 1
            status = _status(name, descriptor, f"{place}/{name}", root)
            if status and _is_device(status) and _has_one_name(status):
                found.setdefault((status.st_dev, status.st_ino), _device(f"{place}/{name}", status))
        if seen > MOST_ENTRIES:
            break
    return found


def _status(name: str, folder: int, path: str, root: bool) -> os.stat_result | None:
    """The status of an entry, or of what its link leads to; None where it is gone or its link is not root's."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            return status
        held = open_trusted(path, os.O_PATH, content_may_be_foreign=True) if root else os.open(path, os.O_PATH)
    except (OSError, Untrusted):
        return None
    try:
        return os.fstat(held)
    finally:
        os.close(held)


def _is_device(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode) or stat.S_ISSOCK(status.st_mode)


def _device(path: str, status: os.stat_result) -> Device:
    return Device(path=path, uid=status.st_uid, gid=status.st_gid, mode=status.st_mode)
