"""Section "Volumes and other mounts" of a diagnosis: type, owner, and whether the program could write them."""

import os
import stat
from collections.abc import Sequence

from pydrop.capabilities import mask_of
from pydrop.ctl.diagnosis.findings import Change, Fact, Section, advice, set_variable
from pydrop.ctl.diagnosis.world import World
from pydrop.ctl.mount_list import Mount, is_kernels
from pydrop.ctl.volume_opening import vetted
from pydrop.errors import PydropError
from pydrop.model import Volume
from pydrop.perform.ownership import volume_path, writable
from pydrop.perform.ownership.complaints import ONE_OWNER
from pydrop.planning import idmapped_words, mounts_step

TOLD_ELSEWHERE = ("/", "/run", "/tmp", "/dev/shm")
RUNTIMES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv", "/run/secrets", "/.dockerenv")
TO_BECOME = mask_of(("setuid", "setgid"))
OVERFLOW_ID = 65534
EVERY_ID = 2**32 - 1
CANNOT = " cannot write it"
OUTSIDE = "its owner is not mapped into this user namespace, so nobody in here can give it away"
NETWORK = ("nfs", "ceph", "glusterfs", "lustre", "beegfs", "afs", "ocfs2", "gfs2")


def examine(world: World) -> tuple[Section, list[Change]]:
    changes: list[Change] = []
    shown = [m for m in world.mounts if m.point not in (*TOLD_ELSEWHERE, *RUNTIMES) and not is_kernels(m)]
    facts = [_mount(world, mount, changes) for mount in shown]
    _own_them(world, [fact.name for fact in facts if CANNOT in fact.found and fact.level == "problem"], changes)
    points = {mount.point for mount in world.mounts}
    for volume in world.settings.volumes if world.settings else ():
        if volume.path not in points and volume.policy != "never":
            facts.append(_unmounted(volume, world.mounts, changes))
    if not facts:
        facts.append(Fact(name="", found="none: what the program writes is gone with the container"))
    return Section(title="Volumes and other mounts", facts=tuple(facts)), changes


def _unmounted(volume: Volume, mounts: Sequence[Mount], changes: list[Change]) -> Fact:
    """A volume to chown that is no mount: it lies in one or is part of the image, or somebody forgot to mount it."""
    if os.path.lexists(volume.path):
        around = [m.point for m in mounts if m.point != "/" and volume.path.startswith(f"{m.point}/")]
        place = f"a folder of the mount {max(around, key=len)}" if around else "no mount, but part of the image"
        return Fact(name=volume.path, found=f"{place}; to be chowned (policy {volume.policy})", level="note")
    problem = f"{volume.path} is to be owned ({volume.source}), and is not there"
    changes.append(advice(f"volume {volume.path}", problem, f"mount it: volumes: [./data:{volume.path}] in compose"))
    return Fact(name=volume.path, found="is to be owned, and is not there", level="problem")


def _mount(world: World, mount: Mount, changes: list[Change]) -> Fact:
    kind = f"{mount.type}{', read-only' if mount.read_only else ''}"
    try:
        found = vetted(mount.point)
    except (OSError, PydropError):  # part of the system, or closed to this user: no volume to chown
        return Fact(name=mount.point, found=kind)
    try:
        status = found.look()
        can = _can_write(world, found)
    except OSError as error:  # a server that is gone, say
        return Fact(name=mount.point, found=f"{kind}; unable to look at it: {error.strerror}", level="problem")
    finally:
        found.close()
    owner = f"owned by {status.st_uid}:{status.st_gid}, mode {stat.S_IMODE(status.st_mode):04o}"
    if _foreign(world, mount, status, changes):
        return Fact(name=mount.point, found=f"{kind}; {owner}: {OUTSIDE}", level="problem")
    if _shown_otherwise(world, mount, status, can, changes):
        return Fact(name=mount.point, found=f"{kind}, idmapped; {owner}: left alone", level="problem")
    words, level = _judged(world, mount, stat.S_ISDIR(status.st_mode), can, changes)
    return Fact(name=mount.point, found=f"{kind}; {owner}; {words}", level=level)


def _foreign(world: World, mount: Mount, status: os.stat_result, changes: list[Change]) -> bool:
    """Whether the owner is outside this user namespace's map, so that no root in the container can chown the mount."""
    ranges = world.facts.uid_map if world.facts else ()
    if status.st_uid != OVERFLOW_ID or sum([line.count for line in ranges]) >= EVERY_ID or mount.read_only:
        return False
    wanted = world.wanted
    outside = [
        line.outside + wanted.uid - line.inside
        for line in ranges
        if wanted and 0 <= wanted.uid - line.inside < line.count
    ]
    remedy = f"on the host: chown {outside[0]} the folder" if outside else "give it to one of those ids on the host"
    changes.append(advice(f"volume {mount.point}", f"{mount.point}: {OUTSIDE}", remedy))
    return True


def _shown_otherwise(
    world: World, mount: Mount, status: os.stat_result, can: bool | None, changes: list[Change]
) -> bool:
    """Whether the mount is idmapped and shows another owner than the program's user, who cannot write it."""
    wanted, volume = world.wanted, _owning(world, mount.point)
    unwanted = can or mount.read_only or (volume and volume.policy == "never")
    if "idmapped" not in mount.options or wanted is None or unwanted:
        return False
    shown, owner = (status.st_uid, status.st_gid), f"{wanted.uid}:{wanted.gid}"
    if shown == (wanted.uid, wanted.gid):
        return False
    why = idmapped_words.problem(mount.point, shown, owner)
    changes.append(advice(f"volume {mount.point}", why, idmapped_words.remedy(mount.point, owner)))
    return True


def _judged(world: World, mount: Mount, folder: bool, can: bool | None, changes: list[Change]) -> tuple[str, str]:
    """What the mount means for the program, in words, and the level of the fact."""
    who = f"{world.wanted.name} {world.wanted.uid}:{world.wanted.gid}" if world.wanted else "the program's user"
    volume = _owning(world, mount.point)
    policy = _policy(world, mount, volume, changes)
    if mount.read_only:
        return _read_only(mount, volume, changes)
    if volume and volume.policy != "never" and world.is_root:
        return f"to be given to {who} (policy {volume.policy}){policy}", "ok"
    if can is None:
        return f"whether {who} can write it cannot be asked here{policy}", "note"
    if can:
        return f"{who} can write it{policy}", "ok"
    expected = folder and (volume is not None or _is_unnamed(world, mount))
    return f"{who}{CANNOT}{policy}", "problem" if expected else "note"


def _is_unnamed(world: World, mount: Mount) -> bool:
    """Whether no setting names the mount, not even as the place of a hook or a secret, which stay root's."""
    found, home = ((mount.point, mount.type),), world.wanted.home if world.wanted else ""
    return world.settings is None or bool(mounts_step.unnamed(found, world.settings, world.start.environment, home))


def _own_them(world: World, points: list[str], changes: list[Change]) -> None:
    """One change for all mounts that the program cannot write: a second PYDROP_CHOWN would replace the first."""
    if not points:
        return
    who = f"{world.wanted.name} {world.wanted.uid}:{world.wanted.gid}" if world.wanted else "the program's user"
    problem = f"{who} cannot write {mounts_step.few(points)}"
    if world.is_root and all([mounts_step.fits_list(point) for point in points]):
        changes.append(set_variable("volumes", problem, "PYDROP_CHOWN", _listed(world, points)))
    elif world.is_root:
        changes.append(advice("volumes", problem, "name it in a [[volume]] table of /etc/pydrop.toml"))
    else:
        numbers = f"{world.held.uids[1]}:{world.held.gids[1]}"
        remedy = f"give it to {numbers} on the host (chown)"
        if world.held.gids[1]:
            remedy += f", or in Kubernetes to the group: securityContext: {{fsGroup: {world.held.gids[1]}}}"
        changes.append(advice("volumes", problem, remedy))


def _listed(world: World, paths: list[str], policy: str = "") -> str:
    """A value of PYDROP_CHOWN with these paths added.

    It repeats the other paths, because a list from a stronger source replaces the weaker list as a whole. [[volume]]
    tables stay in force beside it."""
    volumes = [v for v in (world.settings.volumes if world.settings else ()) if "[[volume]]" not in v.source]
    usual = world.settings.chown_policy if world.settings else ""
    words = [v.path if v.policy == usual else f"{v.path}:{v.policy}" for v in volumes if v.path not in paths]
    return ":".join([*words, *[f"{path}:{policy}" if policy else path for path in paths]])


def _read_only(mount: Mount, volume: Volume | None, changes: list[Change]) -> tuple[str, str]:
    if volume is None or volume.policy == "never":
        return "nobody can write it", "ok"
    problem = f"{mount.point} is to be owned ({volume.source or 'chown'}), and is mounted read-only"
    remedy = f"take :ro (Kubernetes: readOnly: true) away from the mount, or {mount.point} out of PYDROP_CHOWN"
    changes.append(advice(f"volume {mount.point}", problem, remedy))
    return "to be owned, which cannot be", "problem"


def _owning(world: World, point: str) -> Volume | None:
    """The volume that this mount is; or the volume that it lies in, if that volume is chowned across mounts."""
    volumes = world.settings.volumes if world.settings else ()
    around = [v for v in volumes if v.path == point or (v.across_mounts and point.startswith(f"{v.path}/"))]
    return max(around, key=lambda volume: len(volume.path), default=None)  # the nearest: its own policy holds


def _policy(world: World, mount: Mount, volume: Volume | None, changes: list[Change]) -> str:
    """Words about the policy that suits a network filesystem, or one that keeps no owners; else ""."""
    kind, point = mount.type, mount.point
    if kind.startswith(ONE_OWNER):
        if volume and volume.policy not in ("unless-writable", "never"):
            problem = f"{point} is {kind}, which has owners of its own: chown there is refused, or does nothing"
            paths = _listed(world, [point], "unless-writable")
            changes.append(set_variable(f"policy {point}", problem, "PYDROP_CHOWN", paths))
        return "; policy that suits it: unless-writable (mount it with uid= and gid=)"
    if kind.startswith(NETWORK):
        return "; policy that suits it: on-root-mismatch, or unless-writable where the server squashes root"
    return ""


def _can_write(world: World, found: volume_path.OpenVolume) -> bool | None:
    """Whether the kernel lets the program's user write the volume; None where this process cannot become that user."""
    identity = world.wanted
    if not world.is_root:
        effective = os.access in os.supports_effective_ids
        name, folder = (".", found.fd) if found.is_folder else (found.name, found.parent)
        mask = os.W_OK | (os.X_OK if found.is_folder else 0)
        return os.access(name, mask, dir_fd=folder, effective_ids=effective)
    if identity is None or world.error or (world.held.effective & TO_BECOME) != TO_BECOME:
        return None
    return writable.can_write(found, identity.uid, identity.gid, identity.groups)
