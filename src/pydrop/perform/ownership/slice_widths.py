"""How many entries a process looks at in one go, and how many it gives away at once.

Both are narrow at first, since nobody knows how much there is and how long a look takes; then what was seen decides.
"""

NARROWEST, WIDEST = 16, 16384  # entries in one slice
MOST_NAMES = 65536  # in all slices together, if they may be wider for that: the giver keeps the names meanwhile
FIRST = 1024  # the most in a sweep before the walk is shared out, and in the first slice after that
SLICE = 0.1  # seconds of work in a slice, about
BUSY_SLICE = 0.4  # the same where processors are what counts: each slice costs them 5 ms
BIT = 0.001  # seconds of work after which a worker that has ended its slice gets the next


class SliceWidths:
    """Entries in the next sweep, which nothing interrupts, and in the next slice for a worker."""

    __slots__ = ("pace", "slice", "sweep", "widest")

    def __init__(self) -> None:
        self.sweep = NARROWEST
        self.slice = NARROWEST
        self.widest = WIDEST  # that a slice may be
        self.pace = 0.0  # seconds that an entry takes; not known before the walk is shared

    def widen_sweep(self) -> None:
        """The walk goes on alone. Its sweeps grow, so that slow entries show soon."""
        self.sweep = min(self.sweep * 2, FIRST, WIDEST)

    def decide(self, pace: float, busy: bool, processes: int) -> None:
        """The walk is shared from now on: an entry takes `pace` seconds; `busy`: processors are what it is short of."""
        seconds = BUSY_SLICE if busy else SLICE
        self.pace = pace
        self.widest = max(NARROWEST, min(int(seconds / pace), max(WIDEST, MOST_NAMES // processes)))
        self.slice = min(FIRST, self.widest)
        self.sweep = max(NARROWEST, min(int(BIT / pace), self.widest))

    def widen_slice(self) -> None:
        """A slice was given away."""
        self.slice = min(self.slice * 2, self.widest)
