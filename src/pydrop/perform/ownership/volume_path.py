"""A volume's path, followed once, component by component, to the descriptor that everything else starts from.

The path was written by whoever configures the container, but what its components are may have been arranged by the
program's user: a symlink is followed only where nobody but root could have put it.
"""

import posix as os
from _stat import S_ISDIR, S_ISLNK, S_ISVTX
from errno import ELOOP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.ground.own_ground import Ground

    from .mounts import MountTable

    Idents = dict[tuple[int, int], str]  # (device, inode) -> name

SYSTEM_FOLDERS = (
    *("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run"),
    *("/sbin", "/sys", "/usr", "/var"),
)
SYSTEM_FILES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")  # whoever owns these is root
SYSTEM = SYSTEM_FOLDERS + SYSTEM_FILES
LINKS = 40  # symlinks in one path, as in the kernel


class Surroundings:
    """What lies around all volumes of a start, each looked at once, when the first volume asks."""

    def __init__(
        self,
        table: "MountTable | None" = None,
        named: tuple[str, str, tuple[str, ...]] = ("", "", ()),
        others: tuple[str, ...] = (),
    ) -> None:
        """`named` says what of this start is own ground: the hooks' folder, argv[0] and the environment. `others` are
        the paths of all volumes that settings name: see other_volumes."""
        self._files: Idents | None = None
        self._folders: Idents | None = None
        self._table = table
        self._named = named
        self._ground: Ground | None = None
        self.others = others
        self.held: dict[str, tuple[int, os.stat_result]] = {}  # path of one of them -> its descriptor, and what it is
        self.probes: dict[int, int] = {}  # a descriptor -> that of its /proc/self/fdinfo/NUMBER, kept open

    def forked(self) -> "Surroundings":
        """The same for a forked worker, whose descriptors are others."""
        return Surroundings(self._table, self._named)

    def close(self) -> None:
        while self.probes:
            os.close(self.probes.popitem()[1])
        while self.held:
            os.close(self.held.popitem()[1][0])

    def forget_mounts(self) -> None:
        """Something was mounted: the table is read anew when it is asked for."""
        self._table = None

    def mounts(self) -> "MountTable":
        if self._table is None:
            from .mounts import MountTable

            self._table = MountTable()
        return self._table

    def ground(self) -> "Ground":
        if self._ground is None:
            from pydrop.ground.own_ground import Ground

            self._ground = Ground(*self._named)
        return self._ground

    def system(self, info: os.stat_result) -> str | None:
        """The name under which this folder or file holds the image together, if it does.

        Raises OSError where there is no /proc, through which entries are changed: better nothing than a part.
        """
        if S_ISDIR(info.st_mode):
            if self._folders is None:
                os.stat("/proc/self/fd")
                self._folders = _idents(SYSTEM_FOLDERS)
            return self._folders.get((info.st_dev, info.st_ino))
        if self._files is None:
            self._files = _idents(SYSTEM_FILES)
        return self._files.get((info.st_dev, info.st_ino))


def _idents(names: tuple[str, ...]) -> "Idents":
    found: Idents = {}
    for name in names:
        try:
            info = os.stat(name)
        except OSError:
            continue
        found.setdefault((info.st_dev, info.st_ino), name)
    return found


class OpenVolume:
    """An opened volume. `fd` is the folder or file itself (O_PATH), `parent` the folder it was found in, by `name`.

    `seen` is what it was at the last look at it: its kind and its inode are that for good.
    """

    seen: os.stat_result

    def __init__(self, path: str) -> None:
        self.path = path
        self.parent = self.fd = self.next = -1
        self.name = ""
        self.created = self.trusted = False
        self.todo: list[str] = []

    @property
    def is_folder(self) -> bool:
        return S_ISDIR(self.seen.st_mode)

    def look(self) -> os.stat_result:
        self.seen = os.fstat(self.fd)
        return self.seen

    def follow(self, create: bool) -> None:
        """Go from component to component, to the volume itself."""
        self._restart(self.path)
        links = 0
        while self.todo:
            name = self.todo.pop()
            self.next = self._step(name, create)
            info = os.fstat(self.next)
            if not S_ISLNK(info.st_mode):
                self._advance(name, info)
                continue
            target = os.readlink("", dir_fd=self.next)
            os.close(self.next)
            self.next = -1
            if info.st_uid != 0 or not self._root_alone(self.look()):
                from . import path_errors

                raise path_errors.planted(self.path, name, target)
            links += 1
            if links > LINKS:
                raise OSError(ELOOP, os.strerror(ELOOP))
            self._restart(target)

    def _restart(self, path: str) -> None:
        """Put the components of `path` in front of what is still to follow; from the root where it is absolute."""
        self.todo += [name for name in reversed(path.split("/")) if name not in ("", ".")]
        if path.startswith("/"):
            if self.fd >= 0:
                self.close()
            self.fd = os.open("/", os.O_PATH | os.O_DIRECTORY)
            self.look()
            self.trusted = True

    def _step(self, name: str, create: bool) -> int:
        """Open the component itself, a symlink too, without opening what it is for reading."""
        if name == ".." and not self.trusted:
            from . import path_errors

            raise path_errors.upwards(self.path)
        try:
            return os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self.fd)
        except FileNotFoundError:
            if not create:
                raise
        mask = os.umask(0o022)
        try:
            os.mkdir(name, 0o755, dir_fd=self.fd)
            self.created = True
        except FileExistsError:  # another container that starts at the same moment was faster
            pass
        finally:
            os.umask(mask)
        return os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self.fd)

    def _root_alone(self, folder: os.stat_result) -> bool:
        """Whether nobody but root can put names into the folder that was reached, or exchange them."""
        return self.trusted and folder.st_uid == 0 and not folder.st_mode & 0o022

    def _advance(self, name: str, info: os.stat_result) -> None:
        folder = self.look()
        # In a sticky folder like /tmp, what root owns is moved by nobody else; moved into it, it could have been
        kept = bool(folder.st_mode & S_ISVTX) and folder.st_uid == 0 and info.st_uid == 0
        trusted = self.trusted and (kept or self._root_alone(folder))
        if self.parent >= 0:
            os.close(self.parent)
        self.parent, self.fd, self.next = self.fd, self.next, -1
        self.name, self.trusted, self.seen = name, trusted, info

    def close(self) -> None:
        for fd in {self.fd, self.parent, self.next} - {-1}:
            os.close(fd)
        self.fd = self.parent = self.next = -1


def opened(path: str, create: bool) -> OpenVolume:
    """Open the volume at `path`, making it and its parents (0755, root's) where `create` says so.

    Raises BadSetting where the path is no volume's by its words, Untrusted for a symlink that somebody other than root
    could have made, OSError for what the kernel says; FileNotFoundError where there is nothing.
    """
    if not path.startswith("/") or "\0" in path:
        from . import path_errors

        raise path_errors.not_absolute(path)
    if _plain(path) in SYSTEM:
        from . import path_errors

        raise path_errors.system(path, path)
    place = OpenVolume(path)
    try:
        place.follow(create)
    except BaseException:
        place.close()
        raise
    return place


def _plain(path: str) -> str:
    """The path as text without doubled slashes, `.` and `..`."""
    names: list[str] = []
    for name in path.split("/"):
        if name == "..":
            del names[-1:]
        elif name not in ("", "."):
            names.append(name)
    return "/" + "/".join(names)


def vet(place: OpenVolume, around: Surroundings, across: bool = False) -> None:
    """Raise BadSetting for what holds the image together, under whatever name it was reached; before anything of it is
    given away. `around` keeps from one volume to the next what was seen; `across`: mounts below it are walked too."""
    system = around.system(place.seen)
    if system:
        from . import path_errors

        raise path_errors.system(place.path, system)
    ground, end = around.ground(), os.readlink(f"/proc/self/fd/{place.fd}")
    why = ground.why_across(end) if across else ground.why(end)
    if why:
        from pydrop.ground.own_ground import refusal

        raise refusal("the volume", place.path, end, why)
