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


def place(path: str, follow: bool) -> tuple[int, str]:
    """A descriptor of the folder that holds the last component, created where it is missing, and the component's name.

    With `follow`, a link of root's in the last place is walked too."""
    rest = _names(path)
    stack = [os.open(ROOT, WALK)]
    links = 0
    try:
        while rest:
            name = rest.pop()
            target = None
            if name == "..":
                os.close(stack.pop() if len(stack) > 1 else os.dup(stack[0]))
            elif rest:
                target = _enter(stack, name)
            else:
                target = _target(stack[-1], name) if follow else None
                if target is None:
                    return stack.pop(), name
            if target is not None:
                links += 1
                if links > MOST_LINKS:
                    raise Refused("it leads through too many links", "name the folder itself")
                rest += _names(target)
                while target.startswith("/") and len(stack) > 1:
                    os.close(stack.pop())
        raise Refused("it is no place for anything", "name a path below /run")
    finally:
        for folder in stack:
            os.close(folder)


def _names(path: str) -> list[str]:
    """The components of a path, last first, so that the next one is popped off the end."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _enter(stack: list[int], name: str) -> str | None:
    """Push a descriptor of the folder, created where it is missing. Where a link is in its place, return its target."""
    try:
        stack.append(os.open(name, WALK, dir_fd=stack[-1]))
    except FileNotFoundError:
        os.mkdir(name, 0o755, dir_fd=stack[-1])
        stack.append(os.open(name, WALK, dir_fd=stack[-1]))
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        target = _target(stack[-1], name)
        if target is None:
            raise Refused(f"{name} on the way there is no folder", "remove it, or name another path") from error
        return target
    return None


def _target(parent: int, name: str) -> str | None:
    """The target of a link; None for anything else. Raises Refused for a link that is not surely root's."""
    status = look(parent, name)
    if status is None or not stat.S_ISLNK(status.st_mode):
        return None
    above = os.fstat(parent)
    if status.st_uid != 0 or above.st_uid != 0 or above.st_mode & 0o022:
        raise Refused(f"{name} is a link that somebody other than root could have put there", "remove it")
    return os.readlink(name, dir_fd=parent)


def look(parent: int, name: str) -> os.stat_result | None:
    """The status of a name in a folder, without following a link; None where nothing has the name."""
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
