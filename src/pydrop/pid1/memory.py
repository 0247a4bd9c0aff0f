"""Whether the kernel killed a process of this container for memory: its cgroup counts that (cgroups(7))."""

import posix as os

FILES = (  # version 2, and the two places of version 1; PATH is the cgroup's own where /sys/fs/cgroup shows all
    ("0", "/sys/fs/cgroup{}/memory.events"),
    ("memory", "/sys/fs/cgroup/memory{}/memory.oom_control"),
)


def opened() -> int:
    """A descriptor of the file that counts; -1 where there is none. Read anew by `kills`."""
    paths = _paths()
    for path in [known.format(end) for kind, known in FILES for end in _ends(paths.get(kind, ""))]:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
    return -1


def _ends(path: str) -> list[str]:
    """The path and its ends, longest first: a container sees its own cgroup, or one above it, as the root."""
    names = path.split("/")[1:]
    return ["".join([f"/{name}" for name in names[first:]]) for first in range(len(names) + 1)]


def _paths() -> dict[str, str]:
    """This process's cgroups: "0" for version 2, else by controller, "" for the root."""
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
    for line in filter(None, lines):  # the last is empty; splitlines would cut a path at more than newlines
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for name in controllers.split(",") if controllers else [number]:
            found[name] = "" if path == "/" else path
    return found


def kills(file: int) -> int:
    """How often the kernel has killed for memory here; 0 where nothing counts."""
    if file < 0:
        return 0
    try:
        lines = os.pread(file, 4096, 0).decode("ascii", "replace").splitlines()
    except OSError:
        return 0
    numbers = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
    return int(numbers[0]) if numbers and numbers[0].isdigit() else 0
