"""What a report says to a person: how much was refused, why probably, and what to do about it."""

import posix as os
from errno import EACCES, EDQUOT, EINVAL, EIO, EMFILE, ENOSPC, ENOTDIR, EOPNOTSUPP, EPERM, EROFS, ESTALE

from pydrop.errors import PydropError
from pydrop.model import Value

from .volume_report import VolumeReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.model import Volume

CAP_CHOWN, CAP_FOWNER = 0, 3  # capability(7)
ONE_OWNER = ("9p", "cifs", "exfat", "fuse.", "fuseblk", "msdos", "ntfs", "smb", "vboxsf", "vfat", "virtiofs")

A_HOME_THAT_IS_READ_ONLY = "mount a volume or a tmpfs there, or give it to those numbers in the image"
REMEDIES = {
    EACCES: "root may not look in there: add cap_add: [DAC_OVERRIDE], or on NFS export it with no_root_squash",
    EDQUOT: "the new owner's disk quota is used up: raise it",
    EINVAL: "this container's user namespace does not map that number: choose one that `pydropctl doctor` lists",
    EIO: "the storage behind it fails: see the kernel's log on the host",
    EMFILE: "too few open files are allowed: raise `ulimits: nofile`",
    ENOSPC: "the filesystem is full",
    EOPNOTSUPP: "this filesystem keeps no owners: mount it with the options uid= and gid=",
    ENOTDIR: "a file is in the place of a folder on its way: see what put it there, and remove it",
    EROFS: "it is mounted read-only: take away :ro from the volume, or take it out of PYDROP_CHOWN",
    ESTALE: "it was moved or removed while pydrop walked through it: start again when the other containers are quiet",
}


class Complaint(Value):
    """A problem and what to do about it: a warning, or the error that ends the start."""

    problem: str
    remedy: str


def complaints(volume: "Volume", owner: str, report: VolumeReport) -> tuple[list[Complaint], list[Complaint]]:
    """What to tell about a report: what failed; and what was left alone for safety, which never ends a start.

    `owner` is shown as it is, like "1500:1500".
    """
    failed = [_refused(volume, owner, report, errno) for errno in sorted(report.refused)]
    if report.missing:
        failed.append(_missing(volume))
    if report.replaced:
        failed.append(replaced(volume.path, report.replaced))
    if report.busy:
        failed.append(_busy(volume, owner, report))
    if report.shown or report.map_refused or report.roots:
        from . import map_complaints

        problem, remedy = map_complaints.refused(volume, owner, report)
        failed.append(Complaint(problem=problem, remedy=remedy))
    left = [_linked(volume, owner, report)] if report.linked.count else []
    if report.idmapped.count or report.others.count:
        from . import map_complaints

        left += [Complaint(problem=one, remedy=two) for one, two in map_complaints.left_alone(volume, owner, report)]
    return failed, left


def failure(failed: list[Complaint]) -> PydropError:
    """The error that ends a start for what failed, of which there is something."""
    more = f" (and {len(failed) - 1} more problems with volumes)" if len(failed) > 1 else ""
    return PydropError(failed[0].problem + more, failed[0].remedy)


def _missing(volume: "Volume") -> Complaint:
    return Complaint(
        problem=f"unable to own the volume {volume.path}: it does not exist",
        remedy=f"mount it (volumes: [./data:{volume.path}]), or write create = true in its [[volume]] to have it made",
    )


def replaced(path: str, why: str) -> Complaint:
    """`why` as replaced_place has it."""
    return Complaint(
        problem=f"left the volume {path} alone: {why}, and others than root can replace it",
        remedy=f"remove it (see ls -ld {path}), mount a volume over it, or take it out of PYDROP_CHOWN",
    )


def _busy(volume: "Volume", owner: str, report: VolumeReport) -> Complaint:
    return Complaint(
        problem=f"{volume.path} may not all belong to {owner} yet:"
        f" its top folder was locked by another container or program, waited for in vain ({report.waited:.0f} s)",
        remedy="see who holds that lock (lslocks), here and in the other containers that share the volume",
    )


def _refused(volume: "Volume", owner: str, report: VolumeReport, errno: int) -> Complaint:
    refusals = report.refused[errno]
    what = f"{refusals.count} of {max(report.looked_at, refusals.count)} entries of {volume.path}"
    if refusals.names == ["."]:
        what = volume.path
    names = "" if refusals.names == ["."] else f" ({refusals})"
    return Complaint(
        problem=f"unable to give {what} to {owner}: {os.strerror(errno)}{names}",
        remedy=_remedy(volume, report, errno),
    )


def _remedy(volume: "Volume", report: VolumeReport, errno: int) -> str:
    if errno == EPERM:
        return _permission(report.filesystem)
    if errno == EROFS and volume.former:  # of which nobody said that it was to be owned
        return A_HOME_THAT_IS_READ_ONLY
    return REMEDIES.get(errno, "see chown(2) for this error")


def _permission(filesystem: str) -> str:
    """EPERM says little: what root here lacks, and the kind of filesystem, say more."""
    status = _status()
    lacking = [name for bit, name in ((CAP_CHOWN, "CHOWN"), (CAP_FOWNER, "FOWNER")) if not status >> bit & 1]
    if lacking:
        return f"root lacks capabilities here: add cap_add: [{', '.join(lacking)}]"
    if filesystem.startswith("nfs"):
        return (
            "an NFS server that maps root to nobody: export it with no_root_squash, or use the policy unless-writable"
        )
    if filesystem.startswith(ONE_OWNER):
        return f"{filesystem} has owners of its own: mount it with uid= and gid=, or use the policy unless-writable"
    if _in_user_namespace():
        return "they may belong to ids that this container's user namespace does not map: change them on the host"
    return "they may be immutable: see `lsattr`, and take the flag away with `chattr -i -a`"


def _status() -> int:
    """The effective capabilities of this process, a bit mask."""
    with open("/proc/self/status", "rb") as status:
        return next((int(line.split()[1], 16) for line in status if line.startswith(b"CapEff:")), 0)


def _in_user_namespace() -> bool:
    with open("/proc/self/uid_map", "rb") as ranges:
        return ranges.read().split() != [b"0", b"0", b"4294967295"]


def _linked(volume: "Volume", owner: str, report: VolumeReport) -> Complaint:
    return Complaint(
        problem=f"left {report.linked.count} files of others in {volume.path} alone instead of giving them to {owner}:"
        f" they have other names, maybe outside the volume ({report.linked})",
        remedy=f"`find {volume.path} -type f -links +1 -ls` lists them with inodes and link counts: where all names "
        "of each may be chowned, set PYDROP_CHOWN_HARD_LINKS=1 "
        '(compose: environment: {PYDROP_CHOWN_HARD_LINKS: "1"})',
    )
