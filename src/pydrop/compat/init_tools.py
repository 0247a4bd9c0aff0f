"""What tini and dumb-init have in common: init, the process above, which launcher.c has forked from this one, is told
how to look after the command, and this one becomes it.

Nothing of a start is done: no setting is read, no file changed, and both processes stay who they are.
"""

import posix as os
import sys

from pydrop import compat, handover, inherited
from pydrop.compat.tool import Tool, answer, attempt
from pydrop.errors import FAILED
from pydrop.pid1 import starter, terminal
from pydrop.process import InitStep, Start, Supervision, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Parse = Callable[[Start], "InitRequest | Said"]


class InitRequest(Value):
    """What words and environment ask for. `level` is what is told at least: "error", "warn" or "debug"."""

    command: tuple[str, ...]
    supervision: Supervision
    level: str


class Said(Value):
    """An answer instead of a program: help, a version, a usage line."""

    stream: int
    text: str
    code: int


def launched() -> None:
    """What boot_files calls where the name is one of these tools': without the modules of a start. Never returns."""
    os._exit(compat.run(inherited.from_launcher(sys.argv)))


def supervise(tool: Tool, start: Start, parse: "Parse") -> int:
    """Become the command, looked after as `parse` says; returns only with an exit code."""
    init = start.init
    assert init is not None, "launcher.c forks for every name that comes here"
    code = attempt(tool, start, lambda: _become_or_answer(start, parse(start)))
    starter.fails(init)
    return code


def _become_or_answer(start: Start, wanted: "InitRequest | Said") -> int:
    if isinstance(wanted, Said):
        return answer(wanted.stream, wanted.text, wanted.code)
    init = start.init
    assert init is not None
    ready = handover.Handover(wanted.command, start.environment, start)
    starter.perform(_step(wanted), start)
    starter.wait_for_go(init)
    if wanted.supervision.session:
        terminal.take()
    ready.run()
    return FAILED


def _step(wanted: InitRequest) -> InitStep:
    return InitStep(
        words="the process above stays, to pass signals on and to reap",
        supervision=wanted.supervision,
        identity=None,
        keep_root=False,
        keeps_kill=False,
        name=wanted.command[0],
        level=wanted.level,
        form="text",
    )


def supervision(start: Start, **asked: object) -> Supervision:
    """As these tools have it: who is asked to stop has all the time that it takes, and PID 1 gives up nothing.

    Where this is PID 1, the kernel kills what is left as soon as it ends: that is told to end first, and has a moment
    for it. Elsewhere it lives on, as behind the tool."""
    is_pid_1 = start.init is not None and start.init.pid == 1
    return Supervision(**{"stop_timeout": None, "as_came": True, "clears": is_pid_1, **asked})  # type: ignore[arg-type] # by name
