"""Tests by a real write whether a place can be written: only the kernel, the mount and the file server know.

The file is created without a name where the filesystem can do that, so that nobody sees it. Elsewhere it is created
under a name that nothing has, and removed. The functions raise the kernel's OSError.
"""

import errno
import os

from pydrop.perform.ownership.volume_path import OpenVolume

NAMELESS_UNKNOWN = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)  # of filesystems without O_TMPFILE


def try_folder(path: str) -> None:
    """Create and remove a file in a folder, which is named by its path."""
    folder = os.open(path, os.O_PATH | os.O_DIRECTORY)
    try:
        _make_a_file(folder)
    finally:
        os.close(folder)


def try_place(place: OpenVolume) -> str:
    """Test an opened volume; returns in words what was done. A single file is only opened, and stays as it is."""
    if place.is_folder:
        _make_a_file(place.fd)
        return "a file can be made and removed"
    # The link in /proc leads to this very file, whatever has the file's name meanwhile.
    os.close(os.open(f"/proc/self/fd/{place.fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY))
    return "can be opened for writing"


def _make_a_file(folder: int) -> None:
    try:
        file = os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o600, dir_fd=folder)
    except OSError as error:
        if error.errno not in NAMELESS_UNKNOWN:
            raise
        _make_a_named_file(folder)
        return
    _write(file)


def _make_a_named_file(folder: int) -> None:
    name = f".pydrop-verify-{os.urandom(8).hex()}"
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        _write(file)
    finally:
        os.unlink(name, dir_fd=folder)


def _write(file: int) -> None:
    """Write one byte: a full disk or a quota refuses the write only, not the creation."""
    try:
        os.write(file, b"\n")
    finally:
        os.close(file)
