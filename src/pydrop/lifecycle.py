"""Init mode as a table: (state, event) -> (state, actions).

The module is pure: it reads no clock, and touches no process and no signal. `pid1.loop` turns what the kernel reports
into events, feeds them to `Lifecycle.on` one by one, and performs the actions in their order.

    running    the command runs
    stopping   a stop was requested: the command has got its stop signal, and has the stop timeout to end
    killing    the stop timeout is over: every process that is left was sent KILL
    leaving    the command has ended: the processes that it left behind were sent TERM, and have a grace to end
    clearing   the grace is over: those processes were sent KILL
    gone       no process is left: pydrop ends
"""

from pydrop.process import Supervision, Value
from pydrop.signals import CONT, FROM_TERMINAL, KILL, STOP, TERM, TSTP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

AGAIN = 0.1  # seconds between two rounds of KILL, for processes that fork faster than they are killed
MOST_KILLS = 20  # rounds; a process that is left after these is stuck in the kernel, and is left there


class Action(Value):
    """One order to the loop. `do` is its kind:

    pass        send `signal` to the command; to its whole process group where `group`
    send rest   send `signal` to every process that is left; where `late`, a warning names them and gives it as reason
    wait        feed the event `timeout` after `seconds`; None cancels a timer. `or_sooner`: a timer that runs already
                stays where it ends sooner
    foreground  give the terminal to the command's process group
    pause       take the terminal back, and stop init by `signal`, as a shell's job stops
    ready       announce that the command is ready
    stopping    announce that the command is ready no longer
    exit        end pydrop with `code`
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
    """The life of one command: `on` looks the event up in the row of TABLE (below) for the present state."""

    def __init__(self, asked: Supervision, is_pid_1: bool) -> None:
        self.asked = asked
        self.is_pid_1 = is_pid_1
        self.rewrite = dict(asked.rewrite)
        self.state = "running"
        self.code = 0
        self.is_ready = False
        self.paused = False  # the command is stopped
        self.to_pause = False  # the command is about to stop, since init has passed a stop signal on
        self.kills = 0

    def on(self, event: str, value: int = 0) -> list[Action]:
        """The actions for an event, none where the table has no cell for it.

        `value` is the number of the signal for "signal" and "stopped", and the exit code for "ended" (128+N for signal
        N). The other events have no value."""
        act = TABLE[self.state].get(event)
        return act(self, value) if act else []

    # -- the cells -----------------------------------------------------------------------------------

    def _signal(self, number: int) -> list[Action]:
        """Pass a signal on, as `rewrite` has it; one that asks for a stop begins the stop."""
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
        """Tell the command to end. A second request is passed on too, but gives the command no more time."""
        sending: list[Action] = [Action(do="pass", signal=passed, group=self.asked.group)]
        if self.paused:  # a stopped process gets no signal until it is continued
            sending += self._resume()
        if self.state != "running":
            return sending
        self.state = "stopping"
        return [*self._not_ready(), *sending, Action(do="wait", seconds=self.asked.stop_timeout)]

    def _resume(self, _value: int = 0) -> list[Action]:
        self.paused = self.to_pause = False
        return [Action(do="foreground"), Action(do="pass", signal=CONT, group=True)]

    def _stopped(self, number: int) -> list[Action]:
        """The command was stopped by a signal: by the terminal (^Z), or by one that init passed on.

        A session of its own has no shell above it, so the kernel would ignore the stop signals of terminals in it. Such
        a command was sent STOP instead.

        In a shell's job, pydrop is the job that the shell sees: so init stops too. PID 1 cannot be stopped, and nobody
        could continue a command that a terminal stopped below it. So PID 1 continues it at once: a command without an
        init has the kernel ignore that signal."""
        expected, self.to_pause = self.to_pause, False
        self.paused = True
        if self.is_pid_1:
            return self._resume() if number == TSTP and not expected else []
        return [Action(do="pause", signal=number)] if number in FROM_TERMINAL or (expected and number == STOP) else []

    def _ready(self, _value: int) -> list[Action]:
        if self.is_ready:
            return []
        self.is_ready = True
        return [Action(do="ready")]

    def _not_ready(self) -> list[Action]:
        announcement: list[Action] = [Action(do="stopping")] if self.is_ready else []
        self.is_ready = False
        return announcement

    def _ended(self, code: int) -> list[Action]:
        """End the processes that the command left behind too, within the time that a running stop still has."""
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


_ALIVE: "dict[str, Callable[[Lifecycle, int], list[Action]]]" = {  # the cells of each state in which the command lives
    "signal": Lifecycle._signal,
    "stopped": Lifecycle._stopped,
    "unpausable": Lifecycle._resume,  # init could not stop itself: no shell is above that would continue it
    "ended": Lifecycle._ended,
}
TABLE: "dict[str, dict[str, Callable[[Lifecycle, int], list[Action]]]]" = {
    "running": {**_ALIVE, "ready": Lifecycle._ready},
    # The news of a stopped command may come after TERM was passed on. Stopped, the command would not get TERM.
    "stopping": {**_ALIVE, "stopped": Lifecycle._resume, "timeout": Lifecycle._kill},
    "killing": {**_ALIVE, "timeout": Lifecycle._again},
    "leaving": {"empty": Lifecycle._empty, "timeout": Lifecycle._clear},
    "clearing": {"empty": Lifecycle._empty, "timeout": Lifecycle._again},
    "gone": {},
}
