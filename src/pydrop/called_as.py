"""Begins what argv[0] names: `pydrop`, `pydropctl` or a compatibility name. Every way into pydrop ends in `begin`.

Where init mode is asked for, the process parts in two here, before anything else is loaded: what stays as PID 1 holds
nothing of a start.
"""

import posix as os

from pydrop import compat, init_asked
from pydrop.errors import FAILED, PydropError, not_loaded
from pydrop.process import Start


def begin(start: Start) -> None:
    """Run what `start` was called as, to its end. Never returns."""
    name = compat.name_of(start)
    try:
        if _stays(start, name):
            from pydrop.pid1 import forking

            forking.fork(start, name or "pydrop")
        code = _run(start, name)
    except PydropError as error:
        code = _refused(error, name)
    except ImportError as error:
        code = _refused(not_loaded(error), name)
    os._exit(code)  # without Python's own shutdown: nothing is buffered, and no more code may run


def _stays(start: Start, name: str) -> bool:
    """Whether a process is to stay beside the command, as far as that can be told now."""
    if name or _is_ctl(start):
        return name in compat.INITS
    return init_asked.surely(start.arguments, start.environment)


def _is_ctl(start: Start) -> bool:
    return start.name.rpartition("/")[2] == "pydropctl"


def _run(start: Start, name: str) -> int:
    """Returns an exit code, or never. `pydropctl` ends by SystemExit, since it has output to be flushed."""
    if name:
        return compat.run(start)
    if _is_ctl(start):
        from pydrop.ctl.main import run

        run(start)
    from pydrop import entry

    return entry.begin(start)


def _refused(error: PydropError, name: str) -> int:
    """Print why nothing can begin: a module that is not there, a process that may not be made."""
    from pydrop.report import Report

    Report(program=name or "pydrop").error(str(error))
    return FAILED
