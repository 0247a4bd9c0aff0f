"""Deeper than there are descriptors: the upper part of a long way is closed, and found again on the way back."""

from errno import ESTALE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .entries import Entries
    from .folder import Folder
    from .volume_mount import VolumeMount

LONGEST_SWEEP = 16384  # entries looked at in one go, before a folder is closed


class FarFolders:
    """Those on the way of a walk, at 1 to `closed`, that have no descriptor just now. The top keeps its own."""

    def __init__(self, entries: "Entries", mount: "VolumeMount") -> None:
        self._entries = entries
        self._mount = mount
        self.closed = 0

    def close_farthest(self, way: "list[Folder]", lent: "Callable[[Folder], int] | None") -> None:
        """Close the folder next to the top that is still open, and read it to its end before that: it can be opened
        again, but not read on. `lent`: whether workers still have a part of it."""
        self.closed += 1
        folder = way[self.closed]
        while folder.has_entries():
            self._entries.sweep(folder, LONGEST_SWEEP)
        if not (lent and lent(folder)):
            folder.give_back()  # nothing is left to change by its name, and it could get lost
        folder.close()

    def climb(self, way: "list[Folder]", child: "Folder") -> "list[Folder]":
        """Open the last folder of the way again, which was closed before `child` in it was entered.

        ".." of a folder that somebody moved meanwhile may lie outside the volume: only the very folder that the walk
        came through is taken. Where it is not there, the way is gone down again by names. Returns what is no longer on
        it, the end of the way; that is given up, and reported.
        """
        if self._open_again(way[-1], "..", child.fd):
            self.closed -= 1
            return []
        reached = way[0]
        for depth, folder in enumerate(way[1:], 1):
            if not self._open_again(folder, folder.name, reached.fd):
                self._entries.report.refuse_below(ESTALE, folder, "")
                self.closed = max(depth - 2, 0)
                return way[depth:]
            if reached is not way[0]:
                reached.close()
            reached = folder
        self.closed = max(len(way) - 2, 0)
        return []

    def _open_again(self, folder: "Folder", name: str, start: int) -> bool:
        """Open a closed folder by this name; whether that is the same folder, on the mount of the volume."""
        try:
            if folder.reopen(name, start) and not self._mount.is_left_at(folder.fd):
                return True
        except OSError:
            pass
        folder.close()
        return False
