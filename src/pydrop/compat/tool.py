"""The frame of all compatibility names: messages under the tool's name, and the tool's own exit codes."""

import posix as os

from pydrop import inherited
from pydrop.errors import FAILED, Interrupted, PydropError, not_loaded
from pydrop.process import Start, Value
from pydrop.report import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Tool(Value):
    """A tool's `name` for messages, and its exit codes: `codes` maps pydrop's to the tool's where they differ."""

    name: str
    codes: dict[int, int]


def answer(stream: int, text: str, code: int) -> int:
    """Write help, a version or a usage line to a standard stream. Returns `code`, also where the stream is closed."""
    try:
        os.write(stream, text.encode())
    except OSError:
        pass
    return code


def attempt(tool: Tool, start: Start, act: "Callable[[], int]") -> int:
    """Call `act`, which becomes the command or returns an exit code. Each failure is one line of output."""
    try:
        return _attempt(tool, start, act, Report(program=tool.name))
    except Interrupted as stop:  # the signal came while a message waited for somebody to empty standard error
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
    except ImportError as error:
        report.error(str(not_loaded(error)))
        code = FAILED
    except BaseException as bug:
        report.own_fault(bug)
        code = FAILED
    return tool.codes.get(code, code)
