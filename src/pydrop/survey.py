"""Looks at the world once, reading only, and hands on what it saw as Facts.

What root will obey (the settings file, hooks, a record) is opened through `trust`; without root
there is nobody above to obey it, and it is opened plainly.
"""

import os
import stat

from pydrop import kernel, record
from pydrop.errors import BadSetting, PydropError, Untrusted
from pydrop.model import Device, Facts, IdRange, Record, Settings, Start
from pydrop.trust import open_trusted

TMPFILES = ("/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d")
RECORD = "/run/pydrop/record"
LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64")
WRAPPER = "libnss_wrapper.so"
STRAY = ("/etc/.passwd.pydrop", "/etc/.group.pydrop")
EVERY_ID = (IdRange(inside=0, outside=0, count=2**32 - 1),)


def settings_table(path: str, named: bool) -> dict[str, object] | None:
    """The settings file as a table, None where there is none and nobody named one.

    Raises BadSetting where it cannot be read or is no TOML, Untrusted where root should not obey it."""
    try:
        file = open_trusted(path) if os.geteuid() == 0 else os.open(path, os.O_RDONLY)
    except FileNotFoundError as error:
        if not named:
            return None
        raise BadSetting(f"PYDROP_CONFIG={path} is not there", "check the path, or leave PYDROP_CONFIG out") from error
    except OSError as error:
        raise BadSetting(f"unable to read {path}: {error.strerror}", "make it a readable file of root's") from error
    import tomllib

    try:
        with open(file, "rb") as content:
            return tomllib.load(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path} is no TOML: {error}", f"try it with: pydropctl check {path}") from error
    except OSError as error:
        raise BadSetting(f"unable to read {path}: {error.strerror}", "make it a readable file of root's") from error


def look(settings: Settings, start: Start) -> Facts:
    """Everything that planning needs to know."""
    try:
        status = kernel.open_status()
    except OSError as error:
        raise PydropError(
            f"unable to read /proc: {error.strerror}", "mount /proc: no drop can be proven without"
        ) from error
    credentials = kernel.credentials(status)
    os.close(status)
    root = credentials.uids[1] == 0
    writable = _account_files(root)
    return Facts(
        credentials=credentials,
        pid=os.getpid(),
        uid_map=_id_map("uid_map"),
        gid_map=_id_map("gid_map"),
        setgroups_allowed=kernel.setgroups_allowed() if root else False,
        passwd=_text("/etc/passwd"),
        group=_text("/etc/group"),
        account_files=writable,
        stray_files=root and any([os.path.lexists(path) for path in STRAY]),
        nss_wrapper=_wrapper() if writable == "no" else None,
        owner=_owner(settings),
        devices=_devices(settings) if settings.devices else (),
        hooks=_hooks(settings, root),
        tmpfiles=_tmpfiles() if root else (),
        instance=kernel.instance() if root else "",
        record=_record() if root else None,
        second_time=not root and os.getpid() != 1 and os.path.lexists(RECORD),
        environment=start.environment,
        root_folder_writable=os.access("/", os.W_OK),
        home_writable=_home_writable(start),
        noexec_run=_noexec_run(settings),
    )


def _text(path: str) -> str:
    """A whole file as text that keeps every byte; "" where it is missing."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise PydropError(f"unable to read {path}: {error.strerror}", "make it a file that may be read") from error
    parts = []
    try:
        while part := os.read(file, 65536):
            parts.append(part)
    finally:
        os.close(file)
    return os.fsdecode(b"".join(parts))


def _id_map(name: str) -> tuple[IdRange, ...]:
    try:
        return kernel.id_map(name)
    except FileNotFoundError:  # a kernel without user namespaces maps everything
        return EVERY_ID


def _account_files(root: bool) -> str:
    """How /etc/passwd can be changed: by "rename", "in place" (a writable file in a folder that is
    not), "append" (OpenShift's group-writable file), or not ("no")."""
    if root and os.access("/etc", os.W_OK):
        return "rename"
    if os.access("/etc/passwd", os.W_OK):
        return "in place" if root else "append"
    return "no"


def _wrapper() -> str | None:
    """libnss_wrapper.so in the image's library folders, also one folder down (Debian's multiarch)."""
    for folder in LIBRARIES:
        if os.path.exists(f"{folder}/{WRAPPER}"):
            return f"{folder}/{WRAPPER}"
        try:
            inner = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in inner:
            if name.endswith(("-gnu", "-musl", "-gnueabihf")) and os.path.exists(f"{folder}/{name}/{WRAPPER}"):
                return f"{folder}/{name}/{WRAPPER}"
    return None


def _owner(settings: Settings) -> tuple[int, int] | None:
    if settings.owner_of is None:
        return None
    try:
        status = os.stat(settings.owner_of)
    except OSError as error:
        source = settings.sources.get("owner-of", "owner-of")
        raise BadSetting(
            f"{source}={settings.owner_of} cannot be looked at: {error.strerror}",
            "mount it, or name a path that is there",
        ) from error
    return status.st_uid, status.st_gid


def _devices(settings: Settings) -> tuple[Device, ...]:
    """The device files named, and those in the folders named."""
    found: list[Device] = []
    source = settings.sources.get("devices", "devices")
    for path in settings.devices:
        try:
            inside = _devices_at(path)
        except OSError as error:
            raise BadSetting(
                f"{source}={path} cannot be looked at: {error.strerror}", f"pass it to the container (--device {path})"
            ) from error
        if not inside:
            raise BadSetting(
                f"{source}={path} is no device and holds none", f"pass one to the container (--device {path})"
            )
        found += inside
    return tuple(found)


def _devices_at(path: str) -> list[Device]:
    status = os.stat(path)
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        return [Device(path=path, uid=status.st_uid, gid=status.st_gid, mode=status.st_mode)]
    if not stat.S_ISDIR(status.st_mode):
        return []
    found = []
    for folder, _, names in os.walk(path):
        for name in sorted(names):
            inner = os.stat(f"{folder}/{name}", follow_symlinks=False)
            if stat.S_ISCHR(inner.st_mode) or stat.S_ISBLK(inner.st_mode):
                found.append(Device(path=f"{folder}/{name}", uid=inner.st_uid, gid=inner.st_gid, mode=inner.st_mode))
    return found


def _hooks(settings: Settings, root: bool) -> tuple[str, ...]:
    """The executables in the hooks folder, in byte order. One that somebody else could have written
    is refused, not skipped: a start that quietly lacks a hook is no start."""
    try:
        names = os.listdir(os.fsencode(settings.hooks))
    except FileNotFoundError as error:
        if "hooks" in settings.sources:
            raise BadSetting(
                f"{settings.sources['hooks']}={settings.hooks} is not there", "make the folder, or leave it out"
            ) from error
        return ()
    except OSError as error:
        raise BadSetting(
            f"unable to read the hooks in {settings.hooks}: {error.strerror}", "make it a folder of root's"
        ) from error
    paths = [f"{settings.hooks}/{os.fsdecode(name)}" for name in sorted(names)]
    hooks = tuple([path for path in paths if _is_hook(path)])
    if root:
        for path in hooks:
            os.close(open_trusted(path, os.O_PATH))
    return hooks


def _is_hook(path: str) -> bool:
    """A regular file with an execute bit; what else lies there (README, data) is no hook."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise Untrusted(
            f"the hook {path} cannot be looked at: {error.strerror}", "mend the link or remove it"
        ) from error
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)


def _tmpfiles() -> tuple[tuple[str, str], ...]:
    """The tmpfiles.d files that speak of /run, by tmpfiles.d(5)'s rules of which file wins."""
    listing = {}
    for folder in TMPFILES:
        try:
            listing[folder] = [name for name in os.listdir(folder) if name.endswith(".conf")]
        except OSError:
            continue
    if not any(listing.values()):
        return ()
    from pydrop import tmpfiles

    texts = [(path, _trusted_text(path)) for path in tmpfiles.winners(listing)]
    return tuple([(path, text) for path, text in texts if "/run" in text or "%t" in text])


def _trusted_text(path: str) -> str:
    """A file that root will act on; "" for one that is a link to nowhere or to /dev/null."""
    try:
        file = open_trusted(path)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return ""
        with open(file, encoding="utf-8", errors="surrogateescape", closefd=False) as content:
            return content.read()
    finally:
        os.close(file)


def _record() -> Record | None:
    """What this container's entrypoint left. Not for PID 1, which is the entrypoint, not from before
    a restart, and not where others could have left it: an entrypoint makes /run root's."""
    if os.getpid() == 1:
        return None
    try:
        file = open_trusted(RECORD)
    except (OSError, Untrusted):
        return None
    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as content:
        found = record.decode(content.read())
    return found if found and found.instance == kernel.instance() else None


def _home_writable(start: Start) -> bool:
    home = next((line[5:] for line in start.environment if line.startswith("HOME=")), "")
    return bool(home) and os.access(home, os.W_OK)


def _noexec_run(settings: Settings) -> bool:
    """Whether the command lies on a /run that executes nothing."""
    if not settings.command or not settings.command[0].startswith("/run/"):
        return False
    try:
        return bool(os.statvfs("/run").f_flag & os.ST_NOEXEC)
    except OSError:
        return False
