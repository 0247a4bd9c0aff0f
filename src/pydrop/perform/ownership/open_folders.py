"""Deeper than there are descriptors: the upper part of a long way is closed, and found again on the way back."""

import posix as os
from errno import ESTALE

from . import walk as going
from .folder import opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .folder import Folder
    from .walk import Walk


def close_farthest(walk: "Walk") -> None:
    """Close the folder next to the top that is still open, and read it to its end before that."""
    walk.closed += 1
    folder = walk.way[walk.closed]
    while folder.has_entries():
        walk.entries.sweep(folder, going.WIDEST)
    if not (walk.sharing and walk.sharing.lent(folder)):
        walk.give_back(folder)  # nothing is left to change by its name, and it could get lost
    folder.close()


def climb(walk: "Walk", child: "Folder", above: "Folder") -> None:
    """Open the folder above again, which was closed on the way down.

    ".." of a folder that somebody moved meanwhile may lie outside the volume: only the very folder that we came
    through is taken.
    """
    if _open_again(walk, above, "..", child.fd):
        walk.closed -= 1
    else:
        _descend_again(walk)


def _open_again(walk: "Walk", folder: "Folder", name: str, start: int) -> bool:
    """Open what was closed by this name; whether it is what it was."""
    try:
        folder.fd = opened(name, start)
        info = os.fstat(folder.fd)
        if (info.st_dev, info.st_ino) == folder.ident and not walk.entries.elsewhere(folder.fd):
            return True
    except OSError:
        pass
    folder.close()
    return False


def _descend_again(walk: "Walk") -> None:
    """Find the way down again by names; what is no longer on it is given up, and reported."""
    reached = walk.way[0]
    for depth, folder in enumerate(walk.way[1:], 1):
        if not _open_again(walk, folder, folder.name, reached.fd):
            walk.report.refuse(ESTALE, folder.path(""))
            if walk.sharing:
                for lost in walk.way[depth:]:
                    walk.sharing.collect(walk, lost)
            del walk.way[depth:]
            break
        if reached is not walk.way[0]:
            reached.close()
        reached = folder
    walk.closed = max(len(walk.way) - 2, 0)
