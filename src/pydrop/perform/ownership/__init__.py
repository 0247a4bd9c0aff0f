"""The volume engine: every entry of a volume belongs to the user, and root is never led out of it.

`own` is the face for one volume, `perform` for a start. See walk for the way through a volume, sharing for how several
processes go it, lock for several containers.
"""

import posix as os
import time

from pydrop.errors import PydropError
from pydrop.model import Outcome
from pydrop.takeover import require_uninterrupted

from . import place, wanted  # the others when there is something to walk or to tell: a volume that is right needs none
from .report import Complaint, Progress, Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.model import Start, Volume
    from pydrop.steps import VolumesStep

    from .lock import Lock
    from .mounts import Table

    Watch = Callable[[Progress], None]

SILENT = 2.0  # seconds of work on a volume of which nothing is told

__all__ = ["Complaint", "Progress", "Report", "own", "perform", "watching"]


def perform(step: "VolumesStep", start: "Start") -> Outcome:
    """Own every volume of the step, in order.

    A volume that does not exist is a warning with the line that mounts it, not an error: an image names all it could
    use, and who runs it mounts what is needed. With errors="fail" that, and every entry that refused, ends the start
    with a PydropError, after all volumes were walked to their end. Files left alone for their other names never do.
    """
    owner = f"{step.uid}:{step.gid}"
    changed, done, warnings, failed = 0, [], [], []
    mounted: list[Table] = []
    for volume in step.volumes:
        report = own(volume, step.uid, step.gid, step.groups, watching(start), mounted=mounted)
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


def watching(start: "Start") -> "Watch | None":
    """What tells a person how far a volume is. Its words are loaded when there is somebody to hear them, after 2 s."""
    show, note = start.progress, start.note
    if show is None or note is None:
        return None
    telling: Watch | None = None

    def watch(progress: Progress) -> None:
        nonlocal telling
        require_uninterrupted()  # a walk is too long to be over before a signal is looked at that got lost
        if progress.seconds < SILENT:
            return
        if telling is None:
            from .telling import Telling

            telling = Telling(show, note)
        telling(progress)

    return watch


def _failure(failed: list[Complaint]) -> PydropError:
    more = f" (and {len(failed) - 1} more problems with volumes)" if len(failed) > 1 else ""
    return PydropError(failed[0].problem + more, failed[0].remedy)


def own(
    volume: "Volume",
    uid: int,
    gid: int,
    groups: tuple[int, ...] = (),
    watch: "Watch | None" = None,
    dry: bool = False,
    mounted: "list[Table] | None" = None,
) -> Report:
    """Make `volume` belong to uid:gid as its policy says; `groups` matter for whether the user can write it.

    The top is changed last, when everything below it was looked at, so that its owner says: complete. `watch` is called
    about ten times a second; with `dry` nothing is changed, and `changed` counts what would be. `mounted` keeps the
    table of mounts from one volume to the next. Raises BadSetting
    for a path or mode that cannot be used and Untrusted for a path that somebody else than root could have bent; what
    the kernel refuses is counted in the report.
    """
    report = Report()
    began = time.monotonic()
    if volume.policy != "never":
        work = _Work(volume, wanted.Wanted(volume, uid, gid, dry), groups, report, watch, mounted)
        try:
            found = place.find(volume.path, volume.create and not dry)
        except FileNotFoundError:
            report.created = volume.create
            report.missing = not volume.create
        except OSError as error:
            report.refuse(error.errno or 0, ".")
        else:
            try:
                report.created = found.created
                work.on(found)
            finally:
                found.close()
    report.seconds = time.monotonic() - began
    return report


class _Work:
    """On one volume, from the first look at its top to the change of it."""

    def __init__(
        self,
        volume: "Volume",
        target: wanted.Wanted,
        groups: tuple[int, ...],
        report: Report,
        watch: "Watch | None",
        mounted: "list[Table] | None",
    ) -> None:
        self.volume = volume
        self.target = target
        self.groups = groups
        self.report = report
        self.watch = watch
        self.mounted: list[Table] = [] if mounted is None else mounted
        self.began = time.monotonic()

    def on(self, found: place.Place) -> None:
        self.report.looked_at += 1
        if self._is_done(found):
            return
        if found.is_folder and self.volume.policy != "top":
            self._in_turn(found)
        else:
            self._give_top(found)
        if self.report.refused:
            self.report.filesystem = self.table().filesystem_type(found.fd)

    def table(self) -> "Table":
        """The mounts; read when the first volume asks."""
        if not self.mounted:
            from .mounts import Table

            self.mounted.append(Table())
        return self.mounted[0]

    def _is_done(self, found: place.Place) -> bool:
        """Whether the policy says so without a look below the top."""
        if self.volume.policy == "on-root-mismatch":
            return self.target.reached(found.look())
        return self.volume.policy == "unless-writable" and self._can_write(found)

    def _in_turn(self, found: place.Place) -> None:
        """Walk, unless another container has done so while we waited for it.

        A top that is wrong says that there is work, which one does alone. Where it is right there is little or nothing
        to do: who only looks does not wait for others that do the same.
        """
        from . import lock

        right = self.target.reached(found.look())
        try:
            turn = lock.Lock(found.fd)
        except OSError as error:
            self._refused(found, error)
            return
        try:
            turn.take(not right, self.table(), self._waiting)
            self.report.waited, self.report.busy = turn.waited, turn.refused
            if not (turn.refused or (turn.waited and self._was_done(found, right))):
                self._walk(found, turn)
        finally:
            turn.close()

    def _was_done(self, found: place.Place, right: bool) -> bool:
        """Whether another container has done the work: the top, which is changed last, was wrong and is `right` now."""
        return self._is_done(found) or (not right and self.target.reached(found.look()))

    def _walk(self, found: place.Place, turn: "Lock") -> None:
        from . import walk

        tell = self._tell if self.watch else None
        going = walk.Walk(self.target, self.report, turn.alone, self.table(), tell)
        going.lock = turn.fd
        try:
            taken = going.run(found.fd)
        except OSError as error:
            self._refused(found, error)
            return
        self._give_top(found, taken)

    def _give_top(self, found: place.Place, former: int | None = None) -> None:
        """Change the top itself; `former` had it before the walk took it."""
        try:
            info = found.look()
            if self.target.right(info):
                return
            if self.target.unsure(found.parent, found.name, info):
                self.report.linked.add(".")
            else:
                self.report.given += self.target.give(found.fd, info)
                self.report.changed += 1
        except OSError as error:
            if former is not None:
                os.chown(f"/proc/self/fd/{found.fd}", former, -1)
            self._refused(found, error)

    def _refused(self, found: place.Place, error: OSError) -> None:
        """Note that of the top, unless the user can write it: then its owner is right enough, and it is no news either
        what else refused for that reason."""
        self.report.refuse(error.errno or 0, ".")
        if self._can_write(found):
            del self.report.refused[error.errno or 0]

    def _can_write(self, found: place.Place) -> bool:
        from . import writable

        return writable.can_write(found, self.target.uid, self.target.gid, self.groups)

    def _waiting(self) -> None:
        self._tell(self.report.looked_at, 0, 0.0, waiting=True)

    def _tell(self, looked_at: int, changed: int, part: float, waiting: bool = False) -> None:
        if self.watch:
            seconds = time.monotonic() - self.began
            self.watch(
                Progress(
                    volume=self.volume,
                    looked_at=looked_at,
                    changed=changed,
                    part=part,
                    waiting=waiting,
                    seconds=seconds,
                )
            )
