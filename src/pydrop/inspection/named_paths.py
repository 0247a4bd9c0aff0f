"""Inspects the paths that settings name: the path whose owner counts (owner-of), and the hooks folder.

`inspection` loads this module only where such a setting was given or the hooks folder exists.
"""

import itertools
import os
import stat

from pydrop.errors import BadSetting, Untrusted
from pydrop.interpreter import require_trusted
from pydrop.model import Settings
from pydrop.trust import is_plainly_trusted, open_trusted

MOST_FILES = 1000  # of a folder of hooks: each is looked at before the work begins


def owner(settings: Settings) -> tuple[int, int]:
    """(uid, gid) of the path that `owner-of` names.

    Only links of root's are followed. By a link of their own, the program's user could choose whom the next start
    becomes."""
    path, source = settings.owner_of or "/", settings.sources.get("owner-of", "owner-of")
    try:
        file = open_trusted(path, os.O_PATH, content_may_be_foreign=True)
    except Untrusted as error:
        raise Untrusted(
            f"{source} cannot be believed: {error.problem}", "name the mount itself, not what is in it"
        ) from error
    except OSError as error:
        raise BadSetting(
            f"{source}={path} cannot be looked at: {error.strerror}", "mount it, or name a path that is there"
        ) from error
    status = os.fstat(file)
    os.close(file)
    return status.st_uid, status.st_gid


def hooks(settings: Settings, root: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The executables in the hooks folder, in byte order; and the programs in it that lack an execute bit.

    An executable that another user could have written is refused (Untrusted) and not skipped: a start must not lack a
    hook quietly. So is a folder that others can write or replace, in which one could be missing."""
    if root:
        _require_folder_trusted(settings.hooks)
    modes = _regular_files(settings.hooks, settings.sources.get("hooks", ""))
    hooks = tuple([path for path, mode in modes.items() if mode & 0o111])
    if root:
        for path in hooks:
            os.close(open_trusted(path, os.O_PATH))
    return hooks, tuple([path for path in modes if path not in hooks and _is_program(path)])


def _require_folder_trusted(folder: str) -> None:
    try:
        os.close(open_trusted(folder, os.O_PATH | os.O_DIRECTORY))
    except Untrusted as error:
        problem = f"the folder of root's hooks is not root's alone, so that one could be missing: {error.problem}"
        raise Untrusted(problem, f"{error.remedy} (hooks of the user's own go into PYDROP_USER_HOOKS)") from error
    except OSError:  # reading it says why
        pass


def user_hooks(settings: Settings) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """The same for the folder of user hooks, and a warning. Whose they are does not matter, since root runs none.

    Where the user can have removed or replaced the folder, that keeps no start from running: there are no hooks then,
    and the warning says so."""
    folder = settings.user_hooks
    try:
        modes = _regular_files(folder, settings.sources.get("user-hooks", ""))
    except (BadSetting, Untrusted) as error:
        if _is_roots_to_replace(folder):
            raise
        remedy = "put the folder back, or name one that only root can replace"
        return (), (), f"the user hooks are not run: {error.problem}, and others than root can replace it; {remedy}"
    hooks = tuple([path for path, mode in modes.items() if mode & 0o111])
    return hooks, tuple([path for path in modes if path not in hooks and _is_program(path)]), ""


def _is_roots_to_replace(folder: str) -> bool:
    """Whether root alone can make, remove or replace what is at a path."""
    while True:
        try:
            return is_plainly_trusted(folder)
        except OSError:  # it is not there: whose is the folder above?
            folder = os.path.dirname(folder)


def _regular_files(folder: str, source: str) -> dict[str, int]:
    """The regular files in a folder of hooks, behind links too, in byte order of their names; and their modes.

    `source` is the setting that names the folder: then it must exist."""
    try:
        with os.scandir(os.fsencode(folder)) as entries:
            names = [entry.name for entry in itertools.islice(entries, MOST_FILES + 1)]
    except FileNotFoundError as error:
        if source:
            raise BadSetting(f"{source}={folder} is not there", "make the folder, or leave it out") from error
        return {}
    except OSError as error:
        raise BadSetting(
            f"unable to read the hooks in {folder}: {error.strerror}", "make it a folder that may be read"
        ) from error
    if len(names) > MOST_FILES:
        problem = f"the folder of hooks {folder} holds more than {MOST_FILES} files"
        raise BadSetting(problem, "name a folder of hooks alone")
    paths = [f"{folder}/{os.fsdecode(name)}" for name in sorted(names)]
    return {path: mode for path in paths if stat.S_ISREG(mode := _mode(path))}


def require_interpreters_trusted(hooks: tuple[str, ...], search: str) -> None:
    """Raise Untrusted for a hook whose interpreter is not root's alone; `search` is the PATH that hooks get."""
    for path in hooks:
        require_trusted(path, search)


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError as error:
        raise Untrusted(
            f"the hook {path} cannot be looked at: {error.strerror}", "mend the link or remove it"
        ) from error


def _is_program(path: str) -> bool:
    """Whether a file begins as a script or an ELF program does. Other files (README, data) are no hooks.

    A file that is not root's alone is not opened: by now its name may lead to a device."""
    try:
        file = open_trusted(path)
    except (OSError, Untrusted):
        return False
    try:
        return os.read(file, 4).startswith((b"#!", b"\x7fELF"))
    except OSError:
        return False
    finally:
        os.close(file)
