"""Reads the mounts of this container from /proc/self/mountinfo (proc_pid_mountinfo(5)), for doctor and verify."""

from pydrop.encoding import decoded
from pydrop.inspection.mountinfo_names import plain
from pydrop.inspection.volume_mounts import KERNELS
from pydrop.model import Value

KERNEL_FOLDERS = ("/proc", "/sys", "/dev")


class Mount(Value):
    """One mount. `root` is the part of the filesystem that is mounted here. `options` are the options of the mount and
    those of the filesystem together."""

    point: str
    root: str
    type: str
    source: str
    options: frozenset[str]
    device: str  # "major:minor"

    @property
    def read_only(self) -> bool:
        return "ro" in self.options


def mounted() -> list[Mount]:
    """Every visible mount, the mount of `/` first. Of several on one point it is the last, which hides the others.

    Raises OSError where there is no /proc."""
    with open("/proc/self/mountinfo", "rb") as table:
        found = {mount.point: mount for mount in [read(line.rstrip(b"\n")) for line in table]}
    return [found[point] for point in sorted(found)]


def read(line: bytes) -> Mount:
    """Parse one line: ``36 35 98:0 /part /point rw,noatime master:1 - ext4 /dev/root rw,errors=continue``."""
    before, _, behind = line.partition(b" - ")
    _, _, device, root, point, options = before.split(b" ")[:6]
    kind, source, super_options = [*behind.split(b" ", 2), b"", b""][:3]
    return Mount(
        point=plain(decoded(point)),
        root=plain(decoded(root)),
        type=decoded(kind),
        source=plain(decoded(source)),
        options=frozenset(decoded(options + b"," + super_options).split(",")),
        device=decoded(device),
    )


def is_kernels(mount: Mount) -> bool:
    """Whether the mount is one of the kernel's own, or lies in /proc, /sys or /dev. /dev/shm is for programs."""
    if mount.point == "/dev/shm":
        return False
    inside = any([mount.point == folder or mount.point.startswith(f"{folder}/") for folder in KERNEL_FOLDERS])
    return inside or mount.type in KERNELS


def holding(path: str, mounts: list[Mount]) -> Mount | None:
    """The mount on which a path lies. The path must have no links and no dots in it."""
    over = [m for m in mounts if m.point in ("/", path) or path.startswith(f"{m.point}/")]
    return max(over, key=lambda mount: len(mount.point), default=None)
