"""The workers that one process of a walk has started, by the folder of which each has a slice.

A folder is finished only when its workers are, so the order of a walk stays what it is. A slice whose worker was killed
is done again by the process that gave it away.
"""

from .worker import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .entries import Entries
    from .folder import Folder
    from .slices import Slice
    from .volume_report import VolumeReport
    from .worker_pipes import Counts, Tokens

    Wait = Callable[[], None]


class StartedWorkers:
    """Waits for workers, and adds what they did to the report of this process."""

    __slots__ = ("_by_folder", "_counts", "_entries", "_report", "_tokens", "_waiting", "lost", "started")

    def __init__(
        self,
        entries: "Entries",
        report: "VolumeReport",
        tokens: "Tokens | None",
        counts: "Counts | None",
        waiting: "Wait | None",
    ) -> None:
        """`waiting` is called about ten times a second while this process waits for a worker, if anybody watches."""
        self._entries = entries
        self._report = report
        self._tokens = tokens
        self._counts = counts
        self._waiting = waiting
        self.begin_in_worker()
        self.lost = False  # whether a worker was killed: then no other is started

    def begin_in_worker(self) -> None:
        """A worker has none of its own yet."""
        self._by_folder: dict[Folder, list[Worker]] = {}
        self.started = 0  # by this process and by its workers

    def add(self, pid: int, pipe: int, part: "Slice") -> None:
        self._by_folder.setdefault(part.folder, []).append(Worker(pid, pipe, part))
        self.started += 1

    def reap(self) -> None:
        """Take in the reports of workers that have ended, so that they do not add up in a wide folder."""
        for started in list(self._by_folder.values()):
            for worker in [worker for worker in started if worker.has_ended()]:
                self._take_in(worker)

    def collect(self, folder: "Folder") -> bool:
        """Wait for the workers of a folder that is done but for them; whether it is done then.

        Meanwhile another process may work.
        """
        while started := self._by_folder.get(folder):
            worker = started[0]
            if self._tokens:
                self._tokens.lend()
            while self._waiting and not worker.wait(0.1):
                self._waiting()
            self._take_in(worker)
        return not folder.folders

    def _take_in(self, worker: Worker) -> None:
        """Add what a worker did; or do it again, where it was killed: nobody knows how far it came."""
        report, part = worker.report(), worker.part
        self._by_folder[part.folder].remove(worker)
        if not self._by_folder[part.folder]:
            del self._by_folder[part.folder]
        if report is None:
            self.lost = True
            self.take_back(part)
            return
        report.add_to(self._report)
        self.started += report.started
        if self._counts:
            self._counts.merged(report.looked_at, report.changed)

    def take_back(self, part: "Slice") -> None:
        """No worker does this slice, so this process does."""
        part.folder.put_back(part.folders)
        if part.folder.fd >= 0:  # else it was moved away, and reported
            self._entries.look(part.folder, part.names)

    def lent(self, folder: "Folder") -> int:
        """How many parts of a folder, in folders or slices, are with workers."""
        return sum([len(worker.part.folders) or 1 for worker in self._by_folder.get(folder, ())])

    def end(self) -> None:
        """Kill those that still work."""
        for started in self._by_folder.values():
            for worker in started:
                worker.end()
        self._by_folder.clear()
