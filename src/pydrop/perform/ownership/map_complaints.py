"""What a report says of idmapped mounts: that they were left alone, or could not be had, and what to do about it."""

import posix as os
from errno import EACCES, EINVAL, ENOSYS, EPERM

from pydrop import kernel
from pydrop.planning import idmapped_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.model import Volume

    from .volume_report import VolumeReport

CAP_SYS_ADMIN = 1 << 21  # capability(7)
OTHERWISE = "or take another policy, as mismatch"


def refused(volume: "Volume", owner: str, report: "VolumeReport") -> tuple[str, str]:
    """(problem, remedy) of a volume that shows another owner than it should, and is not chowned."""
    if report.shown:
        problem = idmapped_words.problem(volume.path, report.shown, owner)
        return problem, idmapped_words.remedy(volume.path, owner)
    if report.roots:
        return idmapped_words.roots(volume.path, owner), idmapped_words.not_roots(volume.path)
    error = report.map_refused
    assert error is not None
    problem = f"unable to mount {volume.path} with a map to {owner}: {error.strerror} ({error.filename})"
    return problem, _remedy(error, report.filesystem)


def left_alone(volume: "Volume", owner: str, report: "VolumeReport") -> list[tuple[str, str]]:
    """(problem, remedy) of what is in a volume and shows as somebody else's for good."""
    told = []
    if report.idmapped.count:
        count = report.idmapped.count
        problem = f"left {count} idmapped mounts in {volume.path} alone instead of chowning them to {owner}"
        first = f"{volume.path}/{report.idmapped.names[0]}"
        told.append((f"{problem} ({report.idmapped})", idmapped_words.remedy(first, owner)))
    if report.others.count:
        problem = f"{report.others.count} entries of {volume.path} have other owners than its own, and show as nobody's"
        remedy = "give them to the owner of the folder on the host, or take the policy mismatch"
        told.append((f"{problem} ({report.others})", remedy))
    return told


def _remedy(error: OSError, filesystem: str) -> str:
    if error.errno == ENOSYS:
        return f"it needs Linux 5.12 and a Python with ctypes: install the whole python3, {OTHERWISE}"
    if error.errno == EINVAL:
        return f"this kernel maps no owners of {filesystem or 'this filesystem'}: take another policy, as mismatch"
    if error.errno in (EPERM, EACCES) and not _may_mount():
        return f"root lacks a capability here: add cap_add: [SYS_ADMIN], {OTHERWISE}"
    if error.errno in (EPERM, EACCES):
        return (
            "seccomp or AppArmor forbids it (security_opt: [apparmor=unconfined]), or the filesystem belongs to "
            "another user namespace: take another policy, as mismatch"
        )
    return f"see {error.filename}(2) for this error, {OTHERWISE}"


def _may_mount() -> bool:
    status = kernel.open_status()
    try:
        return bool(kernel.credentials(status).effective & CAP_SYS_ADMIN)
    finally:
        os.close(status)
