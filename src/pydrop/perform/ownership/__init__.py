"""The volume engine: every entry of a volume belongs to the user, and root is never led out of it.

`own` is the face for one volume, `perform` for a start. One process walks; see walk for how.
"""

import time

from pydrop.errors import PydropError
from pydrop.model import Outcome

from . import place, wanted  # the others when there is something to walk or to tell: a volume that is right needs none
from .report import Complaint, Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.model import Start, Volume
    from pydrop.steps import VolumesStep

__all__ = ["Complaint", "Report", "own", "perform"]


def perform(step: "VolumesStep", start: "Start") -> Outcome:  # noqa: ARG001 # one signature for all steps
    """Own every volume of the step, in order.

    A volume that does not exist is a warning with the line that mounts it, not an error: an image names all it could
    use, and who runs it mounts what is needed. With errors="fail" that, and every entry that refused, ends the start
    with a PydropError, after all volumes were walked to their end. Files left alone for their other names never do.
    """
    owner = f"{step.uid}:{step.gid}"
    changed, done, warnings, failed = 0, [], [], []
    for volume in step.volumes:
        report = own(volume, step.uid, step.gid, step.groups)
        if report.silent:
            continue
        from . import reasons

        wrong, left = reasons.complaints(volume, owner, report)
        failed += wrong
        warnings += left
        changed += report.changed
        done.append(reasons.words(volume, owner, report))
    if failed and step.errors == "fail":
        raise _failure(failed)
    lines = [f"{complaint.problem}; {complaint.remedy}" for complaint in [*failed, *warnings]]
    return Outcome(changed=changed, words="; ".join(filter(None, done)), warnings=tuple(lines))


def _failure(failed: list[Complaint]) -> PydropError:
    more = f" (and {len(failed) - 1} more problems with volumes)" if len(failed) > 1 else ""
    return PydropError(failed[0].problem + more, failed[0].remedy)


def own(volume: "Volume", uid: int, gid: int, groups: tuple[int, ...] = ()) -> Report:
    """Make `volume` belong to uid:gid as its policy says; `groups` matter for whether the user can write it.

    The top is changed last, when everything below it was looked at, so that its owner says: complete. Raises BadSetting
    for a path or mode that cannot be used and Untrusted for a path that somebody else than root could have bent; what
    the kernel refuses is counted in the report.
    """
    report = Report()
    began = time.monotonic()
    target = wanted.Wanted(volume, uid, gid)
    if volume.policy != "never":
        try:
            found = place.find(volume.path, volume.create)
        except FileNotFoundError:
            report.missing = True
        except OSError as error:
            report.refuse(error.errno or 0, ".")
        else:
            try:
                report.created = found.created
                _own_place(found, volume, target, groups, report)
            finally:
                found.close()
    report.seconds = time.monotonic() - began
    return report


def _own_place(
    found: place.Place, volume: "Volume", target: wanted.Wanted, groups: tuple[int, ...], report: Report
) -> None:
    report.looked_at += 1
    if volume.policy == "on-root-mismatch" and target.reached(found.look()):
        return
    if volume.policy == "unless-writable" and _can_write(found, target, groups):
        return
    try:
        if found.is_folder and volume.policy != "top":
            from . import walk

            walk.Walk(target, report).run(found.fd)
        _own_top(found, target, report)
    except OSError as error:
        report.refuse(error.errno or 0, ".")
        if _can_write(found, target, groups):
            # An owner that cannot be changed, but is right enough; nor is it news what else refused for that reason
            del report.refused[error.errno or 0]
    if report.refused:
        from . import mounts

        report.filesystem = mounts.filesystem_type(found.fd)


def _can_write(found: place.Place, target: wanted.Wanted, groups: tuple[int, ...]) -> bool:
    from . import writable

    return writable.can_write(found, target.uid, target.gid, groups)


def _own_top(found: place.Place, target: wanted.Wanted, report: Report) -> None:
    info = found.look()
    if target.right(info):
        return
    if target.unsure(found.parent, found.name, info):
        report.linked.add(".")
    else:
        report.given += target.give(found.fd, info)
        report.changed += 1
