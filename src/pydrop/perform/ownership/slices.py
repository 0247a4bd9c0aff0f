"""What a worker is given of a folder: half of the folders that are left to enter, or a slice of the entries."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .folder import Folder
    from .walk import Walk

FEWEST = 2  # folders of which half can be given away
WORTH = 0.004  # seconds of work that pay for a worker: it costs about 2.5 ms of processors to have one


class Slice:
    """What is given away of a folder: names of folders in it, or of entries of any kind."""

    __slots__ = ("folders", "names")

    def __init__(self, folders: list[str], names: list[str]) -> None:
        self.folders = folders
        self.names = names


def limit(folder: "Folder", part: Slice) -> None:
    """Of this folder, which another process has open too, that part alone is left to this one."""
    folder.folders, folder.names = part.folders, part.names
    folder.found, folder.done = len(part.folders), 0
    folder.began = time.monotonic()
    folder.ended = folder.lent = True


def may_have(folder: "Folder", now: float) -> bool:
    """Whether there may be a part of this folder that is worth a worker."""
    return _has_folders(folder, now) or folder.has_entries()


def _has_folders(folder: "Folder", now: float) -> bool:
    """Whether half of the folders that are left are, by what those before them took."""
    left = len(folder.folders)
    if left < FEWEST:
        return False
    return folder.done == 0 or (now - folder.began) / folder.done * (left // 2) >= WORTH


def taken(walk: "Walk", folder: "Folder", now: float, pace: float) -> Slice | None:
    """A part, which is no longer left to be done here; None where there is none that an entry's `pace`, in seconds,
    makes worth a worker."""
    if walk.bit * pace < WORTH:  # else a worker had better begin at once
        _find_more(walk, folder, now)
    if _has_folders(folder, now):
        half = len(folder.folders) // 2
        part = Slice(folder.folders[:half], [])
        del folder.folders[:half]
        return part
    lay_up(walk, folder)
    names = folder.take_names(min((len(folder.names) + 1) // 2, walk.width) if folder.ended else walk.width)
    if not names or len(names) * pace < WORTH:
        folder.names += names
        return None
    walk.width = min(walk.width * 2, walk.widest)  # narrow at first: nobody knows how much there is
    return Slice([], names)


def _find_more(walk: "Walk", folder: "Folder", now: float) -> None:
    """Go on through the entries of the folder for a moment, as long as there are folders among them: half of the few
    that are known would soon be done, and the next half takes another worker."""
    known = 0
    while known < len(folder.folders) < walk.widest and folder.has_entries() and time.monotonic() - now < WORTH:
        known = len(folder.folders)
        walk.entries.sweep(folder, walk.bit)


def lay_up(walk: "Walk", folder: "Folder") -> None:
    """List what the next worker may get, so that it need not wait for that."""
    if not folder.ended and len(folder.names) < walk.width:
        folder.names += walk.entries.listed(folder, walk.width - len(folder.names), by_kind=False)
