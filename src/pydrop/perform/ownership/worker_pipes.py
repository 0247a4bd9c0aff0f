"""What the processes of a shared walk have in common: two pipes."""

import posix as os

ATOMIC = 16  # bytes of one word of counts, far below PIPE_BUF: it arrives in one piece (pipe(7))


class Pipe:
    """One that never waits: what cannot be read is not there yet, what cannot be written comes later."""

    __slots__ = ("read", "write")

    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        os.set_blocking(self.read, False)
        os.set_blocking(self.write, False)

    def close(self) -> None:
        os.close(self.read)
        os.close(self.write)


class Tokens(Pipe):
    """The right to start a worker, as bytes in a pipe that all processes of a walk share."""

    __slots__ = ("count",)

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        os.write(self.write, b"." * count)

    def acquire(self) -> bool:
        """Take one if there is one."""
        try:
            return os.read(self.read, 1) == b"."
        except BlockingIOError:
            return False

    def release(self) -> None:
        os.write(self.write, b".")

    def close_when_alone(self) -> None:
        """Wait until no other process of the walk lives: each has the writing end, until the kernel takes it away."""
        os.close(self.write)
        os.set_blocking(self.read, True)
        while os.read(self.read, 4096):
            pass
        os.close(self.read)


class Counts(Pipe):
    """What workers have done, told while they work: for who watches, the reports come too late."""

    __slots__ = ("changed", "looked_at", "told", "twice")

    def __init__(self) -> None:
        super().__init__()
        self.told = (0, 0)  # by this process, as a worker
        self.looked_at = self.changed = 0  # by all workers, as this process has heard
        self.twice = (0, 0)  # of that, what has come to this process as reports too

    def begin(self) -> None:
        """As a worker that has just been forked, and so far has done nothing."""
        self.told = self.twice = (0, 0)

    def tell(self, looked_at: int, changed: int, _part: float) -> None:
        """A worker's word of what it has done in all: what is new of it goes into the pipe.

        What its own workers have told themselves is left out, as they tell here too.
        """
        looked_at, changed = looked_at - self.twice[0], changed - self.twice[1]
        new = looked_at - self.told[0], changed - self.told[1]
        try:
            os.write(self.write, new[0].to_bytes(8, "little") + new[1].to_bytes(8, "little"))
        except BlockingIOError:
            return
        self.told = (looked_at, changed)

    def merged(self, looked_at: int, changed: int) -> None:
        """A worker's report has been added to this process's own."""
        self.twice = (self.twice[0] + looked_at, self.twice[1] + changed)

    def total(self, looked_at: int, changed: int) -> tuple[int, int]:
        """Of all processes, where this one's report has these counts."""
        try:
            words = os.read(self.read, ATOMIC * 4096)
        except BlockingIOError:
            words = b""
        for start in range(0, len(words), ATOMIC):
            self.looked_at += int.from_bytes(words[start : start + 8], "little")
            self.changed += int.from_bytes(words[start + 8 : start + 16], "little")
        return looked_at - self.twice[0] + self.looked_at, changed - self.twice[1] + self.changed
