"""Sharing a walk out: when a process of it starts a worker, and how one begins and ends.

A fork hands over the descriptor of a folder, the names of a slice and the way to them all at once, so nothing is looked
up twice. Processes, since threads of CPython look at local entries one at a time.
"""

import _signal
import posix as os
import time

from . import slice_widths, slices, worker_process
from .started_workers import StartedWorkers
from .worker_count import BUSY, leave, processor, workers
from .worker_pipes import Counts, Tokens
from .worker_reports import packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .entries import Entries
    from .folder import Folder
    from .slices import Slice
    from .started_workers import Wait
    from .volume_report import VolumeReport
    from .worker_count import Clock

GENERATIONS = 16  # workers of workers: those above wait for those below, and take memory meanwhile
APART = 0.003  # seconds between two forks of one process, which cost half of one: folders may be tiny
AGAIN = 0.0005  # seconds until a token is asked for again: to be told that there is none takes as long as two entries


class Sharing:
    """What one process of a walk knows of the others: the tokens of all, and its own workers."""

    __slots__ = (
        *("_child_signal", "_counts", "_generation", "_inherited", "_is_busy", "_lock", "_next", "_report"),
        *("_report_to", "_slices", "_tokens", "widths", "workers"),
    )

    def __init__(
        self,
        clock: "Clock",
        entries: "Entries",
        report: "VolumeReport",
        lock: int,
        waiting: "Wait | None",
    ) -> None:
        """How a walk will be shared is decided by what `clock` has seen of it. Workers keep the descriptor `lock`.
        `waiting`: see StartedWorkers."""
        pace, busy = clock.pace(report.looked_at), clock.busy()
        count = workers(busy)
        self._is_busy = count > 1 and busy > BUSY  # processors are what this walk is short of
        self.widths = slice_widths.decided(pace, self._is_busy, count)
        self._report = report
        self._lock = lock
        self._slices = slices.Slices(entries, self.widths)
        self._generation = 0  # the process that began
        self._report_to = -1  # the pipe to the process that forked this one
        self._inherited: list[object] = []
        self._next = 0.0  # when a worker may be started
        self._child_signal: object = None
        self._tokens = Tokens(count - 1) if count > 1 else None
        self._counts = Counts() if self._tokens and waiting else None
        self.workers = StartedWorkers(entries, report, self._tokens, self._counts, waiting)
        if self._tokens:
            self._child_signal = _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # ignored, it kept no wait status

    # -- in the process that gives work away ------------------------------------------------------

    def share(self, way: "Iterable[Folder]") -> "Folder | None":
        """Give a slice of the highest folder that has one to a new worker, where one may be started.

        Returns twice then, as fork(2) does: in the worker, the folder of which the slice is left to it; else None.
        """
        if not self._tokens or self.workers.lost or self._generation == GENERATIONS:
            return None
        now = time.monotonic()
        if now < self._next:
            return None
        if not self._tokens.acquire():
            self._next = now + AGAIN
            return None
        if self._tokens.pay():
            return None
        self.workers.reap()
        self._next = now + APART
        folder = next((f for f in way if f.fd >= 0 and slices.may_have(f, now)), None)
        part = folder and self._slices.cut(folder, now)
        pid = self._fork(part, way) if part else -1
        if not part or pid < 0:
            self._tokens.release()
        elif pid == 0:
            return part.folder
        elif part.names:
            self._slices.lay_up(part.folder)
        return None

    def _fork(self, part: "Slice", way: "Iterable[Folder]") -> int:
        """The number of a new worker; 0 in the worker, -1 where none can be started.

        Signals are held back until the worker is in the books, so that none can leave it behind.
        """
        mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        reading = writing = -1
        try:
            reading, writing = os.pipe()
            me, on = os.getpid(), processor() if self._is_busy else -1
            pid = os.fork()
            if pid == 0:
                self._become_worker(part, way, writing, me)
                leave(on)
                return 0
            self.workers.add(pid, reading, part)
            reading = -1
        except OSError:  # no more processes or descriptors: then this one does it
            self.workers.take_back(part)
            return -1
        finally:
            if self._report_to != writing:
                for descriptor in {reading, writing} - {-1}:
                    os.close(descriptor)
            _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
        return pid

    def processes(self) -> int:
        """How many have worked on this walk at once, at most."""
        started = self.workers.started
        return min(started, self._tokens.count if self._tokens else started) + 1

    def count(self) -> tuple[int, int]:
        """Entries that all processes together have looked at and changed until now; in a worker, it and its own."""
        looked_at, changed = self._report.looked_at, self._report.changed
        if self._generation or not self._counts:
            return looked_at, changed
        return self._counts.total(looked_at, changed)

    def end(self) -> None:
        """Leave no worker behind, whatever ended the walk, nor a worker's worker: all are gone when this returns."""
        self.workers.end()
        if self._tokens:
            self._tokens.close_when_alone()
        if self._counts:
            self._counts.close()
        if self._child_signal is not None:
            _signal.signal(_signal.SIGCHLD, self._child_signal)

    # -- in the worker ----------------------------------------------------------------------------

    def _become_worker(self, part: "Slice", way: "Iterable[Folder]", writing: int, parent: int) -> None:
        """From here on this process is a new one, to which only that slice of one folder is left."""
        try:
            self._generation, self._report_to = self._generation + 1, writing
            # Kept to the end: the iterators share their position with the parent's, and closing one turns it back.
            # Their descriptors are closed under them, else those of many generations would add up
            self._inherited += [above.entries for above in way]
            worker_process.begin(parent, {0, 1, 2, part.folder.fd, writing, self._lock, *self._pipes()})
            self._report.begin()
            self.workers.begin_in_worker()
            for pipe in (self._tokens, self._counts):
                if pipe:
                    pipe.begin()
            part.folder.become_part(part.folders, part.names)
        except BaseException:
            os._exit(1)

    def _pipes(self) -> list[int]:
        return [end for pipe in (self._tokens, self._counts) if pipe for end in (pipe.read, pipe.write)]

    def tell(self, looked_at: int, changed: int, part: float) -> None:
        """Tell the process that began the walk how far this worker is."""
        if self._counts:
            self._counts.tell(looked_at, changed, part)

    def end_worker(self, complete: bool) -> None:
        """End this process, if it is a worker: report what was done, where its slice is `complete`, and exit.

        The process that began the walk goes on.
        """
        if not self._generation:
            return
        code = 1
        try:
            if complete:
                self.tell(self._report.looked_at, self._report.changed, 0.0)
                os.write(self._report_to, packed(self._report, self.workers.started))
                code = 0
            if self._tokens:
                self._tokens.give_up()
        finally:
            os._exit(code)
