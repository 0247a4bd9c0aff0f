"""The sources as syntax trees: which modules there are, what each imports and when, and its functions."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).parent.parent.parent / "src" / "pydrop"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported module: `name` whole, and whether it runs when the importing module is loaded."""

    name: str
    line: int
    at_load: bool
    names: tuple[str, ...] = ()


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

    def visit(node: ast.AST, at_load: bool) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for child in node.orelse:
                visit(child, at_load)
            return
        if isinstance(node, ast.Import):
            found.extend([Import(alias.name, node.lineno, at_load) for alias in node.names])
        elif isinstance(node, ast.ImportFrom):
            found.extend(_from(node, module, known, at_load))
        inside = isinstance(node, Function | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, at_load and not inside)

    visit(module.tree, True)
    return found


def _from(node: ast.ImportFrom, module: Module, known: set[str], at_load: bool) -> "list[Import]":
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
        found.append(Import(f"pydrop.{inner}" if is_module else base, node.lineno, at_load, (alias.name,)))
    return found


def functions(module: Module) -> "list[Function]":
    """Every function and method, also those inside others."""
    return [node for node in ast.walk(module.tree) if isinstance(node, Function)]


def length(function: Function) -> int:
    """Lines from `def` to the end, as people count them."""
    return (function.end_lineno or function.lineno) - function.lineno + 1
