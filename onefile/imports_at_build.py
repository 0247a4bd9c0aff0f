"""What the dumped file has imported: everything that a start may ask for, but not what pydropctl alone needs."""

import gc
import sys

from _names_at_build import NAMES  # type: ignore[import-not-found] # frozen.py writes it

# What remembers something of the process or the machine that imports it: a seed, threads, a host's name, a folder.
PER_PROCESS = ("random", "secrets", "uuid", "tempfile", "threading", "logging", "ssl", "site", "multiprocessing")


def everything() -> "list[object]":
    """Import it, and return all objects that there are. Nothing of the garbage is left."""
    for name in NAMES:
        __import__(name)
    for name in PER_PROCESS:
        if name in sys.modules:
            raise ImportError(f"{name} would remember this process")
    gc.collect()
    gc.disable()
    objects = gc.get_objects()
    for base in (object, *object.__subclasses__()):
        objects.append(base)
    gc.freeze()
    return objects
