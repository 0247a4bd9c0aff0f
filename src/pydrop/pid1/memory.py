"""Whether the kernel killed a process of this container for lack of memory.

The container's cgroup counts such kills (cgroups(7)). `pid1.loop` reads the count before and after the command.
"""

import posix as os

# (controller as in /proc/self/cgroup, file) of cgroup versions 2 and 1. {} is the cgroup's path, or an end of it.
FILES = (
    ("0", "/sys/fs/cgroup{}/memory.events"),
    ("memory", "/sys/fs/cgroup/memory{}/memory.oom_control"),
)


def opened() -> int:
    """A descriptor of the file that holds the count, for `kills`; -1 where no such file can be opened."""
    paths = _paths()
    for path in [known.format(end) for kind, known in FILES for end in _ends(paths.get(kind, ""))]:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
    return -1


def _ends(path: str) -> list[str]:
    """The path and its ends, longest first, down to "". A container sees its own cgroup, or one above, as the root."""
    names = path.split("/")[1:]
    return ["".join([f"/{name}" for name in names[first:]]) for first in range(len(names) + 1)]


def _paths() -> dict[str, str]:
    """The paths of this process's cgroups: under "0" for version 2, else under each controller; "" for the root."""
    found: dict[str, str] = {}
    try:
        file = os.open("/proc/self/cgroup", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return found
    try:
        lines = os.read(file, 65536).decode("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    finally:
        os.close(file)
    for line in filter(None, lines):  # the last line is empty; splitlines would split a path at other characters too
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for name in controllers.split(",") if controllers else [number]:
            found[name] = "" if path == "/" else path
    return found


def kills(file: int) -> int:
    """How many processes of this cgroup the kernel has killed for memory; 0 where no file counts them."""
    if file < 0:
        return 0
    try:
        lines = os.pread(file, 4096, 0).decode("ascii", "replace").splitlines()
    except OSError:
        return 0
    numbers = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
    return int(numbers[0]) if numbers and numbers[0].isdigit() else 0
