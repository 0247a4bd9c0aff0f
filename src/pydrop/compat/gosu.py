"""gosu USER[:GROUP] COMMAND [ARG]...: become the user, with HOME set, and then the command. A failure is exit code 1.

The supplementary groups are those that list the account, and none where a GROUP is named. The gid is not among them.
"""

from pydrop import __version__
from pydrop.compat import userspec
from pydrop.compat.drop_tools import DropRequest, become
from pydrop.compat.tool import Tool, answer
from pydrop.errors import FAILED, NOT_EXECUTABLE, NOT_FOUND
from pydrop.model import Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.compat.userspec import Files

TOOL = Tool(name="gosu", codes={FAILED: 1, NOT_EXECUTABLE: 1, NOT_FOUND: 1})
USAGE = f"""\
Usage: gosu USER[:GROUP] COMMAND [ARG]...
   as: gosu app python3 -m http.server
       gosu nobody:nogroup id
       gosu 1500:1500 id

This gosu is pydrop by another name, version {__version__}.
"""


def run(start: Start) -> int:
    """Run as gosu: help and version go to standard output; the usage goes to standard error, with exit code 1."""
    first = start.arguments[0] if start.arguments else ""
    if first in ("--help", "-h", "-?"):
        return answer(1, USAGE, 0)
    if first in ("--version", "-v"):
        return answer(1, f"pydrop {__version__} by the name gosu\n", 0)
    if len(start.arguments) < 2:
        return answer(2, USAGE, 1)
    return become(TOOL, start, wanted)


def wanted(start: Start, known: "Files") -> DropRequest:
    """The request: the first argument names the user, the rest is the command."""
    who = userspec.identity(start.arguments[0], known, with_gid=False)
    return DropRequest(identity=who, command=start.arguments[1:], changes=(("HOME", who.home),))
