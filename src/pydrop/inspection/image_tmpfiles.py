"""Reads the image's tmpfiles.d files, in which its packages declare what they need in /run.

`tmpfiles` parses the texts, and `planning` turns them into entries. Nothing is created here.
"""

import posix as os

from pydrop import checked_reads, tmpfiles
from pydrop.encoding import decoded
from pydrop.errors import Untrusted
from pydrop.trust import fault, open_trusted


def declared() -> tuple[tuple[str, str], ...]:
    """(path, text) of the files that mention /run; tmpfiles.d(5) says which of two files of one name counts.

    A folder or a file that another user than root can write is no package's, and is skipped."""
    folders: dict[str, int] = {}
    try:
        listing = {folder: _names(folder, folders) for folder in tmpfiles.FOLDERS}
        texts = [(path, _text(path, folders)) for path in tmpfiles.winners(listing)]
    finally:
        for descriptor in folders.values():
            os.close(descriptor)
    return tuple([(path, text) for path, text in texts if "/run" in text or "%t" in text])


def _names(folder: str, folders: dict[str, int]) -> list[str]:
    """The names in a folder, whose descriptor is added to `folders`. None where it is missing or not root's alone."""
    try:
        folders[folder] = open_trusted(folder, os.O_RDONLY | os.O_DIRECTORY)
        return os.listdir(folders[folder])
    except (OSError, Untrusted):
        return []


def _text(path: str, folders: dict[str, int]) -> str:
    """The text of a file. "" where it is not root's alone, or is a link that leads nowhere or to /dev/null."""
    folder, _, name = path.rpartition("/")
    try:
        file = _open(path, folders[folder], name)
    except (OSError, Untrusted):
        return ""
    try:
        if fault(os.fstat(file)):
            return ""
        return decoded(checked_reads.whole(file, checked_reads.SMALL))
    except OSError:
        return ""
    finally:
        os.close(file)


def _open(path: str, folder: int, name: str) -> int:
    """A descriptor of the file. Its open `folder` is root's alone, so only a link has to be walked from `/`."""
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=folder)
    except OSError:
        return open_trusted(path)
