"""What a worker did, as the bytes that it writes to the process that forked it."""

import marshal

from .volume_report import Refusals, VolumeReport


def packed(report: VolumeReport, started: int) -> bytes:
    """A report's counts and names, and how many workers the worker has started in turn."""
    refused = {number: (each.count, each.names) for number, each in report.refused.items()}
    linked, mounts = report.linked, report.mounts
    counts = (report.looked_at, report.changed, report.given)
    return marshal.dumps((started, counts, (linked.count, linked.names), (mounts.count, mounts.names), refused))


class WorkerReport:
    """A report as it came out of the pipe."""

    __slots__ = ("_linked", "_mounts", "_refused", "changed", "given", "looked_at", "started")

    def __init__(self, content: bytes) -> None:
        self.started, counts, self._linked, self._mounts, self._refused = marshal.loads(content)  # noqa: S302 # our own fork wrote it
        self.looked_at, self.changed, self.given = counts

    def add_to(self, report: VolumeReport) -> None:
        """Add what the worker did to the report of the process that forked it."""
        report.count(self.looked_at, self.changed, self.given)
        report.linked.add_all(*self._linked)
        report.mounts.add_all(*self._mounts)
        for errno, refusals in self._refused.items():
            report.refused.setdefault(errno, Refusals()).add_all(*refusals)
