"""A glance at the tmpfiles.d folders: most images declare nothing for /run, and need no closer look.

Nobody knows yet who wrote what is there. A folder that is not root's alone counts for nothing (image_tmpfiles says so
too), and a name in it is opened only where it is no link: a link could lead to a device.
"""

import posix as os

from pydrop import checked_reads
from pydrop.trust import fault

FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
MASK = "/dev/null"  # a link there means: this file does not count (tmpfiles.d(5))


def may_mention_run(folder: str) -> bool:
    """Whether a file of this folder may mention /run, so that image_tmpfiles has to read it.

    image_tmpfiles reads everything again, and checks who could have written it."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        names = [] if fault(os.fstat(opened)) else os.listdir(opened)
        return any([_mentions_run(opened, name) for name in names if name.endswith(".conf")])
    except OSError:
        return True
    finally:
        os.close(opened)


def _mentions_run(folder: int, name: str) -> bool:
    try:
        file = os.open(name, FILE, dir_fd=folder)
    except OSError:
        return not _is_masked(folder, name)
    try:
        content = checked_reads.whole(file, checked_reads.SMALL)
    except OSError:
        return True
    finally:
        os.close(file)
    return b"/run" in content or b"%t" in content


def _is_masked(folder: int, name: str) -> bool:
    try:
        return os.readlink(name, dir_fd=folder) == MASK
    except OSError:
        return False
