"""Where a walk stops: at the mounts below its volume, unless it is told to cross them.

st_dev cannot tell a bind mount of the same filesystem; the id of the mount can.
"""

import posix as os

from pydrop import idmapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .volume_path import Surroundings
    from .volume_report import VolumeReport


class VolumeMount:
    """The mount that a volume is on, to compare others with. For one process: a forked worker begins it anew."""

    def __init__(self, crossed: bool, around: "Surroundings", report: "VolumeReport") -> None:
        """`crossed`: other mounts are walked too. `around` is asked for the mounts' names where something is wrong:
        what is right may lie on any mount."""
        self._crossed = crossed
        self._around = around
        self._report = report
        self._top = -1
        self._tag: bytes | None = None  # not asked for yet: a volume without folders has nothing to compare with
        self._names: frozenset[str] | None = None  # not asked for yet
        self._mapped: bool | None = None  # not asked for yet

    def begin(self, top: int) -> None:
        """`top` is a descriptor on the volume, and must stay open: the kernel gives freed ids to new mounts."""
        self._top = top
        self._tag = self._mapped = None

    def begin_in_worker(self, top: int) -> None:
        """The same in a forked worker, whose descriptors are others."""
        self._around = self._around.forked()
        self.begin(top)

    def is_left_at(self, fd: int) -> bool:
        """Whether `fd` is on another mount than the volume, and the walk must not go there."""
        if self._crossed:
            mapped = self._around.mounts().idmapped
            return bool(mapped) and idmapped.mount_id(self._about(fd)) in mapped
        if self._tag is None:
            self._tag = self._tag_of_top()
        if not self._tag:  # gVisor's fdinfo has no mnt_id; there the device is all there is to compare
            return os.fstat(fd).st_dev != os.fstat(self._top).st_dev
        return self._tag not in self._about(fd)

    def is_mapped(self) -> bool:
        """Whether the volume itself is on an idmapped mount, through which nothing is changed."""
        if self._mapped is None:
            mapped = self._around.mounts().idmapped
            self._mapped = bool(mapped) and idmapped.mount_id(self._about(self._top)) in mapped
        return self._mapped

    def names(self) -> frozenset[str]:
        """What an entry must be called to be a mount, which must not be changed; an idmapped one where mounts are
        crossed."""
        if self._names is None:
            table = self._around.mounts()
            self._names = table.idmapped_names() if self._crossed else table.names()
        return self._names

    def leave_alone(self, path: str, right: bool = False) -> None:
        """Report a mount below the volume, which is neither entered nor changed. `right`: it shows the right owner."""
        if not self._crossed:
            self._report.mounts.add(path)
        elif not right:
            self._report.idmapped.add(path)

    def _tag_of_top(self) -> bytes:
        # Read once: the first line has a position, which a worker shares with the process that forked it, and which may
        # move between two reads
        about = self._about(self._top)
        start = about.find(b"\nmnt_id:")
        return about[start : about.index(b"\n", start + 1) + 1] if start >= 0 else b""

    def _about(self, fd: int) -> bytes:
        """The text of /proc/self/fdinfo/FD (proc(5)).

        A probe that is open tells about whatever has the number when it is read: 1.2 µs against 8 for opening it each
        time.
        """
        probes = self._around.probes
        probe = probes.get(fd)
        if probe is None:
            probe = probes[fd] = os.open(f"/proc/self/fdinfo/{fd}", os.O_RDONLY)
        return os.pread(probe, 512, 0)
