"""Sharing a walk out: forked workers that take a part of a folder each, and say what came of it.

A part is some of the entries or of the folders of one folder that the walk has open; a fork hands over the descriptor,
the names and the way to it all at once, so nothing is looked up twice. Processes, since threads of CPython look at
local entries one at a time. A folder is finished only when its workers are, so the order of a walk stays what it is.
"""

import _signal
import posix as os
import time

from pydrop import kernel
from pydrop.signals import ENDING

from . import slices
from .entries import Entries
from .volume_report import VolumeReport
from .worker import Worker, add, close_all_but, packed
from .worker_count import BUSY, leave, processor, workers
from .worker_pipes import Counts, Tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .folder import Folder
    from .slices import Slice
    from .walk import Walk

GENERATIONS = 16  # workers of workers: those above wait for those below, and take memory meanwhile
APART = 0.003  # seconds between two forks of one process, which cost half of one: folders may be tiny
AGAIN = 0.0005  # seconds until a token is asked for again: to be told that there is none takes as long as two entries


class Sharing:
    """What one process of a walk knows of the others: the tokens of all, and its own workers by folder."""

    __slots__ = (
        *("child_signal", "counts", "debt", "generation", "inherited"),
        *("is_busy", "lost", "next", "pace", "report_to", "started", "tokens", "workers"),
    )

    def __init__(self, tokens: Tokens | None, counts: Counts | None) -> None:
        self.tokens = tokens
        self.counts = counts
        self.workers: dict[Folder, list[Worker]] = {}
        self.debt = 0  # tokens given back while waiting, to be taken again before the next worker
        self.generation = 0  # 0: the process that began
        self.report_to = -1  # the pipe to who forked this process
        self.inherited: list[object] = []
        self.lost = False  # whether a worker was killed: then no other is started
        self.next = 0.0
        self.is_busy = False  # processors are what this walk is short of
        self.pace = 0.0  # seconds that an entry took, before the walk was shared
        self.started = 0
        self.child_signal: object = None

    @classmethod
    def decided(cls, busy: float, pace: float, told: bool) -> "Sharing":
        """How a walk will be shared by what was seen of it until now (see Clock); `told`: whether somebody watches."""
        count = workers(busy)
        if count == 1:
            return cls(None, None)
        self = cls(Tokens(count - 1), Counts() if told else None)
        self.is_busy, self.pace = busy > BUSY, pace
        self.child_signal = _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # ignored, no wait status would be kept
        return self

    # -- giving work away -------------------------------------------------------------------------

    def share(self, walk: "Walk") -> None:
        """Give a part of the highest folder that has one to a new worker, where one may be started."""
        if not self.tokens or self.lost or self.generation == GENERATIONS:
            return
        now = time.monotonic()
        if now < self.next:
            return
        if not self.tokens.acquire():
            self.next = now + AGAIN
            return
        if self.debt:
            self.debt -= 1
            return
        self._reap(walk)
        folder = next((f for f in walk.way if f.fd >= 0 and slices.may_have(f, now)), None)
        part = folder and slices.taken(walk, folder, now, self.pace)
        if not folder or not part or not self._start(walk, folder, part):
            self.tokens.release()
        elif part.names:
            slices.lay_up(walk, folder)  # not in the worker, whose part is all listed
        self.next = now + APART

    def _start(self, walk: "Walk", folder: "Folder", part: "Slice") -> bool:
        """Fork. Signals are held back until the worker is in the books, so that none can leave it behind."""
        mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        reading = writing = -1
        try:
            reading, writing = os.pipe()
            me, on = os.getpid(), processor() if self.is_busy else -1
            pid = os.fork()
            if pid == 0:
                self._become_worker(walk, folder, part, writing, me)
                leave(on)
                return True
            self.workers.setdefault(folder, []).append(Worker(pid, reading, part))
            self.started += 1
            reading = -1
        except OSError:  # no more processes or descriptors: then we do it ourselves
            self._take_back(walk, folder, part)
            return False
        finally:
            if self.report_to != writing:
                for descriptor in {reading, writing} - {-1}:
                    os.close(descriptor)
            _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
        return True

    def _become_worker(self, walk: "Walk", folder: "Folder", part: "Slice", writing: int, parent: int) -> None:
        """From here on this process is a new one, whose whole way is that part of one folder."""
        try:
            self.generation, self.report_to = self.generation + 1, writing
            kernel.die_with_parent()
            if os.getppid() != parent:
                os._exit(1)
            for number in ENDING:
                _signal.signal(number, _signal.SIG_DFL)
            # Kept to the end: the iterators share their position with the parent's, and closing one turns it back.
            # Their descriptors are closed under them, else those of many generations would add up
            self.inherited += [above.entries for above in walk.way]
            close_all_but({0, 1, 2, folder.fd, writing, walk.lock, *self._pipes()})
            self.workers, self.debt, self.started = {}, 0, 0
            former = walk.entries
            walk.report = VolumeReport()
            walk.entries = Entries(walk.wanted, walk.report, former.alone, former.around.forked())
            walk.entries.open(folder.fd)
            slices.limit(folder, part)
            walk.way, walk.closed = [folder], 0
            if self.counts:
                self.counts.begin()
                walk.tell = self.counts.tell
        except BaseException:
            os._exit(1)

    def _pipes(self) -> list[int]:
        return [end for pipe in (self.tokens, self.counts) if pipe for end in (pipe.read, pipe.write)]

    def leave(self, walk: "Walk") -> None:
        """The end of a worker: tell what was done, and exit. For the process that began it does nothing."""
        if not self.generation:
            return
        code = 1
        try:
            if not walk.way:
                if self.counts:
                    self.counts.tell(walk.report.looked_at, walk.report.changed, 0.0)
                os.write(self.report_to, packed(walk.report, self.started))
                code = 0
            if self.tokens and not self.debt:
                self.tokens.release()
        finally:
            os._exit(code)

    # -- and taking in what came of it ------------------------------------------------------------

    def _reap(self, walk: "Walk") -> None:
        """Take in the reports of workers that have ended, so that they do not add up in a wide folder."""
        for folder, started in list(self.workers.items()):
            for worker in [worker for worker in started if worker.has_ended()]:
                self._take_in(walk, folder, worker)

    def collect(self, walk: "Walk", folder: "Folder") -> bool:
        """Wait for the workers of a folder that is done but for them; whether it is done then.

        Meanwhile somebody else may start one.
        """
        while started := self.workers.get(folder):
            worker = started[0]
            if self.tokens and not self.debt:
                self.tokens.release()
                self.debt += 1
            while walk.tell and not worker.wait(0.1):
                walk.tick()
            self._take_in(walk, folder, worker)
        return not folder.folders

    def _take_in(self, walk: "Walk", folder: "Folder", worker: Worker) -> None:
        """Add what a worker did; what one did that was killed is done again, and then no other is started."""
        told = worker.report()
        self.workers[folder].remove(worker)
        if not self.workers[folder]:
            del self.workers[folder]
        if told is None:
            self.lost = True
            self._take_back(walk, folder, worker.part)
            return
        report, started = told
        add(walk.report, report)
        self.started += started
        if self.counts:
            self.counts.merged(report.looked_at, report.changed)

    def _take_back(self, walk: "Walk", folder: "Folder", part: "Slice") -> None:
        folder.folders += part.folders
        if folder.fd >= 0:  # else it was moved away, and reported
            walk.entries.look(folder, part.names)

    def lent(self, folder: "Folder") -> int:
        """How many parts of a folder, in folders or slices, are at work elsewhere."""
        return sum([len(worker.part.folders) or 1 for worker in self.workers.get(folder, ())])

    def processes(self) -> int:
        """How many have worked on this walk at once, at most."""
        return min(self.started, self.tokens.count if self.tokens else self.started) + 1

    def count(self, looked_at: int, changed: int) -> tuple[int, int]:
        """Entries that all processes together have looked at and changed until now, out of this one's report."""
        ours = self.counts is None or self.generation
        return (looked_at, changed) if ours or not self.counts else self.counts.total(looked_at, changed)

    def end(self) -> None:
        """Leave no worker behind, whatever ended the walk, nor a worker's worker: all are gone when this returns."""
        for started in self.workers.values():
            for worker in started:
                worker.end()
        self.workers.clear()
        if self.tokens:
            self.tokens.close_when_alone()
        if self.counts:
            self.counts.close()
        if self.child_signal is not None:
            _signal.signal(_signal.SIGCHLD, self.child_signal)
