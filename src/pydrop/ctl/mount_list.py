"""The mounts of this container, each with what it is, as the kernel lists them (proc_pid_mountinfo(5))."""

from pydrop.encoding import decoded
from pydrop.model import Value
from pydrop.perform.ownership.mountinfo_names import plain

# What no program keeps anything in: the kernel's own, shown as files.
KERNELS = frozenset(
    "proc sysfs cgroup cgroup2 devpts mqueue devtmpfs debugfs tracefs securityfs pstore bpf configfs "
    "binfmt_misc fusectl hugetlbfs rpc_pipefs selinuxfs efivarfs nsfs autofs".split()
)
KERNEL_FOLDERS = ("/proc", "/sys", "/dev")


class Mount(Value):
    """One mount. `root` is the part of its filesystem that is seen here; `options` are those of the mount and of the
    filesystem together."""

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
    """Every mount that can be seen, the one of `/` first; of several on one point the last, which hides the others.

    OSError where there is no /proc."""
    with open("/proc/self/mountinfo", "rb") as table:
        found = {mount.point: mount for mount in [read(line.rstrip(b"\n")) for line in table]}
    return [found[point] for point in sorted(found)]


def read(line: bytes) -> Mount:
    """One line: ``36 35 98:0 /part /point rw,noatime master:1 - ext4 /dev/root rw,errors=continue``."""
    before, _, behind = line.partition(b" - ")
    _, _, device, root, point, options = before.split(b" ")[:6]
    kind, source, more = [*behind.split(b" ", 2), b"", b""][:3]
    return Mount(
        point=plain(decoded(point)),
        root=plain(decoded(root)),
        type=decoded(kind),
        source=plain(decoded(source)),
        options=frozenset(decoded(options + b"," + more).split(",")),
        device=decoded(device),
    )


def is_kernels(mount: Mount) -> bool:
    """Whether it is one of the kernel's own, or lies in /proc, /sys or /dev (but /dev/shm, which is for programs)."""
    if mount.point == "/dev/shm":
        return False
    inside = any([mount.point == folder or mount.point.startswith(f"{folder}/") for folder in KERNEL_FOLDERS])
    return inside or mount.type in KERNELS


def holding(path: str, mounts: list[Mount]) -> Mount | None:
    """The mount that a path without links and dots lies on."""
    over = [m for m in mounts if m.point in ("/", path) or path.startswith(f"{m.point}/")]
    return max(over, key=lambda mount: len(mount.point), default=None)
