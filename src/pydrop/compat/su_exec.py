"""su-exec USER[:GROUP] COMMAND [ARG]...: become somebody, with HOME set, then the command. A failure is exit code 1.

Groups: the gid and those that list the account; the gid alone where a GROUP is named.
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
    """As su-exec: too few words are answered on standard output, with exit code 0."""
    if len(start.arguments) >= 2:
        return become(TOOL, start, wanted)
    return answer(1, "Usage: su-exec USER[:GROUP] COMMAND [ARG]...\n", 0)


def wanted(start: Start, known: "Files") -> DropRequest:
    """The first argument says who, the rest is the command."""
    who = userspec.identity(start.arguments[0], known, with_gid=True)
    return DropRequest(identity=who, command=start.arguments[1:], changes=(("HOME", who.home),))
