"""Opens files that root will obey: only where nobody but root can write, replace or move them.

A path is walked from `/`, one component at a time. Each component is opened relative to the folder opened before it,
and the kernel follows no link, so that the file which was checked is the file which is opened. A folder is trusted
where root owns it and nobody else may write it. A sticky folder (`/tmp`) protects root's files in it too, except from
hard links, which anybody could make of root's files (unless fs.protected_hardlinks is on). A symlink is followed where
root made it; then its target is walked by the same rules.
"""

import _stat as stat
import errno
import posix as os

from pydrop.errors import Untrusted

MOST_LINKS = 40  # as the kernel's own limit (path_resolution(7))


def open_trusted(path: str, flags: int = os.O_RDONLY, *, content_may_be_foreign: bool = False) -> int:
    """Open an absolute path for root's use and return its descriptor (close-on-exec).

    `content_may_be_foreign` lets the last component belong to anybody (a secret that the host's user owns). The folders
    on the way must be root's all the same. Raises `Untrusted` with the reason, or OSError where the path does not exist
    or cannot be opened. A FIFO is not waited for.
    """
    way: list[int] = []  # the opened folders; only this function closes them, so that no interruption closes one twice
    try:
        name, status = _walk(path, way)
        if not content_may_be_foreign:
            _require_trusted(status, path, path)
        file = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=way[-1])
        try:
            _require_still(file, way[-1], path, content_may_be_foreign)
        except BaseException:
            os.close(file)
            raise
        return file
    finally:
        for folder in way:
            os.close(folder)


def is_plainly_trusted(path: str, seen: dict[str, os.stat_result] | None = None) -> bool:
    """Whether an absolute path is surely root's alone, as are all folders on the way; root's links are followed.

    The check goes by names, which others could exchange meanwhile. So it serves for messages, and to save a closer
    look, not for files that root obeys. False may be wrong: `open_trusted` finds out, and why. `seen` keeps the
    statuses that were read, from one path to the next."""
    seen = {} if seen is None else seen
    if not path.startswith("/") or fault(_seen("/", seen)):
        return False
    at, rest, links = "", _names(path), 0
    while rest:
        name = rest.pop()
        status = _seen(f"{at}/{name}", seen)
        if name == ".." or fault(status) or links > MOST_LINKS:
            return False
        if stat.S_ISLNK(status.st_mode):
            links += 1
            target = os.readlink(f"{at}/{name}")
            rest += _names(target)
            at = "" if target.startswith("/") else at
        else:
            at = f"{at}/{name}"
    return True


def _seen(path: str, seen: dict[str, os.stat_result]) -> os.stat_result:
    status = seen.get(path)
    if status is None:
        status = seen[path] = os.lstat(path)
    return status


def fault(status: os.stat_result) -> str:
    """Why a file with this status is not root's alone, as words of a message; "" where it is root's alone."""
    if status.st_uid != 0:
        return f"belongs to user {status.st_uid}"
    if stat.S_ISLNK(status.st_mode):
        return ""
    if status.st_mode & stat.S_IWOTH:
        return f"may be written by everybody (mode {stat.S_IMODE(status.st_mode):04o})"
    if status.st_mode & stat.S_IWGRP:
        return f"may be written by group {status.st_gid} (mode {stat.S_IMODE(status.st_mode):04o})"
    return ""


def _walk(path: str, way: list[int]) -> tuple[str, os.stat_result]:
    """Walk to the last component, which is no link then. Returns its name in the folder `way[-1]`, and its status."""
    if not path.startswith("/"):
        raise Untrusted(f"{path} is no absolute path", "name it from / on")
    _enter(way, "/", path)
    rest, links = _names(path), 0
    while rest:
        name = rest.pop()
        status = os.stat(name, dir_fd=way[-1], follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            links += 1
            rest += _names(_followed(way, name, status, path, links))
        elif not rest:
            return name, status
        else:
            _enter(way, name, path)
    return ".", os.stat(way[-1])


def _names(path: str) -> list[str]:
    """The components of a path, last first, so that the next one is popped off the end."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _enter(way: list[int], name: str, path: str) -> None:
    """Open the folder `name` in the last folder of `way`, and append it. Raises Untrusted where it is not trusted."""
    at = way[-1] if way else None
    way.append(os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at))
    status = os.stat(way[-1])
    if fault(status):
        _require_trusted(status, _place(way[-1]), path)


def _followed(way: list[int], name: str, status: os.stat_result, path: str, links: int) -> str:
    """The target of a link of root's. An absolute target goes on from `/`, which is appended to `way`."""
    if links > MOST_LINKS:
        raise Untrusted(f"{path} leads through more than {MOST_LINKS} links", "name the file itself")
    place = f"{_place(way[-1])}/{name}"
    _require_trusted(status, place, path)
    _require_one_name(status, way[-1], place, path)
    target = os.readlink(name, dir_fd=way[-1])
    if target.startswith("/"):
        _enter(way, "/", path)
    return target


def _place(folder: int) -> str:
    """The name of an open folder, for a message."""
    try:
        return os.readlink(f"/proc/self/fd/{folder}")
    except OSError:
        return "a folder on the way"


def _require_trusted(status: os.stat_result, place: str, path: str) -> None:
    why = fault(status)
    sticky_folder = stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and status.st_mode & stat.S_ISVTX
    if not why or (sticky_folder and place != path):
        return
    whose = "" if place == path else f" ({place} {why})"
    problem = f"{path} {why}" if place == path else f"{path} can be replaced by somebody other than root{whose}"
    raise Untrusted(problem, f"chown root:root {place} && chmod go-w {place}, or COPY it into the image as root")


def _require_one_name(status: os.stat_result, folder: int, place: str, path: str) -> None:
    """Refuse a file with several hard links in a folder that others may write too.

    Another user may have planted it there as a further name of any file of root's (link(2))."""
    if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode) and fault(os.stat(folder)):
        raise Untrusted(
            f"{path} may be any file of root's ({place} has {status.st_nlink} hard links, where others write too)",
            "put a copy of it where only root can write",
        )


def _require_still(file: int, folder: int, path: str, content_may_be_foreign: bool) -> None:
    """Check the opened file once more, since its name may have got another file after the first check."""
    status = os.stat(file)
    if stat.S_ISLNK(status.st_mode):  # O_PATH opens a link itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    if not content_may_be_foreign:
        _require_trusted(status, path, path)
    _require_one_name(status, folder, path, path)


def roots_folder(path: str) -> int:
    """A descriptor of a folder of root's alone, which is created (0755) where it is missing.

    Raises OSError where that fails, Untrusted where another user has replaced the folder or could."""
    try:
        os.mkdir(path, 0o755)
    except FileExistsError:
        return open_trusted(path, os.O_RDONLY | os.O_DIRECTORY)
    folder = open_trusted(path, os.O_RDONLY | os.O_DIRECTORY)
    os.fchmod(folder, 0o755)  # whatever the umask is
    return folder
