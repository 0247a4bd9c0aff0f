"""Which mounts are idmapped: their owners are shown through a map, and a chown would write through it.

The kernel marks them in mountinfo, and says in fdinfo (proc_pid_fdinfo(5)) on which mount a descriptor is.
"""

import posix as os

from pydrop import mountinfo
from pydrop.mountinfo import Row, Rows

MARK = b"idmapped"


def ids(rows: Rows) -> frozenset[bytes]:
    """The ids of the idmapped mounts, of which most containers have none."""
    return frozenset([row[mountinfo.ID] for row in rows if is_idmapped(row)])


def is_idmapped(row: Row) -> bool:
    """Whether the mount is marked so: not its name, nor its source, nor an option of its filesystem, is the mark."""
    options = row[mountinfo.OPTIONS]
    return MARK in options and MARK in options.split(b",")


def is_on(held: int, mounts: frozenset[bytes]) -> bool:
    """Whether the descriptor is on one of these mounts. OSError without /proc."""
    return bool(mounts) and mount_id(_about(held)) in mounts


def mount_id(about: bytes) -> bytes:
    """The id of the mount in the text of an fdinfo; empty in gVisor, which has none."""
    _, _, rest = about.partition(b"\nmnt_id:")
    return rest.partition(b"\n")[0].strip()


def _about(held: int) -> bytes:
    file = os.open(f"/proc/self/fdinfo/{held}", os.O_RDONLY)
    try:
        return os.read(file, 4096)
    finally:
        os.close(file)
