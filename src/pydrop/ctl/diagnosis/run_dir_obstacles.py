"""What would keep a start from making a run-dir: its way is walked as the start walks it, and nothing is created.

The rules are those of `perform.runtime`; its messages are used where it has words for the matter.
"""

import errno
import os
import stat

from pydrop.capabilities import mask_of
from pydrop.ctl.diagnosis.world import World
from pydrop.ctl.mount_list import is_kernels
from pydrop.errors import NotPermitted
from pydrop.perform.runtime import path_walk
from pydrop.perform.runtime.path_walk import Refused

CHOWN, FOWNER, SYS_ADMIN = mask_of(("chown",)), mask_of(("fowner",)), mask_of(("sys_admin",))
NO_FOLDER = "something that is no folder is in its place"
MORE_CAPS = "add cap_add: [CHOWN, FOWNER, DAC_OVERRIDE] to the service in compose, or make it so in the image"


def found(world: World) -> list[NotPermitted]:
    """One error for each run-dir that cannot be made or given to the program's user."""
    return [error for error, is_replaced in _refused(world) if not is_replaced]


def left(world: World) -> list[NotPermitted]:
    """What a start leaves alone with a warning, since others than root can have put it in the place of a run-dir."""
    return [error for error, is_replaced in _refused(world) if is_replaced]


def _refused(world: World) -> list[tuple[NotPermitted, bool]]:
    """The run-dirs that cannot be made: each with why, and whether others than root can have replaced its place."""
    if not (world.settings and world.is_root and world.wanted):
        return []
    source = world.settings.sources.get("run-dirs", "run-dirs")
    errors = []
    for path in world.settings.run_dirs:
        place = path_walk.Place()
        try:
            _require_makeable(world, place, path)
        except Refused as refused:
            error = NotPermitted(f"unable to make {path} ({source}): {refused.why}", refused.remedy)
            errors.append((error, refused.errno != errno.EROFS and place.may_be_replaced()))
        except OSError as failure:
            error = NotPermitted(f"unable to make {path} ({source}): {failure.strerror}", "make it in the image")
            errors.append((error, place.may_be_replaced()))
        finally:
            place.close()
    return errors


def _require_makeable(world: World, place: path_walk.Place, path: str) -> None:
    """Raise Refused or OSError for what is in the way."""
    rest = path_walk.names(path)
    links = 0
    while rest:
        place.name = rest.pop()
        if place.name == "..":
            place.leave()
            continue
        status = path_walk.look(place.parent, place.name)
        if status is None:
            _require_room(world, place.parent, path)
            return
        target = place.target()
        if target is not None:
            links += 1
            if links > path_walk.MOST_LINKS:
                raise Refused("it leads through too many links", "name the folder itself")
            rest += path_walk.names(target)
            while target.startswith("/") and len(place.folders) > 1:
                place.leave()
        elif not stat.S_ISDIR(status.st_mode):
            why = f"{place.name} on the way there is no folder" if rest else NO_FOLDER
            raise Refused(why, f"find out who put it there, and remove {place.name}")
        elif rest:
            place.enter()
        else:
            _require_changeable(world, place.parent, place.name, status, path)


def _require_room(world: World, folder: int, path: str) -> None:
    """What is missing can be made in `folder`: it is not read-only, or a tmpfs can be mounted on /run."""
    if os.fstatvfs(folder).f_flag & os.ST_RDONLY:
        if not _gets_tmpfs(world, path):
            place = next((top for top in ("/run", "/var/tmp", "/tmp") if f"{_run(path)}/".startswith(f"{top}/")), path)
            raise Refused(
                f"{_read_only(folder)} is read-only",
                f"add --tmpfs {place} to docker run, or tmpfs: [{place}] to the service in compose",
                errno.EROFS,
            )
    elif not os.access(".", os.W_OK | os.X_OK, dir_fd=folder, effective_ids=True):
        raise Refused("this root may not write there (a capability is missing)", MORE_CAPS)
    elif not world.held.effective & CHOWN and world.wanted and world.wanted.uid != 0:
        raise Refused("this root may not change it (a capability is missing, or the filesystem refuses)", MORE_CAPS)


def _gets_tmpfs(world: World, path: str) -> bool:
    """Whether the start mounts a tmpfs on /run for it. It hides nothing that is mounted below /run."""
    below = [mount for mount in world.mounts if mount.point.startswith("/run/") and not is_kernels(mount)]
    return bool(world.held.effective & SYS_ADMIN) and not below and f"{_run(path)}/".startswith("/run/")


def _run(path: str) -> str:
    return path[4:] if path.startswith("/var/run/") else path


def _read_only(folder: int) -> str:
    return os.readlink(f"/proc/self/fd/{folder}")


def _require_changeable(world: World, parent: int, name: str, status: os.stat_result, path: str) -> None:
    """An existing folder has the right owner and mode, or may be given them."""
    who = world.wanted
    if who is None or (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (who.uid, who.gid, 0o755):
        return
    above = os.fstat(parent)
    if above.st_uid != 0 and status.st_uid not in (above.st_uid, who.uid):
        raise Refused(
            f"it belongs to user {status.st_uid}, in a folder of user {above.st_uid} who could have put it there",
            "remove it, or give it the right owner in the image",
        )
    itself = os.open(name, path_walk.WALK, dir_fd=parent)
    try:
        read_only = os.fstatvfs(itself).f_flag & os.ST_RDONLY
    finally:
        os.close(itself)
    if read_only and not _gets_tmpfs(world, path):
        raise Refused("the filesystem is read-only", f"remove :ro from {path}, or mount a tmpfs there", errno.EROFS)
    if not world.held.effective & CHOWN and (status.st_uid, status.st_gid) != (who.uid, who.gid):
        raise Refused("this root may not change it (a capability is missing, or the filesystem refuses)", MORE_CAPS)
    if not world.held.effective & FOWNER and status.st_uid != 0:
        raise Refused("this root may not change it (a capability is missing, or the filesystem refuses)", MORE_CAPS)
