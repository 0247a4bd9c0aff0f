"""The house's rule 1: imports run down the layers, each library has its home, sizes stay readable."""

import ast
from collections import Counter

import pytest

from tests.shape.source import Module, circles, classes, functions, length, modules

# From the top to the bottom. A module may import what stands below its own line, never what stands
# above or beside it; a package's own modules may import each other. `perform.*` is a line of many:
# no step knows another.
LAYERS = (
    ("__main__", "by_pip", "onefile"),
    ("every_start",),
    ("called_as",),
    ("entry",),
    ("ctl",),
    ("compat",),
    ("performing", "standing"),
    ("user_hooks",),
    ("pid1", "handover"),
    ("perform.*",),
    ("inspection", "running", "hook_environment", "start_lock", "descent"),
    ("rootenv", "interpreter", "ground", "telling", "state_folder"),
    ("inherited", "init_asked", "trust", "report", "checked_reads", "command_lookup"),
    ("proc_stat",),
    ("kernel", "mount_calls", "idmapped", "asked_as_user"),
    ("mountinfo",),
    ("planning", "lifecycle"),
    ("settings", "accounts", "tmpfiles", "record"),
    ("option_words",),
    ("calls_by_libraries", "calls_built_in"),
    ("encoding",),
    ("steps",),
    ("model",),
    ("executable",),
    ("process", "errors", "signals", "capabilities", "distribution"),
    ("",),  # pydrop itself: its version, nothing else
)
PURE = (
    *("planning", "lifecycle", "settings", "accounts", "tmpfiles", "record"),
    *("option_words", "capabilities", "steps", "model", "executable", "process", "errors", "signals"),
)

# What may be imported when a module is loaded, outside of `ctl`. Each is built in or costs next to nothing.
AT_LOAD = {"os", "posix", "sys", "gc", "marshal", "stat", "_stat", "errno", "time", "_signal", "fcntl", "itertools"}
AT_LOAD_OF = {
    "by_pip": {"_frozen_importlib_external"},
    "calls_by_libraries": {"_prctl"},
    "calls_built_in": {"_onefile"},
    "onefile": {"_onefile"},
}

# Who may import it at all, at any time.
ONLY_IN = {
    "click": ("ctl",),
    "psutil": ("ctl", "pid1"),
    "_prctl": ("calls_by_libraries", "by_pip"),
    "prctl": (),
    "ctypes": ("calls_by_libraries",),
    "_onefile": ("calls_built_in", "onefile", "distribution"),
}
# The pure layer computes: late imports of such modules are all that it needs.
PURE_MAY_IMPORT = {"binascii", "difflib", "re", "tomllib"}
TOUCHES_THE_WORLD = {"open", "exec", "eval", "input", "print", "__import__", "compile"}

NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "base", "core", "shared", "lib"}

ALL = modules()
NAMES = sorted(ALL)


def unit(name: str) -> str:
    """What a layer is made of: a module or a package at the top, or one kind of step in `perform`."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "perform" and len(parts) > 1 else parts[0]


def layer(name: str) -> int:
    """0 is the top. KeyError where nobody has decided yet."""
    own = unit(name)
    for number, names in enumerate(LAYERS):
        if own in names or (own.split(".")[0] == "perform" and "perform.*" in names):
            return number
    raise KeyError(name)


def own_imports(module: Module) -> "list[tuple[str, int]]":
    """The modules of pydrop's that it imports, and the lines."""
    found = [(i.name, i.line) for i in module.imports if i.name.split(".")[0] == "pydrop"]
    return [(name.removeprefix("pydrop").removeprefix("."), line) for name, line in found]


@pytest.mark.parametrize("name", NAMES)
def test_every_module_has_its_layer(name: str) -> None:
    """A module that is in no line of LAYERS has no place in the house yet: decide it there."""
    assert layer(name) >= 0


@pytest.mark.parametrize("name", NAMES)
def test_imports_run_down(name: str) -> None:
    """No module imports what stands above it or beside it, now or later, but for its own package's inner modules."""
    wrong = []
    for imported, line in own_imports(ALL[name]):
        if unit(imported) != unit(name) and layer(imported) <= layer(name):
            wrong.append(f"line {line}: {name or 'pydrop'} imports {imported}, which is not below it")
    assert not wrong


def test_no_module_imports_itself_round_about() -> None:
    """Late imports and imports for types count, and so do a package's own: the whole graph has no circle."""
    graph = {name: {imported for imported, _ in own_imports(module)} for name, module in ALL.items()}
    assert circles(graph) == []


def test_a_circle_would_be_seen() -> None:
    """Of two, of three by one way alone, and of one that imports itself; what only leads there is none."""
    graph = {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"e"}, "e": {"c"}, "f": {"f"}, "g": {"a", "f"}, "h": set()}
    assert sorted(circles(graph)) == [["a", "b"], ["c", "d", "e"], ["f"]]


def test_no_module_name_stands_twice() -> None:
    """Whoever hears a name finds one file; a package counts as one."""
    last = Counter(name.rpartition(".")[2] for name in NAMES)
    assert {name for name, count in last.items() if count > 1} == set()


def test_no_class_name_stands_twice() -> None:
    """Whoever reads a name in one module need not ask which one it is."""
    found = Counter(each for module in ALL.values() for each in classes(module))
    assert {name for name, count in found.items() if count > 1} == set()


@pytest.mark.parametrize("name", [name for name in NAMES if unit(name) != "ctl"])
def test_only_cheap_modules_are_imported_at_load(name: str) -> None:
    """Whatever is not built in or nearly free is imported late, inside the function that needs it."""
    allowed = AT_LOAD | AT_LOAD_OF.get(name, set())
    wrong = [f"line {i.line}: {i.name}" for i in ALL[name].imports if i.at_load and not _ours(i.name)]
    assert [line for line in wrong if line.partition(": ")[2] not in allowed] == []


def _ours(name: str) -> bool:
    return name.split(".")[0] == "pydrop"


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_each_library_has_its_home(library: str) -> None:
    """click lives in ctl, psutil in ctl and pid1, _prctl and ctypes in the pip way's calls, _onefile in the file's."""
    users = {
        unit(name)
        for name, module in ALL.items()
        if any(imported.name.split(".")[0] == library for imported in module.imports)
    }
    assert users <= set(ONLY_IN[library])


@pytest.mark.parametrize("name", [name for name in NAMES if unit(name) in PURE])
def test_the_pure_layer_touches_nothing(name: str) -> None:
    """Values in, values out: no os, no sys, no pwd, no file, neither at load nor late."""
    module = ALL[name]
    foreign = {i.name for i in module.imports if not (_ours(i.name) or i.for_types)} - PURE_MAY_IMPORT
    up = {imported for imported, _ in own_imports(module) if unit(imported) not in (*PURE, "")}
    calls = {
        node.func.id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TOUCHES_THE_WORLD
    }
    assert (foreign, up, calls) == (set(), set(), set())


@pytest.mark.parametrize("name", NAMES)
def test_modules_are_named_for_what_they_own(name: str) -> None:
    """A name like utils says nothing, so anything goes in."""
    assert not set(name.split(".")) & NAMELESS


@pytest.mark.parametrize("name", NAMES)
def test_no_module_is_longer_than_250_lines(name: str) -> None:
    """A module is read in one sitting."""
    assert ALL[name].lines <= 250


def test_no_function_is_longer_than_60_lines() -> None:
    """A function is seen at once."""
    long = {f"{n}.{f.name}": length(f) for n, m in ALL.items() for f in functions(m) if length(f) > 60}
    assert long == {}


def test_nine_functions_in_ten_are_shorter_than_30_lines() -> None:
    """Most of the house is small rooms."""
    lengths = [length(function) for module in ALL.values() for function in functions(module)]
    assert sum(size < 30 for size in lengths) >= 0.9 * len(lengths)
