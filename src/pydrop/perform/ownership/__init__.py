"""The volume engine: every entry of a volume belongs to the user, and root is never led out of it.

`perform` is the face for a start, `own` for one volume.

The rules
---------
1. Only descriptors lead on. A folder is opened by its name in a folder that is open, without following a symlink, and
   nothing but folders is opened. So neither a path nor a link can lead root out.
2. An entry is changed by its name only where nobody but root can exchange names: in a folder that is root's alone, and
   while no other pydrop works on the volume. Everywhere else it is held by a descriptor, and looked at again.
3. A folder gets its owner when all below it is done, and the top of the volume last of all. So an owner that is right
   says "complete", and a walk that was killed is taken up again by the next start.
4. Memory, descriptors and Python's stack are bounded, however deep and wide a volume is: there is no recursion, of a
   long way only 24 folders stay open, and entries are listed piece by piece.
5. No worker outlives a walk, whatever ends that. A folder that was taken from its owner for a while goes back; only
   where the walk was killed it stays root's, which the next start sees as wrong.

The walk and its workers
------------------------
A walk is one process. After some milliseconds it may start workers, and those their own, up to 16 generations. Each is
a fork, and gets a slice: half of the folders of one folder that are still to enter, or some of its entries, by name.
The slice needs no pipe: the worker has it in its copy of the memory, and the open folder with it.

                 tokens    . . .        one pipe for all: a byte for each process that may still be started
          +--------------------------------+
          | take one, fork                 | give it back: at its end, and as long as it waits for its own workers
          |                                |
      +-------+   fork: a slice       +--------+   fork: a slice of the slice     +--------+
      | walk  | --------------------> | worker | -------------------------------> | worker |
      |       | <-------------------- |        | <------------------------------- |        |
      +-------+   report, at its end  +--------+   report, at its end             +--------+
          ^       (a pipe for each)        |                                          |
          |                                | counts, ten times a second               |
          +--------------------------------+------------------------------------------+
                 one pipe for all, only where somebody watches: 16 bytes, entries looked at and changed since the last

- Who finishes a folder: the process that gave a slice of it away. Only this process may take the folder from its owner
  or give it one, and it does so when its workers have reported. A worker ends with its slice.
- A report counts what the worker and its own workers have done. The counts tell the same while they work, so the walk
  subtracts what has come by both ways.
- A worker that is killed, or fails, leaves no report. Nobody knows how far it came, so the process that gave the slice
  away does it again itself: a second look changes nothing that is right. After that it starts no other worker.
- A process that ends takes its workers along (PR_SET_PDEATHSIG). A walk that is given up kills them, and waits until
  the last process has closed the pipe of tokens; then folders go back to their owners, not before, since the workers
  trust names as long as a folder is root's.
- All of them keep the descriptor that holds the lock of the top, so the volume stays locked while any of them lives.

The modules, each of which imports only what stands above it
------------------------------------------------------------
volume_report, target (target_variants, modes, patterns)   what came of it; what an entry must be
folder                                     one open folder, and what is left to do in it
mounts, volume_path, volume_lock           the table of mounts; from a path to a descriptor; one container at a time
other_volumes                              what a walk leaves out: volumes that are named by themselves
volume_mount                               where a walk stops: at other mounts
replaced_place                             whether the volume is still what its name was given for
by_descriptor, entries                     the look at entries and their change: held, and by name
far_folders                                the upper part of a long way, closed and found again
slice_widths, slices                       how much is given away at once; cutting it off
worker_count, worker_pipes                 how many processes a walk is worth; tokens and counts
worker_process, worker_reports, worker     a worker's first steps; its report; a worker as the process sees it that
                                           forked it
started_workers, sharing                   waiting for workers; starting them, and being one
progress, progress_estimate, progress_messages   how far it is; in parts of the whole; in words
walk                                       from folder to folder, with all of the above
id_mapping                                 a mount with a map in place of a walk (policy idmap)
volume_work (writable), complaints (map_complaints)   one volume under its policy; what went wrong, in words
home_folder                                the home of an account that got other numbers, by way of this module
"""

import time

from pydrop.errors import Untrusted
from pydrop.inherited import require_uninterrupted
from pydrop.model import Outcome

from . import volume_path  # the others are loaded when there is something to walk or to tell: most restarts need none
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
    use, and people mount what they need. So is one whose place somebody else may have replaced, by a link or a file:
    what the program did must not keep the next start from running. With errors="fail" both, and every entry that
    refused, end the start with a PydropError, after all volumes were walked to their end. Files left alone for their
    other names never do.
    """
    owner = f"{step.uid}:{step.gid}"
    changed, done, warnings, failed = 0, [], [], []
    around = volume_path.Surroundings(
        named=(step.hooks_folder, start.name, start.environment), others=tuple([volume.path for volume in step.volumes])
    )
    try:
        for volume in step.volumes:
            try:
                report = own(volume, step.uid, step.gid, step.groups, watching(start), around=around)
            except Untrusted as error:
                from . import complaints

                failed.append(complaints.Complaint(problem=error.problem, remedy=error.remedy))
                continue
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
    """A function that tells a person how far a volume is; None where nobody listens. The words are loaded when there is
    something to tell, after SILENT seconds."""
    show, note = start.progress, start.note
    if show is None or note is None:
        return None
    telling: Watch | None = None

    def watch(progress: "Progress") -> None:
        nonlocal telling
        from .progress import SILENT

        require_uninterrupted()  # a signal may have got lost, and a walk is too long to notice it only at its end
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
    found = _opened(volume, dry, report) if volume.policy != "never" else None
    if found:
        surroundings = around or volume_path.Surroundings()
        try:
            report.created = found.created
            report.count(1, 0, 0)
            if not (found.is_folder and _is_done(volume, uid, gid, found.seen)):
                from .volume_work import VolumeWork, target_of

                target = target_of(volume, uid, gid, dry)
                VolumeWork(volume, target, groups, report, watch, surroundings).on(found)
        finally:
            found.close()
            if surroundings is not around:
                surroundings.close()
    report.seconds = time.monotonic() - began
    return report


def _opened(volume: "Volume", dry: bool, report: VolumeReport) -> "volume_path.OpenVolume | None":
    """The volume, made where it may be; None where there is none, which is in the report then."""
    try:
        return volume_path.opened(volume.path, volume.create and not dry)
    except FileNotFoundError:
        report.created = volume.create
        report.missing = not volume.create
    except OSError as error:
        report.refuse(error.errno or 0, ".")
    return None


def _is_done(volume: "Volume", uid: int, gid: int, top: "stat_result") -> bool:
    """Whether on-root-mismatch asks for no more, so that most restarts load nothing that only a walk needs. A volume
    with a mode, or of a home folder's former owner, is VolumeWork's to judge."""
    plain = volume.policy == "on-root-mismatch" and not volume.mode and volume.former is None
    return plain and top.st_uid == uid and top.st_gid == gid
