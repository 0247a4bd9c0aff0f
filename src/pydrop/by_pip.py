"""The start of the pip way. launcher/launcher.c has the interpreter call `launched`; onefile.py is the other way's.

pydrop's modules are ordinary files, beside which pip has laid compiled ones. To find one by the ordinary means of
`import` takes as long as to read and run it, and a start has some fifty. So `OwnModules` finds them: the same compiled
files, and by the same rule, that one which was not made of the source as it is now does not count. And what every start
loads anyway is not asked for one by one (every_start).
"""

import gc
import marshal
import posix as os
import sys
import time
from _frozen_importlib_external import MAGIC_NUMBER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

Spec: "type[ModuleSpec]" = type(sys.__spec__)  # its module costs an import
# Each file is read into the same memory, which holds more than any has: bytes of its own for each would leave holes.
BUFFER = memoryview(bytearray(1 << 15))
COMPILED = f".{sys.implementation.cache_tag}.pyc"
WRITABLE = 0o022  # by the group, by all
BY_TIME = MAGIC_NUMBER + b"\0\0\0\0"  # how a compiled file begins that names its source's time and size


class OwnModules:
    """Finds and loads the modules in pydrop's packages, as importlib asks for them.

    What is not plain is left to the ordinary finder: no compiled file, one of another time, one that names a hash."""

    @staticmethod
    def find_spec(name: str, path: "Sequence[str] | None" = None, _target: object = None) -> "ModuleSpec | None":
        if not path or not name.startswith("pydrop."):
            return None
        if name == "pydrop.entry":
            from pydrop import every_start

            every_start.load(find, OwnModules.exec_module)
        return find(name, path[0])

    @staticmethod
    def create_module(_spec: "ModuleSpec") -> None:
        """None: an ordinary module."""

    @staticmethod
    def exec_module(module: "ModuleType") -> None:
        """Run its code. The spec keeps whether its files are root's alone, which ground.own_code asks."""
        spec = module.__spec__
        assert spec is not None
        code, spec.loader_state = spec.loader_state
        module.__file__ = spec.origin
        exec(code, module.__dict__)  # noqa: S102 # our own, as import would


def find(name: str, folder: str) -> "ModuleSpec | None":
    """The module or package of that name, in the folder of the package that it is in."""
    last = name.rpartition(".")[2]
    return _found(name, folder, last) or _found(name, f"{folder}/{last}", "__init__")


def _found(name: str, folder: str, file: str) -> "ModuleSpec | None":
    """The spec, whose loader_state are its code and whether its files are root's alone."""
    path, source = f"{folder}/__pycache__/{file}{COMPILED}", f"{folder}/{file}.py"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        of_source, of_compiled = os.lstat(source), os.fstat(descriptor)
        size = os.readv(descriptor, [BUFFER])
    except OSError:
        return None
    finally:
        os.close(descriptor)
    made_of = int(of_source.st_mtime) & 0xFFFFFFFF | (of_source.st_size & 0xFFFFFFFF) << 32
    if size == len(BUFFER) or BUFFER[:16] != BY_TIME + made_of.to_bytes(8, "little"):
        return None
    try:
        code = marshal.loads(BUFFER[16:size])  # noqa: S302 # our own, as import would
    except (EOFError, ValueError, TypeError) as error:
        raise ImportError(f"{path}: {error}", name=name) from error
    roots = not (of_source.st_uid or of_compiled.st_uid or (of_source.st_mode | of_compiled.st_mode) & WRITABLE)
    spec = Spec(name, OwnModules, origin=source, loader_state=(code, roots))  # type: ignore[arg-type] # has all that importlib asks
    if file == "__init__":
        spec.submodule_search_locations = [folder]
    return spec


def launched(ordinary: "list[str]") -> None:
    """Begin what argv[0] names. `ordinary` is Python's own search path, without the folders of packages, which are
    sys.path now. Never returns."""
    loading = time.monotonic()
    gc.disable()  # to collect garbage would take 1 ms, and what a start leaves lying is gone with exec
    sys.meta_path.insert(0, OwnModules)
    try:
        import _prctl  # noqa: F401 # while the folder where it lies comes first; calls_by_libraries asks for it again
    except ImportError:  # and has the words for that
        pass
    sys.path = ordinary + sys.path
    from pydrop import called_as, inherited

    start = inherited.from_launcher(sys.argv)
    start.loading = loading
    called_as.begin(start)
