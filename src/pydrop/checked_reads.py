"""Reads the facts that every drop depends on: this process's credentials, its id maps, and the account files.

A failed read becomes a PydropError with a remedy, where `kernel` raises a bare OSError or KeyError. `inspection` and
the drop tools of `compat` call it.
"""

import _stat as stat
import errno
import posix as os

from pydrop import kernel
from pydrop.encoding import decoded
from pydrop.errors import PydropError
from pydrop.model import Credentials, IdRange

SMALL = 1 << 20  # bytes of a file that a person writes: settings, tmpfiles.d, variables
LARGE = 1 << 24  # bytes of a file that programs write: the account files of a whole company, a record
PIECE = 1 << 16
EVERY_ID = (IdRange(inside=0, outside=0, count=2**32 - 1),)


def credentials() -> Credentials:
    """The credentials of this process, as the kernel reports them.

    Raises PydropError where /proc is missing or a field is: no drop could be verified then."""
    try:
        status = kernel.open_status()
    except OSError as error:
        raise PydropError(
            f"unable to read /proc: {error.strerror}", "mount /proc: no drop can be proven without"
        ) from error
    try:
        return kernel.credentials(status)
    except KeyError as error:
        remedy = "use a runtime whose kernel tells (Linux 4.10 or newer)"
        raise PydropError(
            f"/proc/self/status does not say {error.args[0]}, so no drop could be proven", remedy
        ) from error
    finally:
        os.close(status)


def is_privileged(held: Credentials | None = None) -> bool:
    """Whether this process may open or change what its user may not: root by any of its ids, or by a capability.

    Then a path that the user could have planted is followed by root's rules alone. `held` are its credentials where
    they are known. An inheritable capability by itself grants nothing here."""
    if os.geteuid() == 0:
        return True
    held = held or credentials()
    return 0 in held.uids or bool(held.permitted | held.effective | held.ambient)


def id_map(name: str) -> tuple[IdRange, ...]:
    """The ranges of this user namespace's ``uid_map`` or ``gid_map``, which `name` says."""
    try:
        return kernel.id_map(name)
    except FileNotFoundError:  # a kernel without user namespaces has every id
        return EVERY_ID


def text(path: str) -> str:
    """A whole file as text that keeps every byte; "" where the file is missing.

    PydropError where it is unreadable, or larger than any that a start needs."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            return decoded(whole(file, LARGE))
        finally:
            os.close(file)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise PydropError(f"unable to read {path}: {error.strerror}", "make it a file that may be read") from error


def whole(file: int, most: int) -> bytes:
    """The content of an open file, from its beginning: only of a regular one, and at most so many bytes.

    What stands at a place may have been put there by anybody: a FIFO has no end as long as somebody holds it, and
    /dev/zero none at all. Raises OSError with words for a message."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    parts, size = [], 0
    while size <= most and (part := os.pread(file, min(most + 1 - size, PIECE), size)):
        parts.append(part)
        size += len(part)
    if size > most:
        raise OSError(errno.EFBIG, f"it is larger than {most} bytes")
    return b"".join(parts)
