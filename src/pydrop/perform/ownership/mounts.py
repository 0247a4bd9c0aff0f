"""The table of all mounts: what an entry must be called to be one, and which filesystem a descriptor is on."""

import posix as os

from pydrop import idmapped
from pydrop.encoding import decoded

PAGE = 4096  # bytes: a read of mountinfo gets no more at once


class MountTable:
    """The mounts of this process's namespace as they were when this was made (proc_pid_mountinfo(5))."""

    def __init__(self) -> None:
        self.text = _read("/proc/self/mountinfo")
        self._names: frozenset[str] | None = None
        self._types: dict[int, str] = {}  # device -> type
        self.idmapped = idmapped.ids(self.text)

    def names(self) -> frozenset[str]:
        """The last component of every mount point: only entries of these names can be mounts.

        The kernel lets nobody rename a mount point in the namespace where it is one.
        """
        if self._names is None:
            self._names = _last_names(self.text)
        return self._names

    def idmapped_names(self) -> frozenset[str]:
        """The same of the idmapped mounts alone."""
        if not self.idmapped:
            return frozenset()
        lines = [line for line in self.text.split(b"\n") if line.partition(b" ")[0] in self.idmapped]
        return _last_names(b"\n".join(lines))

    def filesystem_type(self, fd: int) -> str:
        """The type of the filesystem that `fd` is on as mountinfo names it (``ext4``, ``nfs4``), or ``""``."""
        device = os.fstat(fd).st_dev
        found = self._types.get(device)
        if found is None:
            found = self._types[device] = self._type(device)
        return found

    def _type(self, device: int) -> str:
        number = b" %d:%d " % (os.major(device), os.minor(device))
        text, at = self.text, -1
        while (at := text.find(number, at + 1)) >= 0:
            begins = text.rfind(b"\n", 0, at) + 1
            if text.count(b" ", begins, at) == 1:  # the third word, and not what another filesystem calls its source
                return decoded(text[at : text.index(b"\n", at)].partition(b" - ")[2].split(b" ", 1)[0])
        return ""


def _last_names(text: bytes) -> frozenset[str]:
    # Not splitlines: it also cuts at a carriage return, which the kernel writes as it is
    lines = decoded(text).split("\n")
    points = [line.split(" ", 5)[4].rpartition("/")[2] for line in lines if line]
    if "\\" in "".join(points):
        from pydrop.inspection.mountinfo_names import plain

        points = [plain(point) for point in points]
    return frozenset(points)


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        text = b""
        while piece := os.read(file, PAGE):
            text += piece
        return text
    finally:
        os.close(file)
