"""su-exec USER[:GROUP] COMMAND [ARG]...: become the user, with HOME set, then the command. A failure is exit code 1.

The supplementary groups are the gid and those that list the account; the gid alone where a GROUP is named.
"""

from pydrop.compat import userspec
from pydrop.compat.drop_tools import DropRequest, become
from pydrop.compat.tool import Tool, answer
from pydrop.errors import FAILED, NOT_EXECUTABLE, NOT_FOUND
from pydrop.model import Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.compat.userspec import Files

TOOL = Tool(name="su-exec", codes={FAILED: 1, NOT_EXECUTABLE: 1, NOT_FOUND: 1})


def run(start: Start) -> int:
    """Run as su-exec: with too few arguments the usage goes to standard output, with exit code 0."""
    if len(start.arguments) >= 2:
        return become(TOOL, start, wanted)
    return answer(1, "Usage: su-exec USER[:GROUP] COMMAND [ARG]...\n", 0)


def wanted(start: Start, known: "Files") -> DropRequest:
    """The request: the first argument names the user, the rest is the command."""
    who = userspec.identity(start.arguments[0], known, with_gid=True)
    return DropRequest(identity=who, command=start.arguments[1:], changes=(("HOME", who.home),))
