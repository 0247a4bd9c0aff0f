"""What an earlier start in the same container has left (record.PLACES), for a `pydrop` that comes later."""

import posix as os

from pydrop import checked_reads, kernel, mountinfo, proc_stat, record
from pydrop.encoding import decoded
from pydrop.errors import Untrusted
from pydrop.model import Record
from pydrop.mountinfo import ID, POINT
from pydrop.settings.sources import TELL_HOOKS
from pydrop.trust import open_trusted


def record_left(entrypoint: int) -> Record | None:
    """The record of this container's entrypoint, while that lives; else None.

    PID 1 is the entrypoint itself, so for it there is none. A record that another user could have left does not count:
    an entrypoint makes /run root's."""
    if entrypoint == 1:
        return None
    found = [_record_in(place) for place in record.PLACES]
    return next((left for left in found if left and proc_stat.lives(left.instance)), None)


def _record_in(place: str) -> Record | None:
    try:
        file = open_trusted(f"{place}/{record.NAME}")
        try:
            return record.decode(decoded(checked_reads.whole(file, checked_reads.LARGE)))
        finally:
            os.close(file)
    except (OSError, Untrusted):
        return None


def is_second(entrypoint: int) -> bool:
    """Whether an entrypoint makes its start as root, or has made it, as far as this process sees without root."""
    left = [f"{place}/{name}" for place in record.PLACES for name in (record.NAME, record.LOCK)]
    return entrypoint != 1 and any([kernel.is_there(path) for path in left])


def is_hooks(environment: tuple[str, ...]) -> bool:
    """Whether an environment is that of a hook, which pydrop tells who the program becomes."""
    names = {line.partition("=")[0] for line in environment}
    return names.issuperset(TELL_HOOKS)


def is_exec(entrypoint: int) -> bool:
    """Whether this process has come into the container from outside, beside its first process.

    All that the first process starts descends from it. Where the containers of a pod share a PID namespace, its first
    process is of none of them: then this is False."""
    try:
        first = entrypoint
        while (above := proc_stat.parent(first)) > 0:
            first = above
        return first != 1 and _root_mount(1) == _root_mount(first) != b""
    except (OSError, ValueError):
        return False


def _root_mount(process: int) -> bytes:
    """The id of the mount at `/` as a process sees it, which no two mount namespaces have in common; b"" where its `/`
    is no mount (chroot(2))."""
    return next((row[ID] for row in reversed(mountinfo.of(f"{process}")) if row[POINT] == b"/"), b"")
