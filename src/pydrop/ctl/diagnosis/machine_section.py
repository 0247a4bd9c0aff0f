"""Section "Resources" of a diagnosis: the container's memory, its processors, and its standard streams."""

import os
import stat

from pydrop.ctl.diagnosis.files_section import human
from pydrop.ctl.diagnosis.findings import Change, Fact, Section
from pydrop.ctl.diagnosis.world import World

CGROUP = "/sys/fs/cgroup"
UNLIMITED = 1 << 60  # bytes; without a limit, cgroup version 1 shows a little less than 2^63
KINDS = ((stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISREG, "file"), (stat.S_ISCHR, "device"))


def examine(_world: World) -> tuple[Section, list[Change]]:
    groups = _groups()
    version = "2" if "" in groups and len(groups) == 1 else "1"
    facts = [
        Fact(name="control groups", found=f"version {version}" if groups else "unknown"),
        Fact(name="memory limit", found=_memory(groups)),
        Fact(name="processors", found=_processors(groups)),
        Fact(
            name="standard streams",
            found=", ".join([f"{n} {_stream(d)}" for d, n in enumerate(("in:", "out:", "error:"))]),
        ),
    ]
    return Section(title="Resources", facts=tuple(facts)), []


def _groups() -> dict[str, str]:
    """Maps each controller to its path, from /proc/self/cgroup (cgroups(7)). Version 2 has one line, with "" for it."""
    found = {}
    try:
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                _, controllers, path = line.rstrip("\n").split(":", 2)
                found.update(dict.fromkeys(controllers.split(","), path))
    except (OSError, ValueError):
        return {}
    return found


def _read(groups: dict[str, str], controller: str, name: str, name_in_2: str) -> str:
    """The content of the control group's file, "" where there is none.

    Where the path is the host's, the file is found at the root of the cgroup namespace."""
    places = [f"{CGROUP}/{controller}{groups.get(controller, '')}/{name}", f"{CGROUP}/{controller}/{name}"]
    places += [f"{CGROUP}{groups.get('', '')}/{name_in_2}", f"{CGROUP}/{name_in_2}"]
    for place in places:
        try:
            with open(place, encoding="ascii", errors="replace") as file:
                return file.read(200).strip()
        except OSError:
            continue
    return ""


def _memory(groups: dict[str, str]) -> str:
    text = _read(groups, "memory", "memory.limit_in_bytes", "memory.max")
    if text.isdigit():
        return human(int(text)) if int(text) < UNLIMITED else "none"
    return "none" if text == "max" else "unknown"


def _processors(groups: dict[str, str]) -> str:
    """The number of processors that this process may run on, and the share of their time that it gets."""
    count = len(os.sched_getaffinity(0))
    text = _read(groups, "cpu", "cpu.cfs_quota_us", "cpu.max")
    quota, _, period = text.partition(" ")
    period = period or _read(groups, "cpu", "cpu.cfs_period_us", "cpu.max")
    if quota.isdigit() and period.isdigit() and int(period):
        return f"{count}, limited to the time of {int(quota) / int(period):g}"
    return f"{count}, not limited"


def _stream(descriptor: int) -> str:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return "closed"
    if os.isatty(descriptor):
        return f"terminal of {status.st_uid}"
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == os.makedev(1, 3):
        return "/dev/null"
    kind = next((name for is_kind, name in KINDS if is_kind(status.st_mode)), "something else")
    return f"{kind} of {status.st_uid}"
