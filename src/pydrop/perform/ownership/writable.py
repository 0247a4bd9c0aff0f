"""Whether a user can write a volume, as the kernel tells a process that has the user's rights."""

import posix as os

from pydrop import asked_as_user

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .volume_path import OpenVolume

PATIENCE = 5.0  # seconds for the answer: a server may be slow, and a volume chowned in vain takes much longer


def can_write(place: "OpenVolume", uid: int, gid: int, groups: tuple[int, ...]) -> bool | None:
    """Whether uid:gid with these supplementary groups may write `place` (and enter it, where it is a folder).

    None where that cannot be found out, or no answer came in time.
    """
    folder, mask = (place.fd, os.W_OK | os.X_OK) if place.is_folder else (place.parent, os.W_OK)

    def ask(name: str) -> int:
        return os.access(name, mask, dir_fd=folder, effective_ids=True, follow_symlinks=False)

    names = ("." if place.is_folder else place.name,)
    found = asked_as_user.answers((uid, gid, groups), names, ask, PATIENCE)
    return bool(found[0]) if found else None
