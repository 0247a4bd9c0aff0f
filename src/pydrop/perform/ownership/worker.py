"""One forked process of a walk, as the process sees it that forked it, and how it reports."""

import _signal
import marshal
import posix as os

from .volume_report import NAMES_KEPT, Refusals, VolumeReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .slices import Slice


class Worker:
    """A forked process, the part of a folder that it was given, and the pipe on which it will report."""

    __slots__ = ("part", "pid", "pipe")

    def __init__(self, pid: int, pipe: int, part: "Slice") -> None:
        self.pid = pid
        self.pipe = pipe
        self.part = part

    def wait(self, seconds: float) -> bool:
        """Whether its report, or its end, is there; waits so long for it."""
        from select import POLLIN, poll

        waiting = poll()
        waiting.register(self.pipe, POLLIN)
        return bool(waiting.poll(int(seconds * 1000)))

    def has_ended(self) -> bool:
        return self.wait(0)

    def report(self) -> "tuple[VolumeReport, int] | None":
        """What it did and how many workers it started in turn, once it has ended; None where it was killed."""
        parts = []
        while part := os.read(self.pipe, 65536):
            parts.append(part)
        return None if self._status() or not parts else unpacked(marshal.loads(b"".join(parts)))  # noqa: S302 # our own fork wrote it

    def _status(self) -> int:
        """Its wait status, once; with signals held back, so that nobody can kill it by its number after that."""
        mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        try:
            os.close(self.pipe)
            pid, self.pid = self.pid, 0
            return os.waitpid(pid, 0)[1]
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)

    def end(self) -> None:
        """Kill it, and with it what it started (PR_SET_PDEATHSIG): the walk is given up."""
        if self.pid:
            os.kill(self.pid, _signal.SIGKILL)
            self._status()


def close_all_but(kept: set[int]) -> None:
    """Close every descriptor that a fork has brought along, but for these."""
    for descriptor in [int(name) for name in os.listdir("/proc/self/fd")]:
        if descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError:  # the one that listed them
                pass


def packed(report: VolumeReport, started: int) -> bytes:
    """A report's counts and names, and how many workers there were, as bytes for the pipe."""
    refused = {number: (r.count, r.names) for number, r in report.refused.items()}
    linked, mounts = report.linked, report.mounts
    counts = (report.looked_at, report.changed, report.given)
    return marshal.dumps((started, *counts, (linked.count, linked.names), (mounts.count, mounts.names), refused))


def unpacked(content: "tuple[Any, ...]") -> tuple[VolumeReport, int]:
    """The report again, out of what `packed` made of it."""
    report = VolumeReport()
    started, report.looked_at, report.changed, report.given, linked, mounts, refused = content
    report.linked, report.mounts = _refusals(*linked), _refusals(*mounts)
    report.refused = {number: _refusals(*each) for number, each in refused.items()}
    return report, started


def _refusals(count: int, names: list[str]) -> Refusals:
    refusals = Refusals()
    refusals.count, refusals.names = count, names
    return refusals


def add(report: VolumeReport, other: VolumeReport) -> None:
    """Take into `report` what another process did in the same volume."""
    report.looked_at += other.looked_at
    report.changed += other.changed
    report.given += other.given
    _add_refusals(report.linked, other.linked)
    _add_refusals(report.mounts, other.mounts)
    for errno, refusals in other.refused.items():
        _add_refusals(report.refused.setdefault(errno, Refusals()), refusals)


def _add_refusals(refusals: Refusals, other: Refusals) -> None:
    refusals.count += other.count
    refusals.names += other.names[: NAMES_KEPT - len(refusals.names)]
