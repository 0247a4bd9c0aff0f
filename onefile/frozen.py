"""Compile pydrop, click, psutil and what they need of the standard library into one file, for cpython_parts.c.

Usage: PYTHON onefile/frozen.py TARGET FOLDER...   with the Python that the one file holds
writes TARGET/frozen.bin, the compiled modules one behind the other, and TARGET/frozen_table.h: a line
``MODULE("NAME", OFFSET, SIZE, IS_PACKAGE)`` for each. FOLDERs are where the modules are: CPython's Lib, src, click's
and psutil's.

Which modules are needed is found out by importing them: all of pydrop's, click's and psutil's, and all that their
texts name anywhere, since most imports of pydrop's are late. What those load counts too. An import that fails is none
that works on this system (msvcrt), but where pydrop itself names it, the build fails.
"""

import ast
import marshal
import os
import sys
from types import CodeType, ModuleType

from lean import lean

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OWN = ("pydrop", "click", "psutil")
# Of them, what the one file has no use for: the pip way's start, and what tests other programs.
NO_PART = (
    *("pydrop.__main__", "pydrop.by_pip", "pydrop.calls_by_libraries"),
    *("click.testing", "psutil.tests", "psutil._psbsd", "psutil._psosx", "psutil._pssunos", "psutil._psaix"),
    *("psutil._pswindows", "site", "_sitebuiltins", "zipimport", "importlib._bootstrap_external"),
)
# What no text names: codecs are found by the name of an encoding, and CPython asks for the others by itself.
CODECS = ("utf_8", "ascii", "latin_1", "unicode_escape", "utf_8_sig")
ON_DEMAND = ("encodings", *[f"encodings.{name}" for name in CODECS], "io", "abc", "traceback", "warnings")
# Other modules in their place: CPython needs the first two before it can import, and knows them by these names.
REPLACED = {
    "_frozen_importlib": "Lib/importlib/_bootstrap.py",
    "_frozen_importlib_external": "onefile/no_files.py",
    "_original_bootstrap_external": "Lib/importlib/_bootstrap_external.py",
    "gettext": "onefile/no_gettext.py",
    "_imports_at_build": "onefile/imports_at_build.py",
}
BUILT_IN = ("_onefile", "psutil._psutil_linux")  # linked into the file, and not into the Python that runs this


class Number(int):
    """What a stub has by any name: a constant, or a function that returns one."""

    def __call__(self, *_arguments: object) -> "Number":
        return self


class Stub(ModuleType):
    """In place of a module that only the file has, as far as others look at it when they are imported."""

    def __getattr__(self, name: str) -> Number:
        if name.startswith("__"):
            raise AttributeError(name)
        return Number(sys.modules["psutil"].__version__.replace(".", "") if name == "version" else 1)


def main(target: str, folders: "list[str]") -> None:
    sys.dont_write_bytecode = True
    sys.path[:] = folders
    for name in BUILT_IN:
        sys.modules[name] = Stub(name)
    sys.builtin_module_names = (
        *sys.builtin_module_names,
        *BUILT_IN,
    )  # by it pydrop knows the file (distribution.py)
    for name, by_us in [*dict.fromkeys(ON_DEMAND, True).items(), *wanted(folders).items()]:
        attempt(name, by_us)
    modules = {name: file for name, file in loaded() if of_use(name) and name != "__main__"}
    write_names_at_build(target, folders)
    folders.append(target)
    modules["_names_at_build"] = f"{target}/_names_at_build.py"
    for name, file in REPLACED.items():
        modules[name] = f"{os.path.dirname(folders[0]) if file.startswith('Lib/') else ROOT}/{file}"
    write(
        target, {name: (compiled(name, file, folders), is_package(file)) for name, file in sorted_for_search(modules)}
    )


def of_use(name: str) -> bool:
    return not any(name == one or name.startswith(f"{one}.") for one in NO_PART)


def wanted(folders: "list[str]") -> "dict[str, bool]":
    """The own modules, and what they import anywhere; and whether pydrop's text names it."""
    names: dict[str, bool] = {}
    for name, file in own_files(folders):
        by_us = name.partition(".")[0] == "pydrop"
        for each in (name, *imports(name, file)):
            names[each] = by_us or names.get(each, False)
    return dict(sorted((name, by_us) for name, by_us in names.items() if of_use(name)))


def own_files(folders: "list[str]") -> "list[tuple[str, str]]":
    """(name, file) of each module of the own packages."""
    found = []
    for top in [f"{folder}/{package}" for folder in folders for package in OWN]:
        for folder, _, files in os.walk(top):
            for file in files:
                path = f"{folder}/{file}"
                name = path[len(os.path.dirname(top)) + 1 : -3].removesuffix("/__init__").replace("/", ".")
                if file.endswith(".py") and of_use(name):
                    found.append((name, path))
    return found


def write_names_at_build(target: str, folders: "list[str]") -> None:
    """What a start may import, for imports_at_build.py: pydrop's modules but pydropctl's, and what those import."""
    names: set[str] = set()
    for name, file in own_files(folders):
        if rank(name) == 1:
            names |= {one for one in (name, *imports(name, file)) if one in sys.modules and rank(one) < 3}
    names -= {one for one in names if not of_use(one)}
    with open(f"{target}/_names_at_build.py", "w", encoding="utf-8") as text:
        text.write(f"NAMES = {sorted(names)!r}\n")


def imports(name: str, file: str) -> "set[str]":
    """What a module's text imports, anywhere, but for type checkers. A name that is no module may be among them."""
    package = name if is_package(file) else name.rpartition(".")[0]
    found: set[str] = set()
    with open(file, encoding="utf-8") as text:
        tree = ast.parse(text.read())
    for node in walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {base, *[f"{base}.{alias.name}" for alias in node.names]}
    return found


def walk(node: ast.AST) -> "list[ast.AST]":
    """As ast.walk, without what stands there for type checkers alone."""
    nodes = [node]
    for inner in ast.iter_child_nodes(node):
        if not (isinstance(inner, ast.If) and ast.unparse(inner.test).endswith("TYPE_CHECKING")):
            nodes += walk(inner)
    return nodes


missing: set[str] = set()


def attempt(name: str, by_us: bool) -> None:
    """Import it, where there is such a module. What pydrop's own text imports must be there."""
    try:
        __import__(name)
    except Exception as error:
        parent, _, last = name.rpartition(".")
        if parent and hasattr(sys.modules.get(parent), last):
            return  # something in a module, and none itself
        if by_us:
            raise SystemExit(f"frozen: {name}: {type(error).__name__}: {error}") from error
        if name.rpartition(".")[0] not in missing:
            print(f"frozen: without {name}: {error}", file=sys.stderr)
        missing.add(name)


def loaded() -> "list[tuple[str, str]]":
    """(name, file) of each module that came from a file, those that CPython froze for itself among them."""
    found = []
    for name, module in sys.modules.items():
        spec = getattr(module, "__spec__", None)
        file = getattr(module, "__file__", None) or ""
        if spec and file.endswith(".py"):
            found.append((name, file))
    return found


def is_package(file: str) -> bool:
    return file.endswith("/__init__.py")


def sorted_for_search(modules: "dict[str, str]") -> "list[tuple[str, str]]":
    """CPython looks a name up from the beginning of the table on: what each start imports comes first."""
    return sorted(modules.items(), key=lambda row: (rank(row[0]), row[0]))


def rank(name: str) -> int:
    if name in REPLACED or name in ON_DEMAND or name in ("codecs", "encodings.aliases"):
        return 0
    if name.partition(".")[0] != "pydrop":
        return 2
    return 3 if name.startswith("pydrop.ctl") else 1


def compiled(name: str, file: str, folders: "list[str]") -> CodeType:
    """Named as it lies in its folder, where a traceback finds its lines. click takes help from docstrings."""
    folder = next(one for one in [*folders, ROOT] if file.startswith(f"{one}/"))
    if name.partition(".")[0] == "pydrop" and not name.startswith("pydrop.ctl"):
        return lean(folder, file)
    with open(file, encoding="utf-8") as text:
        optimize = 1 if name.partition(".")[0] in OWN else 2
        return compile(text.read(), file[len(folder) + 1 :], "exec", dont_inherit=True, optimize=optimize)


def write(target: str, modules: "dict[str, tuple[CodeType, bool]]") -> None:
    lines, packed = [], b""
    for name, (code, package) in modules.items():
        content = marshal.dumps(code)
        lines.append(f'MODULE("{name}", {len(packed)}, {len(content)}, {package:d})\n')
        packed += content
    with open(f"{target}/frozen.bin", "wb") as file:
        file.write(packed)
    with open(f"{target}/frozen_table.h", "w", encoding="utf-8") as table:
        table.write("".join(lines))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
