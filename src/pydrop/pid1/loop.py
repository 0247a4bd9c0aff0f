"""The loop of init: it takes one signal after the other from the kernel, and performs the lifecycle's actions for it.

Every signal is blocked and waited for (sigwaitinfo(2)). So no signal interrupts a call, none is lost, and init sleeps
as long as nothing happens. The kernel reports a readable descriptor by a signal too (see readiness).
"""

import _signal
import posix as os
import time

from pydrop import signals
from pydrop.lifecycle import Action, Lifecycle
from pydrop.pid1 import leftovers, memory, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.pid1.readiness import Readiness
    from pydrop.report import Report

EXPECTED = (signals.HUP, signals.INT, signals.QUIT, signals.TERM, 13)  # ordinary ends of a program; 13 is PIPE
STOPPED = 0x7F  # low byte of a wait status (wait(2))


def _is_alone() -> bool:
    """Whether this process has no child any more. waitid(2) is faster than a look through /proc."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


class Ended(Exception):
    """The action "exit" was performed; `code` is pydrop's exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Loop:
    """One command, which is a child of this process, and all processes that end up below this one."""

    def __init__(self, life: Lifecycle, child: int, name: str, controlling: int, readiness: "Readiness | None") -> None:
        self.life = life
        self.child = child
        self.name = name
        self.terminal = controlling
        self.readiness = readiness
        self.deadline: float | None = None
        self.counter = memory.opened()
        self.killed_before = memory.kills(self.counter)
        self.passed: set[int] = set()

    def run(self, report: "Report") -> int:
        """Look after the command until no process is left. Returns pydrop's exit code."""
        self.report = report
        try:
            if self.readiness:
                self.readiness.begin()
            if self.life.asked.ready == "started" or (self.readiness and self.readiness.look()):
                self._feed("ready")
            self._reap()
            while True:
                self._take(self._next())
        except Ended as end:
            return end.code

    def _next(self) -> "_signal.struct_siginfo | None":
        """Wait for the next signal. None where the deadline passes first."""
        if self.deadline is None:
            return _signal.sigwaitinfo(signals.ALL)
        return _signal.sigtimedwait(signals.ALL, max(0.0, self.deadline - time.monotonic()))

    def _take(self, came: "_signal.struct_siginfo | None") -> None:
        if came is None:
            self.deadline = None
            self._feed("timeout")
            return
        by_kernel = came.si_code > 0
        if came.si_signo == signals.CHLD:
            self._reap()
        if came.si_signo == signals.WAKE and by_kernel:
            if self.readiness and self.readiness.look():
                self._feed("ready")
        elif came.si_signo != signals.CHLD or not by_kernel:
            self._feed("signal", came.si_signo)

    def _reap(self) -> None:
        """Reap every child that has ended, and note a stopped one; orphans of other parents are among them."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
                if pid == 0:
                    return
                if pid == self.child:
                    self._about_the_command(status)
                elif self.life.asked.names_reaped and status & 0xFF != STOPPED:
                    self.report.warn(f"reaped process {pid}, whose parent was gone")
        except ChildProcessError:  # no child is left
            self._feed("empty")

    def _about_the_command(self, status: int) -> None:
        if status & 0xFF == STOPPED:
            self._feed("stopped", status >> 8)
            return
        code = os.waitstatus_to_exitcode(status)
        how = f"with {code}" if code >= 0 else f"by {signals.name_of(-code)}"
        self.report.debug(f"{self.name} (pid {self.child}) has ended {how}")
        if code < 0:
            self._tell_signal(-code)
        self._feed("ended", 128 - code if code < 0 else code)

    def _tell_signal(self, number: int) -> None:
        """Warn of an end that the exit code alone does not explain."""
        oom_kills = memory.kills(self.counter) - self.killed_before
        if number == signals.KILL and oom_kills > 0:
            self.report.warn(
                f"{self.name} was killed by the kernel, because the container has no more memory; "
                "give it more (docker: --memory, compose: mem_limit), or have the program use less"
            )
        elif number not in EXPECTED and number not in self.passed:
            self.report.warn(
                f"{self.name} was ended by {signals.name_of(number)}, which {self.report.program} did not send"
            )

    # -- actions -------------------------------------------------------------------------------------

    def _feed(self, event: str, value: int = 0) -> None:
        for action in self.life.on(event, value):
            ACTIONS[action.do](self, action)

    def _pass(self, action: Action) -> None:
        self.passed.add(action.signal)
        try:
            os.kill(-self.child if action.group else self.child, action.signal)
        except ProcessLookupError:  # the command has ended, and the next signal is SIGCHLD
            return
        except OSError as error:
            self.report.warn(
                f"unable to pass {signals.name_of(action.signal)} on to {self.name}: {error.strerror}; "
                "it has become another user: let pydrop keep CAP_KILL (cap_add: [KILL]) or set keep-root"
            )
            return
        group = "'s process group" if action.group else ""
        self.report.debug(f"passed {signals.name_of(action.signal)} on to {self.name}{group} (pid {self.child})")

    def _send_rest(self, action: Action) -> None:
        if _is_alone():
            return
        rest = leftovers.below(os.getpid())
        self.passed.add(action.signal)
        if action.late and rest:
            self.report.warn(f"killed {leftovers.named(rest)}: {action.late}")
        refused = leftovers.send(rest, action.signal)
        if refused and action.late:
            self.report.warn(f"unable to end {leftovers.named(refused)}: they belong to other users")

    def _wait(self, action: Action) -> None:
        end = None if action.seconds is None else time.monotonic() + action.seconds
        if action.or_sooner and self.deadline is not None and end is not None:
            end = min(end, self.deadline)
        self.deadline = end

    def _foreground(self, _action: Action) -> None:
        """Give the terminal to the command, where init's own group has it.

        Where a shell continues pydrop in the background, another job has the terminal."""
        if self._has_terminal():
            terminal.give(self.terminal, self.child)

    def _has_terminal(self) -> bool:
        return self.terminal >= 0 and terminal.is_in_front(self.terminal, os.getpgrp())

    def _pause(self, action: Action) -> None:
        """Take the terminal back and stop, as a shell's job does.

        A command that stopped for want of the terminal (TTIN, TTOU) may be continued instead, where init's group has
        the terminal by now. A shell that brings a running background job to the front does not tell it."""
        if action.signal in (signals.TTIN, signals.TTOU) and self._has_terminal():
            self._feed("unpausable")
            return
        if self.terminal >= 0 and terminal.is_in_front(self.terminal, self.child):
            terminal.give(self.terminal, os.getpgrp())
        if not terminal.stop_as_job(action.signal):
            self._feed("unpausable")

    def _ready(self, _action: Action) -> None:
        if self.readiness:
            self.readiness.ready()

    def _stopping(self, _action: Action) -> None:
        if self.readiness:
            self.readiness.stopping()

    def _exit(self, action: Action) -> None:
        raise Ended(action.code)


ACTIONS: "dict[str, Callable[[Loop, Action], None]]" = {
    "pass": Loop._pass,
    "send rest": Loop._send_rest,
    "wait": Loop._wait,
    "foreground": Loop._foreground,
    "pause": Loop._pause,
    "ready": Loop._ready,
    "stopping": Loop._stopping,
    "exit": Loop._exit,
}
