"""A tool that pydrop is by another name: in whose name it speaks, and with which codes it ends."""

import posix as os

from pydrop import inherited
from pydrop.errors import FAILED, Interrupted, PydropError
from pydrop.process import Start, Value
from pydrop.report import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Tool(Value):
    """By which name to speak, and the tool's own exit codes for pydrop's where they differ."""

    name: str
    codes: dict[int, int]


def answer(stream: int, text: str, code: int) -> int:
    """Write help, a version or a usage line to a standard stream; the exit code, also where nobody is left to tell."""
    try:
        os.write(stream, text.encode())
    except OSError:
        pass
    return code


def attempt(tool: Tool, start: Start, act: "Callable[[], int]") -> int:
    """Do what ends in the command, or in an exit code; every failure is one line."""
    try:
        return _attempt(tool, start, act, Report(program=tool.name))
    except Interrupted as stop:  # while the end was told, to a standard error that nobody empties
        return inherited.end_by(stop.signum)


def _attempt(tool: Tool, start: Start, act: "Callable[[], int]", report: Report) -> int:
    try:
        inherited.interruptible(start)
        inherited.occupy_closed_streams()
        code = act()
    except Interrupted as stop:
        return inherited.end_by(stop.signum)
    except PydropError as error:
        report.error(str(error))
        code = error.code
    except BaseException as bug:
        report.own_fault(bug)
        code = FAILED
    return tool.codes.get(code, code)
