"""What a worker did, as the bytes that it writes to the process that forked it."""

import marshal

from .volume_report import Refusals, VolumeReport


def packed(report: VolumeReport, started: int) -> bytes:
    """A report's counts and names, and how many workers the worker has started in turn."""
    refused = {number: (each.count, each.names) for number, each in report.refused.items()}
    left = [(each.count, each.names) for each in (report.linked, report.mounts, report.idmapped)]
    counts = (report.looked_at, report.changed, report.given)
    return marshal.dumps((started, counts, left, refused))


class WorkerReport:
    """A report as it came out of the pipe."""

    __slots__ = ("_left", "_refused", "changed", "given", "looked_at", "started")

    def __init__(self, content: bytes) -> None:
        self.started, counts, self._left, self._refused = marshal.loads(content)  # noqa: S302 # our own fork wrote it
        self.looked_at, self.changed, self.given = counts

    def add_to(self, report: VolumeReport) -> None:
        """Add what the worker did to the report of the process that forked it."""
        report.count(self.looked_at, self.changed, self.given)
        for mine, theirs in zip((report.linked, report.mounts, report.idmapped), self._left, strict=True):
            mine.add_all(*theirs)
        for errno, refusals in self._refused.items():
            report.refused.setdefault(errno, Refusals()).add_all(*refusals)
