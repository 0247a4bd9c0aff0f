"""The common part of tini and dumb-init, in the starter: it tells init how to look after the command, and becomes it.

`called_as` has parted the two processes. No other work of a start is done: no setting is read, no file is changed, and
both processes keep their credentials.
"""

from pydrop import handover
from pydrop.compat.tool import Tool, answer, attempt
from pydrop.errors import FAILED
from pydrop.pid1 import starter, terminal
from pydrop.process import InitStep, Start, Supervision, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Parse = Callable[[Start], "InitRequest | Answer"]


class InitRequest(Value):
    """The command, its supervision, and the `level` of messages ("error", "warn", "debug") that were asked for."""

    command: tuple[str, ...]
    supervision: Supervision
    level: str


class Answer(Value):
    """An answer in place of the program: help, a version or a usage line, with its stream (1, 2) and exit code."""

    stream: int
    text: str
    code: int


def supervise(tool: Tool, start: Start, parse: "Parse") -> int:
    """Become the command, supervised as `parse` finds it. Returns an exit code where no command runs."""
    init = start.init
    assert init is not None, "called_as forks for every name that comes here"
    code = attempt(tool, start, lambda: _become_or_answer(start, parse(start)))
    starter.fails(init)
    return code


def _become_or_answer(start: Start, wanted: "InitRequest | Answer") -> int:
    if isinstance(wanted, Answer):
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
        empty_bounding=False,
        keeps_kill=False,
        name=wanted.command[0],
        level=wanted.level,
        form="text",
    )


def supervision(start: Start, **asked: object) -> Supervision:
    """The supervision of these tools: a stop has no timeout, and init drops nothing.

    Where init is PID 1, the kernel kills all other processes as soon as it ends. So init sends them TERM first, and
    gives them a grace to end. Elsewhere they live on, as after the original tools."""
    is_pid_1 = start.init is not None and start.init.pid == 1
    return Supervision(**{"stop_timeout": None, "as_came": True, "clears": is_pid_1, **asked})  # type: ignore[arg-type] # by name
