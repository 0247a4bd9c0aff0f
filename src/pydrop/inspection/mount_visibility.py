"""Tells which lines of /proc/self/mountinfo are mounts that a path still leads to, and which lie under another mount.

`volume_mounts` loads this module only where there is a mount to ask about.
"""

from pydrop.encoding import decoded
from pydrop.inspection.mountinfo_names import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    Parents = dict[bytes, tuple[bytes, bytes]]  # mount id -> (id of the mount that it is in, its mount point)


def visible(lines: list[bytes], text: bytes) -> tuple[tuple[str, str], ...]:
    """(mount point, type) of those of `lines`, which are part of the mountinfo `text`, that a path leads to."""
    parents: Parents = {}
    for line in text.split(b"\n"):
        words = line.split(b" ", 5)
        if len(words) == 6:
            parents[words[0]] = (words[1], words[4])
    taken = set(parents.values())
    passable: dict[bytes, bool] = {}
    shown = [line for line in lines if _is_visible(line.split(b" ", 1)[0], parents, taken, passable)]
    return tuple([_point_and_type(line) for line in shown])


def _is_visible(mount: bytes, parents: "Parents", taken: set[tuple[bytes, bytes]], passable: dict[bytes, bool]) -> bool:
    """Whether its mount point leads to it: nothing is mounted over it, nor over a folder on the way to it."""
    if (mount, parents[mount][1]) in taken:
        return False
    way: list[bytes] = []
    while mount in parents and mount not in passable and mount not in way:
        way.append(mount)
        mount = parents[mount][0]
    for each in reversed(way):
        inside, point = parents[each]
        passable[each] = passable.get(inside, True) and not _is_covered(inside, point, taken)
    return passable.get(way[0] if way else mount, True)


def _is_covered(inside: bytes, point: bytes, taken: set[tuple[bytes, bytes]]) -> bool:
    """Whether a mount on a folder above `point` hides it, in the same mount `inside`."""
    above = point.rpartition(b"/")[0]
    while above:
        if (inside, above) in taken:
            return True
        above = above.rpartition(b"/")[0]
    return point != b"/" and (inside, b"/") in taken


def _point_and_type(line: bytes) -> tuple[str, str]:
    _, _, _, _, point, options, rest = line.split(b" ", 6)
    kind = rest.partition(b"- ")[2].split(b" ", 1)[0]
    if b"idmapped" in options.split(b","):
        kind = b"idmapped"
    return plain(decoded(point)), decoded(kind)
