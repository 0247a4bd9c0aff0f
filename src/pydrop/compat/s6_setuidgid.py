"""s6-setuidgid ACCOUNT|UID:GID PROG...: become the account, and then the program. HOME stays as it came.

The supplementary groups are the gid and those that list the ACCOUNT; for UID:GID the gid alone. The exit codes are
those of its manual: 100 usage error, 1 no such account, 111 a call failed, 126 the program cannot be run, 127 it was
not found.
"""

from pydrop.compat import userspec
from pydrop.compat.drop_tools import DropRequest, become
from pydrop.compat.tool import Tool, answer
from pydrop.errors import FAILED, BadSetting, shortened
from pydrop.model import Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.compat.userspec import Files

USAGE_ERROR, NO_ACCOUNT, CALL_FAILED = 100, 1, 111
TOOL = Tool(name="s6-setuidgid", codes={FAILED: CALL_FAILED})
# One program of s6 hands the account's numbers to the next in these variables, which removes them again.
ITS_OWN = (("UID", None), ("GID", None), ("GIDLIST", None))


def run(start: Start) -> int:
    """Run as s6-setuidgid: with too few arguments the usage goes to standard error, with exit code 100."""
    if len(start.arguments) >= 2:
        return become(TOOL, start, wanted)
    return answer(2, "s6-setuidgid: usage: s6-setuidgid ACCOUNT|UID:GID PROG...\n", USAGE_ERROR)


def wanted(start: Start, known: "Files") -> DropRequest:
    """The request: the first argument names the account or the ids, the rest is the program."""
    who, program = start.arguments[0], start.arguments[1:]
    if ":" in who:
        return DropRequest(identity=userspec.numbers_identity(who, USAGE_ERROR), command=program)
    if not who or who.startswith("-"):
        raise BadSetting(f"{shortened(repr(who))} is no account", "write the account's name, or UID:GID", USAGE_ERROR)
    account = userspec.account_identity(who, known, NO_ACCOUNT)
    return DropRequest(identity=account, command=program, changes=ITS_OWN)
