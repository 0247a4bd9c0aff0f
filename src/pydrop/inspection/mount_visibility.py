"""Tells which mounts a path still leads to, and which lie under another mount.

`volume_mounts` loads this module only where there is a mount to ask about.
"""

from pydrop.encoding import decoded
from pydrop.idmapped import is_idmapped
from pydrop.mountinfo import ID, PARENT, POINT, Row, Rows, filesystem, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    Parents = dict[bytes, tuple[bytes, bytes]]  # mount id -> (id of the mount that it is in, its mount point)


def visible(rows: Rows, table: Rows) -> tuple[tuple[str, str], ...]:
    """(mount point, type) of those of `rows`, which are part of the `table` of all, that a path leads to."""
    parents: Parents = {row[ID]: (row[PARENT], row[POINT]) for row in table}
    taken = set(parents.values())
    passable: dict[bytes, bool] = {}
    return tuple([_point_and_type(row) for row in rows if _is_visible(row[ID], parents, taken, passable)])


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


def _point_and_type(row: Row) -> tuple[str, str]:
    return plain(row[POINT]), "idmapped" if is_idmapped(row) else decoded(filesystem(row)[0])
