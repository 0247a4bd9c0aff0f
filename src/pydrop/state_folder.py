"""The folder in which a start leaves what a later `pydrop` in the same container has to know: lock, record, timeline.

It is /run/pydrop. Where that cannot be root's alone (a read-only /run, a folder of the user's) it is /dev/pydrop: a
runtime gives each container a tmpfs of its own on /dev, which root can write under a read-only root too. The machine's
/dev, where somebody has mounted that, is none.
"""

import errno
import posix as os

from pydrop import mountinfo
from pydrop.errors import Untrusted
from pydrop.mountinfo import POINT
from pydrop.record import PLACE
from pydrop.trust import roots_folder


def at(place: str) -> int:
    """A descriptor of one of record.PLACES, created where it is missing; -1 where it cannot be root's alone."""
    try:
        return _opened(place)
    except (OSError, Untrusted):
        return -1


def why_none() -> tuple[str, str]:
    """Why no place can be used, and what to do, as words of a message; made for where `at` has failed."""
    try:
        os.close(_opened(PLACE))
    except Untrusted as error:
        return error.problem, f"remove {PLACE} from the image, or give /run a tmpfs (docker: --tmpfs /run)"
    except OSError as error:
        why = error.strerror
    else:
        why = os.strerror(errno.ENOSPC)
    return f"{PLACE}: {why}", "make /run writable for root (compose: tmpfs: [/run], docker: --tmpfs /run)"


def _opened(place: str) -> int:
    if place != PLACE and not _is_own_dev():
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), place)
    return roots_folder(place)


def _is_own_dev() -> bool:
    """Whether /dev is a tmpfs. (The machine's is a devtmpfs, which all its containers would share.)"""
    row = next((row for row in reversed(mountinfo.here()) if row[POINT] == b"/dev"), None)
    return row is not None and mountinfo.filesystem(row)[0] == b"tmpfs"
