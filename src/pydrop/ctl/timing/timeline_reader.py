"""Reads /run/pydrop/timeline, in which a start left its times (perform/timeline_writer.py)."""

import os

from pydrop import checked_reads, proc_stat
from pydrop.checked_reads import is_privileged
from pydrop.encoding import decoded
from pydrop.errors import PydropError, Untrusted
from pydrop.model import Value
from pydrop.record import PLACES, TIMELINE, TIMELINE_FORM
from pydrop.trust import open_trusted

PHASES = {  # kind -> words, for the parts of a start that are no steps of its plan
    "interpreter": "Python starts, and reads pydrop's modules from one file",
    "modules": "pydrop's modules are loaded",
    "settings": "options, environment and settings file are read",
    "survey": "one look at the container",
    "plan": "who the program becomes, and by which steps",
    "command": "the program's environment and place are known",
    "summary": "the line of the log is written",
    "wait": "init mode: the process that stays gives up root too",
}


class NotLeft(PydropError):
    """There is no timeline to show."""


class Part(Value):
    """A phase or a step of a start. Times are in milliseconds. `changed` is None for a phase, which changes nothing."""

    kind: str
    words: str
    did: str
    changed: bool | None
    began: float
    took: float


class Timeline(Value):
    """One start. `begun` is in seconds of the epoch; `total` is the milliseconds from the launcher's start to exec."""

    program: str
    begun: float
    total: float
    current: bool  # the program of this start still runs; else the timeline is an earlier start's
    parts: tuple[Part, ...]


def left() -> Timeline:
    """Read the timeline where the start left it. Raises NotLeft, with the reason and a remedy, where there is none."""
    paths = [f"{place}/{TIMELINE}" for place in PLACES]
    return left_in(next((path for path in paths if os.path.lexists(path)), paths[0]))


def left_in(path: str) -> Timeline:
    text = _text(path)
    if not text:
        raise NotLeft(
            f"{path} is empty: the start has not come to its end yet, or there was no room to write it",
            "try again when the program runs, and see that /run is not full (df /run)",
        )
    timeline = parsed(text)
    if timeline is None:
        raise NotLeft(f"{path} is not what this version of pydrop leaves", "start the container anew")
    return timeline


def _text(path: str) -> str:
    try:
        file = open_trusted(path) if is_privileged() else os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NotLeft(
            "no start has left its times in this container",
            "a start as root leaves them where it can write /run (docker: --tmpfs /run); one without root, or as gosu "
            "and the like, leaves none",
        ) from error
    except PermissionError as error:
        raise NotLeft(
            "only root may read the times of the start", "docker exec --user 0 CONTAINER pydropctl timeline"
        ) from error
    except Untrusted as error:
        raise NotLeft(f"the times of the start are not root's: {error.problem}", error.remedy) from error
    except OSError as error:
        raise NotLeft(f"unable to read {path}: {error.strerror}", "start the container anew") from error
    try:
        return decoded(checked_reads.whole(file, checked_reads.SMALL))
    except OSError as error:
        raise NotLeft(f"unable to read {path}: {error.strerror}", "start the container anew") from error
    finally:
        os.close(file)


def parsed(text: str) -> Timeline | None:
    """The timeline in the text; None for a text that is no timeline of this version."""
    form, *rest = text.split("\0")
    if form != TIMELINE_FORM or len(rest) < 9 or len(rest) % 5 != 4 or rest[-1]:
        return None
    (instance, program, begun), fields = rest[:3], rest[3:-1]
    try:
        parts, end = [], 0.0
        for at in range(0, len(fields), 5):
            parts.append(_part(fields[at : at + 5], end))
            end = float(fields[at + 4]) / 1000
        seconds = int(begun) / 1e6
    except ValueError:
        return None
    return Timeline(program=program, begun=seconds, total=end, current=proc_stat.lives(instance), parts=tuple(parts))


def _part(fields: list[str], began: float) -> Part:
    """The part in five fields, as perform/timeline_writer.py writes them. ValueError where the end is no number."""
    kind, words, did, changed, end = fields
    return Part(
        kind=kind,
        words=words or PHASES.get(kind, ""),
        did=did,
        changed=changed == "1" if changed else None,
        began=began,
        took=max(int(end) / 1000 - began, 0.0),
    )
