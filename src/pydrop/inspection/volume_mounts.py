"""Finds the mounts that a program may want to write: all but the runtime's own, the kernel's, and the read-only ones.

Every start reads /proc/self/mountinfo (proc_pid_mountinfo(5)) for this once. Where it is as a runtime makes it, without
a volume, nothing more is loaded. `inspection` and verify go by this one answer.
"""

import posix as os

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
PIECE = 65536  # bytes that are read at once


def found(named: "tuple[str, ...]" = ()) -> tuple[tuple[str, str], ...]:
    """(mount point, type of filesystem) of each of them that can be seen; () where there is no /proc.

    Mount points that are `named` are left out, so that nothing more is loaded for a start that names its volumes. The
    type is "idmapped" where the mount shows other owners than its filesystem has. Single files are among them."""
    try:
        text = _mountinfo()
    except OSError:
        return ()
    lines = [line for line in text.split(b"\n") if line and _counts(line, named)]
    if not lines:
        return ()
    from pydrop.inspection import mount_visibility

    return mount_visibility.visible(lines, text)


def _mountinfo() -> bytes:
    file = os.open("/proc/self/mountinfo", os.O_RDONLY)
    try:
        parts = []
        while part := os.read(file, PIECE):
            parts.append(part)
    finally:
        os.close(file)
    return b"".join(parts)


def _counts(line: bytes, named: "tuple[str, ...]") -> bool:
    """Whether a line is of such a mount: ``36 35 98:0 /part /point rw,noatime master:1 - ext4 /dev/root rw``."""
    _, _, _, _, point, options, rest = line.split(b" ", 6)
    place = point.decode("utf-8", "surrogateescape")
    if place in RUNTIMES or place in named or place.startswith(BELOW):
        return False
    kind, _, own = rest.partition(b"- ")[2].split(b" ", 2)
    read_only = b"ro" in (options[:3].rstrip(b","), own[:3].rstrip(b","))
    return not read_only and kind.decode("ascii", "replace") not in KERNELS
