"""Which mount an open descriptor is on: st_dev cannot tell a bind mount of the same filesystem, the mount's id can."""

import posix as os

from pydrop.encoding import decoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    Probes = dict[int, int]  # a descriptor -> that of its /proc/self/fdinfo/NUMBER

PAGE = 4096  # bytes: a read of mountinfo gets no more at once


class VolumeMount:
    """The mount of a volume, to compare others with. For one process: a forked worker needs its own."""

    def __init__(self, fd: int, probes: "Probes") -> None:
        """The mount of `fd`, which must stay open: the kernel gives freed ids to new mounts. `probes` are kept from one
        volume to the next, and closed by who made them."""
        self.probes = probes
        self.fd = fd
        self.tag: bytes | None = None  # not asked for yet: a volume without folders has nothing to compare with

    def _remember(self) -> None:
        # Read once: the first line has a position, which a worker shares with who forked it, and which may move between
        about = self._about(self.fd)
        start = about.find(b"\nmnt_id:")
        self.tag = about[start : about.index(b"\n", start + 1) + 1] if start >= 0 else b""

    def _about(self, fd: int) -> bytes:
        """The text of /proc/self/fdinfo/FD (proc(5)).

        One that is open tells about whatever has the number when it is read: 1.2 µs against 8 for opening it each time.
        """
        probe = self.probes.get(fd)
        if probe is None:
            probe = self.probes[fd] = os.open(f"/proc/self/fdinfo/{fd}", os.O_RDONLY)
        return os.pread(probe, 512, 0)

    def holds(self, fd: int) -> bool:
        """Whether `fd` is on this mount."""
        if self.tag is None:
            self._remember()
        if not self.tag:  # gVisor's fdinfo has no mnt_id; there the device is all there is to compare
            return os.fstat(fd).st_dev == os.fstat(self.fd).st_dev
        return self.tag in self._about(fd)


class MountTable:
    """The mounts of this process's namespace as they were when this was made (proc_pid_mountinfo(5))."""

    def __init__(self) -> None:
        self.text = _read("/proc/self/mountinfo")
        self._names: frozenset[str] | None = None
        self._types: dict[int, str] = {}  # device -> type

    def names(self) -> frozenset[str]:
        """The last component of every mount point: only entries of these names can be mounts.

        The kernel lets nobody rename a mount point in the namespace where it is one.
        """
        if self._names is None:
            # Not splitlines: it also cuts at a carriage return, which the kernel writes as it is
            lines = decoded(self.text).split("\n")
            points = [line.split(" ", 5)[4].rpartition("/")[2] for line in lines if line]
            if "\\" in "".join(points):
                from .mountinfo_names import plain

                points = [plain(point) for point in points]
            self._names = frozenset(points)
        return self._names

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


def _read(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        text = b""
        while piece := os.read(file, PAGE):
            text += piece
        return text
    finally:
        os.close(file)
