"""Which modules pydrop needs: all that its files name, and what those load.

An import that stands in a function counts too, since pydrop makes most of its imports late. Of the standard library
counts what is loaded when its modules are imported. No list is kept by hand, but for what no file names.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator

import click
import psutil

import pydrop
from pydrop.errors import PydropError
from pydrop.model import Value

ON_DEMAND = ("encodings.ascii", "encodings.latin_1")  # codecs are found by the name of an encoding
CTL = ("pydrop.ctl", "click", "psutil")  # what pydropctl is, and pydrop itself does without
# `python -m pydrop`, psutil's tests, click's help for tests, and the one file's own
NO_PART = ("__main__", "tests", "testing", "onefile", "calls_built_in")

# A process of its own imports them, so that nothing counts that only this one needed. `os` is built in, and yet a file:
# by that the interpreter finds the folder of its library.
LOAD = """
import sys
sys.path[:] = sys.argv[1].split(":")
for name in sys.argv[2:]:
    try:
        __import__(name)
    except Exception as error:  # one that is not there, or is for another system
        if name.startswith("pydrop"):
            sys.exit(f"{name}: {error}")
for module in list(sys.modules.values()):
    spec = getattr(module, "__spec__", None)
    if spec and spec.has_location:
        print(spec.name, spec.origin, "package" if spec.submodule_search_locations else "module", sep="\\t")
print("os", sys.modules["os"].__file__, "module", sep="\\t")
"""


class NeededModule(Value):
    """A module that is a file."""

    name: str
    file: str
    is_package: bool


def modules(with_ctl: bool) -> list[NeededModule]:
    """In the order of their names. PydropError where one of pydrop's own cannot be imported."""
    packages = (pydrop, click, psutil) if with_ctl else (pydrop,)
    own = {name: file for package in packages for name, file in files_of(str(package.__file__))}
    named = {name for one, file in own.items() if with_ctl or not ctl(one) for name in (one, *imports(one, file))}
    return loaded(sorted(name for name in named if (with_ctl or not ctl(name)) and (name in own or not ours(name))))


def ours(name: str) -> bool:
    return name.partition(".")[0] == "pydrop"


def ctl(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in CTL)


def files_of(start: str) -> Iterator[tuple[str, str]]:
    """(name, file) of a package's modules; `start` is its __init__.py."""
    top = os.path.dirname(start)
    above = len(os.path.dirname(top)) + 1
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in NO_PART]
        for file in files:
            if file.endswith(".py") and file.removesuffix(".py") not in NO_PART:
                path = f"{folder}/{file}"
                yield path[above:].removesuffix(".py").removesuffix("/__init__").replace("/", "."), path


def imports(name: str, file: str) -> Iterator[str]:
    """What a module's text imports, anywhere in it. A name that is no module may be among them."""
    package = name if file.endswith("/__init__.py") else name.rpartition(".")[0]
    with open(file, encoding="utf-8") as text:
        tree = ast.parse(text.read())
    for node in walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """As ast.walk, without what stands there for type checkers alone."""
    yield node
    for inner in ast.iter_child_nodes(node):
        if not (isinstance(inner, ast.If) and ast.unparse(inner.test).endswith("TYPE_CHECKING")):
            yield from walk(inner)


def loaded(names: list[str]) -> list[NeededModule]:
    """What a bare interpreter has loaded after these imports; those that are not there are left out."""
    command = [sys.executable, "-I", "-S", "-B", "-c", LOAD, ":".join(sys.path), *ON_DEMAND, *names]
    done = subprocess.run(command, env={"LC_ALL": "C"}, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.splitlines() or [f"exit code {done.returncode}"])[-1]
        raise PydropError(f"unable to load what pydrop needs: {reason}", "make the bundle where pydrop itself starts")
    rows = sorted({tuple(line.split("\t")) for line in done.stdout.splitlines()})
    return [NeededModule(name=name, file=file, is_package=kind == "package") for name, file, kind in rows]
