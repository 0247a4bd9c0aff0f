"""How many processes a walk is worth, by what one process saw of it until now.

As many as there are processors for it; and more by as much as the walk waits (a network volume, where many calls in
flight are the only cure) and does not compute.
"""

import posix as os
import time

MOST_PROCESSES = 32  # processes at once
BUSY = 0.8  # of the time: more than that, and only processors can help
QUOTA = "/sys/fs/cgroup/cpu.max"  # cgroups(7), version 2: microseconds of a period, and the period


class Clock:
    """What a process has spent on how many entries since this was made. Seconds."""

    __slots__ = ("began", "cpu", "looked_at", "queued")

    def __init__(self, looked_at: int) -> None:
        self.looked_at = looked_at
        self.began = time.monotonic()
        self.cpu = time.process_time()
        self.queued = queued()

    def wall(self) -> float:
        return time.monotonic() - self.began

    def busy(self) -> float:
        """The part of the time, 0 to 1, in which it computed or could have, but for others on the processor."""
        wall = self.wall()
        waited = wall - (time.process_time() - self.cpu) - (queued() - self.queued)
        return 1 - min(max(waited / wall, 0.0), 1.0) if wall > 0 else 1.0

    def pace(self, looked_at: int) -> float:
        """Seconds for an entry, now that so many were looked at."""
        return max(self.wall(), 1e-6) / max(looked_at - self.looked_at, 1)


def queued() -> float:
    """Seconds that this process has waited for a processor: the second number of /proc/PID/schedstat (in ns)."""
    try:
        file = os.open("/proc/self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0.0
    try:
        return int(os.read(file, 64).split()[1]) / 1e9
    finally:
        os.close(file)


def workers(busy: float) -> int:
    """How many processes make a walk fast in which one is `busy` for this part of the time."""
    count = processors() if busy > BUSY else round(processors() / max(busy, 1 / MOST_PROCESSES))
    return max(1, min(count, MOST_PROCESSES))


def processors() -> int:
    """Those that this process may run on, less what the control group's quota takes away; at least 1."""
    allowed = len(os.sched_getaffinity(0))
    try:
        file = os.open(QUOTA, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return allowed
    try:
        quota, period = os.read(file, 64).split()
    finally:
        os.close(file)
    return allowed if quota == b"max" else max(1, min(allowed, round(int(quota) / int(period))))


def processor() -> int:
    """The one that this process runs on; -1 where nobody says (proc(5), field 39 of /proc/PID/stat)."""
    try:
        file = os.open("/proc/self/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1
    try:
        return int(os.read(file, 4096).rpartition(b")")[2].split()[36])
    except (OSError, IndexError, ValueError):
        return -1
    finally:
        os.close(file)


def leave(number: int) -> None:
    """Run on another processor than this one, if there is any; what this process may run on stays the same.

    A scheduler that knows of no processors beside each other, as in many a virtual machine, leaves a new process for
    2 to 4 ms on that of the one that forked it."""
    try:
        allowed = os.sched_getaffinity(0)
        others = allowed - {number}
        if others and others != allowed and processor() == number:
            os.sched_setaffinity(0, others)
            os.sched_setaffinity(0, allowed)
    except OSError:  # not permitted here
        pass
