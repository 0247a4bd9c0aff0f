"""Looks at the world once, reading only, and hands on what it saw as Facts.

What root will obey (the settings file, hooks, tmpfiles.d, a record) is opened through `trust`;
without root there is nobody above to obey it, and it is opened plainly.
"""

import _stat as stat
import posix as os

from pydrop import accounts, checked_reads, kernel, record, tmpfiles
from pydrop.errors import PydropError, Untrusted
from pydrop.model import Device, Facts, Record, Settings, Start
from pydrop.settings import config_path, read
from pydrop.steps import RunEntry
from pydrop.trust import open_trusted, require_own_code_safe

LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64")
WRAPPER = "libnss_wrapper.so"


def read_settings(start: Start) -> Settings:
    """What was asked: by the options, the environment and the settings file."""
    path, named = config_path(start.environment)
    return read(start.arguments, start.environment, settings_table(path, named), path)


def settings_table(path: str, named: bool) -> dict[str, object] | None:
    """The settings file as a table, None where there is none and nobody named one; see settingsfile."""
    if not named and not _is_there(path):
        return None
    from pydrop.inspection import settings_file

    return settings_file.read(path)


def look(settings: Settings, start: Start) -> Facts:
    """Everything that planning needs to know."""
    credentials = checked_reads.credentials()
    root = credentials.uids[1] == 0
    entrypoint = start.init.pid if start.init else os.getpid()
    if root:
        require_own_code_safe()
    writable = _account_files(root)
    hooks, idle = _hooks(settings, root)
    return Facts(
        credentials=credentials,
        pid=entrypoint,
        uid_map=checked_reads.id_map("uid_map"),
        gid_map=checked_reads.id_map("gid_map"),
        setgroups_allowed=kernel.setgroups_allowed() if root else False,
        passwd=checked_reads.text("/etc/passwd"),
        group=checked_reads.text("/etc/group"),
        account_files=writable,
        stray_files=root and any([_is_there(f"/etc/{name}") for name in accounts.NEW_FILES.values()]),
        nss_wrapper=nss_wrapper() if writable == "no" else None,
        owner=_owner(settings) if settings.owner_of else None,
        devices=_devices(settings) if settings.devices else (),
        hooks=hooks,
        hooks_without_bit=idle,
        run_stands=root and all([_stands(entry) for entry in tmpfiles.standard_entries()]),
        tmpfiles=_declared() if root else (),
        instance=kernel.instance(entrypoint) if root else "",
        record=_record(entrypoint) if root else None,
        second_time=not root and entrypoint != 1 and _is_there(f"{record.PLACE}/{record.NAME}"),
        environment=start.environment,
        writable=() if root else _writable(settings),
        makeable=() if root else tuple([path for path in settings.run_dirs if _can_be_made(path)]),
        root_folder_writable=os.access("/", os.W_OK),
        noexec_run=_noexec_run(settings),
    )


def _is_there(path: str) -> bool:
    try:
        os.lstat(path)
    except OSError:
        return False
    return True


def _account_files(root: bool) -> str:
    """How the account files can be changed: by "rename", "in place" (writable files in a folder that
    is not), "append" (OpenShift's group-writable passwd), or not ("no")."""
    if not root:
        return "append" if os.access("/etc/passwd", os.W_OK) else "no"
    folder = os.access("/etc", os.W_OK)
    for path in ("/etc/passwd", "/etc/group"):
        if not os.access(path, os.W_OK) and not (folder and not _is_there(path)):
            return "no"
    return "rename" if folder else "in place"


def nss_wrapper() -> str | None:
    """libnss_wrapper.so in the image's library folders, also one folder down (Debian's multiarch)."""
    for folder in LIBRARIES:
        if _is_there(f"{folder}/{WRAPPER}"):
            return f"{folder}/{WRAPPER}"
        try:
            inner = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in inner:
            if name.endswith(("-gnu", "-musl", "-gnueabihf")) and _is_there(f"{folder}/{name}/{WRAPPER}"):
                return f"{folder}/{name}/{WRAPPER}"
    return None


def _writable(settings: Settings) -> tuple[str, ...]:
    asked = [*[volume.path for volume in settings.volumes], *settings.run_dirs]
    return tuple([path for path in asked if os.access(path, os.W_OK)])


def _can_be_made(path: str) -> bool:
    """Whether a folder is missing, and this process may write in the lowest one above it that is there."""
    if _is_there(path):
        return False
    while not _is_there(path):
        path = path.rpartition("/")[0] or "/"
    return os.access(f"{path}/.", os.W_OK | os.X_OK)  # the dot: a folder, and not a link that leads nowhere


def _owner(settings: Settings) -> tuple[int, int]:
    from pydrop.inspection.named_paths import owner

    return owner(settings)


def _devices(settings: Settings) -> tuple[Device, ...]:
    from pydrop.inspection.named_paths import devices

    return devices(settings)


def _hooks(settings: Settings, root: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if "hooks" not in settings.sources and not _is_there(settings.hooks):
        return (), ()
    from pydrop.inspection.named_paths import hooks

    return hooks(settings, root)


def _declared() -> tuple[tuple[str, str], ...]:
    if not any([_may_speak_of_run(folder) for folder in tmpfiles.FOLDERS]):
        return ()
    from pydrop.inspection.image_tmpfiles import declared

    return declared()


def _may_speak_of_run(folder: str) -> bool:
    """Whether it is worth a closer look at tmpfiles.d; that look trusts nothing of what is seen here."""
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".conf")]
    except OSError:
        return False
    for name in names:
        try:
            text = checked_reads.text(f"{folder}/{name}")
        except PydropError:
            return True
        if "/run" in text or "%t" in text:
            return True
    return False


def _stands(entry: RunEntry) -> bool:
    """Whether a standard entry is surely there as it should be; else performing it looks closer (at links, say)."""
    try:
        now = os.lstat(entry.path)
    except OSError:
        return False
    if entry.kind == "L":
        return True
    return (now.st_mode, now.st_uid, now.st_gid) == (stat.S_IFDIR | (entry.mode or 0), entry.uid, entry.gid)


def _record(entrypoint: int) -> Record | None:
    """What this container's entrypoint left, while it lives. Not for PID 1, which is the entrypoint,
    and not where others could have left it: an entrypoint makes /run root's."""
    if entrypoint == 1:
        return None
    try:
        file = open_trusted(f"{record.PLACE}/{record.NAME}")
    except (OSError, Untrusted):
        return None
    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as content:
        found = record.decode(content.read())
    return found if found and _lives(found.instance) else None


def _lives(instance: str) -> bool:
    """Whether the entrypoint that left a record is still there, as the program that it became."""
    try:
        return kernel.instance(int(instance.split()[1])) == instance
    except (OSError, ValueError, IndexError):
        return False


def _noexec_run(settings: Settings) -> bool:
    """Whether the command lies on a /run that executes nothing."""
    if not settings.command or not settings.command[0].startswith("/run/"):
        return False
    try:
        return bool(os.statvfs("/run").f_flag & os.ST_NOEXEC)
    except OSError:
        return False
