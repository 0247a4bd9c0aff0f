"""Compile pydrop into seven files, which src/pydrop/boot_files.py explains.

Usage: python -I -S -X no_debug_ranges launcher/freeze.py SOURCES TARGET   with the Python that is to run pydrop
writes TARGET, TARGET.rare, TARGET.init, TARGET.ask, TARGET.named, TARGET.volumes and TARGET.walk
"""

import ast
import marshal
import os
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import ClassVar, TypeAlias

# Roots of the imports that a start makes which has nothing to change; the rest follows from them.
ROOTS = ("entry", "settings", "perform.streams", "perform.record_file", "perform.privileges")
# Roots of what the process imports that stays in init mode.
STAY = ("pid1.init",)
# Roots of what the other process imports by the name of an init, and no start; each of them is loaded for both names.
NAMED = ("compat.tini", "compat.dumb_init")
# Roots of what a start of init mode imports besides.
ASK = ("settings.flags", "planning.init_step", "pid1.starter")
# What is rare comes in bundles, since each look for a module costs more than to run it: a root of imports, or several,
# and what follows from them and is in no bundle before it. All other modules come alone. A part of a bundle may be
# asked for without it too.
PARTS = ("settings.values", "settings.umask", "settings.flags", "settings.account_names", "settings.init_values")
GROUND = ("ground.own_ground",)
VOLUMES = ("settings.volumes", "inspection.volume_places", "planning.volumes_step", "perform.ownership")
WALK = ("perform.ownership.volume_work", "perform.ownership.mounts", "perform.ownership.other_volumes")
BUNDLES = (
    ("perform.runtime",),
    ("perform.accountfiles",),
    GROUND,
    VOLUMES,
    WALK,
    ("inspection.mount_visibility", "planning.mounts_step", "perform.unwritable_mounts"),
    ("perform.ownership.worker_count",),
    ("perform.ownership.sharing",),
    ("compat.gosu", "compat.su_exec", "compat.s6_setuidgid"),
)
# Of them, those that lie in a file of their own too, for starts whose environment names volumes.
AHEAD = {".volumes": (GROUND, VOLUMES), ".walk": (GROUND, VOLUMES, WALK)}
ELSEWHERE = ("__main__", "boot_files", "ctl", "onefile", "calls_built_in")  # not part of a start by the launcher
HEAD = 1 << 14  # bytes that launcher.c reads
SHORT_HEAD = 1 << 9  # bytes that boot_files.py reads of a file without its own code
INDEX = 1 << 13  # bytes that boot_files.py reads of TARGET.rare first
PART = 3 << 13  # bytes of code from which on a part is full: far below the 128 KB for which malloc asks the kernel anew


Bundle: TypeAlias = list[tuple[str, bool, CodeType]]  # name, whether it is a package, what it runs


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
    loading = compiled(sources, f"{sources}/pydrop/boot_files.py")
    stay = imported(sources, STAY)
    forget()
    named = imported(sources, NAMED)
    forget()
    frequent = imported(sources, ROOTS)
    bundles = []
    for part in PARTS:
        bundles.append(imported(sources, (part,)))
        forget()
        imported(sources, ROOTS)
    ask = imported(sources, ASK)
    forget()
    imported(sources, ROOTS)
    asked = [imported(sources, roots) for roots in BUNDLES]
    bundles += asked
    bundles += alone(sources, {name for bundle in [frequent, *bundles] for name, _, _ in bundle})
    others = {"": frequent, ".init": stay, ".named": named}
    files = {kind: in_parts(loading, bundle) for kind, bundle in others.items()}
    files |= {".ask": in_parts(None, ask), ".rare": indexed(bundles)}
    for kind, ahead in AHEAD.items():
        files[kind] = in_parts(None, [module for roots in ahead for module in asked[BUNDLES.index(roots)]])
    for kind, content in files.items():
        with open(target + kind, "wb") as file:
            file.write(content)


def imported(sources: str, roots: tuple[str, ...]) -> Bundle:
    """What these imports load that was not loaded before, in the order in which it has to run."""
    Recording.order.clear()
    for root in roots:
        __import__(f"pydrop.{root}")
    return [
        (name, path.endswith("/__init__.py"), compiled(sources, path))
        for name, path in Recording.order
        if name.partition(".")[0] == "pydrop"
    ]


def forget() -> None:
    """All is as if nothing of pydrop's had been imported."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "pydrop"]:
        del sys.modules[name]


def alone(sources: str, known: set[str]) -> list[Bundle]:
    """All other modules of a start, each apart, so that only what is asked for is unpacked."""
    found: list[Bundle] = []
    for folder, _, files in os.walk(f"{sources}/pydrop"):
        for file in sorted(files):
            path = f"{folder}/{file}"
            name = path[len(sources) + 1 :].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if file.endswith(".py") and name not in known and name.split(".")[1] not in ELSEWHERE:
                found.append([(name, file == "__init__.py", compiled(sources, path))])
    return found


def in_parts(loading: CodeType | None, bundle: Bundle) -> bytes:
    """What is read first, (the code of boot_files.py, the sizes of the parts, that of the whole); and the parts.

    None in place of the code where it runs already when the file is read."""
    parts: list[bytes] = []
    part: Bundle = []
    size = 0
    for module in bundle:
        part.append(module)
        size += len(marshal.dumps(module))
        if size >= PART or module is bundle[-1]:
            parts.append(marshal.dumps(part))
            part, size = [], 0
    sizes = [len(part) for part in parts]
    head = marshal.dumps((loading, sizes, 0))
    if len(head) > (HEAD if loading else SHORT_HEAD):
        raise SystemExit(f"a head of {len(head)} bytes is more than is read; raise the number here and there")
    return marshal.dumps((loading, sizes, len(head) + sum(sizes))) + b"".join(parts)


def indexed(bundles: list[Bundle]) -> bytes:
    """The index, as boot_files.py describes it; the bundles. A module that is in several is taken from the first."""
    lines: dict[str, str] = {}
    packed = b""
    for bundle in bundles:
        code = marshal.dumps(bundle)
        for name, is_package, _ in bundle:
            lines.setdefault(name, f"{name} {is_package:d} {INDEX + len(packed)} {len(code)}\n")
        packed += code
    head = "".join([f"{INDEX + len(packed)}\n", *lines.values()]).encode()
    if len(head) > INDEX:
        raise SystemExit(f"an index of {len(head)} bytes is more than boot_files.py reads; raise both numbers")
    return head.ljust(INDEX, b"\0") + packed


def compiled(sources: str, path: str) -> CodeType:
    """Without docstrings and types; named as it lies in the package folder, where a traceback finds its lines."""
    with open(path, encoding="utf-8") as file:
        tree = WithoutTypes().visit(ast.parse(file.read()))
    return plain(compile(tree, path[len(sources) + 1 :], "exec", dont_inherit=True, optimize=2))


def plain(code: CodeType) -> CodeType:
    """Without the name that says where a function is nested: another string to read for each, that nobody asks for."""
    inner = tuple(plain(const) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_consts=inner, co_qualname=code.co_name)


class WithoutTypes(ast.NodeTransformer):
    """Takes out the types of arguments and results, and what is imported for them alone, and empties those of fields;
    Python would work them out."""

    def visit_If(self, node: ast.If) -> "ast.If | list[ast.stmt]":
        self.generic_visit(node)
        return node.orelse if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else node

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
