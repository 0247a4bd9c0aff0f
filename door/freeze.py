"""Compile pydrop into two files, which src/pydrop/loading.py explains: what every start needs, and what is rare.

Usage: python -I -S -X no_debug_ranges door/freeze.py SOURCES TARGET   with the Python that is to run pydrop
writes TARGET and TARGET.rare
"""

import ast
import marshal
import os
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import ClassVar

# Roots of the imports that a start makes which has nothing to change; the rest follows from them.
ROOTS = ("entry", "settings", "perform.streams", "perform.recording", "perform.privileges")
ELSEWHERE = ("__main__", "loading", "ctl")  # not part of a start by the door
MOST = 1 << 19  # bytes; door.c reads as many


class Recording(SourceFileLoader):
    """Loads as ever, and notes each module once it has run: so what it imports is noted before it."""

    order: ClassVar[list[tuple[str, str]]] = []  # (name, file)

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        self.order.append((module.__name__, self.path))


def main(sources: str, target: str) -> None:
    sys.dont_write_bytecode = True
    sys.path_hooks.insert(0, FileFinder.path_hook((Recording, [".py"])))
    sys.path.insert(0, sources)
    sys.modules["_prctl"] = ModuleType("_prctl")  # not there where wheels are built, and nothing of it is called
    for root in ROOTS:
        __import__(f"pydrop.{root}")
    modules = [
        (name, path.endswith("/__init__.py"), compiled(sources, path))
        for name, path in Recording.order
        if name.partition(".")[0] == "pydrop"
    ]
    first = marshal.dumps((compiled(sources, f"{sources}/pydrop/loading.py"), modules))
    if len(first) >= MOST:
        raise SystemExit(f"{len(first)} bytes is more than door.c reads; raise both numbers")
    rare = rest(sources, {name for name, _, _ in modules})
    for path, content in ((target, first), (f"{target}.rare", indexed(rare))):
        with open(path, "wb") as file:
            file.write(content)


def rest(sources: str, frequent: set[str]) -> "dict[str, tuple[bool, bytes]]":
    """All other modules of a start, each apart, so that only what is asked for is unpacked."""
    found = {}
    for folder, _, files in os.walk(f"{sources}/pydrop"):
        for file in sorted(files):
            path = f"{folder}/{file}"
            name = path[len(sources) + 1 :].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if file.endswith(".py") and name not in frequent and name.split(".")[1] not in ELSEWHERE:
                found[name] = (file == "__init__.py", marshal.dumps(compiled(sources, path)))
    return found


def indexed(modules: "dict[str, tuple[bool, bytes]]") -> bytes:
    """8 bytes that say how long the index is, the index (name -> is it a package, offset, length), the modules."""
    index, offset = {}, 0
    for name, (is_package, code) in modules.items():
        index[name] = (is_package, offset, len(code))
        offset += len(code)
    head = marshal.dumps(index)
    return len(head).to_bytes(8, "little") + head + b"".join([code for _, code in modules.values()])


def compiled(sources: str, path: str) -> CodeType:
    """Without docstrings and types; named as it lies in the package folder, where a traceback finds its lines."""
    with open(path, encoding="utf-8") as file:
        tree = WithoutTypes().visit(ast.parse(file.read()))
    return compile(tree, path[len(sources) + 1 :], "exec", dont_inherit=True, optimize=2)


class WithoutTypes(ast.NodeTransformer):
    """Takes out the types of arguments and results, and empties those of fields; Python would work them out."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        self.generic_visit(node)
        node.annotation = ast.copy_location(ast.Constant(value=""), node.annotation)
        return node


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2])
