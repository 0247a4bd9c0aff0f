"""Writes a file that a person named, also as root into a folder where somebody else may write.

Whoever may write there could plant a link, a FIFO, or a further name of a file of root's under that name. So the way to
the folder leads through no link that others than root could have made; the content goes into a new file, which then
takes the name; and what has the name already is replaced only where it is a file of this user's with no other name.
"""

import os
import stat

from pydrop.errors import PydropError, Untrusted
from pydrop.perform.ownership.volume_path import OpenVolume

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def write(path: str, content: bytes) -> None:
    """Write the file, or leave what is there as it was. Raises OSError; PydropError for what is not to be replaced."""
    above, _, name = path.rstrip("/").rpartition("/")
    if name in ("", ".", ".."):
        raise PydropError(f"{path} is no name of a file", "name a file")
    folder = open_folder(f"{above}/" if above or path.startswith("/") else ".")
    try:
        _require_own(folder, name, path)
        beside = f".pydrop-{os.urandom(8).hex()}"
        _write_new(folder, beside, content)
        try:
            os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(beside, dir_fd=folder)
            raise
    finally:
        os.close(folder)


def open_folder(path: str, create: bool = False) -> int:
    """A descriptor of the folder; with `create`, it and those above it are made where they are missing.

    Raises OSError, and Untrusted for root where the way leads through what others than root could have bent."""
    if os.geteuid() != 0:
        if create:
            os.makedirs(path, exist_ok=True)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    way = OpenVolume(path if path.startswith("/") else f"{os.getcwd()}/{path}")
    try:
        way.follow(create)
        return os.open(".", FOLDER, dir_fd=way.fd)
    except Untrusted as error:
        problem = f"{path} leads through a symlink, or up again from a folder, that others than root could have made"
        raise Untrusted(problem, "name another path, or the one that is meant") from error
    finally:
        way.close()


def _require_own(folder: int, name: str, path: str) -> None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
        raise PydropError(
            f"{path} is there, and is not a plain file of user {os.geteuid()} with no other name",
            "remove it, or name another file",
        )


def _write_new(folder: int, name: str, content: bytes) -> None:
    file = os.open(name, NEW, 0o666, dir_fd=folder)
    try:
        while content:
            content = content[os.write(file, content) :]
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise
    finally:
        os.close(file)
