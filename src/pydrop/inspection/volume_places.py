"""Inspects the places that settings name as volumes: for the words of a plan, nothing that root goes by.

`inspection` loads this module only where there are volumes.
"""

import posix as os
from errno import ENOENT, ENOTDIR

from pydrop.model import Settings


def places(settings: Settings) -> tuple[tuple[str, str], ...]:
    """(path, the path behind all links) of each volume: "" where nothing is there, the path itself where this process
    cannot tell."""
    return tuple([(volume.path, _place(volume.path)) for volume in settings.volumes])


def _place(path: str) -> str:
    try:
        held = os.open(path, os.O_PATH)
    except OSError as error:
        return "" if error.errno in (ENOENT, ENOTDIR) else path
    try:
        return os.readlink(f"/proc/self/fd/{held}")
    except OSError:
        return path
    finally:
        os.close(held)
