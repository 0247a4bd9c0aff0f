"""The image's own tmpfiles.d: what its packages want to find in /run."""

import _stat as stat
import posix as os

from pydrop import tmpfiles
from pydrop.encoding import decoded
from pydrop.errors import Untrusted
from pydrop.trust import fault, open_trusted


def declared() -> tuple[tuple[str, str], ...]:
    """(path, text) of the files that speak of /run, by tmpfiles.d(5)'s rules of which file wins.

    A folder or file that somebody other than root can write is no package's, and is passed over."""
    folders: dict[str, int] = {}
    try:
        listing = {folder: _names(folder, folders) for folder in tmpfiles.FOLDERS}
        texts = [(path, _text(path, folders)) for path in tmpfiles.winners(listing)]
    finally:
        for descriptor in folders.values():
            os.close(descriptor)
    return tuple([(path, text) for path, text in texts if "/run" in text or "%t" in text])


def _names(folder: str, folders: dict[str, int]) -> list[str]:
    """What lies in a folder, which is kept open in `folders`."""
    try:
        folders[folder] = open_trusted(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, Untrusted):
        return []
    return os.listdir(folders[folder])


def _text(path: str, folders: dict[str, int]) -> str:
    """A file that root will act on; "" for one that is not root's alone, or leads nowhere or to /dev/null."""
    folder, _, name = path.rpartition("/")
    try:
        file = _open(path, folders[folder], name)
    except (OSError, Untrusted):
        return ""
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or fault(status):
            return ""
        return decoded(os.read(file, status.st_size))
    except OSError:
        return ""
    finally:
        os.close(file)


def _open(path: str, folder: int, name: str) -> int:
    """The folder is root's alone, so a file in it needs no walk from `/`; a link does."""
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=folder)
    except OSError:
        return open_trusted(path)
