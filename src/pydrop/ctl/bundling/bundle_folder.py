"""The folder that becomes part of an image: what is laid there has the same bytes and modes each time."""

import importlib.util
import marshal
import os
import sys

from pydrop.ctl.bundling.needed_modules import NeededModule

PLAIN, PROGRAM, FOLDER = 0o644, 0o755, 0o755
HEADER = importlib.util.MAGIC_NUMBER + bytes(12)  # of compiled code that lies without its source: no time to compare
WITHOUT_TEXTS = 2  # as python -OO: the standard library's docstrings are read by nobody here
PYTHON = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"


class Tree:
    """Counts what it lays. Paths are those in the image, with or without the slash in front."""

    def __init__(self, folder: str) -> None:
        self.folder, self.count, self.size = folder, 0, 0

    def place(self, path: str) -> str:
        """The file's place in the folder; the folders that lead there are made."""
        place = f"{self.folder}/{path.lstrip('/')}"
        made = self.folder
        os.makedirs(made, exist_ok=True)
        for name in path.strip("/").split("/")[:-1]:
            made = f"{made}/{name}"
            if not os.path.isdir(made):
                os.mkdir(made)
                os.chmod(made, FOLDER)  # whatever the umask is
        return place

    def write(self, content: bytes, path: str, mode: int = PLAIN) -> None:
        place = self.place(path)
        with open(place, "xb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        self.count += 1
        self.size += len(content)

    def copy(self, source: str, path: str, mode: int = PLAIN) -> None:
        with open(source, "rb") as file:
            self.write(file.read(), path, mode)

    def link(self, target: str, path: str) -> None:
        os.symlink(target, self.place(path))

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


def compiled(file: str, shown: str, library: bool) -> bytes:
    """`shown` is what a traceback calls it."""
    with open(file, "rb") as source:
        code = compile(
            source.read(), f"{shown}.py", "exec", dont_inherit=True, optimize=WITHOUT_TEXTS if library else 0
        )
    return HEADER + marshal.dumps(code)
