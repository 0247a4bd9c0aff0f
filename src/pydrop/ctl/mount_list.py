"""The mounts of this container as doctor and verify speak of them."""

from pydrop import mountinfo
from pydrop.encoding import decoded
from pydrop.inspection.volume_mounts import KERNELS
from pydrop.model import Value
from pydrop.mountinfo import DEVICE, OPTIONS, POINT, ROOT, plain

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
    found = {mount.point: mount for mount in [read(row) for row in mountinfo.of()]}
    return [found[point] for point in sorted(found)]


def read(row: mountinfo.Row) -> Mount:
    kind, source, super_options = mountinfo.filesystem(row)
    return Mount(
        point=plain(row[POINT]),
        root=plain(row[ROOT]),
        type=decoded(kind),
        source=plain(source),
        options=frozenset(decoded(row[OPTIONS] + b"," + super_options).split(",")),
        device=decoded(row[DEVICE]),
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
