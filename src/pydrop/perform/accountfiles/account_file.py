"""Reads one account file, and replaces it as a whole; the file is named relative to a descriptor of its folder."""

import _stat as stat
import errno
import posix as os

from pydrop.accounts import NEW_FILES
from pydrop.errors import PydropError
from pydrop.model import Value

LABELS = ("security.selinux", "system.posix_acl_access")  # extended attributes that decide who may read the file


class AccountFile(Value):
    """A file's text, and its status (None where it is missing)."""

    text: str
    status: os.stat_result | None


def read(folder: int, name: str) -> AccountFile:
    """The file as text that keeps every byte (surrogateescape); an empty text where the file is missing.

    A symlink (Nix's images have them) is read where it leads to a file of root's alone. Raises PydropError
    where it leads elsewhere, and for anything that is no regular file.
    """
    try:
        file = _opened(folder, name)
    except FileNotFoundError:
        return AccountFile(text="", status=None)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise _unusable(name, "is not a regular file")
        return AccountFile(text=content(file).decode("utf-8", "surrogateescape"), status=status)
    finally:
        os.close(file)


def _opened(folder: int, name: str) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    file = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=folder)
    status = os.fstat(file)
    if status.st_uid != 0 or status.st_mode & 0o022:
        os.close(file)
        raise _unusable(name, "is a symbolic link to a file that others than root may write")
    return file


def _unusable(name: str, fault: str) -> PydropError:
    return PydropError(f"/etc/{name} {fault}", f"make it a file of root's in the image: COPY {name} /etc/{name}")


def content(file: int) -> bytes:
    """All bytes of a file that was opened just now."""
    parts = []
    while part := os.read(file, 65536):
        parts.append(part)
    return b"".join(parts)


def replace(folder: int, name: str, text: str, status: os.stat_result | None) -> None:
    """Write `text` to a new file, sync it to the disk, and rename it to `name`. Owner, mode and label stay.

    A symlink is replaced, not followed. The new file has a fixed name until the rename, so that the next start
    can remove what a kill leaves. The folder itself is not synced here.
    """
    new = NEW_FILES[name]
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        write_all(file, text.encode("utf-8", "surrogateescape"))
        created = os.fstat(file)
        if status is not None and (status.st_uid, status.st_gid) != (created.st_uid, created.st_gid):
            os.fchown(file, status.st_uid, status.st_gid)
        os.fchmod(file, 0o644 if status is None else stat.S_IMODE(status.st_mode))
        if status is not None:
            _copy_labels(folder, name, file)
        os.fsync(file)
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        _remove(folder, new)
        raise
    finally:
        os.close(file)


def write_all(file: int, data: bytes) -> None:
    """write(2) until nothing is left."""
    while data:
        data = data[os.write(file, data) :]


def _copy_labels(folder: int, name: str, new: int) -> None:
    """Copy LABELS from the file that is replaced, where it has them and the filesystem accepts them."""
    old = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=folder)
    try:
        for label in LABELS:
            if label in os.listxattr(old):
                os.setxattr(new, label, os.getxattr(old, label))
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.ENODATA):
            raise
    finally:
        os.close(old)


def strays_removed(folder: int) -> int:
    """Remove the new files that a killed start left; returns their number. Only under the lock."""
    try:
        return sum([_remove(folder, new) for new in NEW_FILES.values()])
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return 0  # in a read-only folder unlink(2) fails so even where there is nothing to remove


def _remove(folder: int, name: str) -> bool:
    """Remove a file; returns whether it existed."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True
