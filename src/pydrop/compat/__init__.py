"""Other tools' names for pydrop: called by one of them, it takes that tool's arguments, does and exits as that tool.

The name is argv[0], which whoever starts a program may choose freely. So a name gives nothing that the
same caller could not have from `pydrop --user NAME` itself: no personality reads a setting, none runs
set-uid (launcher.c refuses that before any name is looked at), and each proves its drop as pydrop does.
"""

import sys

from pydrop.process import Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The name -> the module that is it, loaded only by that name. It has one function `run(start) -> int`,
# which returns an exit code, or does not return because it became the command. `pydropctl install`
# takes its names from here too.
COMPATIBILITY_NAMES = {
    "gosu": "pydrop.compat.gosu",
    "su-exec": "pydrop.compat.su_exec",
    "s6-setuidgid": "pydrop.compat.s6_setuidgid",
    "tini": "pydrop.compat.tini",
    "dumb-init": "pydrop.compat.dumb_init",
}


def name_of(start: Start) -> str:
    """By which personality's name this was called; "" where by none."""
    name = start.name.rpartition("/")[2]
    return name if name in COMPATIBILITY_NAMES else ""


def run(start: Start) -> int:
    """Be the tool of the name that `start` was called by. Returns an exit code, or never; raises nothing."""
    module = COMPATIBILITY_NAMES[name_of(start)]
    __import__(module)
    be: Callable[[Start], int] = sys.modules[module].run
    return be(start)
