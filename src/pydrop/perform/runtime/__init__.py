"""Performs RuntimeStep: creates the folders, files and links that must exist in /run and the like, with their owners.

entry_maker creates or fixes one entry, and path_walk finds the folder of an entry. This module goes through all
entries, mounts a tmpfs on a read-only /run, and turns failures into warnings or an error.
"""

import _stat as stat
import errno
import posix as os

from pydrop.errors import NotPermitted
from pydrop.model import Outcome, Start
from pydrop.perform.runtime import path_walk
from pydrop.perform.runtime.entry_maker import make
from pydrop.perform.runtime.path_walk import Refused
from pydrop.steps import RunEntry, RuntimeStep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

TMPFS = ("/run", "/tmp", "/var/tmp")  # places that a tmpfs can serve where the root filesystem is read-only


def perform(step: RuntimeStep, start: Start) -> Outcome:
    """Create or fix every entry.

    Raises NotPermitted for an entry that a setting asked for and that cannot be created. For the standard
    entries and those of tmpfiles.d there is a warning instead. So there is for one whose place others than root can
    have replaced: what the program did must not keep the next start from running."""
    umask = os.umask(0)  # so that mkdir(2) and open(2) set the exact mode
    try:
        guard = _guard(step, start) if any([_is_given(entry) for entry in step.entries]) else None
        done, failed = _make_all(step.entries, guard)
        if _run_is_read_only(failed) and _mount_run():
            done, failed = _make_all(step.entries, guard)
            done.insert(0, "a tmpfs on /run")
    finally:
        os.umask(umask)
    for entry, refused in failed:
        if entry.source and not entry.source.startswith("/") and not refused.replaced:
            raise NotPermitted(f"unable to make {entry.path} ({entry.source}): {refused.why}", refused.remedy)
    return Outcome(changed=len(done), words=_few("made right", done), warnings=_warnings(failed))


def _is_given(entry: RunEntry) -> bool:
    """Whether a setting or the account's home asks for the entry. The image's own tmpfiles.d are root's own words."""
    return not entry.source.startswith("/") and bool(entry.source or entry.uid)


def _guard(step: RuntimeStep, start: Start) -> "Callable[[int, str], None]":
    """A function that raises Refused for a place that root executes or obeys from at the next start."""
    from pydrop.ground.own_ground import DATA, Ground

    ground = Ground(step.hooks_folder, start.name, start.environment)

    def guard(parent: int, name: str) -> None:
        folder = os.readlink(f"/proc/self/fd/{parent}")
        why = ground.why(f"{folder}/{name}" if folder != "/" else f"/{name}")
        if why:
            raise Refused(f"it {why}, and its owner could become root at the next start", DATA)

    return guard


def _make_all(
    entries: tuple[RunEntry, ...], guard: "Callable[[int, str], None] | None" = None
) -> tuple[list[str], list[tuple[RunEntry, Refused]]]:
    """The paths that were changed, and the entries that could not be created or fixed."""
    done: list[str] = []
    failed: list[tuple[RunEntry, Refused]] = []
    for entry in entries:
        place = path_walk.Place()
        try:
            if make(place, entry, guard if _is_given(entry) else None):
                done.append(entry.path)
        except Refused as refused:
            refused.replaced = place.may_be_replaced()
            failed.append((entry, refused))
        except OSError as error:
            if not _is_usable(entry):
                failed.append((entry, _reason(entry, error)))
                failed[-1][1].replaced = error.errno != errno.EROFS and place.may_be_replaced()
        finally:
            place.close()
    return done, failed


# -- entries that cannot be created or fixed -------------------------------------------------------


def _is_usable(entry: RunEntry) -> bool:
    """Whether this is a standard folder for everybody that everybody can write, whoever owns it (/tmp on a volume)."""
    if entry.source or not entry.exact or (entry.mode or 0) & 0o777 != 0o777:
        return False
    try:
        status = os.stat(path_walk.ROOT + entry.path)
    except OSError:
        return False
    return (
        stat.S_ISDIR(status.st_mode) and status.st_mode & 0o777 == 0o777 and not _read_only(path_walk.ROOT + entry.path)
    )


def _reason(entry: RunEntry, error: OSError) -> Refused:
    """The kernel's error as a reason and a remedy for a person."""
    if error.errno == errno.EROFS:
        place = next((top for top in TMPFS if entry.path == top or entry.path.startswith(f"{top}/")), entry.path)
        if entry.path.startswith("/var/run/"):
            place = "/run"
        return Refused(
            "the filesystem is read-only",
            f"add --tmpfs {place} to docker run, or tmpfs: [{place}] to the service in compose",
            error.errno,
        )
    why, remedy = REASONS.get(error.errno or 0, (error.strerror or str(error), "make it in the image"))
    return Refused(why, remedy, error.errno)


MORE_CAPS = "add cap_add: [CHOWN, FOWNER, DAC_OVERRIDE] to the service in compose, or make it so in the image"
REASONS = {
    errno.EPERM: ("this root may not change it (a capability is missing, or the filesystem refuses)", MORE_CAPS),
    errno.EACCES: ("this root may not write there (a capability is missing)", MORE_CAPS),
    errno.EINVAL: ("this container's user namespace has no such user or group", "map more ids to the container"),
    errno.ENOSPC: ("the filesystem is full", "free some space, or give the tmpfs a larger size"),
}


def _warnings(failed: list[tuple[RunEntry, Refused]]) -> tuple[str, ...]:
    """One warning for each reason, however many entries failed for it."""
    paths: dict[tuple[str, str], list[str]] = {}
    for entry, refused in failed:
        paths.setdefault((refused.why, refused.remedy), []).append(entry.path)
    return tuple([f"{_few('unable to make', names)}: {why}; {remedy}" for (why, remedy), names in paths.items()])


def _few(verb: str, paths: list[str]) -> str:
    """The verb and the first three paths; "" where there are no paths."""
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f"{verb} {', '.join(paths[:3])}{more}" if paths else ""


# -- the tmpfs on /run -----------------------------------------------------------------------------


def _run_is_read_only(failed: list[tuple[RunEntry, Refused]]) -> bool:
    below = [entry for entry, why in failed if why.errno == errno.EROFS and f"{entry.path}/".startswith("/run/")]
    return bool(below) and _read_only(f"{path_walk.ROOT}/run")


def _read_only(path: str) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _mount_run() -> bool:
    """Mount a tmpfs on /run; returns whether that was done.

    It is not done where something else is mounted below /run: a runtime puts secrets there, and the tmpfs
    would hide them."""
    from pydrop import kernel, mountinfo

    try:
        if any([row[mountinfo.POINT].startswith(b"/run/") for row in mountinfo.of()]):
            return False
        kernel.mount_tmpfs("/run")
    except OSError:
        return False
    return True
