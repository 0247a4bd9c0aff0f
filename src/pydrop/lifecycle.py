"""Init mode as a table: (state, event) -> (state, actions). Pure: no clock, no process, no signal is touched here.

    running    the command runs
    stopping   a stop was asked for: the command has its stop signal, and until the stop timeout to end
    killing    that time is over: all that is left was sent KILL
    leaving    the command has ended; what it left behind was sent TERM, and has a grace to end
    clearing   that time is over: what was left behind was sent KILL
    gone       nothing is left: pydrop ends

The loop (pid1) turns what the kernel tells into events, feeds them one by one, and does the actions in their order.
"""

from pydrop.process import Supervision, Value
from pydrop.signals import CONT, FROM_TERMINAL, KILL, STOP, TERM, TSTP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

AGAIN = 0.1  # seconds between two KILLs of what forks faster than it is killed
MOST_KILLS = 20  # what is still there after so many (a process stuck in the kernel) is left to it


class Action(Value):
    """One thing that the loop is asked to do.

    pass        send `signal` to the command; to its whole process group where `group`
    send rest   send `signal` to every process that is left; `late` says why, and has them named to the person
    wait        `timeout` is the event that comes in `seconds`; None takes it back. `or_sooner`: one that is set already
                and ends sooner stays
    foreground  the command's process group gets the terminal
    pause       stop by `signal`, as a shell's job does, and give the terminal back
    ready       the command is ready: tell it to who wants to know
    stopping    it is so no longer
    exit        end with `code`
    """

    do: str
    signal: int = 0
    group: bool = False
    late: str = ""
    seconds: float | None = None
    or_sooner: bool = False
    code: int = 0


# -- the machine -----------------------------------------------------------------------------------


class Lifecycle:
    """One command's life: `on` looks the event up in TABLE, below, in the row of the state that it finds."""

    def __init__(self, asked: Supervision, is_pid_1: bool) -> None:
        self.asked = asked
        self.is_pid_1 = is_pid_1
        self.rewrite = dict(asked.rewrite)
        self.state = "running"
        self.code = 0
        self.is_ready = False
        self.paused = False  # the command is stopped
        self.to_pause = False  # since we passed such a signal on
        self.kills = 0

    def on(self, event: str, value: int = 0) -> list[Action]:
        """What is to be done about an event: a signal or a stop (`value` its number), an end (`value` the exit code,
        128+N for signal N), or one of the others, without a value."""
        act = TABLE[self.state].get(event)
        return act(self, value) if act else []

    # -- the cells -----------------------------------------------------------------------------------

    def _signal(self, number: int) -> list[Action]:
        """Pass it on, unless it asks for a stop."""
        passed = self.rewrite.get(number, self.asked.stop_signal if self._asks_to_stop(number) else number)
        if passed == 0:
            return []
        if self._asks_to_stop(number):
            return self._stop(passed)
        if passed in FROM_TERMINAL:
            self.to_pause = True
            return [Action(do="pass", signal=STOP if self.asked.session else passed, group=True)]
        return self._resume() if passed == CONT else [Action(do="pass", signal=passed, group=self.asked.group)]

    def _asks_to_stop(self, number: int) -> bool:
        return number in (TERM, self.asked.stop_signal)

    def _stop(self, passed: int) -> list[Action]:
        """The command is told to end. A second request is passed on too, but gives it no more time."""
        told: list[Action] = [Action(do="pass", signal=passed, group=self.asked.group)]
        if self.paused:  # a stopped process would not see it
            told += self._resume()
        if self.state != "running":
            return told
        self.state = "stopping"
        return [*self._not_ready(), *told, Action(do="wait", seconds=self.asked.stop_timeout)]

    def _resume(self, _value: int = 0) -> list[Action]:
        self.paused = self.to_pause = False
        return [Action(do="foreground"), Action(do="pass", signal=CONT, group=True)]

    def _stopped(self, number: int) -> list[Action]:
        """The command was stopped by a signal: a terminal's ^Z, or one that we passed on.

        A session of its own has no shell above, so that the kernel would ignore what stops jobs: there it was STOP.

        Above a shell's job there is a shell, to which pydrop is the job: it stops too. PID 1 cannot be stopped, and
        nobody could continue what a terminal stopped there: without an init the kernel ignores that signal."""
        asked, self.to_pause = self.to_pause, False
        self.paused = True
        if self.is_pid_1:
            return self._resume() if number == TSTP and not asked else []
        return [Action(do="pause", signal=number)] if number in FROM_TERMINAL or (asked and number == STOP) else []

    def _ready(self, _value: int) -> list[Action]:
        if self.is_ready:
            return []
        self.is_ready = True
        return [Action(do="ready")]

    def _not_ready(self) -> list[Action]:
        said: list[Action] = [Action(do="stopping")] if self.is_ready else []
        self.is_ready = False
        return said

    def _ended(self, code: int) -> list[Action]:
        """What is left of the command's children is ended too, within the time that a stop still has."""
        before, self.state = self.state, "leaving"
        self.code = dict(self.asked.exit_codes).get(code, code)
        if not self.asked.clears:
            return [*self._not_ready(), *self._end_group(), *self._empty()]
        if before == "killing":
            self.state = "clearing"
            return [Action(do="send rest", signal=KILL), Action(do="wait", seconds=AGAIN)]
        grace = Action(do="wait", seconds=self.asked.kill_grace, or_sooner=before == "stopping")
        return [*self._not_ready(), Action(do="send rest", signal=TERM), grace]

    def _end_group(self) -> list[Action]:
        passed = self.rewrite.get(TERM, TERM) if self.asked.ends_group else 0
        return [Action(do="pass", signal=passed, group=True)] if passed else []

    def _empty(self, _value: int = 0) -> list[Action]:
        self.state = "gone"
        return [Action(do="exit", code=self.code)]

    def _kill(self, _value: int) -> list[Action]:
        self.state = "killing"
        return [Action(do="send rest", signal=KILL, late="the stop timeout is over"), Action(do="wait", seconds=AGAIN)]

    def _clear(self, _value: int) -> list[Action]:
        self.state = "clearing"
        return [
            Action(do="send rest", signal=KILL, late="the command is gone and left this behind"),
            Action(do="wait", seconds=AGAIN),
        ]

    def _again(self, _value: int) -> list[Action]:
        self.kills += 1
        if self.kills < MOST_KILLS:
            return [Action(do="send rest", signal=KILL), Action(do="wait", seconds=AGAIN)]
        if self.state == "killing":  # the command itself cannot be killed
            self.code = 128 + KILL
        return self._empty()


_ALIVE: "dict[str, Callable[[Lifecycle, int], list[Action]]]" = {  # what happens as long as the command lives
    "signal": Lifecycle._signal,
    "stopped": Lifecycle._stopped,
    "unpausable": Lifecycle._resume,  # pydrop could not stop itself: no shell is above that would continue it
    "ended": Lifecycle._ended,
}
TABLE: "dict[str, dict[str, Callable[[Lifecycle, int], list[Action]]]]" = {
    "running": {**_ALIVE, "ready": Lifecycle._ready},
    # A command that is found stopped now, since the word of that came behind TERM, would not see TERM.
    "stopping": {**_ALIVE, "stopped": Lifecycle._resume, "timeout": Lifecycle._kill},
    "killing": {**_ALIVE, "timeout": Lifecycle._again},
    "leaving": {"empty": Lifecycle._empty, "timeout": Lifecycle._clear},
    "clearing": {"empty": Lifecycle._empty, "timeout": Lifecycle._again},
    "gone": {},
}
