"""Leaves /run/pydrop/timeline: where the start spent its time, for `pydropctl timeline`.

Beside the record, root's and for root alone (0600) as that one is: the words of the steps name paths and variables.
No values, and of the command its first word alone, since arguments may hold what nobody else should read. Where no
record could be left, neither is this.

The file is opened before the drop, and written into behind it, so that the drop's own time is known too.
"""

import posix as os
import time

from pydrop.process import Start, Step
from pydrop.record import TIMELINE, TIMELINE_FORM


def mark(start: Start, what: str | Step, did: str = "", changed: str = "") -> float:
    """What was done since the last mark was this. Returns when it ended, by CLOCK_MONOTONIC in seconds."""
    moment = time.monotonic()
    start.marks += ((what, did, changed, moment),)
    return moment


def open_file() -> int:
    """The file's descriptor, for a /run/pydrop that is known to be root's alone; -1 where it cannot be had. Never a
    reason to stop a start. A new file, as the record is one."""
    try:
        os.unlink(TIMELINE)
    except OSError:
        pass
    try:
        return os.open(TIMELINE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError:
        return -1


def write(file: int, start: Start, instance: str, program: str) -> None:
    """Fields ended by NUL, which none of them can hold: what this is, whose it is, the command's first word, when it
    began (microseconds of the epoch); then five for each row: its kind, words, what was done, whether that changed
    anything (1, 0), and its end in microseconds since the beginning. Each row begins where the one before it ended."""
    began = start.began or start.marks[0][3]
    rows = [TIMELINE_FORM, instance, program, str(int((time.time() - time.monotonic() + began) * 1e6))]
    if start.loading:
        rows += ("interpreter", "", "", "", str(int((start.loading - began) * 1e6)))
    for what, did, changed, moment in start.marks if start.began else start.marks[1:]:
        kind, words = (what, "") if isinstance(what, str) else (what.kind, what.words)
        rows += (kind, words, did, changed, str(int((moment - began) * 1e6)))
    rows.append("")
    try:
        os.write(file, "\0".join(rows).encode("utf-8", "surrogateescape"))
    except OSError:
        pass
