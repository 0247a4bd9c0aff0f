"""Inspects the world once, reading only: the result is the value Facts, from which `planning` makes the plan.

Files that root will obey (the settings file, hooks, tmpfiles.d, a record) are opened through `trust`. Without root they
are opened plainly, since they grant no rights that the user lacks. `entry` and `pydropctl` call `read_settings` and
`look`.
"""

import _stat as stat
import posix as os

from pydrop import accounts, checked_reads, command_lookup, kernel, mountinfo, proc_stat, tmpfiles
from pydrop.ground.own_code import require_own_code_safe
from pydrop.inspection import earlier_start, volume_mounts
from pydrop.inspection.tmpfiles_glance import may_mention_run
from pydrop.model import AbsentDevice, Device, Facts, Record, Settings, Start
from pydrop.settings import config_path, read
from pydrop.steps import RunEntry

LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64")
WRAPPER = "libnss_wrapper.so"


def read_settings(start: Start) -> Settings:
    """The settings, from the options, the environment and the settings file."""
    path, named = config_path(start.environment)
    return read(start.arguments, start.environment, settings_table(path, named), path)


def settings_table(path: str, named: bool) -> dict[str, object] | None:
    """The settings file as a table (settings_file.read); None where the default path does not exist.

    `named`: somebody has set the path, so that a missing file is an error."""
    if not named and not kernel.is_there(path):
        return None
    from pydrop.inspection import settings_file

    return settings_file.read(path)


def look(settings: Settings, start: Start, left: Record | None = None, second: bool = False) -> Facts:
    """The facts that planning needs. `left` is the record by which this process goes on, where that is known already;
    `second` says of one without root that it is no start.

    Raises PydropError where root must not go on, or the kernel does not tell."""
    credentials = checked_reads.credentials()
    root = credentials.uids[1] == 0
    entrypoint = start.init.pid if start.init else os.getpid()
    privileged = root or checked_reads.is_privileged(credentials)
    mounts = mountinfo.here()
    if privileged:
        _require_other_ground(settings, start, require_own_code_safe(start.name, start.environment), mounts)
    writable = _account_files(root)
    places, idmapped, roots = _places(settings, mounts) if settings.volumes else ((), (), ())
    devices, absent = _devices(settings, root) if settings.devices else ((), ())
    left = left or (earlier_start.record_left(entrypoint) if root else None)
    hooks, idle, left_out = ((), (), ()) if left else _hooks(settings, start, root)
    second_time = not root and (second or earlier_start.is_second(entrypoint))
    user_hooks, user_idle, without = ((), (), "") if left or second_time else _user_hooks(settings)
    path_lines = (*(reversed((*left.environment, *left.users)) if left else ()), *start.environment)
    paths = command_lookup.candidates(settings.command[0], path_lines) if settings.command else []
    return Facts(
        credentials=credentials,
        pid=entrypoint,
        uid_map=checked_reads.id_map("uid_map"),
        gid_map=checked_reads.id_map("gid_map"),
        setgroups_allowed=kernel.setgroups_allowed() if root else False,
        passwd=checked_reads.text("/etc/passwd"),
        group=checked_reads.text("/etc/group"),
        account_files=writable,
        stray_files=root and any([kernel.is_there(f"/etc/{name}") for name in accounts.NEW_FILES.values()]),
        nss_wrapper=nss_wrapper() if writable == "no" else None,
        owner=_owner(settings) if settings.owner_of else None,
        devices=devices,
        absent_devices=absent,
        places=places,
        idmapped=idmapped,
        roots=roots,
        hooks=hooks,
        hooks_without_bit=idle,
        left_out=left_out,
        user_hooks=user_hooks,
        user_hooks_without_bit=user_idle,
        without_user_hooks=without,
        run_stands=root and all([_stands(entry) for entry in tmpfiles.standard_entries()]),
        tmpfiles=_declared() if root else (),
        instance=proc_stat.instance(entrypoint) if root else "",
        record=left,
        second_time=second_time,
        environment=start.environment,
        writable=() if root else _writable(settings),
        makeable=() if root else tuple([path for path in settings.run_dirs if _can_be_made(path)]),
        homes_writable=_homes_writable(),
        command=command_lookup.find(paths),
        command_paths=tuple(paths),
        mounts=volume_mounts.found(mounts, (*[volume.path for volume in settings.volumes], *settings.run_dirs)),
    )


def _homes_writable() -> bool:
    """Whether a home can be created. Not the folder / is asked: podman's is 0555, and DAC_OVERRIDE may be missing."""
    return os.access("/home" if kernel.is_there("/home") else "/", os.W_OK)


def _require_other_ground(
    settings: Settings, start: Start, seen: dict[str, os.stat_result], mounts: mountinfo.Rows
) -> None:
    """Raise BadSetting where a setting names what root executes or obeys from as a folder to be given.

    `seen` are the statuses that were read just now, by path."""
    if settings.volumes or settings.run_dirs or settings.home:
        from pydrop.ground.own_ground import require_other

        require_other(settings, start.name, start.environment, seen, mounts)


def _account_files(root: bool) -> str:
    """How the account files can be changed.

    "rename"; "in place", where the files are writable and their folder is not; "append", where OpenShift has made
    passwd group-writable; or "no"."""
    if not root:
        return "append" if os.access("/etc/passwd", os.W_OK) else "no"
    folder = os.access("/etc", os.W_OK)
    for path in ("/etc/passwd", "/etc/group"):
        if not os.access(path, os.W_OK) and not (folder and not kernel.is_there(path)):
            return "no"
    return "rename" if folder else "in place"


def nss_wrapper() -> str | None:
    """The path of libnss_wrapper.so in the image's library folders, or one folder below (Debian's multiarch)."""
    for folder in LIBRARIES:
        if kernel.is_there(f"{folder}/{WRAPPER}"):
            return f"{folder}/{WRAPPER}"
        try:
            inner = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in inner:
            if name.endswith(("-gnu", "-musl", "-gnueabihf")) and kernel.is_there(f"{folder}/{name}/{WRAPPER}"):
                return f"{folder}/{name}/{WRAPPER}"
    return None


def _writable(settings: Settings) -> tuple[str, ...]:
    """The paths of chown and run-dirs that this process can write."""
    asked = [*[volume.path for volume in settings.volumes], *settings.run_dirs]
    return tuple([path for path in asked if os.access(path, os.W_OK)])


def _can_be_made(path: str) -> bool:
    """Whether a folder is missing, and this process can write the lowest existing folder above it."""
    if kernel.is_there(path):
        return False
    while not kernel.is_there(path):
        path = path.rpartition("/")[0] or "/"
    return os.access(f"{path}/.", os.W_OK | os.X_OK)  # with the dot only a folder counts, not a dangling link


def _owner(settings: Settings) -> tuple[int, int]:
    from pydrop.inspection.named_paths import owner

    return owner(settings)


def _places(
    settings: Settings, mounts: mountinfo.Rows
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, int, int], ...], tuple[str, ...]]:
    from pydrop.inspection import volume_places

    return volume_places.look(settings, mounts)


def _devices(settings: Settings, root: bool) -> tuple[tuple[Device, ...], tuple[AbsentDevice, ...]]:
    from pydrop.inspection import named_devices

    return named_devices.look(settings, root)


def _hooks(settings: Settings, start: Start, root: bool) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The hooks, the programs that lack an execute bit, and the variables that root's hooks do not get."""
    if "hooks" not in settings.sources and not kernel.is_there(settings.hooks):
        return (), (), ()
    from pydrop.inspection import named_paths

    hooks, idle = named_paths.hooks(settings, root)
    if not hooks or not root:
        return hooks, idle, ()
    from pydrop import rootenv

    given = tuple([volume.path for volume in settings.volumes if volume.policy != "never"])
    search = rootenv.for_root(start.environment, given)["PATH"]
    named_paths.require_interpreters_trusted(hooks, search)
    return hooks, idle, rootenv.left_out(start.environment, given)


def _user_hooks(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    if "user-hooks" not in settings.sources and not kernel.is_there(settings.user_hooks):
        return (), (), ""
    from pydrop.inspection import named_paths

    return named_paths.user_hooks(settings)


def _declared() -> tuple[tuple[str, str], ...]:
    if not any([may_mention_run(folder) for folder in tmpfiles.FOLDERS]):
        return ()
    from pydrop.inspection.image_tmpfiles import declared

    return declared()


def _stands(entry: RunEntry) -> bool:
    """Whether a standard entry surely exists with its owner and mode.

    False may be wrong: performing the step looks closer (behind links, say)."""
    try:
        status = os.lstat(entry.path)
    except OSError:
        return False
    if entry.kind == "L":
        return True
    return (status.st_mode, status.st_uid, status.st_gid) == (stat.S_IFDIR | (entry.mode or 0), entry.uid, entry.gid)
