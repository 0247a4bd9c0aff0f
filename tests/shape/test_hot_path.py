"""What a start may load, and that the drop and all behind it loads and opens nothing."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import _prctl
import pytest

from tests.shape.source import SOURCES, Function, Module, modules

ALL = modules()
# Milliseconds each, at every start of every container (house.md, rule 5).
DEAR = (
    "re json typing dataclasses collections pathlib subprocess logging signal enum argparse tomllib ctypes "
    "click psutil contextlib functools inspect warnings tempfile shutil threading socket traceback"
).split()
SITE = str(Path(_prctl.__file__).parent)  # where _prctl is: with -S nothing else is added
PREPARE = f"import sys; sys.path.insert(0, {str(SOURCES.parent)!r}); sys.path.append({SITE!r})"


def child(script: str, *options: str) -> str:
    """What a bare interpreter prints for `script`, started as launcher.c starts it."""
    command = [sys.executable, "-I", "-S", *options, "-c", f"{PREPARE}\n{script}"]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={}).stdout


def loaded_after(script: str) -> set[str]:
    """The dear modules that `script` has loaded, over what the bare interpreter has."""
    print_them = "print(*sys.modules)"
    before, after = child(print_them).split(), child(f"{script}\n{print_them}").split()
    return {name.split(".")[0] for name in set(after) - set(before)} & set(DEAR)


# What the pip way does not load: the last two import the one file's own module in C.
NO_START = ("ctl", "__main__", "onefile", "calls_built_in")


@pytest.mark.parametrize("name", sorted(name for name in ALL if name.split(".")[0] not in NO_START))
def test_no_module_of_a_start_loads_a_dear_one(name: str) -> None:
    """Every module outside of ctl can be imported without one that costs milliseconds."""
    assert loaded_after(f"import pydrop{'.' if name else ''}{name}") == set()


def test_a_plain_start_up_to_its_plan_loads_nothing_dear() -> None:
    """Settings from the environment, the look at the world and the plan: no late import of a dear module either."""
    script = """
from pydrop import handover, inspection, planning
from pydrop.model import Start
lines = ("PATH=/usr/bin:/bin", "PUID=1500", "PYDROP_CHOWN=/data", "PYDROP_UMASK=027")
start = Start(name="pydrop", arguments=("true", "-x"), environment=lines, ignored=(), blocked=())
settings = inspection.read_settings(start)
plan = planning.plan(settings, inspection.look(settings, start))
handover.Handover(plan.command, handover.environment(lines, plan.environment), start)
for step in plan.steps:
    __import__(step.performer)
"""
    assert loaded_after(script) == set()


NAMES = ("gosu", "su-exec", "s6-setuidgid")


@pytest.mark.parametrize("name", NAMES)
def test_a_personality_up_to_its_drop_loads_nothing_dear(name: str) -> None:
    """Scripts call these again and again; nothing of what words a failure is loaded where there is none."""
    script = f"""
from pydrop.model import Start
from pydrop import compat
lines = ("PATH=/usr/bin:/bin", "UID=5")
start = Start(name={name!r}, arguments=("1500:1500", "true"), environment=lines, ignored=(), blocked=())
from pydrop.compat import drop_tools
drop_tools.privileges.perform = drop_tools.handover.Handover.run = lambda *_: None
compat.run(start)
assert "pydrop.compat.missing_privileges" not in sys.modules
"""
    assert loaded_after(script) == set()


def test_what_is_told_of_a_long_walk_is_loaded_only_for_one() -> None:
    """A volume that is done within two seconds costs no word."""
    script = """
import sys
from pydrop.model import Start, Volume
from pydrop.perform import ownership
from pydrop.perform.ownership import progress
start = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())
start.progress, start.note = lambda text, due: None, lambda text: None
watch = ownership.watching(start)
for seconds in (1.9, 2.0):
    fields = {"volume": Volume(path="/x"), "looked_at": 1, "changed": 0, "part": 0.0, "waiting": False}
    watch(progress.Progress(**fields, seconds=seconds))
    print("pydrop.perform.ownership.progress_messages" in sys.modules)
"""
    assert child(script).split() == ["False", "True"]


# -- nothing is imported and nothing opened from the drop on: read from the source -----------------

# What runs from the drop's frontier on. What they call is followed through pydrop's own modules.
AFTER_THE_DROP = (
    "perform.privileges._give_up",
    "perform.privileges._stay_root",
    "perform.privileges._prove",
    "perform.privileges._try_to_regain",
    "perform.privileges.ways_back",
    "calls_by_libraries.bounding_dropper.drop",
    "calls_by_libraries._libc_prctl.call",
    "calls_by_libraries.exact_exec.call",
    "calls_built_in.bounding_dropper.drop",
    "calls_built_in.ambient_raiser.call",
    "calls_built_in.exact_exec.call",
    "pid1.starter.wait_for_go",
    "perform.timeline_writer.mark",
    "perform.timeline_writer.write",
    "handover.Handover.run",
    "report.Report.info",
    "report.Report.error",
    "report.Report.traceback_of",
    "report.Report.own_fault",
    "inherited.end_by",
)
OPENS = {"open", "os.open", "os.listdir", "os.scandir", "os.walk", "os.fdopen", "os.popen", "os.system", "__import__"}


def defined(module: Module) -> "dict[str, Function]":
    """The functions of a module by their dotted names, inner ones and methods too."""
    found: dict[str, Function] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, Function | ast.ClassDef):
                name = f"{prefix}{inner.name}"
                if isinstance(inner, Function):
                    found[name] = inner
                visit(inner, f"{name}.")
            else:
                visit(inner, prefix)

    visit(module.tree, "")
    return found


def split(dotted: str) -> tuple[str, str]:
    """`handover.Handover.run` is `Handover.run` in module `handover`."""
    parts = dotted.split(".")
    cut = max(n for n in range(1, len(parts)) if ".".join(parts[:n]) in ALL)
    return ".".join(parts[:cut]), ".".join(parts[cut:])


def called(module: Module, name: str, function: "Function") -> set[str]:
    """The functions of pydrop's that `function` calls, as far as names say it."""
    known = defined(module)
    aliases = {
        n: i.name.removeprefix("pydrop.") for i in module.imports for n in i.names if i.name.startswith("pydrop.")
    }
    found = set()
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        words = ast.unparse(node.func).split(".")
        if len(words) == 1 and words[0] in known:
            found.add(f"{module.name}.{words[0]}")
        elif len(words) == 1 and words[0] in aliases:
            found.add(f"{aliases[words[0]]}.{words[0]}")
        elif len(words) == 2 and words[0] == "self":
            found.add(f"{module.name}.{name.rpartition('.')[0]}.{words[1]}")
        elif len(words) == 2 and aliases.get(words[0]) in ALL:
            found.add(f"{aliases[words[0]]}.{words[1]}")
    return {home for dotted in found for home in homes(dotted)}


def homes(dotted: str) -> "set[str]":
    """Where the function is defined: as named, or where that module has it from; kernel has some from one of two."""
    place, name = split(dotted)
    if name in defined(ALL[place]):
        return {dotted}
    sources = [i.name.removeprefix("pydrop.") for i in ALL[place].imports if name in i.names]
    return {home for source in sources if source in ALL for home in homes(f"{source}.{name}")}


def reached() -> "dict[str, Function]":
    """All functions that run from the drop on."""
    todo, found = list(AFTER_THE_DROP), {}
    while todo:
        dotted = todo.pop()
        if dotted in found:
            continue
        place, name = split(dotted)
        found[dotted] = defined(ALL[place])[name]
        todo += called(ALL[place], name, found[dotted])
    return found


REACHED = reached()


def test_what_is_followed_is_the_drop() -> None:
    """The following of calls sees what it must: a renamed function would make these tests blind."""
    assert {
        "kernel.credentials",
        "kernel._whole",
        "calls_by_libraries.set_capabilities",
        "capabilities.bits",
        "perform.privileges._set_groups_and_gids",
        "handover._restore_signals",
        "handover.Handover.not_found",
        "report.escaped",
    } <= REACHED.keys()


@pytest.mark.parametrize("dotted", sorted(REACHED))
def test_nothing_is_imported_or_opened_after_the_drop(dotted: str) -> None:
    """No import statement and no call that opens stands in what runs from the drop on."""
    nodes = list(ast.walk(REACHED[dotted]))
    assert not [node.lineno for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [ast.unparse(n) for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) in OPENS]


def test_the_drop_itself_imports_nothing_behind_its_frontier() -> None:
    """`perform` looks, prepares, and from its `try` on only does."""
    perform = defined(ALL["perform.privileges"])["perform"]
    body = next(node for node in perform.body if isinstance(node, ast.Try))
    assert not [node for node in ast.walk(body) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_a_personality_imports_nothing_behind_the_frontier() -> None:
    """`_become` drops and runs, `_attempt` says how that failed: neither imports or opens from there on."""
    known = defined(ALL["compat.drop_tools"])
    body = known["_become"].body
    first = next(n for n, node in enumerate(body) if ast.unparse(node).startswith("privileges.perform("))
    behind = [*body[first:], *defined(ALL["compat.tool"])["_attempt"].body]
    nodes = [node for statement in behind for node in ast.walk(statement)]
    assert not [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) in OPENS]


# -- the same, as the kernel sees it ---------------------------------------------------------------

DROP = """
import os
from pydrop import handover, kernel
from pydrop.capabilities import mask_of
from pydrop.model import Identity, Settings, Start
from pydrop.steps import PrivilegesStep
from pydrop.perform import privileges
from pydrop.report import Report
kept = {kept!r}
report = Report()
report.obey(Settings(log_format={form!r}, log_level="debug", sources={{}}))
who = Identity(name="app", uid=1500, gid=1501, group="app", groups=(24, 1501), home="/", shell="", why="test")
step = PrivilegesStep(words="", identity=who, keep_caps=mask_of(kept), no_new_privs=True, umask=0o27)
lines = {lines!r}
start = Start(name="pydrop", arguments=(), environment=lines, ignored=(), blocked=())
ready = handover.Handover(("true", ""), lines, start)
privileges.perform(step, start)
report.info("dropped")
ready.run()
"""
CHANGES = ("capset(", "setgroups(", "setresgid(", "setresuid(", "prctl(PR_CAPBSET_DROP")
OPENING = ("open(", "openat(", "openat2(", "creat(", "readlink(", "mmap(")  # an anonymous mmap opens nothing
WAYS = {
    "plain": {"kept": (), "form": "text", "lines": ("PATH=/nowhere:/etc/passwd:/usr/bin:/bin", "A=1")},
    "json": {"kept": (), "form": "json", "lines": ("PATH=/usr/bin:/bin",)},
    "capabilities kept": {"kept": ("net_bind_service",), "form": "text", "lines": ("PATH=/usr/bin:/bin",)},
    "an environment without names": {"kept": (), "form": "text", "lines": ("PATH=/usr/bin:/bin", "odd", "=x", "")},
}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_the_kernel_sees_nothing_opened_between_the_drop_and_exec(way: str, tmp_path: Path) -> None:
    """From the first call that gives something up until the program runs, no file is opened or mapped."""
    assert shutil.which("strace"), "strace is needed"
    log = tmp_path / "log"
    script = f"{PREPARE}\n{DROP.format(**WAYS[way])}"
    python = [sys.executable, "-I", "-S", "-c", script]
    subprocess.run(["strace", "-o", str(log), *python], check=True, capture_output=True, env={})
    lines = log.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(CHANGES))
    last = max(n for n, line in enumerate(lines) if line.startswith("execve(") and line.endswith("= 0"))
    assert first < last, "the program was not run"
    between = lines[first:last]
    assert any(line.startswith("setresuid(1500, 1500, 1500)") and line.endswith("= 0") for line in between)
    assert [line for line in between if line.startswith(OPENING) and "MAP_ANONYMOUS" not in line] == []


PERSONALITY = """
from pydrop import compat
from pydrop.model import Start
lines = ("PATH=/nowhere:/etc/passwd:/usr/bin:/bin", "A=1")
start = Start(name={name!r}, arguments=("1500:1500", {command!r}), environment=lines, ignored=(), blocked=())
sys.exit(compat.run(start))
"""


@pytest.mark.parametrize("command", ["true", "nosuch"])
@pytest.mark.parametrize("name", NAMES)
def test_nor_behind_a_personalitys_drop(name: str, command: str, tmp_path: Path) -> None:
    """Until the command runs, or the line is written that says why it does not."""
    log = tmp_path / "log"
    python = [sys.executable, "-I", "-S", "-c", f"{PREPARE}\n{PERSONALITY.format(name=name, command=command)}"]
    subprocess.run(["strace", "-o", str(log), *python], check=False, capture_output=True, env={})
    lines = log.read_text().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(CHANGES))
    ends, how = ("execve(", "= 0") if command == "true" else ("write(2, ", "")
    last = max(n for n, line in enumerate(lines) if line.startswith(ends) and line.endswith(how))
    between = lines[first:last]
    assert any(line.startswith("setresuid(1500, 1500, 1500)") and line.endswith("= 0") for line in between)
    assert [line for line in between if line.startswith(OPENING) and "MAP_ANONYMOUS" not in line] == []
