"""The folder that becomes part of an image: what is laid there has the same bytes and modes each time."""

import importlib.util
import marshal
import os
import sys

from pydrop.ctl import output_file
from pydrop.ctl.bundling.needed_modules import NeededModule

PLAIN, PROGRAM, FOLDER = 0o644, 0o755, 0o755
HEADER = importlib.util.MAGIC_NUMBER + bytes(12)  # of compiled code that lies without its source: no time to compare
WITHOUT_TEXTS = 2  # as python -OO: the standard library's docstrings are read by nobody here
PYTHON = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"


class Tree:
    """Counts what it lays. Paths are those in the image, with or without the slash in front.

    The folder may be one where somebody else can write: so all is made relative to descriptors, and nothing is followed
    or replaced."""

    def __init__(self, folder: str) -> None:
        self.count, self.size = 0, 0
        self._folders = {"": output_file.open_folder(folder, create=True)}  # by their paths

    def close(self) -> None:
        while self._folders:
            os.close(self._folders.popitem()[1])

    def place(self, path: str) -> tuple[int, str]:
        """The open folder of a file, and the file's name there; the folders that lead there are made."""
        above, _, name = path.strip("/").rpartition("/")
        made = ""
        for each in filter(None, above.split("/")):
            outer, made = self._folders[made], f"{made}/{each}"
            if made not in self._folders:
                self._folders[made] = _folder(outer, each)
        return self._folders[made], name

    def write(self, content: bytes, path: str, mode: int = PLAIN) -> None:
        folder, name = self.place(path)
        with open(os.open(name, output_file.NEW, 0o600, dir_fd=folder), "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        self.count += 1
        self.size += len(content)

    def copy(self, source: str, path: str, mode: int = PLAIN) -> None:
        with open(source, "rb") as file:
            self.write(file.read(), path, mode)

    def link(self, target: str, path: str) -> None:
        folder, name = self.place(path)
        os.symlink(target, name, dir_fd=folder)

    def module(self, prefix: str, module: NeededModule) -> None:
        """Compiled, without its source, where this Python's own search finds it; an extension as it is."""
        library = module.name.partition(".")[0] in sys.stdlib_module_names
        folder = f"{prefix}/{PYTHON}" if library else f"{prefix}/{PYTHON}/site-packages"
        path = module.name.replace(".", "/")
        if module.file.endswith(".py"):
            self.write(compiled(module.file, path, library), f"{folder}/{path}{'/__init__' * module.is_package}.pyc")
        else:
            folder = f"{folder}/lib-dynload" if library else folder
            self.copy(module.file, f"{folder}/{os.path.dirname(path)}/{os.path.basename(module.file)}")


def _folder(outer: int, name: str) -> int:
    """A descriptor of the folder of this name, which is made where it is missing."""
    try:
        os.mkdir(name, dir_fd=outer)
    except FileExistsError:
        return os.open(name, output_file.FOLDER, dir_fd=outer)
    made = os.open(name, output_file.FOLDER, dir_fd=outer)
    os.fchmod(made, FOLDER)  # whatever the umask is
    return made


def compiled(file: str, shown: str, library: bool) -> bytes:
    """`shown` is what a traceback calls it."""
    with open(file, "rb") as source:
        code = compile(
            source.read(), f"{shown}.py", "exec", dont_inherit=True, optimize=WITHOUT_TEXTS if library else 0
        )
    return HEADER + marshal.dumps(code)
