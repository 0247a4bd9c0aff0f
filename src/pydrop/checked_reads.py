"""Reads the facts that every drop depends on: this process's credentials, its id maps, and the account files.

A failed read becomes a PydropError with a remedy, where `kernel` raises a bare OSError or KeyError. `inspection` and
the drop tools of `compat` call it.
"""

import posix as os

from pydrop import kernel
from pydrop.encoding import decoded
from pydrop.errors import PydropError
from pydrop.model import Credentials, IdRange

PART, MOST_PARTS = 1 << 16, 1 << 8  # bytes of a file that are read at once, and how often: 16 MiB
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
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise PydropError(f"unable to read {path}: {error.strerror}", "make it a file that may be read") from error
    parts: list[bytes] = []
    try:
        while part := os.read(file, PART):
            parts.append(part)
            if len(parts) > MOST_PARTS:
                remedy = "keep in it what the image needs"
                raise PydropError(f"{path} is larger than {PART * MOST_PARTS >> 20} MiB", remedy)
    finally:
        os.close(file)
    return decoded(b"".join(parts))
