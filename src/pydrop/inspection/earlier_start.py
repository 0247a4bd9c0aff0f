"""What an earlier start in the same container has left in /run/pydrop, for a `pydrop` that comes later."""

import posix as os

from pydrop import checked_reads, proc_stat, record
from pydrop.encoding import decoded
from pydrop.errors import Untrusted
from pydrop.model import Record
from pydrop.trust import open_trusted


def record_left(entrypoint: int) -> Record | None:
    """The record of this container's entrypoint, while that lives; else None.

    PID 1 is the entrypoint itself, so for it there is none. A record that another user could have left does not count:
    an entrypoint makes /run root's."""
    if entrypoint == 1:
        return None
    try:
        file = open_trusted(f"{record.PLACE}/{record.NAME}")
        try:
            content = checked_reads.whole(file, checked_reads.LARGE)
        finally:
            os.close(file)
    except (OSError, Untrusted):
        return None
    left = record.decode(decoded(content))
    return left if left and proc_stat.lives(left.instance) else None


def is_second(entrypoint: int) -> bool:
    """Whether an entrypoint makes its start as root, or has made it, as far as this process sees without root."""
    return entrypoint != 1 and any([_is_there(f"{record.PLACE}/{name}") for name in (record.NAME, record.LOCK)])


def _is_there(path: str) -> bool:
    try:
        os.lstat(path)
    except OSError:
        return False
    return True
