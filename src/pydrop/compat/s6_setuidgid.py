"""s6-setuidgid ACCOUNT|UID:GID PROG...: become somebody, and then the program. HOME stays as it came.

Groups: the gid and those that list the ACCOUNT; the gid alone for UID:GID. Exit codes, as its manual has them:
100 wrong words, 1 no such account, 111 a call failed, 126 and 127 the program cannot be run or is not there.
"""

from pydrop.compat import userspec
from pydrop.compat.drop_tools import DropRequest, become
from pydrop.compat.tool import Tool, answer
from pydrop.errors import FAILED, BadSetting
from pydrop.model import Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.compat.userspec import Files

WRONG_WORDS, NO_ACCOUNT, CALL_FAILED = 100, 1, 111
TOOL = Tool(name="s6-setuidgid", codes={FAILED: CALL_FAILED})
# s6 hands the account's numbers from one of its programs to the next in these, and takes them out again.
ITS_OWN = (("UID", None), ("GID", None), ("GIDLIST", None))


def run(start: Start) -> int:
    """As s6-setuidgid: too few words are answered on standard error, with exit code 100."""
    if len(start.arguments) >= 2:
        return become(TOOL, start, wanted)
    return answer(2, "s6-setuidgid: usage: s6-setuidgid ACCOUNT|UID:GID PROG...\n", WRONG_WORDS)


def wanted(start: Start, known: "Files") -> DropRequest:
    """The first argument says who, the rest is the program."""
    who, program = start.arguments[0], start.arguments[1:]
    if ":" in who:
        return DropRequest(identity=userspec.numbers_identity(who, WRONG_WORDS), command=program)
    if not who or who.startswith("-"):
        raise BadSetting(f"{who!r} is no account", "write the account's name, or UID:GID", WRONG_WORDS)
    account = userspec.account_identity(who, known, NO_ACCOUNT)
    return DropRequest(identity=account, command=program, changes=ITS_OWN)
