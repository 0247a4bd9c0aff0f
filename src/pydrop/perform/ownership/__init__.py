"""The volume engine: every entry of a volume belongs to the user, and root is never led out of it.

`own` is the face for one volume, `perform` for a start. See walk for the way through a volume, sharing for how several
processes go it, lock for several containers.
"""

import time

from pydrop.inherited import require_uninterrupted
from pydrop.model import Outcome

from . import volume_path  # the others when there is something to walk or to tell: most restarts need none
from .volume_report import VolumeReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from posix import stat_result

    from pydrop.model import Start, Volume
    from pydrop.steps import VolumesStep

    from .progress import Progress

    Watch = Callable[[Progress], None]

__all__ = ["VolumeReport", "own", "perform", "watching"]


def perform(step: "VolumesStep", start: "Start") -> Outcome:
    """Own every volume of the step, in order.

    A volume that does not exist is a warning with the line that mounts it, not an error: an image names all it could
    use, and who runs it mounts what is needed. With errors="fail" that, and every entry that refused, ends the start
    with a PydropError, after all volumes were walked to their end. Files left alone for their other names never do.
    """
    owner = f"{step.uid}:{step.gid}"
    changed, done, warnings, failed = 0, [], [], []
    around = volume_path.Surroundings()
    try:
        for volume in step.volumes:
            report = own(volume, step.uid, step.gid, step.groups, watching(start), around=around)
            if report.silent:
                continue
            if report.troubled:
                from . import complaints

                wrong, left = complaints.complaints(volume, owner, report)
                failed += wrong
                warnings += left
            changed += report.changed
            done.append(report.words(volume.path, owner))
    finally:
        around.close()
    if failed and step.errors == "fail":
        from . import complaints

        raise complaints.failure(failed)
    lines = [f"{complaint.problem}; {complaint.remedy}" for complaint in [*failed, *warnings]]
    return Outcome(changed=changed, words="; ".join(filter(None, done)), warnings=tuple(lines))


def watching(start: "Start") -> "Watch | None":
    """What tells a person how far a volume is. Its words are loaded when there is somebody to hear them, after 2 s."""
    show, note = start.progress, start.note
    if show is None or note is None:
        return None
    telling: Watch | None = None

    def watch(progress: "Progress") -> None:
        nonlocal telling
        from .progress import SILENT

        require_uninterrupted()  # a walk is too long to be over before a signal is looked at that got lost
        if progress.seconds < SILENT:
            return
        if telling is None:
            from .progress_messages import ProgressMessages

            telling = ProgressMessages(show, note)
        telling(progress)

    return watch


def own(
    volume: "Volume",
    uid: int,
    gid: int,
    groups: tuple[int, ...] = (),
    watch: "Watch | None" = None,
    dry: bool = False,
    around: volume_path.Surroundings | None = None,
) -> VolumeReport:
    """Make `volume` belong to uid:gid as its policy says; `groups` matter for whether the user can write it.

    The top is changed last, when everything below it was looked at, so that its owner says: complete. `watch` is called
    about ten times a second; with `dry` nothing is changed, and `changed` counts what would be. `around` keeps from
    one volume to the next what lies around them. Raises BadSetting for a path or mode that cannot be used and Untrusted
    for a path that somebody else than root could have bent; what the kernel refuses is counted in the report.
    """
    report = VolumeReport()
    began = time.monotonic()
    if volume.policy != "never":
        try:
            found = volume_path.opened(volume.path, volume.create and not dry)
        except FileNotFoundError:
            report.created = volume.create
            report.missing = not volume.create
        except OSError as error:
            report.refuse(error.errno or 0, ".")
        else:
            surroundings = around or volume_path.Surroundings()
            try:
                report.created = found.created
                report.count(1, 0, 0)
                if not _is_done(volume, uid, gid, found.seen):
                    from .volume_work import VolumeWork, target_of

                    target = target_of(volume, uid, gid, dry)
                    VolumeWork(volume, target, groups, report, watch, surroundings).on(found)
            finally:
                found.close()
                if surroundings is not around:
                    surroundings.close()
    report.seconds = time.monotonic() - began
    return report


def _is_done(volume: "Volume", uid: int, gid: int, top: "stat_result") -> bool:
    """Whether on-root-mismatch asks for no more. So most restarts need nothing that only a walk needs; of a volume with
    a mode too, or of a home folder's former owner, work knows."""
    plain = volume.policy == "on-root-mismatch" and not volume.mode and volume.former is None
    return plain and top.st_uid == uid and top.st_gid == gid
