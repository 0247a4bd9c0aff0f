"""Own ground: what root executes or obeys from at the next start, and so is nobody's to be given.

That is the system's folders, pydrop's installation and Python, the link or launcher that it was started by, the hooks,
the settings file, and the folders of root's PATH. A setting must not name them, nor what holds them or lies in them,
under whatever name: links are followed, and bind mounts known. What is asked here by name, to refuse a setting before
anything is changed, is asked again of the descriptor through which it would be given.
"""

import _stat as stat
import posix as os
import sys

from pydrop import mountinfo
from pydrop.distribution import ONE_FILE
from pydrop.errors import BadSetting
from pydrop.ground import own_code, system_folders
from pydrop.ground.mount_aliases import MountAliases
from pydrop.settings import config_path
from pydrop.trust import MOST_LINKS, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.model import Settings

    Seen = dict[str, os.stat_result]

HOMES = ("/tmp", "/var/tmp")  # everybody's: a home there is given to nobody, since it exists
LONGEST_PATH = 4095  # bytes, PATH_MAX without its NUL: root obeys nothing that has a longer one
SYSTEM_PREFIXES = ("", "/usr", "/usr/local")  # they hold more than pydrop; what of it is root's, system_folders says
ROOTS_PATH = "a folder of root's PATH"
GIVEN = "COPY --chown=1000:1000, so that root's hooks go without it"
DATA = "name the folder that holds the program's data alone, or mount a volume for it"


class Way:
    """Where a path leads: `end` is the path without links, as far as anything is there.

    `planted`: somebody other than root could have made one of the links on the way."""

    def __init__(self, path: str, seen: "Seen") -> None:
        self.end = ""
        self.links = 0
        self.planted = False
        rest, trusted = _names(path), True
        while rest:
            name = rest.pop()
            if name == "..":
                self.end = self.end.rpartition("/")[0]
                continue
            place, folder = f"{self.end}/{name}", _look(self.end or "/", seen)
            status = _look(place, seen)
            alone = trusted and not (folder and fault(folder))
            target = _target(place, status) if self.links <= MOST_LINKS else ""
            if not status and ".." not in rest:  # nothing is there, nor below it
                self.end = "/".join([place, *reversed(rest)])
                break
            if status and target:
                self.planted |= status.st_uid != 0 or not alone
                self.links += 1
                rest += _names(target)
                self.end = "" if target.startswith("/") else self.end
            else:
                sticky = folder and folder.st_uid == 0 and folder.st_mode & stat.S_ISVTX
                trusted = alone or bool(trusted and sticky and status and status.st_uid == 0)
                self.end = place
        self.end = self.end or "/"


def _names(path: str) -> list[str]:
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _look(path: str, seen: "Seen") -> "os.stat_result | None":
    """The status of a path; None where nothing has it, or it cannot be looked at."""
    if path not in seen:
        try:
            seen[path] = os.lstat(path)
        except OSError:
            return None
    return seen[path]


def _target(place: str, status: "os.stat_result | None") -> str:
    """The target of a link; "" for anything else, and where it has gone meanwhile."""
    try:
        return os.readlink(place) if status and stat.S_ISLNK(status.st_mode) else ""
    except OSError:
        return ""


def _inner(folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in os.listdir(folder)] if folder else []
    except OSError:
        return []


class Ground:
    """The own ground of one start: `hooks` is the folder of hooks as configured, `name` argv[0].

    `seen` and `table` are statuses and mounts that were read a moment ago."""

    def __init__(
        self,
        hooks: str = "",
        name: str = "",
        environment: tuple[str, ...] = (),
        seen: "Seen | None" = None,
        table: "mountinfo.Rows | None" = None,
    ) -> None:
        self.seen: Seen = {} if seen is None else seen
        self.mounts = MountAliases(mountinfo.here() if table is None else table)
        self.own: dict[str, str] = {}  # path without links -> what it is
        self._holders: dict[str, str] = {}  # a folder -> the first of them that lies in it
        self._folders: set[str] = set()  # what is no link on the way to them
        for path in (own_code.launcher(), own_code.PACKAGE):
            self._add(path, "part of pydrop's own installation")
        if own_code.PREFIX not in SYSTEM_PREFIXES:
            self._add(own_code.PREFIX, "part of pydrop's own installation")
        self._add(own_code.started_by(name, environment) if name else "", "the name that pydrop was started by")
        for path in (sys.executable, *sys.path):
            self._add(path, "part of the Python that runs pydrop")
        if not (ONE_FILE or sys.base_prefix in (*SYSTEM_PREFIXES, own_code.PREFIX)):
            self._add(f"{sys.base_prefix}/lib", "part of the Python that runs pydrop")  # libpython, beside its modules
        self._add(hooks, "the folder of hooks")
        for path in _inner(hooks):
            self._add(path, "a hook")  # mostly in the folder, but a link may lead anywhere
        self._add(config_path(environment)[0], "the settings file")
        for folder in own_code.path_folders(environment):
            if system_folders.above(folder) or self._is_roots(folder):
                self._add(folder, ROOTS_PATH)

    def _add(self, path: str, what: str) -> None:
        """Note the end of a path, and each link on the way to it. Links are followed as root's own."""
        end, links = "", 0
        rest = _names(path) if path.startswith("/") and len(path) <= LONGEST_PATH else []
        while rest:
            name = rest.pop()
            place = f"{end}/{name}"
            if name == "..":
                end = end.rpartition("/")[0]
            elif place in self._folders or links > MOST_LINKS:
                end = place
            elif target := _target(place, _look(place, self.seen)):
                links += 1
                self._note(place, what)
                rest += _names(target)
                end = "" if target.startswith("/") else end
            else:
                self._folders.add(place)
                end = place
        if end:
            self._note(end, what)

    def _note(self, place: str, what: str) -> None:
        self.own.setdefault(place, what)
        above = place
        while above := above.rpartition("/")[0]:
            self._holders.setdefault(above, place)

    def _is_roots(self, folder: str) -> bool:
        """Whether root alone decides what is in a folder of PATH. Root's hooks get no other one."""
        way = Way(folder, self.seen)
        end = "" if way.planted else way.end
        while end:
            status = _look(end, self.seen)
            kept = end != way.end and status and status.st_uid == 0 and status.st_mode & stat.S_ISVTX  # as in /tmp
            if status and fault(status) and not kept:
                return False
            end = "" if end == "/" else end.rpartition("/")[0] or "/"
        return not way.planted

    def why(self, path: str) -> str:
        """Why a path without links is own ground, as words behind it; "" where it is not."""
        found = self._why(path, system_folders.KERNELS)
        if found:
            return found
        for alias in self.mounts.of(path):
            if found := self._why(alias, ()):
                return f"is, or shows, {alias}, which {found}"
        return ""

    def why_across(self, path: str) -> str:
        """The same for a volume whose walk enters the mounts below it."""
        below = [(point, self.why(point)) for point in self.mounts.below(path)]
        return self.why(path) or next((f"holds {point}, which {found}" for point, found in below if found), "")

    def _why(self, path: str, whole: tuple[str, ...]) -> str:
        """`whole` are folders in which a mount is not a volume either."""
        above, held = system_folders.above(path), system_folders.held(path)
        if path in (above, held):
            return "is part of the system"
        if found := self._own(path):
            return found
        if above and (above in whole or not self.mounts.parts(above, path)):
            return f"lies in {above}, part of the system"
        return f"holds {held}, part of the system" if held else ""

    def _own(self, path: str) -> str:
        if path in self.own:
            return f"is {self.own[path]}"
        if place := self._holders.get(path):
            return f"holds {place}, {self.own[place]}"
        above = path
        while above and above not in self.own:
            above = above.rpartition("/")[0]
        return f"lies in {above}, {self.own[above]}" if above else ""

    def require_other(self, noun: str, path: str, across: bool = False, source: str = "") -> None:
        """Raise BadSetting where a path that a setting names is own ground.

        Not where somebody other than root could have led it there: that is for who follows it to tell."""
        way = Way(path, self.seen)
        found = "" if way.planted else self.why_across(way.end) if across else self.why(way.end)
        if found:
            inner = f"{way.end.rstrip('/')}/{'data' if ROOTS_PATH in found else 'app'}"
            raise refusal(noun, path, way.end, found, source, "" if self.why(inner) else inner)


def refusal(noun: str, path: str, end: str, why: str, source: str = "", inner: str = "") -> BadSetting:
    """The error for a path, named by `source`, that leads to `end`, which is own ground for the reason `why`.

    `inner` is a folder in it that would not be refused, or ""."""
    leads = "" if path == end else f"leads to {end}, which "
    remedy = f"name the program's own folder in it, such as {inner}" if inner else DATA
    if ROOTS_PATH in why:
        remedy += f"; or give the folder of PATH to the program's user in the image already ({GIVEN})"
    named = f" ({source} names it)" if source else ""
    return BadSetting(f"{noun} {path} {leads}{why}: its owner could become root at the next start{named}", remedy)


def require_other(
    settings: "Settings",
    name: str,
    environment: tuple[str, ...],
    seen: "Seen | None" = None,
    table: "mountinfo.Rows | None" = None,
) -> None:
    """Raise BadSetting where a volume, a run-dir or the home that the settings name is own ground.

    `seen` and `table` are as in Ground."""
    sources = settings.sources
    ground = Ground(settings.hooks, name, environment, seen, table)
    for volume in settings.volumes:
        if volume.policy != "never":
            ground.require_other("the volume", volume.path, volume.across_mounts, volume.source)
    for path in settings.run_dirs:
        ground.require_other("the folder", path, source=sources.get("run-dirs", "run-dirs"))
    if settings.home and settings.home not in HOMES:
        ground.require_other("the home", settings.home, source=sources.get("home", "home"))
