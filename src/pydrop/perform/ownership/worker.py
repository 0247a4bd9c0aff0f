"""One forked process of a walk, as the process sees it that forked it."""

import _signal
import posix as os

from .worker_reports import WorkerReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .slices import Slice


class Worker:
    """A forked process, the slice of a folder that it was given, and the pipe on which it will report."""

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

    def report(self) -> WorkerReport | None:
        """What it did, once it has ended; None where it was killed."""
        parts = []
        while part := os.read(self.pipe, 65536):
            parts.append(part)
        return None if self._status() or not parts else WorkerReport(b"".join(parts))

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
