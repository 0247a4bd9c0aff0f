"""Finds the mounts that a program may want to write: all but the runtime's own, the kernel's, and the read-only ones.

Every start asks. Where the mounts are as a runtime makes them, without a volume, nothing more is loaded. `inspection`
and verify go by this one answer.
"""

from pydrop.mountinfo import OPTIONS, POINT, Row, Rows, filesystem, plain

# The types of the kernel's own filesystems, in which no program keeps anything.
KERNELS = frozenset(
    "proc sysfs cgroup cgroup2 devpts mqueue devtmpfs debugfs tracefs securityfs pstore bpf configfs "
    "binfmt_misc fusectl hugetlbfs rpc_pipefs selinuxfs efivarfs nsfs autofs".split()
)
# Places that runtimes mount something on by themselves, or where a start itself makes the owners and modes right; and
# /etc, which stays root's.
RUNTIMES = frozenset(
    "/ /etc /run /tmp /var/tmp /var/run /run/lock /etc/hosts /etc/hostname /etc/resolv.conf /run/.containerenv "
    "/.dockerenv /run/secrets /var/run/secrets /proc /sys /dev".split()
)
BELOW = ("/proc/", "/sys/", "/dev/", "/run/secrets/", "/var/run/secrets/")  # nor anything in there


def found(table: Rows, named: "tuple[str, ...]" = ()) -> tuple[tuple[str, str], ...]:
    """(mount point, type of filesystem) of each of them that can be seen.

    Mount points that are `named` are left out, so that nothing more is loaded for a start that names its volumes. The
    type is "idmapped" where the mount shows other owners than its filesystem has. Single files are among them."""
    rows = [row for row in table if _counts(row, named)]
    if not rows:
        return ()
    from pydrop.inspection import mount_visibility

    return mount_visibility.visible(rows, table)


def _counts(row: Row, named: "tuple[str, ...]") -> bool:
    place = plain(row[POINT])
    if place in RUNTIMES or place in named or place.startswith(BELOW):
        return False
    kind, _, own = filesystem(row)
    read_only = b"ro" in (row[OPTIONS][:3].rstrip(b","), own[:3].rstrip(b","))
    return not read_only and kind.decode("ascii", "replace") not in KERNELS
