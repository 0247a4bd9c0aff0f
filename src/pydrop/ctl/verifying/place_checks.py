"""Checks that the program can use its home, /tmp, the volumes, run-dirs, streams and devices."""

import errno
import os
import stat

from pydrop import idmapped, mountinfo
from pydrop.ctl.verifying import write_attempt
from pydrop.ctl.verifying.check_result import Check, fail, ok, skip, warn
from pydrop.ctl.verifying.subject import Subject
from pydrop.ctl.volume_opening import vetted
from pydrop.errors import PydropError
from pydrop.inspection import volume_mounts
from pydrop.model import AbsentDevice, Device, Volume
from pydrop.perform import unwritable_mounts
from pydrop.perform.streams import UNMAPPED
from pydrop.planning import idmapped_words, mounts_step

REFUSED = (unwritable_mounts.REFUSED, unwritable_mounts.CLOSED)
AS_ROOT = "this is root, which may write nearly everywhere: that says nothing about the program's user"
REFUSED_REMEDY = "see what the start said about it, and who owns it: ls -ldn; on NFS see root_squash"
REMEDIES = {
    errno.EROFS: "it is read-only: take :ro (Kubernetes: readOnly: true) away, or mount a tmpfs or a volume there",
    errno.ENOENT: "mount it, or make it in the Dockerfile",
    errno.ENOSPC: "the filesystem is full",
    errno.EDQUOT: "the user's disk quota is used up",
}


def checks(subject: Subject) -> list[Check]:
    settings = subject.settings
    temporary = subject.environment.get("TMPDIR", "")
    return [
        _home(subject),
        _temporary(subject, "/tmp", "/tmp"),
        *([_temporary(subject, "TMPDIR", temporary)] if temporary not in ("", "/tmp", "/tmp/") else []),
        *[_volume(subject, volume) for volume in settings.volumes],
        _other_mounts(subject),
        *[_run_dir(subject, path) for path in settings.run_dirs],
        *[_stream(name, descriptor) for name, descriptor in (("/dev/stdout", 1), ("/dev/stderr", 2))],
        *[_device(subject, device) for device in subject.devices],
    ]


def _remedy(error: OSError, otherwise: str) -> str:
    return REMEDIES.get(error.errno or 0, otherwise)


def _home(subject: Subject) -> Check:
    """HOME must exist, the program must be able to write it, and it must be the home of the program's account."""
    home, account = subject.environment.get("HOME", ""), subject.names.home
    if not home.startswith("/"):
        return fail("HOME", f"HOME={home} is no absolute path" if home else "not set", "see pydrop's setting home")
    if subject.is_root:
        return skip("HOME", AS_ROOT)
    try:
        write_attempt.try_folder(home)
    except OSError as error:
        remedy = f"own it: PYDROP_CHOWN={home}, or RUN chown in the Dockerfile; or set HOME=/tmp"
        if home in ("/", "/root"):
            remedy = "leave HOME out of the container's environment, and pydrop sets it to the account's; or HOME=/tmp"
        return fail("HOME", f"{home} cannot be written: {error.strerror}", _remedy(error, remedy))
    if account and os.path.normpath(account) != os.path.normpath(home):
        return warn(
            "HOME",
            f"{home} can be written, but the account's home is {account}, by which ssh and PostgreSQL go",
            "give the account that home (usermod -d, or PYDROP_HOME where pydrop makes it), or leave HOME unset",
        )
    return ok("HOME", f"{home} can be written")


def _temporary(subject: Subject, name: str, path: str) -> Check:
    if subject.is_root:
        return skip(name, AS_ROOT)
    shown = path if name == path else f"{path} ({name})"
    try:
        write_attempt.try_folder(path)
        mode = os.stat(path).st_mode
    except OSError as error:
        return fail(
            name,
            f"{shown} cannot be written: {error.strerror}",
            REMEDIES[errno.EROFS]
            if error.errno == errno.EROFS
            else "add a tmpfs: docker --tmpfs /tmp, in compose tmpfs: [/tmp]",
        )
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        return fail(
            name,
            f"{shown} has mode {stat.S_IMODE(mode):04o}: everybody may remove or replace the files of others",
            f"set the sticky bit: RUN chmod 1777 {path}, or the tmpfs option mode=1777",
        )
    return ok(name, f"{shown} can be written (mode {stat.S_IMODE(mode):04o})")


def _volume(subject: Subject, volume: Volume) -> Check:
    """A file can be created in the volume and removed. A volume that is a single file can be opened for writing."""
    name = f"volume {volume.path}"
    if subject.is_root:
        return skip(name, AS_ROOT)
    mapped = False
    try:
        found = vetted(volume.path)
        try:
            mapped = idmapped.is_on(found.fd, idmapped.ids(mountinfo.of()))
            return ok(name, write_attempt.try_place(found))
        finally:
            shown = found.look()
            found.close()
    except OSError as error:
        if error.errno == errno.ENOENT and not volume.create:
            return warn(name, "does not exist", f"mount it (volumes: [./data:{volume.path}]), or go on without it")
        problem, remedy = f"cannot be written: {error.strerror}", _remedy(error, REFUSED_REMEDY)
        if mapped and error.errno in (errno.EACCES, errno.EPERM, errno.EOVERFLOW):
            problem += f": an idmapped mount, through which it shows as {shown.st_uid}:{shown.st_gid}"
            remedy = idmapped_words.remedy(volume.path, f"{subject.held.uids[1]}:{subject.held.gids[1]}")
    except PydropError as error:
        problem, remedy = error.problem, error.remedy
    if volume.policy != "never":
        return fail(name, problem, remedy)
    if remedy == REFUSED_REMEDY:
        remedy = "give it another policy, such as mismatch"
    return warn(name, f"{problem}; its policy is never, so nobody owned it", remedy)


def _other_mounts(subject: Subject) -> Check:
    """What is mounted and no setting names is there to be written, more often than not."""
    name = "other mounts"
    if subject.is_root:
        return skip(name, AS_ROOT)
    lines = tuple([f"{variable}={value}" for variable, value in subject.environment.items()])
    found, home = volume_mounts.found(mountinfo.here()), subject.environment.get("HOME", "")
    left = [point for point, _ in mounts_step.unnamed(found, subject.settings, lines, home)]
    refused = [point for point in left if unwritable_mounts.judged(point) in REFUSED]
    if not refused:
        return ok(name, f"{len(left)} that no setting names, each can be written" if left else "none")
    return warn(
        name,
        f"{mounts_step.few(refused)} cannot be written, and no setting names it",
        f"{mounts_step.to_own(mounts_step.listed(subject.settings), refused)}; {mounts_step.ONLY_READ}, or "
        "named with the policy never",
    )


def _run_dir(subject: Subject, path: str) -> Check:
    name = f"run-dir {path}"
    if subject.is_root:
        return skip(name, AS_ROOT)
    try:
        write_attempt.try_folder(path)
    except OSError as error:
        remedy = "start the container as root, so that pydrop can make it; on a read-only root add tmpfs: [/run]"
        return fail(name, f"cannot be written: {error.strerror}", remedy)
    return ok(name, "can be written")


def _stream(name: str, descriptor: int) -> Check:
    """Open the stream by its name, as nginx and apache do for their logs."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return skip(name, "closed, as it came")
    if stat.S_ISSOCK(found.st_mode):
        return skip(name, "a socket, which nobody can open by its name")
    try:
        os.close(os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError as error:
        remedy = "let pydrop drop root (it gives them to the user; with cap_drop: [ALL] that needs cap_add: [CHOWN])"
        if stat.S_ISREG(found.st_mode):
            remedy = "it leads into a file: give that to the user, or lead it into a pipe (| cat)"
        elif found.st_uid == UNMAPPED:
            remedy = "nobody in this user namespace owns it: log to a file, or give the container a terminal (-t)"
        return fail(name, f"cannot be opened: {error.strerror}; nginx and apache do so for their logs", remedy)
    return ok(name, "can be opened")


def _device(subject: Subject, device: Device | AbsentDevice) -> Check:
    """Really open the device, since the container's device rules may forbid what the mode allows. Nothing is sent to a
    socket."""
    name = f"device {device.path}"
    if isinstance(device, AbsentDevice):
        return warn(name, device.problem, device.remedy)
    if subject.is_root:
        return skip(name, AS_ROOT)
    if stat.S_ISSOCK(device.mode):
        return _socket(subject, device, name)
    flags = os.O_NONBLOCK | os.O_NOCTTY
    try:
        try:
            os.close(os.open(device.path, flags | os.O_RDWR))
        except PermissionError:
            os.close(os.open(device.path, flags | os.O_RDONLY))
            return warn(name, "can be read, not written", f"let its group write: chmod g+w {device.path} on the host")
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.ENXIO, errno.ENODEV, errno.EIO):  # an answer of the driver, no refusal
            return ok(name, f"may be opened ({error.strerror})")
        owner = f"{device.uid}:{device.gid} {stat.S_IMODE(device.mode):04o}"
        return fail(name, f"cannot be opened: {error.strerror} ({owner})", _device_remedy(subject, device))
    return ok(name, "can be opened for reading and writing")


def _socket(subject: Subject, device: Device, name: str) -> Check:
    if os.access(device.path, os.W_OK, effective_ids=True):
        return ok(name, "can be connected to")
    owner = f"{device.uid}:{device.gid} {stat.S_IMODE(device.mode):04o}"
    return fail(name, f"cannot be connected to: Permission denied ({owner})", _device_remedy(subject, device))


def _device_remedy(subject: Subject, device: Device) -> str:
    """The remedy for a device: its group, where the group may read the device and may be joined; else another group."""
    socket = stat.S_ISSOCK(device.mode)
    of_use = device.mode & (stat.S_IWGRP if socket else stat.S_IRGRP) and device.gid not in (0, UNMAPPED)
    if not of_use:
        group = "docker" if socket else "video"
        return f"give it a group of its own on the host: chgrp {group} {device.path} && chmod g+rw {device.path}"
    if device.gid not in subject.groups:
        return "start as root, so that pydrop joins its group"
    return "pass it with --device, not as a volume"
