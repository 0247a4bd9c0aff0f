"""Performs RecordStep: writes the program's identity to /run/pydrop/record, for a later `exec` into the container.

The file is root's with mode 0600, because hooks may have added variables that nobody else should read. Where it can be
in none of record.PLACES, the start says so, and `standing` refuses such an `exec`.
"""

import posix as os

from pydrop import record, state_folder
from pydrop.model import Outcome, Start
from pydrop.record import NAME, PLACES
from pydrop.steps import RecordStep


def perform(step: RecordStep, _start: Start) -> Outcome:
    """Write the record anew. `changed` is 1 where that succeeded; a failure never stops a start."""
    content = record.encode(step.record).encode("utf-8", "surrogateescape")
    if any(_is_written(place, content) for place in PLACES):
        return Outcome(changed=1)
    why, remedy = state_folder.why_none()
    return Outcome(warnings=(f"{NO_RECORD} ({why}); {remedy}",))


NO_RECORD = (
    "no record of this start can be kept, so a later `pydrop` that comes into this container (exec, HEALTHCHECK) is "
    "refused with exit code 125"
)


def _is_written(place: str, content: bytes) -> bool:
    folder = state_folder.at(place)
    if folder < 0:
        return False
    try:
        _write(folder, content)
    except OSError:  # the filesystem is full, say
        return False
    finally:
        os.close(folder)
    return True


def _write(folder: int, content: bytes) -> None:
    """Write a new file, then rename it, so that a reader finds the whole record or none.

    The record of an earlier start is no longer valid, and is removed first. This also saves a restart 1 ms where /run
    lies on a disk: ext4 writes a file out before it replaces another (auto_da_alloc, ext4(5))."""
    new = f".{NAME}"
    _unlink(NAME, folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        file = os.open(new, flags, 0o600, dir_fd=folder)
    except FileExistsError:  # a start was killed before it renamed the file
        _unlink(new, folder)
        file = os.open(new, flags, 0o600, dir_fd=folder)
    try:
        while content:
            content = content[os.write(file, content) :]
    finally:
        os.close(file)
    try:
        os.rename(new, NAME, src_dir_fd=folder, dst_dir_fd=folder)
    except FileNotFoundError:
        pass  # another container shares /run, and starts at the same time: the record is that one's now


def _unlink(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
