"""What the processes of a shared walk have in common: a pipe of tokens, and one of counts."""

import posix as os

ATOMIC = 16  # bytes of one word of counts, far below PIPE_BUF: it arrives in one piece (pipe(7))


class Pipe:
    """A pipe that never waits: what cannot be read is not there yet, what cannot be written comes later."""

    __slots__ = ("read", "write")

    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        os.set_blocking(self.read, False)
        os.set_blocking(self.write, False)

    def close(self) -> None:
        os.close(self.read)
        os.close(self.write)


class Tokens(Pipe):
    """The right to work beside others, as bytes in a pipe that all processes of a walk share.

    The process that began has one of its own; each byte in the pipe stands for one more process that may work.
    """

    __slots__ = ("count", "debt")

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.debt = 0  # tokens that this process gave back while it waited, and takes again before it starts a worker
        os.write(self.write, b"." * count)

    def begin(self) -> None:
        """As a worker that has just been forked: it has the token that was taken for it, and no debt."""
        self.debt = 0

    def acquire(self) -> bool:
        """Take one if there is one."""
        try:
            return os.read(self.read, 1) == b"."
        except BlockingIOError:
            return False

    def pay(self) -> bool:
        """Whether the token that was just acquired is the one that this process gave back, and so for no worker."""
        if not self.debt:
            return False
        self.debt -= 1
        return True

    def release(self) -> None:
        os.write(self.write, b".")

    def lend(self) -> None:
        """While this process waits, another may work."""
        if not self.debt:
            self.release()
            self.debt += 1

    def give_up(self) -> None:
        """This process ends, and with it its own token, if it has one."""
        if not self.debt:
            self.release()

    def close_when_alone(self) -> None:
        """Wait until no other process of the walk lives: each has the writing end, until the kernel takes it away."""
        os.close(self.write)
        os.set_blocking(self.read, True)
        while os.read(self.read, 4096):
            pass
        os.close(self.read)


class Counts(Pipe):
    """What workers have done, told while they work: the reports come too late for somebody who watches."""

    __slots__ = ("changed", "looked_at", "told", "twice")

    def __init__(self) -> None:
        super().__init__()
        self.told = (0, 0)  # by this process, as a worker
        self.looked_at = self.changed = 0  # by all workers, as this process has heard
        self.twice = (0, 0)  # of that, what has come to this process as reports too

    def begin(self) -> None:
        """As a worker that has just been forked: it has done nothing so far."""
        self.told = self.twice = (0, 0)

    def tell(self, looked_at: int, changed: int, _part: float) -> None:
        """As a worker, say what it has done in all: what is new of that goes into the pipe.

        What its own workers have done is left out, since they tell that here too.
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
