"""The table of all mounts: what an entry must be called to be one, and which filesystem a descriptor is on."""

import posix as os

from pydrop import idmapped, mountinfo
from pydrop.encoding import decoded
from pydrop.mountinfo import DEVICE, POINT, Rows


class MountTable:
    """The mounts of this process's namespace as they were when this was made. OSError without /proc."""

    def __init__(self) -> None:
        self._rows = mountinfo.of()
        self._names: frozenset[str] | None = None
        self.idmapped = idmapped.ids(self._rows)

    def names(self) -> frozenset[str]:
        """The last component of every mount point: only entries of these names can be mounts.

        The kernel lets nobody rename a mount point in the namespace where it is one.
        """
        if self._names is None:
            self._names = _last_names(self._rows)
        return self._names

    def idmapped_names(self) -> frozenset[str]:
        """The same of the idmapped mounts alone."""
        return _last_names([row for row in self._rows if idmapped.is_idmapped(row)])

    def filesystem_type(self, fd: int) -> str:
        """The type of the filesystem that `fd` is on as mountinfo names it (``ext4``, ``nfs4``), or ``""``."""
        device = os.fstat(fd).st_dev
        number = b"%d:%d" % (os.major(device), os.minor(device))
        return next((decoded(mountinfo.filesystem(row)[0]) for row in self._rows if row[DEVICE] == number), "")


def _last_names(rows: Rows) -> frozenset[str]:
    return frozenset([mountinfo.plain(row[POINT].rpartition(b"/")[2]) for row in rows])
