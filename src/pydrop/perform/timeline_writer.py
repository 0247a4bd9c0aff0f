"""Writes /run/pydrop/timeline, which says how long each part of the start took, for `pydropctl timeline`.

`entry` calls `mark` after each part. It opens the file before the drop and writes it after the drop, so that the
drop's own time is known too. Where no record could be written, no timeline is written either.

The file is root's with mode 0600, as the record is, because the words of the steps name paths and variables. It
holds no values, and of the command only the first word, since arguments may hold what nobody else should read.
"""

import posix as os
import time

from pydrop import state_folder
from pydrop.process import Start, Step
from pydrop.record import PLACES, TIMELINE, TIMELINE_FORM


def mark(start: Start, part: str | Step, did: str = "", changed: str = "") -> float:
    """Note that this part of the start, which began at the last mark, ends now.

    Returns the moment in seconds of CLOCK_MONOTONIC."""
    moment = time.monotonic()
    start.marks += ((part, did, changed, moment),)
    return moment


def open_file() -> int:
    """The descriptor of a new, empty file, as the record is one; -1 where it cannot be created.

    A missing timeline never stops a start."""
    return next((file for file in map(_file_in, PLACES) if file >= 0), -1)


def _file_in(place: str) -> int:
    folder = state_folder.at(place)
    if folder < 0:
        return -1
    try:
        os.unlink(TIMELINE, dir_fd=folder)
    except OSError:
        pass
    try:
        return os.open(TIMELINE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    except OSError:
        return -1
    finally:
        os.close(folder)


def write(file: int, start: Start, instance: str, program: str) -> None:
    """Write the marks as fields, each ended by NUL, which no field can hold.

    The first four fields are TIMELINE_FORM, the instance (proc_stat.instance), the command's first word, and the
    beginning of the start in microseconds of the epoch. Each row then has five fields: its kind, its words, what was
    done, whether that changed anything (1, 0), and its end in microseconds since the beginning. A row begins where the
    row before it ended."""
    began = start.began or start.marks[0][3]
    rows = [TIMELINE_FORM, instance, program, str(int((time.time() - time.monotonic() + began) * 1e6))]
    if start.loading:
        rows += ("interpreter", "", "", "", str(int((start.loading - began) * 1e6)))
    for part, did, changed, moment in start.marks if start.began else start.marks[1:]:
        kind, words = (part, "") if isinstance(part, str) else (part.kind, part.words)
        rows += (kind, words, did, changed, str(int((moment - began) * 1e6)))
    rows.append("")
    try:
        os.write(file, "\0".join(rows).encode("utf-8", "surrogateescape"))
    except OSError:
        pass
