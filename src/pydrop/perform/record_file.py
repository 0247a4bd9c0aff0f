"""Leaves /run/pydrop/record: who this container's program is, for `exec` into it.

Root's and for root alone (0600): hooks may have added what others should not read. Where /run
cannot be written nothing is left, and an `exec` sets up anew.
"""

import posix as os

from pydrop import record
from pydrop.errors import Untrusted
from pydrop.model import Outcome, Start
from pydrop.record import NAME, PLACE
from pydrop.steps import RecordStep
from pydrop.trust import roots_folder


def perform(step: RecordStep, _start: Start) -> Outcome:
    """Write the record anew; `changed` tells whether it could be. Never a reason to stop a start."""
    try:
        folder = roots_folder(PLACE)
    except (OSError, Untrusted):
        return Outcome()
    try:
        _write(folder, record.encode(step.record).encode("utf-8", "surrogateescape"))
    except OSError:
        return Outcome()
    finally:
        os.close(folder)
    return Outcome(changed=1)


def _write(folder: int, content: bytes) -> None:
    """To a new file, then renamed: a reader finds the whole record or none.

    The one of a start before is removed first. It says nothing any more; and where /run lies on a disk, ext4 writes a
    file out that is to replace another (auto_da_alloc, ext4(5)), for which a restart would wait 1 ms."""
    new = f".{NAME}"
    try:
        os.unlink(NAME, dir_fd=folder)
    except FileNotFoundError:
        pass
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        file = os.open(new, flags, 0o600, dir_fd=folder)
    except FileExistsError:  # a start was killed in the midst of this
        os.unlink(new, dir_fd=folder)
        file = os.open(new, flags, 0o600, dir_fd=folder)
    try:
        while content:
            content = content[os.write(file, content) :]
    finally:
        os.close(file)
    os.rename(new, NAME, src_dir_fd=folder, dst_dir_fd=folder)
