"""Whether something can be written, tried in earnest: who may is for the kernel, the mount and the server to say.

A file is made without a name where the filesystem can do that, so that nobody sees it; else under a name that nobody
has, and removed. OSError as the kernel says it.
"""

import errno
import os

from pydrop.perform.ownership.volume_path import OpenVolume

NAMELESS_UNKNOWN = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)  # filesystems without O_TMPFILE


def try_folder(path: str) -> None:
    """A folder, by its path."""
    folder = os.open(path, os.O_PATH | os.O_DIRECTORY)
    try:
        _make_a_file(folder)
    finally:
        os.close(folder)


def try_place(place: OpenVolume) -> str:
    """A volume that was found; what was done, in words. A single file is opened and stays as it is."""
    if place.is_folder:
        _make_a_file(place.fd)
        return "a file can be made and removed"
    # by the link of /proc: this very file, whatever has its name meanwhile
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
    """One byte, since a full disk or a quota refuses only that."""
    try:
        os.write(file, b"\n")
    finally:
        os.close(file)
