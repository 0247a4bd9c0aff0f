"""Leaves /run/pydrop/record: who this container's program is, for `exec` into it.

Root's and for root alone (0600): hooks may have added what others should not read. Where /run
cannot be written nothing is left, and an `exec` sets up anew.
"""

import os

from pydrop import record
from pydrop.errors import PydropError
from pydrop.model import Outcome, RecordStep, Start
from pydrop.trust import fault

PLACE = "/run/pydrop"
NAME = "record"


def perform(step: RecordStep, _start: Start) -> Outcome:
    """Write the record anew. Never a reason to stop a start, unless somebody else owns its folder."""
    try:
        folder = _open_place()
    except OSError:
        return Outcome()
    try:
        _write(folder, os.fsencode(record.encode(step.record)))
    except OSError:
        return Outcome()
    finally:
        os.close(folder)
    return Outcome()


def _open_place() -> int:
    """/run/pydrop, made where it is missing, and root's alone."""
    try:
        os.mkdir(PLACE, 0o755)
    except FileExistsError:
        pass
    folder = os.open(PLACE, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    why = fault(os.fstat(folder))
    if why:
        os.close(folder)
        raise PydropError(f"{PLACE} {why}", f"remove {PLACE}: pydrop makes it, and it must be root's")
    return folder


def _write(folder: int, content: bytes) -> None:
    """To a new file, then renamed: a reader finds the old record or the new one."""
    new = f".{NAME}"
    try:
        os.unlink(new, dir_fd=folder)
    except FileNotFoundError:
        pass
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        while content:
            content = content[os.write(file, content) :]
    finally:
        os.close(file)
    os.rename(new, NAME, src_dir_fd=folder, dst_dir_fd=folder)
