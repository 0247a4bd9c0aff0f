"""Compatibility names: called as gosu, tini and the like, pydrop takes that tool's arguments and behaves as that tool.

The name is argv[0], which the caller chooses freely. So a name grants nothing that the same caller could not get from
`pydrop --user NAME`. No compatibility name reads a setting. None runs set-uid, which the launcher refuses. Each that
drops verifies its drop as pydrop does. `called_as` calls `run`.
"""

import sys

from pydrop.process import Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The name -> its module, which is loaded for that name alone. The module has a function `run(start) -> int`. It returns
# an exit code, or does not return because this process became the command. `pydropctl install` takes the names from
# here too.
COMPATIBILITY_NAMES = {
    "gosu": "pydrop.compat.gosu",
    "su-exec": "pydrop.compat.su_exec",
    "s6-setuidgid": "pydrop.compat.s6_setuidgid",
    "tini": "pydrop.compat.tini",
    "dumb-init": "pydrop.compat.dumb_init",
}
# Those that stay as init beside the program: the process parts in two before `run`. The others become somebody.
INITS = ("tini", "dumb-init")


def name_of(start: Start) -> str:
    """The compatibility name that this process was called by; "" where it is none."""
    name = start.name.rpartition("/")[2]
    return name if name in COMPATIBILITY_NAMES else ""


def run(start: Start) -> int:
    """Run the tool that `start` was called as. Returns an exit code, or never where the command runs. Never raises."""
    module = COMPATIBILITY_NAMES[name_of(start)]
    __import__(module)
    be: Callable[[Start], int] = sys.modules[module].run
    return be(start)
