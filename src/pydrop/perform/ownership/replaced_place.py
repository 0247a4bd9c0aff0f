"""Whether what has a volume's name is the volume, or something that others than root have put in its place.

Where the folder above is the user's own, he can rename: a name protects nothing there. Then only a folder is a volume,
and not one that root keeps closed to all others, since it may have got there from under another name. What is mounted
is never moved by anybody.
"""

from _stat import S_ISBLK, S_ISCHR, S_ISFIFO, S_ISREG, S_ISSOCK

from .volume_mount import VolumeMount
from .volume_report import VolumeReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .volume_path import OpenVolume, Surroundings

KINDS = (
    (S_ISREG, "it is a file"),
    (S_ISFIFO, "it is a FIFO"),
    (S_ISSOCK, "it is a socket"),
    (S_ISCHR, "it is a device"),
    (S_ISBLK, "it is a device"),
)


def why(found: "OpenVolume", uid: int, around: "Surroundings") -> str:
    """Why the volume, which `uid` is to get, is to be left alone, in words; "" where it is not. Raises OSError where
    there is no /proc."""
    if found.trusted:
        return ""
    mode = found.seen.st_mode
    words = next((kind for is_kind, kind in KINDS if is_kind(mode)), "")
    if not words and found.seen.st_uid == 0 != uid and is_private(mode):
        words = f"it is a private folder of root's (mode {mode & 0o7777:04o})"
    return "" if not words or _is_mount(found, around) else words


def is_private(mode: int) -> bool:
    """Whether nobody but its owner may read or enter a folder of this mode."""
    return not mode & 0o077


def may_look_private(found: "OpenVolume") -> bool:
    """Whether a walk that makes this top root's for a while, and is killed, would leave what the next start leaves
    alone."""
    return not found.trusted and is_private(found.seen.st_mode)


def _is_mount(found: "OpenVolume", around: "Surroundings") -> bool:
    above = VolumeMount(False, around, VolumeReport())
    above.begin(found.parent)
    return above.is_left_at(found.fd)
