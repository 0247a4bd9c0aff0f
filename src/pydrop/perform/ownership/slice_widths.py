"""How many entries a process of a shared walk gives away at once, and how many it looks at before it thinks of that.

Slices are narrow at first, since nobody knows how much there is, and grow with each that is given away. How wide they
may become follows from how long an entry takes.
"""

NARROWEST, WIDEST = 16, 16384  # entries in one slice
MOST_NAMES = 65536  # in all slices together, if they may be wider for that: the giver keeps the names meanwhile
FIRST = 1024  # the most in the first slice
SLICE = 0.1  # seconds of work in a slice, about
BUSY_SLICE = 0.4  # the same where processors are what counts: each slice costs them 5 ms
BIT = 0.001  # seconds of work in a sweep, after which a worker that has ended its slice gets the next


class SliceWidths:
    """Entries in the next slice for a worker, and in a sweep, which nothing interrupts; seconds that an entry takes."""

    __slots__ = ("pace", "slice", "sweep", "widest")

    def __init__(self, pace: float, first: int, widest: int, sweep: int) -> None:
        self.pace = pace
        self.slice = first
        self.widest = widest
        self.sweep = sweep

    def widen(self) -> None:
        """A slice was given away: the next may be wider."""
        self.slice = min(self.slice * 2, self.widest)


def decided(pace: float, busy: bool, processes: int) -> SliceWidths:
    """The widths for a walk of so many processes in which an entry takes `pace` seconds; `busy`: processors are what it
    is short of."""
    seconds = BUSY_SLICE if busy else SLICE
    widest = max(NARROWEST, min(int(seconds / pace), max(WIDEST, MOST_NAMES // processes)))
    sweep = max(NARROWEST, min(int(BIT / pace), widest))
    return SliceWidths(pace, min(FIRST, widest), widest, sweep)
