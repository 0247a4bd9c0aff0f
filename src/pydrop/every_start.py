"""The modules that every start loads, and how they are loaded at once: by_pip's `OwnModules` comes here for `entry`.

To ask `import` for one of them costs 0.03 ms more. A module that is missing here costs just that, and PID 1 holds
nothing of this.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType

# In the order in which they have run when each is imported as ever: tests/program/test_module_files.py says it.
NAMES = """
    capabilities executable command_lookup handover model accounts.account_lines accounts.lookup
    accounts.memberships accounts.numbers accounts.decide accounts.rewrite accounts distribution
    calls_by_libraries kernel checked_reads mountinfo proc_stat steps tmpfiles ground trust ground.own_code
    record settings.raw_setting settings.parsers settings.table settings.sources settings
    inspection.earlier_start inspection.volume_mounts inspection.tmpfiles_glance inspection perform
    state_folder perform.timeline_writer report start_lock performing planning.limits planning.decision
    planning.step_builders planning.orders planning descent standing perform.streams perform.record_file
    perform.privileges
""".split()


def load(find: "Callable[[str, str], ModuleSpec | None]", run: "Callable[[ModuleType], None]") -> None:
    """What `import` does with these modules, without asking for each. `find` and `run` are by_pip's.

    Where one is not plain, it is left to `import`, as are those behind it, and the packages that are still empty."""
    if all(_load(f"pydrop.{name}", find, run) for name in NAMES):
        return
    for name in [name for name, module in sys.modules.items() if name.startswith("pydrop.") and not module.__spec__]:
        del sys.modules[name]


def _load(name: str, find: "Callable[[str, str], ModuleSpec | None]", run: "Callable[[ModuleType], None]") -> bool:
    module = sys.modules.get(name)
    if module and module.__spec__:
        return True
    parent, _, last = name.rpartition(".")
    above = sys.modules.get(parent) or _package(parent)
    spec = find(name, above.__path__[0])
    if spec is None:
        return False
    module = module or type(sys)(name)
    module.__spec__, module.__package__ = spec, parent
    if spec.submodule_search_locations:
        module.__package__, module.__path__ = name, spec.submodule_search_locations
    sys.modules[name] = module
    setattr(above, last, module)
    run(module)
    return True


def _package(name: str) -> "ModuleType":
    """A package as yet empty: the modules in it run before its own code, which imports them."""
    parent, _, last = name.rpartition(".")
    module = sys.modules[name] = type(sys)(name)
    module.__path__ = [f"{sys.modules[parent].__path__[0]}/{last}"]
    return module
