"""Init, until the command runs: it reads the starter's request, drops privileges as the starter does, and says go.

From then on `pid1.loop` looks after the command. `pid1.forking` calls this module.
"""

import _signal
import marshal
import posix as os

from pydrop import inherited, kernel
from pydrop.errors import FAILED, PydropError
from pydrop.lifecycle import Lifecycle
from pydrop.perform import privileges
from pydrop.pid1 import terminal
from pydrop.pid1.dialogue import ASKED, GO, INIT_REFUSES, STARTER_FAILED
from pydrop.pid1.loop import Loop
from pydrop.process import Identity, InitStep, PrivilegesStep, Start, StarterProcess, Supervision, Value
from pydrop.report import Report, escaped
from pydrop.signals import ENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from pydrop.pid1.readiness import Readiness

    Kind = TypeVar("Kind", bound=Value)

KILL_CAPABILITY = 1 << 5


def _rebuilt(kind: "type[Kind]", contents: tuple[object, ...]) -> "Kind":
    """The value that starter.plain took apart; a value inside it is still a tuple."""
    value = kind.__new__(kind)
    value.__dict__.update(zip(value.fields, contents, strict=True))
    return value


def stay(start: Start, program: str) -> None:
    """Be init of `start.starter` to the end. Never returns."""
    assert start.starter is not None
    init = Init(start, start.starter, program)
    try:
        init.hear_out()
        os._exit(init.to_the_end())
    except Exception as bug:
        init.report.error(f"pydrop itself failed as init: {type(bug).__name__}: {bug}; report it")
        os._exit(FAILED)


class Init:
    """Init, from the fork to its end. `child` is the starter, which becomes the command."""

    def __init__(self, start: Start, child: StarterProcess, program: str) -> None:
        self.start = start
        self.child = child.pid
        self.asks = child.asks
        self.answers = child.answers
        self.terminal = terminal.controlling()
        self.report = Report(program=program)
        self.ending: list[int] = []  # the signals that were passed on to the starter, and end the start
        self.step: InitStep | None = None
        self.pipe = -1

    def hear_out(self) -> None:
        """Read the starter's request, and meanwhile pass on to it what would end a start."""
        _adopt_orphans(self.report)
        ends = [n for n in ENDING if n not in self.start.blocked and _signal.getsignal(n) != _signal.SIG_IGN]
        for number in ends:
            _signal.signal(number, self._pass_on)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, ends)
        if os.read(self.asks, 1) == ASKED:
            self._read_request()
        _signal.pthread_sigmask(_signal.SIG_BLOCK, ends)
        for number in ends:
            _signal.signal(number, _signal.SIG_DFL)

    def _pass_on(self, number: int, _frame: object) -> None:
        self.ending.append(number)
        os.kill(self.child, number)

    def _read_request(self) -> None:
        """Read the step that the starter asks for into `self.step`; it stays None where the starter dies meanwhile."""
        head = os.read(self.asks, 8)
        size, content = int.from_bytes(head[:4], "little"), b""
        self.pipe = int.from_bytes(head[4:], "little") - 1
        while len(content) < size:
            part = os.read(self.asks, size - len(content))
            if not part:
                return
            content += part
        step = _rebuilt(InitStep, marshal.loads(content))  # noqa: S302 # from our own child, before it is the command
        step.supervision = _rebuilt(Supervision, step.supervision)  # type: ignore[arg-type] # still a tuple
        step.identity = step.identity and _rebuilt(Identity, step.identity)  # type: ignore[arg-type] # still a tuple
        self.step = step

    def to_the_end(self) -> int:
        """Drop privileges, let the command run, and look after it. Returns the exit code of pydrop."""
        step = self.step
        if step is None:  # the starter has ended without running a command
            return self._end_of_child()
        self.report.speak(step.level, step.form)
        try:
            readiness = self._prepare(step)
            self._drop_privileges(step)
        except PydropError as error:
            return self._refuse(str(error))
        except OSError as error:
            return self._refuse(f"unable to stay as init: {error.strerror}; the command was not run")
        if self.ending:
            self._answer(INIT_REFUSES + b"\n")
            return self._end_of_child()
        self._answer(GO)
        loop = Loop(Lifecycle(step.supervision, os.getpid() == 1), self.child, step.name, self.terminal, readiness)
        if os.read(self.asks, 1) == STARTER_FAILED:
            return self._end_of_child()
        os.close(self.asks)
        os.close(self.answers)
        return loop.run(self.report)

    def _refuse(self, why: str) -> int:
        """Keep the starter from running the command, and print `why`. Where the starter has failed too, perhaps by the
        same fault, it has printed its own error already. Returns 125."""
        self._answer(INIT_REFUSES + b"\n")
        if os.read(self.asks, 1) != STARTER_FAILED:
            self.report.error(why)
        self._end_of_child()
        return FAILED

    def _answer(self, word: bytes) -> None:
        try:
            os.write(self.answers, word)
        except OSError:  # the starter has ended, which the next read from the other pipe shows
            pass

    def _prepare(self, step: InitStep) -> "Readiness | None":
        """Do what needs root, or needs the starter before it becomes the command; close what init must not hold."""
        asked, readiness = step.supervision, None
        if asked.session:
            terminal.let_go()
        _close_descriptors({self.asks, self.answers, self.terminal} - {-1}, asked.as_came)
        if asked.ready != "started" or asked.ready_file or asked.announces:
            from pydrop.pid1.readiness import Readiness

            readiness = Readiness(asked, self.report.warn)
            readiness.open(f"/proc/{self.child}/fd/{self.pipe}", self.start.environment)
            if address := readiness.address():
                self._answer(address.encode("ascii") + b"\n")
        kernel.set_title(escaped(f"{self.report.program}: init of {step.name}"))  # the name's bytes may be no UTF-8
        return readiness

    def _drop_privileges(self, step: InitStep) -> None:
        """Drop as the starter does. CAP_KILL is kept where programs may become other users, for signals to them."""
        if step.identity is not None:
            keep = KILL_CAPABILITY & _permitted() if step.keeps_kill else 0
            drop = PrivilegesStep(
                words="",
                identity=step.identity,
                keep_caps=keep,
                no_new_privs=True,
                umask=None,
                keep_root=step.keep_root,
                empty_bounding=step.empty_bounding,
                inherits=False,
            )
            privileges.perform(drop, self.start)
        if not step.supervision.as_came:
            kernel.set_undumpable()
        if step.supervision.pdeathsig is not None:
            kernel.set_parent_death_signal(step.supervision.pdeathsig)

    def _end_of_child(self) -> int:
        """Wait for the starter's end. Returns its exit code, 128+N where signal N ended it."""
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == self.child:
                code = os.waitstatus_to_exitcode(status)
                return 128 - code if code < 0 else code


def _adopt_orphans(report: Report) -> None:
    """Become a subreaper: the processes that the command leaves behind become init's children, as PID 1's do anyway.
    The flag counts for descendants that exist already too (Linux 4.11)."""
    if os.getpid() == 1:
        return
    try:
        kernel.set_subreaper()
    except (OSError, ValueError) as error:
        report.warn(f"unable to become a subreaper: {error}; what the command leaves behind is not looked after")


def _permitted() -> int:
    status = kernel.open_status()
    try:
        return kernel.credentials(status).permitted
    finally:
        os.close(status)


def _close_descriptors(keep: set[int], as_came: bool) -> None:
    """Close every descriptor except `keep` and standard error, and leave the working folder: whoever waits for a pipe's
    end, or wants to unmount, then waits for the command alone. With `as_came` the streams and the folder stay, since
    many programs write to /proc/1/fd/1 for the container's log."""
    kept = sorted(keep | ({0, 1, 2} if as_came else {2}))
    for before, after in zip([-1, *kept], [*kept, 1 << 20], strict=True):
        if before + 1 < after:  # CPython 3.11 closes all descriptors for an empty range from 0 on: its end becomes -1
            os.closerange(before + 1, after)
    try:
        inherited.occupy_closed_streams()
    except OSError:
        pass
    if not as_came:
        os.chdir("/")
