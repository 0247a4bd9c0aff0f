"""Performs MountsStep: asks the kernel which mounted folders the program's user cannot write."""

import _stat as stat
import posix as os

from pydrop import asked_as_user
from pydrop.model import Outcome, Start
from pydrop.planning import mounts_step
from pydrop.steps import MountsStep

WRITABLE, REFUSED, CLOSED, NO_FOLDER = b"wrc-"  # what is answered for one mount


def perform(step: MountsStep, start: Start) -> Outcome:
    """Look, and warn. Nothing is changed, and no failure of the look is one of the start."""
    points = tuple([point for point, _ in step.mounts])
    who = asked_as_user.rights_of(step.identity if step.root else None)
    pairs = list(zip(points, asked_as_user.answers(who, points, judged), strict=False))
    refused = [point for point, answer in pairs if answer == REFUSED]
    closed = [point for point, answer in pairs if answer == CLOSED]
    if refused:
        refused = _not_own(refused, start)
    return Outcome(warnings=(mounts_step.warning(step, refused, closed),)) if refused or closed else Outcome()


def _not_own(points: list[str], start: Start) -> list[str]:
    """Those that a setting may name: a mount with Python's library, say, is nobody's to be given."""
    from pydrop.ground.own_ground import Ground

    ground = Ground(name=start.name, environment=start.environment)
    return [point for point in points if not ground.why(point)]


def judged(point: str) -> int:
    """What a mount is to the process that asks. Single files and what is gone are no folders."""
    try:
        if not stat.S_ISDIR(os.stat(point).st_mode):
            return NO_FOLDER
    except PermissionError:
        return CLOSED
    except OSError:  # gone, or its server is
        return NO_FOLDER
    return WRITABLE if os.access(point, os.W_OK | os.X_OK, effective_ids=True) else REFUSED
