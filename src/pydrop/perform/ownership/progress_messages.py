"""What is told of a volume that takes its time: the words and the rhythm, from nothing but Progress values.

Loaded only when SILENT seconds are over: most volumes are done long before.
"""

from .progress import SILENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.model import Volume

    from .progress import Progress

EVERY = 5.0  # seconds from one line to the next


class ProgressMessages:
    """One volume's way of being told about; call it with each Progress.

    `show` gets a line and whether that one is due: a terminal shows every one in place of the last, a log those that
    are due. `note` gets what is told once, wherever it is shown; with `dry` nothing is really changed.
    """

    __slots__ = ("_dry", "_due", "_hinted", "_note", "_show", "_waited", "_waiting")

    def __init__(self, show: "Callable[[str, bool], None]", note: "Callable[[str], None]", dry: bool = False) -> None:
        self._show = show
        self._note = note
        self._dry = dry
        self._due = SILENT  # seconds of work after which the next line is due
        self._waited = 0.0
        self._waiting = self._hinted = False

    def __call__(self, progress: "Progress") -> None:
        if progress.waiting:
            self._waited = progress.seconds
        if progress.seconds < SILENT:
            return
        if progress.waiting:
            self._show(waiting(progress.volume), not self._waiting)
            self._waiting = True
            return
        worked = progress.seconds - self._waited
        if worked < SILENT:
            return
        due = worked >= self._due
        while self._due <= worked:
            self._due += EVERY
        self._show(working(progress, worked, self._dry), due)
        if not (self._hinted or self._dry) and may_be_skipped(progress.volume):
            self._hinted = True
            self._note(hint(progress.volume))


def waiting(volume: "Volume") -> str:
    return f"another container is working on {volume.path}; waiting for it"


def working(progress: "Progress", seconds: float, dry: bool = False) -> str:
    """``312000 entries looked at, 2000 changed, 45000 a second; /data is done to about 40%``."""
    looked_at = f"{progress.looked_at} {'entry' if progress.looked_at == 1 else 'entries'} looked at"
    changed = f"{progress.changed} {'to change' if dry else 'changed'}"
    rate = f"{progress.looked_at / seconds:.0f} a second"
    path = progress.volume.path
    where = f"; {path} is done to about {int(progress.part * 100)}%" if progress.part else f" in {path}"
    return f"{looked_at}, {changed}, {rate}{where}"


def may_be_skipped(volume: "Volume") -> bool:
    """Whether another policy would spare the next start this walk. That of a home folder is done once anyway."""
    return volume.policy == "mismatch" and volume.former is None


def hint(volume: "Volume") -> str:
    return f"{volume.path} takes a while; the policy on-root-mismatch would skip this next time"
