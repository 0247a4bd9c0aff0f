"""pydrop's own code: which files it is, and that nobody but root can write or replace them."""

import _stat as stat
import posix as os
import sys

from pydrop import kernel
from pydrop.distribution import ONE_FILE
from pydrop.errors import Untrusted
from pydrop.trust import fault, is_plainly_trusted, open_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    Seen = dict[str, os.stat_result]

_PARTS = [] if ONE_FILE else __file__.split("/")
# By pip the package lies in PREFIX/lib/PYTHON/PACKAGES; "" where it does not (sources). All that the one file has is
# in it, and it may lie in any folder: that one holds it, and so is root's, whatever else is there.
PREFIX = "/".join(_PARTS[:-6]) if _PARTS[-6:-5] in (["lib"], ["lib64"]) else ""
PACKAGE = "/".join(_PARTS[:-2])
LAUNCHER = f"{PREFIX}/bin/pydrop" if PREFIX else ""


def launcher() -> str:
    """What is executed to start pydrop. Where the one file lies, each start of it tells anew."""
    return sys.executable if ONE_FILE else LAUNCHER


def started_by(name: str, environment: tuple[str, ...]) -> str:
    """The path, mostly a link, that was executed by this argv[0]; "" where it cannot be told.

    A name without a slash was looked up along the PATH of the environment, as the runtime does."""
    if name.startswith("/"):
        return name
    if "/" in name:
        return f"{os.getcwd()}/{name}"
    paths = [f"{folder}/{name}" for folder in path_folders(environment)]
    return next((path for path in paths if kernel.is_there(path)), "")


def path_folders(environment: tuple[str, ...]) -> list[str]:
    """The absolute folders of PATH; of doubles in the environment the first counts."""
    value = next((line[5:] for line in environment if line.startswith("PATH=")), "")
    return [folder for folder in value.split(":") if folder.startswith("/")]


def require_own_code_safe(name: str, environment: tuple[str, ...]) -> "Seen":
    """Refuse to run as root where another user can write pydrop's own code: the next start would run theirs as root.

    That is the package, the modules that were loaded, the interpreter, the launcher, the link by which it was started
    (`name` is argv[0]), and all folders on the way. (Whoever has changed the code can also have removed this check. It
    is for the first start of an image that was built wrongly.) Returns the statuses that were read."""
    seen: Seen = {}
    for path in filter(None, _checked(name, environment)):
        _look(path, seen)
    if not ONE_FILE:
        _require_modules_safe(seen)
    return seen


def _checked(name: str, environment: tuple[str, ...]) -> list[str]:
    return [PACKAGE, sys.executable, launcher(), started_by(name, environment)]


def _require_modules_safe(seen: "Seen") -> None:
    """The same for each module that is loaded: its source, and what is compiled of it. Their folders are asked about
    too, since a module that is loaded later comes from one of these. Above them is the package's own, which is safe."""
    places: set[str] = set()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != "pydrop" or not (spec := module.__spec__) or not spec.origin:
            continue
        folder, _, file = spec.origin.rpartition("/")
        places.update([folder, f"{folder}/__pycache__"])
        if not spec.loader_state:  # by_pip has found it not to be root's, or left it to the ordinary finder
            places.add(spec.origin)
            places.add(f"{folder}/__pycache__/{file[:-3]}.{sys.implementation.cache_tag}.pyc")
    for place in places:
        if not (place.startswith(f"{PACKAGE}/") and _is_roots(place)):
            _look(place, seen)


def _is_roots(path: str) -> bool:
    """Whether it is root's alone, as far as its own status says; no link, which could lead elsewhere."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return not stat.S_ISLNK(status.st_mode) and not fault(status)


def _look(path: str, seen: "Seen") -> None:
    try:
        trusted = is_plainly_trusted(path, seen)
    except OSError:  # nothing has the path, or a link leads nowhere
        return
    if not trusted:
        _require_trusted(path)


def _require_trusted(path: str) -> None:
    try:
        os.close(open_trusted(path, os.O_PATH))
    except OSError:  # a link that leads nowhere
        pass
    except Untrusted as error:
        raise Untrusted(
            f"pydrop will not run as root from where somebody else can write: {error.problem}",
            f"{error.remedy}, or install pydrop as root into a folder of its own, as /opt/pydrop, that no chown -R of "
            "the image touches",
        ) from error
