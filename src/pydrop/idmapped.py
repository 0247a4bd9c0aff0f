"""Which mounts are idmapped: their owners are shown through a map, and a chown would write through it.

The kernel marks them in mountinfo (proc_pid_mountinfo(5)), and says in fdinfo on which mount a descriptor is.
"""

import posix as os

MARK = b"idmapped"


def ids(table: bytes) -> frozenset[bytes]:
    """The ids of the idmapped mounts, of which most containers have none; `table` is mountinfo's text."""
    if MARK not in table:
        return frozenset()
    words = [line.split(b" ", 6) for line in table.split(b"\n") if MARK in line]
    return frozenset([each[0] for each in words if len(each) == 7 and MARK in each[5].split(b",")])


def is_on(held: int, mounts: frozenset[bytes]) -> bool:
    """Whether the descriptor is on one of these mounts. OSError without /proc."""
    return bool(mounts) and mount_id(_read(f"/proc/self/fdinfo/{held}")) in mounts


def mount_id(about: bytes) -> bytes:
    """The id of the mount in the text of an fdinfo; empty in gVisor, which has none."""
    _, _, rest = about.partition(b"\nmnt_id:")
    return rest.partition(b"\n")[0].strip()


def table() -> bytes:
    """The text of mountinfo. OSError without /proc."""
    return _read("/proc/self/mountinfo")


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        text = b""
        while piece := os.read(file, 65536):
            text += piece
        return text
    finally:
        os.close(file)
