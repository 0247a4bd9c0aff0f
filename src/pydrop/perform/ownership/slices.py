"""What a worker is given of a folder: half of the folders that are left to enter, or a slice of the entries."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .entries import Entries
    from .folder import Folder
    from .slice_widths import SliceWidths

FEWEST = 2  # folders of which half can be given away
WORTH = 0.004  # seconds of work that pay for a worker: it costs about 2.5 ms of processors to have one


class Slice:
    """What is given away of a folder: names of folders in it, or of entries of any kind."""

    __slots__ = ("folder", "folders", "names")

    def __init__(self, folder: "Folder", folders: list[str], names: list[str]) -> None:
        self.folder = folder
        self.folders = folders
        self.names = names


class Slices:
    """Cuts slices off the folders that one process has open."""

    __slots__ = ("_entries", "_widths")

    def __init__(self, entries: "Entries", widths: "SliceWidths") -> None:
        self._entries = entries
        self._widths = widths

    def cut(self, folder: "Folder", now: float) -> Slice | None:
        """A slice, which is no longer left to be done here; None where there is none that is worth a worker."""
        widths = self._widths
        if widths.sweep * widths.pace < WORTH:  # else a worker had better begin at once
            self._find_more(folder, now)
        if _has_folders(folder, now):
            return Slice(folder, folder.take_folders(len(folder.folders) // 2), [])
        self.lay_up(folder)
        most = min((len(folder.names) + 1) // 2, widths.slice) if folder.ended else widths.slice
        names = folder.take_names(most)
        if not names or len(names) * widths.pace < WORTH:
            folder.keep(names)
            return None
        widths.widen()
        return Slice(folder, [], names)

    def _find_more(self, folder: "Folder", now: float) -> None:
        """Go on through the entries of the folder for a moment, as long as there are folders among them: half of the
        few that are known would soon be done, and the next half takes another worker."""
        known, widths = 0, self._widths
        while known < len(folder.folders) < widths.widest and folder.has_entries() and time.monotonic() - now < WORTH:
            known = len(folder.folders)
            self._entries.sweep(folder, widths.sweep)

    def lay_up(self, folder: "Folder") -> None:
        """List what the next worker may get, so that it need not wait for that."""
        if not folder.ended and len(folder.names) < self._widths.slice:
            folder.keep(self._entries.listed(folder, self._widths.slice - len(folder.names), by_kind=False))


def may_have(folder: "Folder", now: float) -> bool:
    """Whether there may be a slice of this folder that is worth a worker."""
    return _has_folders(folder, now) or folder.has_entries()


def _has_folders(folder: "Folder", now: float) -> bool:
    """Whether half of the folders that are left are worth a worker, by the time that those before them took."""
    left = len(folder.folders)
    if left < FEWEST:
        return False
    return folder.done == 0 or (now - folder.began) / folder.done * (left // 2) >= WORTH
