"""Creates or fixes one entry of RuntimeStep, through descriptors alone.

A new file or folder is created with a mode that nothing else has (BEGUN). Its content and owner follow, and its real
mode comes last. So the next start recognises what a killed start has left unfinished, and finishes it.
"""

import _stat as stat
import posix as os

from pydrop.encoding import encoded
from pydrop.perform.runtime.path_walk import Place, Refused, is_private, look
from pydrop.steps import RunEntry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

BEGUN = {stat.S_IFDIR: 0o400, stat.S_IFREG: 0o200}  # a folder nobody can enter, a file nobody can read


def make(place: Place, entry: RunEntry, guard: "Callable[[int, str], None] | None" = None) -> bool:
    """Create or fix one entry at its place; False where it is unchanged. Raises Refused, OSError.

    `guard` raises Refused for a place (the folder and the name in it) that must not be given to the entry's owner."""
    place.follow(entry.path, last=entry.kind in "dD")
    if guard:
        guard(place.parent, place.name)
    if entry.kind == "L":
        return _link(place.parent, place.name, entry)
    return _file(place, entry) if entry.kind == "f" else _folder(place, entry)


def _folder(place: Place, entry: RunEntry) -> bool:
    parent, name = place.parent, place.name
    existing = look(parent, name)
    if existing is None:
        os.mkdir(name, BEGUN[stat.S_IFDIR], dir_fd=parent)
    elif not stat.S_ISDIR(existing.st_mode):
        raise Refused("something that is no folder is in its place", f"find out who put it there, and remove {name}")
    elif _is_right(existing, entry):
        return False
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    try:
        _refuse_foreign(place, os.fstat(folder), entry)
        _set_owner_and_mode(folder, entry)
    finally:
        os.close(folder)
    return True


def _file(place: Place, entry: RunEntry) -> bool:
    parent, name = place.parent, place.name
    existing = look(parent, name)
    content = encoded(entry.content)
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    if existing is None:
        flags |= os.O_CREAT | os.O_EXCL
    elif not stat.S_ISREG(existing.st_mode):
        raise Refused("something that is no file is in its place", f"find out who put it there, and remove {name}")
    elif _is_right(existing, entry) and not (entry.replaces and _differs(parent, name, existing, content)):
        return False
    file = os.open(name, flags, BEGUN[stat.S_IFREG], dir_fd=parent)
    try:
        now = os.fstat(file)
        _refuse_foreign(place, now, entry)
        if entry.replaces or _is_begun(now):
            os.ftruncate(file, 0)
            _write(file, content)
        _set_owner_and_mode(file, entry)
    finally:
        os.close(file)
    return True


def _differs(parent: int, name: str, existing: os.stat_result, content: bytes) -> bool:
    if existing.st_size != len(content):
        return True
    if not content:
        return False
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=parent)
    try:
        return os.read(file, len(content) + 1) != content
    finally:
        os.close(file)


def _write(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]


def _link(parent: int, name: str, entry: RunEntry) -> bool:
    """Create a link where nothing exists. Anything else stays (`/var/run` is a folder in old images),
    unless the entry replaces it and it is no folder."""
    existing = look(parent, name)
    if existing is not None:
        if not entry.replaces or (stat.S_ISLNK(existing.st_mode) and os.readlink(name, dir_fd=parent) == entry.content):
            return False
        os.unlink(name, dir_fd=parent)
    os.symlink(entry.content, name, dir_fd=parent)
    return True


def _refuse_foreign(place: Place, now: os.stat_result, entry: RunEntry) -> None:
    """Raise Refused for a file or folder that somebody may have moved or linked into this place.

    That is any file with a second name. In a folder that root does not own, it is also an entry of a third
    party: one that belongs neither to the folder's owner nor to the user that the entry is for. Where others than root
    can rename on the way, it is also one that root keeps to itself."""
    kind = stat.S_IFMT(now.st_mode)
    if kind not in BEGUN or (kind == stat.S_IFREG and now.st_nlink != 1):
        raise Refused("a file with a second name elsewhere is in its place", "find out who put it there, and remove it")
    above = os.fstat(place.parent)
    if above.st_uid != 0 and now.st_uid not in (above.st_uid, entry.uid) and not _is_begun(now):
        raise Refused(
            f"it belongs to user {now.st_uid}, in a folder of user {above.st_uid} who could have put it there",
            "remove it, or give it the right owner in the image",
        )
    if entry.uid != 0 and not place.alone_with(now) and is_private(now) and not _is_begun(now):
        raise Refused(
            "it is private to root, and others than root could have moved it there",
            "remove it, or give it the right owner in the image",
        )


def _set_owner_and_mode(descriptor: int, entry: RunEntry) -> None:
    """Change the owner first and the mode last.

    The kernel clears set-id bits with a change of owner (chown(2)), and a mode other than BEGUN says that the
    file or folder is complete."""
    now = os.fstat(descriptor)
    uid, gid, mode = _wanted(now, entry)
    if (uid, gid) != (now.st_uid, now.st_gid):
        os.fchown(descriptor, uid, gid)
    if mode != stat.S_IMODE(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, mode)


def _is_right(now: os.stat_result, entry: RunEntry) -> bool:
    return _wanted(now, entry) == (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode))


def _is_begun(now: os.stat_result) -> bool:
    return now.st_mode & 0o777 == BEGUN.get(stat.S_IFMT(now.st_mode))


def _wanted(now: os.stat_result, entry: RunEntry) -> tuple[int, int, int]:
    """The uid, gid and mode that the existing file or folder should have."""
    present = stat.S_IMODE(now.st_mode)
    default = 0o755 if stat.S_ISDIR(now.st_mode) else 0o644
    if _is_begun(now):
        return entry.uid, entry.gid, default if entry.mode is None else entry.mode
    if not entry.exact:
        return now.st_uid, now.st_gid, present
    mode = present if "mode" in entry.spares or entry.mode is None else entry.mode
    if entry.masked:
        mode &= _mask(present, stat.S_ISDIR(now.st_mode))
    return (
        now.st_uid if "uid" in entry.spares else entry.uid,
        now.st_gid if "gid" in entry.spares else entry.gid,
        mode,
    )


def _mask(present: int, folder: bool) -> int:
    """The bits that a new mode may have (`~` of tmpfiles.d(5)).

    r, w and x are left out where nobody has them now, and the set-id and sticky bits for anything but a folder."""
    mask = 0o7777 if folder else 0o777
    for bits in (0o444, 0o222, 0o111):
        if not present & bits:
            mask &= ~bits
    return mask
