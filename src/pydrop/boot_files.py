"""Starts pydrop out of one file, in which the modules that every start needs lie compiled.

To find, check and read them one by one takes Python 4 ms, more than half of its own start. So the
build compiles them into one file (launcher/freeze.py): PREFIX/lib/pydrop/TAG, where TAG names the Python
that can read it; and launcher.c has Python run this module out of that file. What is rare lies in a second
one, TAG.rare, which is read when the first of it is asked for. What the process needs that stays in init
mode lies in a third, TAG.init, since it holds that for as long as the container lives; what a start needs
there besides, in TAG.ask; and what there is instead of a start by the name of an init, in TAG.named. TAG.volumes
holds what the second file has for volumes, for starts whose environment names some: without a look for it; and
TAG.walk that and what walking them takes.
Where these files are not, and for pydropctl's own modules, import goes its ordinary way.
"""

import _imp
import marshal
import posix
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    Compiled = tuple[str, bool, CodeType]  # name, whether it is a package, what it runs

HEAD = 16384  # bytes of a file, of which the first say how to read the others; as in launcher.c
SHORT_HEAD = 512  # the same where the code of this module is not among them
INDEX = 8192  # bytes before the first module of the second file
BUILT_IN = ("errno", "_stat")  # what the modules import that is in every Python, and no start of one imports it
FAILED = 125  # as in errors, which is not loaded yet
INIT_REFUSES = b"r"  # as in pid1.dialogue
RECORD = "/run/pydrop/record"  # as in record
INIT_NAMES = ("tini", "dumb-init")  # as launcher.c has them: names by which pydrop is an init, and makes no start
Module: "type[ModuleType]" = type(sys)
Spec: "type[ModuleSpec]" = type(sys.__spec__)  # its module costs an import


def begin(file: int, parts: list[int]) -> None:
    """Load the modules of `file`, and begin the start. Never returns."""
    began = time.monotonic()
    prefix = sys.argv.pop(1)
    folders = search_path(prefix)
    ordinary, sys.path = sys.path, folders  # what they import is built in, or python-prctl beside them
    home = next((folder for folder in folders if _is_there(f"{folder}/pydrop")), prefix)
    try:
        for name in BUILT_IN:
            _load_built_in(name)
        for compiled in _unpacked(file, parts):
            if compiled[0] == "pydrop.calls_by_libraries":
                _load_binding(folders)
            _run(compiled, home)
        posix.close(file)
        tag = f"{prefix}/lib/pydrop/{sys.implementation.cache_tag}"
        named = sys.modules.get("pydrop.compat.init_tools")
        if not named and ":G:" not in sys.argv[1]:
            for kind in _guessed():
                _run_new(_more(tag + kind, SHORT_HEAD), home)
    except Exception as error:  # python-prctl's library is missing in the image, say
        _say(f"pydrop: {error}\n")
        posix._exit(FAILED)
    sys.path = ordinary + folders
    sys.meta_path.insert(0, Rare(f"{tag}.rare", home))
    if named:
        named.launched()
    if "pydrop.pid1.init" in sys.modules:
        sys.modules["pydrop.pid1.init"].launched()
        _run_new(_more(tag, HEAD), home)
    __import__("pydrop.entry")
    sys.modules["pydrop.entry"].launched(began)


def _guessed() -> list[str]:
    """Of the other files, those that this start will most probably need."""
    kinds = [".ask"] if ":C:" in sys.argv[1] else []
    volumes = posix.environ.get(b"!PYDROP_CHOWN")  # disguised, as inherited explains
    if not volumes:
        return kinds
    # on-root-mismatch is chosen for volumes that are right, and a second time in a container nothing is done to any
    if b":on-root-mismatch" in volumes or (posix.getpid() != 1 and _is_there(RECORD)):
        return [*kinds, ".volumes"]
    if _imp.is_builtin("fcntl"):
        _load_built_in("fcntl")
    return [*kinds, ".walk"]


def _say(line: str) -> None:
    """In init mode two processes load the same, and the starter says what failed. By an init's name it
    needs less, and may not have failed: then it is told that all is said."""
    _, guards, pipes = sys.argv[1].partition(":G:")
    if guards and sys.argv[2].rpartition("/")[2] not in INIT_NAMES:
        return
    try:
        posix.write(2, line.encode(errors="backslashreplace"))
        if guards:
            posix.write(int(pipes.rpartition(":")[2]), INIT_REFUSES)
    except OSError:  # nobody is there to hear it
        pass


def _unpacked(file: int, parts: list[int]) -> "Iterator[Compiled]":
    """The modules of an open file, whose last bytes are parts of so many bytes each. One part at a time: what it was
    read into serves the next one, where one for all would be 60 pages of new memory."""
    posix.lseek(file, -sum(parts), 2)
    for size in parts:
        yield from marshal.loads(posix.read(file, size))  # noqa: S302 # root's file


def _more(path: str, head: int) -> "list[Compiled]":
    """The modules of another file like the first one: of what is guessed, or what the process that stayed needs for a
    start. None where it is missing or broken: then import goes its ordinary way."""
    try:
        file = posix.open(path, posix.O_RDONLY)
    except OSError:
        return []
    try:
        _, parts, size = marshal.loads(posix.read(file, head))  # noqa: S302 # root's file
        return list(_unpacked(file, parts)) if posix.fstat(file).st_size == size else []
    except (OSError, EOFError, ValueError, TypeError, MemoryError):
        return []
    finally:
        posix.close(file)


def search_path(prefix: str) -> list[str]:
    """Where packages are, since Python runs without site (-S): the prefix's own folders, and Debian's."""
    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    kinds = ("site-packages", "dist-packages")
    folders = [f"{prefix}/{lib}/{python}/{kind}" for lib in ("lib", "lib64") for kind in kinds]
    if prefix != "/usr" and sys.base_prefix == "/usr":  # from Python 3.14 on, sys.prefix is that of the venv
        folders.append("/usr/lib/python3/dist-packages")
    return folders


def _is_there(path: str) -> bool:
    return posix.access(path, posix.F_OK)


def _load_built_in(name: str) -> None:
    """import would first make a spec, and ask every finder: 60 µs for each."""
    module = sys.modules[name] = _imp.create_builtin(Spec(name, None))
    _imp.exec_builtin(module)


def _load_binding(folders: list[str]) -> None:
    """python-prctl's `_prctl` under the names that it can have; import would list whole folders for it."""
    for path in [f"{folder}/_prctl{suffix}" for folder in folders for suffix in _imp.extension_suffixes()]:
        if _is_there(path):
            try:
                module = _imp.create_dynamic(Spec("_prctl", None, origin=path))
                _imp.exec_dynamic(module)
            except ImportError:  # kernel, which needs it, has the words for that
                return
            sys.modules["_prctl"] = module
            return


def _run_new(bundle: "list[Compiled]", home: str) -> None:
    """Load the modules of a bundle that were not loaded in another."""
    for compiled in bundle:
        if not hasattr(sys.modules.get(compiled[0]), "__file__"):  # a package is there once a module in it has run
            _run(compiled, home)


def _run(compiled: "Compiled", home: str) -> None:
    """Load one module: it takes its place, and its code runs."""
    name, is_package, code = compiled
    module = _made(name, is_package, home)
    module.__dict__["__file__"] = f"{home}/{code.co_filename}"
    exec(code, module.__dict__)  # noqa: S102 # our own, as import would


def _made(name: str, is_package: bool, home: str) -> "ModuleType":
    """The module, as yet empty, in its place, unless import has made it. What it imports, also in it, comes first."""
    parent, _, last = name.rpartition(".")
    if parent and parent not in sys.modules:
        _package(parent, home)
    if is_package:
        module = sys.modules.get(name) or _package(name, home)
    elif name in sys.modules:
        module = sys.modules[name]
    else:
        module = sys.modules[name] = Module(name)
        module.__package__ = parent
    if parent:
        setattr(sys.modules[parent], last, module)
    return module


def _package(name: str, home: str) -> "ModuleType":
    """A package before its own code has run, since modules in it run first."""
    module = sys.modules[name] = Module(name)
    module.__path__ = [f"{home}/{name.replace('.', '/')}"]
    module.__package__ = name
    return module


class Rare:
    """Finds and loads the modules of the second file, as importlib asks for them."""

    def __init__(self, path: str, home: str) -> None:
        self.path = path
        self.home = home
        self.index: bytes | None = None

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> "ModuleSpec | None":
        if not name.startswith("pydrop."):
            return None
        if self.index is None:
            self.index = _index(self.path)
        _, found, behind = self.index.partition(b"\n%s " % name.encode())
        if not found:
            return None
        is_package, offset, size = [int(number) for number in behind[: behind.index(b"\n")].split(b" ")]
        spec = Spec(name, self, loader_state=(offset, size), is_package=bool(is_package))  # type: ignore[arg-type] # has all that importlib asks
        if is_package:
            spec.submodule_search_locations = [f"{self.home}/{name.replace('.', '/')}"]
        return spec

    def create_module(self, _spec: "ModuleSpec") -> None:
        """None: an ordinary module."""

    def exec_module(self, module: "ModuleType") -> None:
        """Run the module, and the others of its bundle: those before it are what it imports."""
        offset, size = module.__spec__.loader_state if module.__spec__ else (0, 0)
        _run_new(marshal.loads(_read(self.path, offset, size)), self.home)  # noqa: S302 # root's file, as the first one


def _index(path: str) -> bytes:
    """Where in the second file each module lies: the size of the file, then a line a module, "NAME IS-PACKAGE OFFSET
    LENGTH"; a text, of which a line can be found without the others. Empty where it is missing or broken."""
    try:
        index = _read(path, 0, INDEX)
        return index if posix.stat(path).st_size == int(index.partition(b"\n")[0]) else b""
    except (OSError, ValueError):
        return b""


def _read(path: str, offset: int, size: int) -> bytes:
    file = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        return posix.pread(file, size, offset)
    finally:
        posix.close(file)


if __name__ == "__main__":
    begin(globals()["file"], globals()["parts"])  # so named in launcher.c
