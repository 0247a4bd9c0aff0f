"""The folders that a walk has open, from the top down to where it is.

A way may be deeper than there are descriptors: then its upper part is closed, and found again on the way back.
"""

from .folder import Folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .volume_mount import VolumeMount

OPEN = 24  # folders kept open on the way down: with their iterators, under 100 descriptors at any depth


class OpenFolders(list[Folder]):
    """The way down. Of it, 1 to `closed` have no descriptor just now; the top keeps its own."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = 0
        self.most = OPEN  # folders in it: with one more, the farthest must be closed

    def begin_in_worker(self, folder: Folder) -> None:
        """A worker's walk begins at a folder of the process that forked it, and has none above."""
        self[:] = [folder]
        self._note_closed(0)

    def _note_closed(self, count: int) -> None:
        self.closed = count
        self.most = OPEN + count

    def farthest(self) -> Folder:
        """The folder next to the top that is still open."""
        return self[self.closed + 1]

    def close_farthest(self) -> None:
        """It must have been read to its end, since it can be opened again, but not read on."""
        self.farthest().close()
        self._note_closed(self.closed + 1)

    def climb(self, child: Folder, above: Folder, mount: "VolumeMount") -> list[Folder]:
        """Open the folder above `child` again, which was closed on the way down.

        ".." of a folder that somebody moved meanwhile may lie outside the volume: only the very folder that the walk
        came through is taken. Where ".." is another one, the way down is tried again by names. Returns the folders that
        are no longer on it; they are given up.
        """
        if _open_again(above, "..", child.fd, mount):
            self._note_closed(self.closed - 1)
            return []
        reached, lost = self[0], []
        for depth, folder in enumerate(self[1:], 1):
            if not _open_again(folder, folder.name, reached.fd, mount):
                lost = self[depth:]
                del self[depth:]
                break
            if reached is not self[0]:
                reached.close()
            reached = folder
        self._note_closed(max(len(self) - 2, 0))
        return lost


def _open_again(folder: Folder, name: str, start: int, mount: "VolumeMount") -> bool:
    """Open what was closed by this name; whether it is what it was, on the same mount."""
    try:
        if folder.reopen(name, start) and not mount.is_left_at(folder.fd):
            return True
    except OSError:
        pass
    folder.close()
    return False
