"""What the dumped file has imported: everything that a start may ask for, but not what pydropctl alone needs."""

import gc
import sys
from types import FunctionType

from _names_at_build import NAMES  # type: ignore[import-not-found] # frozen.py writes it

# What remembers something of the process or the machine that imports it: a seed, threads, a host's name, a folder.
PER_PROCESS = ("random", "secrets", "uuid", "tempfile", "threading", "logging", "ssl", "site", "multiprocessing")


def everything() -> None:
    """Import it. Nothing of the garbage is left."""
    for name in NAMES:
        __import__(name)
    for name in PER_PROCESS:
        if name in sys.modules:
            raise ImportError(f"{name} would remember this process")
    for name, module in sys.modules.items():
        if name.startswith("pydrop") and sys.executable in [
            one for one in vars(module).values() if isinstance(one, str)
        ]:
            raise ImportError(f"{name} would remember where the file was")
    gc.collect()
    gc.disable()


def objects() -> "list[object]":
    """All that there are and that the collector would look at, and what it need not look at."""
    found = gc.get_objects()
    found.extend([object, *object.__subclasses__()])
    look_up(found)
    gc.freeze()
    return found


def look_up(found: "list[object]") -> None:
    """Ask each type for what pydrop's code names: CPython keeps the answers in a table."""
    codes = [one for one in found if isinstance(one, FunctionType) and one.__module__.startswith("pydrop")]
    named = {name for one in codes for name in one.__code__.co_names if not name.startswith("__")}
    for one in found:
        if isinstance(one, type):
            for name in named & set(dir(one)):
                getattr(one, name, None)
