"""Init: it hears what its child asks, gives up root as the child does, and looks after the command."""

import _signal
import marshal
import posix as os
import sys

from pydrop import inherited, kernel
from pydrop.errors import FAILED, PydropError
from pydrop.lifecycle import Lifecycle
from pydrop.perform import privileges
from pydrop.pid1 import terminal
from pydrop.pid1.dialogue import ASKED, GO, INIT_REFUSES, NOT_WANTED, STARTER_FAILED
from pydrop.pid1.loop import Loop
from pydrop.process import Identity, InitStep, PrivilegesStep, Start, StarterProcess, Supervision, Value
from pydrop.report import Report, escaped
from pydrop.signals import ALL, ENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from pydrop.pid1.readiness import Readiness

    Kind = TypeVar("Kind", bound=Value)

KILL_CAPABILITY = 1 << 5
INIT_NAMES = ("tini", "dumb-init")  # by which this process speaks where it was called so; launcher.c forks for them


def _made(kind: "type[Kind]", contents: tuple[object, ...]) -> "Kind":
    """The value that starter.plain took apart, but for values in it."""
    made = kind.__new__(kind)
    made.__dict__.update(zip(made.fields, contents, strict=True))
    return made


def launched() -> None:
    """What boot_files calls in init. Returns where the launcher's guess was wrong."""
    stay(inherited.from_launcher(sys.argv))
    sys.argv[1] = ":".join(sys.argv[1].split(":")[:3])


def stay(start: Start) -> None:
    """Be init of `start.starter` to the end. Returns where nothing asks for init mode, with all as it came."""
    assert start.starter is not None
    init = Init(start, start.starter)
    try:
        if init.is_wanted():
            os._exit(init.to_the_end())
    except Exception as bug:
        init.report.error(f"pydrop itself failed as init: {type(bug).__name__}: {bug}; report it")
        os._exit(FAILED)
    start.starter = None


class Init:
    """Init, from the fork to its end."""

    def __init__(self, start: Start, child: StarterProcess) -> None:
        self.start = start
        self.child = child.pid
        self.asks = child.asks
        self.answers = child.answers
        self.terminal = terminal.controlling()
        self.report = Report(program=_program(start))
        self.ending: list[int] = []  # signals that were passed on, and end the start
        self.step: InitStep | None = None
        self.pipe = -1

    def is_wanted(self) -> bool:
        """Hear what the child asks; False where it is not for init mode, and then it is gone."""
        adopted = _adopt(True, self.report)
        ends = [n for n in ENDING if n not in self.start.blocked and _signal.getsignal(n) != _signal.SIG_IGN]
        for number in ends:
            _signal.signal(number, self._pass_on)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, ends)
        kind = os.read(self.asks, 1)
        if kind == ASKED:
            self._hear()
        _signal.pthread_sigmask(_signal.SIG_BLOCK, ends)
        for number in ends:
            _signal.signal(number, _signal.SIG_DFL)
        if kind != NOT_WANTED:
            return True
        _adopt(adopted, self.report)
        self._be_as_before()
        return False

    def _be_as_before(self) -> None:
        """The child is gone, and this process makes the start: with the signals as they came."""
        said = os.read(self.asks, 10)
        self._end_of_child()
        for descriptor in (self.asks, self.answers, self.terminal):
            if descriptor >= 0:
                os.close(descriptor)
        if said[:1] == b"\x01":
            _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
        for number in self.ending[:1]:  # it came too late for the child
            os.kill(os.getpid(), number)
        blocked = int.from_bytes(said[1:], "little")
        _signal.pthread_sigmask(_signal.SIG_SETMASK, [n for n in ALL if blocked >> n & 1 or n in ENDING])

    def _pass_on(self, number: int, _frame: object) -> None:
        self.ending.append(number)
        os.kill(self.child, number)

    def _hear(self) -> None:
        """The step that the child asks for; none where it dies over it."""
        head = os.read(self.asks, 8)
        size, content = int.from_bytes(head[:4], "little"), b""
        self.pipe = int.from_bytes(head[4:], "little") - 1
        while len(content) < size:
            more = os.read(self.asks, size - len(content))
            if not more:
                return
            content += more
        step = _made(InitStep, marshal.loads(content))  # noqa: S302 # of our own child, before it is the command
        step.supervision = _made(Supervision, step.supervision)  # type: ignore[arg-type] # a tuple as yet
        step.identity = step.identity and _made(Identity, step.identity)  # type: ignore[arg-type] # as yet
        self.step = step

    def to_the_end(self) -> int:
        """Give up root, let the command run, look after it; returns the exit code."""
        step = self.step
        if step is None:  # the start has ended without a command
            return self._end_of_child()
        self.report.speak(step.level, step.form)
        try:
            readiness = self._prepare(step)
            self._give_up_root(step)
        except PydropError as error:
            return self._refuse(str(error))
        except OSError as error:
            return self._refuse(f"unable to stay as init: {error.strerror}; the command was not run")
        if self.ending:
            self._say(INIT_REFUSES + b"\n")
            return self._end_of_child()
        self._say(GO)
        loop = Loop(Lifecycle(step.supervision, os.getpid() == 1), self.child, step.name, self.terminal, readiness)
        if os.read(self.asks, 1) == STARTER_FAILED:
            return self._end_of_child()
        os.close(self.asks)
        os.close(self.answers)
        return loop.run(self.report)

    def _refuse(self, why: str) -> int:
        """The command is not run: its process waits for a word that does not come. Where that failed too, by the same
        fault perhaps, it has said why already."""
        self._say(INIT_REFUSES + b"\n")
        if os.read(self.asks, 1) != STARTER_FAILED:
            self.report.error(why)
        self._end_of_child()
        return FAILED

    def _say(self, word: bytes) -> None:
        try:
            os.write(self.answers, word)
        except OSError:  # the child is gone, and the other pipe tells
            pass

    def _prepare(self, step: InitStep) -> "Readiness | None":
        """What needs root, or the child as it is now; and nothing is kept open for the command's sake."""
        asked, readiness = step.supervision, None
        if asked.session:
            terminal.let_go()
        _let_go({self.asks, self.answers, self.terminal} - {-1}, asked.as_came)
        if asked.ready != "started" or asked.ready_file or asked.announces:
            from pydrop.pid1.readiness import Readiness

            readiness = Readiness(asked, self.report.warn)
            readiness.open(f"/proc/{self.child}/fd/{self.pipe}", self.start.environment)
            if place := readiness.address():
                self._say(place.encode("ascii") + b"\n")
        kernel.set_title(escaped(f"{self.report.program}: init of {step.name}"))  # its bytes may be no UTF-8
        return readiness

    def _give_up_root(self, step: InitStep) -> None:
        """As the child does, and keep what signals need: CAP_KILL where programs may become other users."""
        if step.identity is not None:
            keep = KILL_CAPABILITY & _permitted() if step.keeps_kill else 0
            drop = PrivilegesStep(
                words="",
                identity=step.identity,
                keep_caps=keep,
                no_new_privs=True,
                umask=None,
                keep_root=step.keep_root,
                inherits=False,
            )
            privileges.perform(drop, self.start)
        if not step.supervision.as_came:
            kernel.set_undumpable()
        if step.supervision.pdeathsig is not None:
            kernel.set_parent_death_signal(step.supervision.pdeathsig)

    def _end_of_child(self) -> int:
        """Wait for the child; its exit code, 128+N where signal N ended it."""
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == self.child:
                code = os.waitstatus_to_exitcode(status)
                return 128 - code if code < 0 else code


def _program(start: Start) -> str:
    name = start.name.rpartition("/")[2]
    return name if name in INIT_NAMES else "pydrop"


def _adopt(on: bool, report: Report) -> bool:
    """What the command leaves behind becomes this process's child, as it does by itself where that is PID 1; that holds
    for children that are there already (Linux 4.11). Returns whether it was so."""
    if os.getpid() == 1:
        return True
    try:
        return kernel.set_subreaper(on)
    except (OSError, ValueError) as error:
        report.warn(f"unable to become a subreaper: {error}; what the command leaves behind is not looked after")
        return False


def _permitted() -> int:
    status = kernel.open_status()
    try:
        return kernel.credentials(status).permitted
    finally:
        os.close(status)


def _let_go(keep: set[int], as_came: bool) -> None:
    """Close every descriptor but these and standard error, and let go of the working folder: whoever waits for the
    other end of a pipe, or wants to unmount, waits for the command alone. But `as_came`: many a program writes to
    /proc/1/fd/1 for the container's log."""
    kept = sorted(keep | ({0, 1, 2} if as_came else {2}))
    for before, after in zip([-1, *kept], [*kept, 1 << 20], strict=True):
        if before + 1 < after:  # an empty range from 0 on closes all in CPython 3.11: its end is then -1
            os.closerange(before + 1, after)
    try:
        inherited.occupy_closed_streams()
    except OSError:
        pass
    if not as_came:
        os.chdir("/")
