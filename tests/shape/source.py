"""The sources as syntax trees: which modules there are, what each imports and when, and its functions."""

import ast
import functools
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).parent.parent.parent / "src" / "pydrop"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported module: `name` whole, and whether it runs when the importing module is loaded. What is imported for
    types alone (`for_types`) never runs, and counts all the same where the order of the house is asked for."""

    name: str
    line: int
    at_load: bool
    names: tuple[str, ...] = ()
    for_types: bool = False


@dataclass
class Module:
    """A source file. `name` is without the leading `pydrop.`; the package itself is ``""``."""

    name: str
    path: Path
    tree: ast.Module
    lines: int
    imports: list[Import] = field(default_factory=list)

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


@functools.cache
def modules(sources: Path = SOURCES) -> dict[str, Module]:
    """All modules by their names, with their imports."""
    found = {}
    for path in sorted(sources.rglob("*.py")):
        name = ".".join(path.relative_to(sources).with_suffix("").parts).removesuffix("__init__").removesuffix(".")
        text = path.read_text()
        found[name] = Module(name, path, ast.parse(text), text.count("\n"))
    for module in found.values():
        module.imports = list(_imports(module, set(found)))
    return found


def _imports(module: Module, known: set[str]) -> "list[Import]":
    found: list[Import] = []

    def visit(node: ast.AST, at_load: bool, for_types: bool = False) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                visit(statement, False, True)
            for statement in node.orelse:
                visit(statement, at_load, for_types)
            return
        if isinstance(node, ast.Import):
            found.extend([Import(alias.name, node.lineno, at_load, (), for_types) for alias in node.names])
        elif isinstance(node, ast.ImportFrom):
            found.extend(_from(node, module, known, at_load, for_types))
        inside = isinstance(node, Function | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, at_load and not inside, for_types)

    visit(module.tree, True)
    return found


def _from(node: ast.ImportFrom, module: Module, known: set[str], at_load: bool, for_types: bool) -> "list[Import]":
    """`from pydrop import kernel` imports `pydrop.kernel`; `from pydrop.model import Plan` `pydrop.model`."""
    base = node.module or ""
    if node.level:
        parts = module.name.split(".") if module.name else []
        up = node.level - (1 if module.is_package else 0)
        base = ".".join(["pydrop", *parts[: len(parts) - up], *([node.module] if node.module else [])])
    found = []
    for alias in node.names:
        inner = f"{base}.{alias.name}".removeprefix("pydrop.")
        is_module = base.split(".")[0] == "pydrop" and inner in known
        name = f"pydrop.{inner}" if is_module else base
        found.append(Import(name, node.lineno, at_load, (alias.name,), for_types))
    return found


def classes(module: Module) -> "list[str]":
    """The names of all its classes, also of those inside functions, classes and `if TYPE_CHECKING`."""
    return [node.name for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]


def circles(graph: "dict[str, set[str]]") -> "list[list[str]]":
    """The groups of modules that import each other round about (strongly connected components of two and more, by
    Tarjan's algorithm), and each that imports itself."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[-len(group) :]
            if len(group) > 1 or name in graph[name]:
                found.append(sorted(group))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def functions(module: Module) -> "list[Function]":
    """Every function and method, also those inside others."""
    return [node for node in ast.walk(module.tree) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Lines from `def` to the end, as people count them."""
    return (function.end_lineno or function.lineno) - function.lineno + 1
