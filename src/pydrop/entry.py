"""`pydrop` from its first line to exec: settings, inspection, plan, perform, handover.

`_start` tells the whole story of a start. Two frontiers are marked in it: the first step that cannot be undone, and the
drop. The launcher, boot_files and `__main__` call this module.
"""

import posix as os
import sys
import time

from pydrop import compat, handover, inherited, inspection, planning
from pydrop.errors import FAILED, Interrupted, PydropError
from pydrop.model import Outcome, Settings, Start
from pydrop.perform import timeline_writer
from pydrop.report import Report
from pydrop.signals import name_of
from pydrop.steps import Plan, PrivilegesStep, RecordStep, SecretsStep, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def launched(loading: float | None = None) -> None:
    """Begin what argv[0] names: pydrop, pydropctl or a compatibility name. launcher.c and boot_files call it.

    `loading` is Start's field of that name. Never returns."""
    start = inherited.from_launcher(sys.argv)
    start.loading = loading
    if start.starter:  # this process is init, and came here since no boot file could be read (boot_files)
        from pydrop.pid1 import init

        init.stay(start)
    if start.name.rpartition("/")[2] == "pydropctl":
        from pydrop.ctl.main import run

        run(start)
    _exit(compat.run(start) if compat.name_of(start) else begin(start))


def module() -> None:
    """Begin as ``python3 -I -B -m pydrop``, for images in which the launcher cannot run. Never returns."""
    _exit(begin(inherited.without_launcher(sys.argv)))


def _exit(code: int) -> None:
    """Exit without Python's own shutdown: nothing is buffered, and no more code may run."""
    os._exit(code)


def begin(start: Start) -> int:
    """Run a start up to exec. Returns an exit code where no command runs; each failure is one line of output."""
    try:
        code = _begin(start, Report())
    except Interrupted as stop:  # the signal came while a message waited for somebody to empty standard error
        code = 128 + stop.signum
    if start.init:
        from pydrop.pid1 import starter

        starter.fails(start.init)
    return code


def _begin(start: Start, report: Report) -> int:
    try:
        inherited.interruptible(start)
        inherited.occupy_closed_streams()
        return _start(start, report)
    except Interrupted as stop:
        report.warn(f"stopped by {name_of(stop.signum)} before the command was run; the next start goes on from here")
        return 128 + stop.signum
    except PydropError as error:
        report.error(str(error))
        return error.code
    except BaseException as bug:
        report.own_fault(bug, "" if report.level == "debug" else "set PYDROP_LOG_LEVEL=debug to see where, and ")
        return FAILED


def _start(start: Start, report: Report) -> int:
    timeline_writer.mark(start, "modules")
    settings = _settings(start, report)
    timeline_writer.mark(start, "settings")
    if settings.show:
        return _show(settings.show)
    if settings.init != bool(start.init):
        _correct_guess(start)
    facts = inspection.look(settings, start)
    timeline_writer.mark(start, "survey")
    plan = planning.plan(settings, facts)
    for warning in plan.warnings:
        report.warn(warning)
    timeline_writer.mark(start, "plan")
    # ---- the first step that cannot be undone: from here on a failure lists what is already done ----
    done = _Done(plan, start, report)
    for step in plan.steps[:-1]:
        done.perform(step)
    last = plan.steps[-1]
    await_init = _init_waiter(start)
    ready = handover.Handover(plan.command, start.environment, start)
    timeline = timeline_writer.open_file() if done.recorded else -1
    timeline_writer.mark(start, "command")
    # ---- the drop: from here on nothing is imported and nothing is opened ----
    done.perform(last)
    report.info(_summary(plan, done, start.marks[0][3]))
    timeline_writer.mark(start, "summary")
    if start.init:
        await_init()
        timeline_writer.mark(start, "wait")
    if timeline >= 0:
        timeline_writer.write(timeline, start, facts.instance, plan.command[0])
    ready.run()
    return FAILED


def _settings(start: Start, report: Report) -> Settings:
    """The settings; the report obeys them. Where they cannot be read, it says so as they ask for it all the same."""
    try:
        settings = inspection.read_settings(start)
    except BaseException:
        from pydrop.inspection import spoken_form

        level, form = spoken_form.asked(start)
        report.speak(level or report.level, form)
        raise
    report.obey(settings)
    return settings


def _init_waiter(start: Start) -> "Callable[[], None]":
    """A function that waits until init has dropped privileges too. Without init mode it does nothing.

    It is prepared before the drop, since its module has to be imported."""
    if start.init is None:
        return lambda: None
    from pydrop.pid1 import starter

    init = start.init
    return lambda: starter.wait_for_go(init)


def _correct_guess(start: Start) -> None:
    """Correct a wrong guess about init mode. The launcher has to fork, or not, before the settings are read.

    Where it forked and the settings do not ask for init mode, this process ends and init performs the start itself.
    Where it did not fork and they do ask (a key in odd spelling, no launcher), this process forks now."""
    from pydrop.pid1 import forking, starter

    if start.init:
        starter.decline(start.init)
    forking.fork(start)


class _Done:
    """The steps performed so far, and their changes to the program's environment."""

    def __init__(self, plan: Plan, start: Start, report: Report) -> None:
        self.start = start
        self.report = report
        self.recorded = False  # whether /run/pydrop exists and belongs to root alone
        start.progress, start.note = report.progress, report.info
        self.came = start.environment
        self.changes: list[tuple[str, str | None]] = list(plan.environment)
        self.public = list(plan.environment)
        self.words: list[str] = []
        self.apply()

    def apply(self) -> None:
        """Give the next step an environment with all changes so far."""
        self.start.environment = handover.environment(self.came, self.changes)

    def perform(self, step: Step) -> None:
        inherited.require_uninterrupted()
        if step.done:
            timeline_writer.mark(self.start, step, "", "0")
            self.report.debug(f"{step.words}: so already")
            return
        if isinstance(step, RecordStep):
            step.record.environment = tuple([f"{n}={v}" for n, v in self.public if v is not None])
        began = time.monotonic()
        try:
            outcome = perform(step, self.start)
        except PydropError as error:
            raise self.after(error) from error
        self.report.clear()
        changed = "1" if outcome.words or outcome.changed else "0"
        self.note(step, outcome, timeline_writer.mark(self.start, step, outcome.words, changed) - began)

    def after(self, error: PydropError) -> PydropError:
        """The error with a list of what earlier steps have done, since that stays done."""
        if self.words and error.remedy:
            error.args = (f"{error} (done before: {'; '.join(self.words)})",)
        return error

    def note(self, step: Step, outcome: Outcome, seconds: float) -> None:
        if isinstance(step, PrivilegesStep):
            return  # the summary reports the drop
        for warning in outcome.warnings:
            self.report.warn(warning)
        if outcome.words:
            self.words.append(outcome.words)
        if outcome.environment:
            self.changes += outcome.environment
            self.apply()
        if isinstance(step, RecordStep):
            self.recorded = outcome.changed > 0
        if not isinstance(step, SecretsStep):
            self.public += [(name, value) for name, value in outcome.environment if value is not None]
        self.report.debug(f"{step.words}: {outcome.words or 'so already'} ({seconds * 1000:.1f} ms)")


def perform(step: Step, start: Start) -> Outcome:
    """Carry out one step. Its performer is imported only now, since most starts need few of them."""
    if not step.performer:
        return Outcome()
    __import__(step.performer)
    performer: Callable[[Step, Start], Outcome] = sys.modules[step.performer].perform
    return performer(step, start)


def _summary(plan: Plan, done: _Done, began: float) -> str:
    """The one line of a successful start: the identity, the changes, and the milliseconds since `began`."""
    who = plan.identity
    changed = "; ".join(done.words) or "nothing to change"
    took = (time.monotonic() - began) * 1000
    return f"{who.name} {who.uid}:{who.gid} ({who.why}): {changed}; starting {plan.command[0]} after {took:.0f} ms"


def _show(topic: str) -> int:
    from pydrop import __version__

    if topic == "version":
        text = f"pydrop {__version__}\n"
    else:
        from pydrop.settings import help_text

        text = help_text()
    os.write(1, text.encode())
    return 0
