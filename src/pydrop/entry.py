"""`pydrop` from its first line to exec: settings, inspection, plan, perform, handover.

`_start` tells the whole story of a start. Two frontiers are marked in it: the first step that cannot be undone, and the
drop. `called_as` calls this module.
"""

import posix as os

from pydrop import handover, inherited, inspection, performing, planning, standing
from pydrop.errors import FAILED, Interrupted, PydropError, not_loaded
from pydrop.model import Facts, Settings, Start
from pydrop.perform import timeline_writer
from pydrop.report import Report
from pydrop.signals import name_of
from pydrop.steps import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


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
    except ImportError as error:
        report.error(str(not_loaded(error)))
        return FAILED
    except BaseException as bug:
        report.own_fault(bug, "" if report.level == "debug" else "set PYDROP_LOG_LEVEL=debug to see where, and ")
        return FAILED


def _start(start: Start, report: Report) -> int:
    timeline_writer.mark(start, "modules")
    descent = standing.inside_hook(start)
    settings = _settings(start, report)
    timeline_writer.mark(start, "settings")
    if settings.show:
        return _show(settings.show)
    place = standing.known(start, descent)
    _settle_init(settings, start, place)
    place = place or standing.awaited(start, descent, report.debug)
    facts = inspection.look(settings, start, place.record, place.second)
    facts.in_hook = place.in_hook
    timeline_writer.mark(start, "survey")
    plan = planning.plan(settings, facts)
    _require_executable(settings, facts, plan)
    for warning in plan.warnings:
        report.warn(warning)
    timeline_writer.mark(start, "plan")
    # ---- the first step that cannot be undone: from here on a failure lists what is already done ----
    done = performing.Performing(plan, settings, facts, start, report)
    done.lock = place.lock
    for step in plan.steps[:-1]:
        done.perform(step)
    last = plan.steps[-1]
    await_init = _init_waiter(start)
    ready = handover.Handover(plan.command, start.environment, start, None if done.words else facts)
    timeline = timeline_writer.open_file() if done.recorded else -1
    timeline_writer.mark(start, "command")
    # ---- the drop: from here on nothing is imported and nothing is opened ----
    done.perform(last)
    report.say("debug" if place.second else "info", done.summary(start.marks[0][3]))
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


def _require_executable(settings: Settings, facts: Facts, plan: Plan) -> None:
    found = facts.command
    if found is None or found.problem or found.capabilities:
        from pydrop.planning import command_check

        command_check.require_executable(settings, facts, plan)


def _init_waiter(start: Start) -> "Callable[[], None]":
    """A function that waits until init has dropped privileges too. Without init mode it does nothing.

    It is prepared before the drop, since its module has to be imported."""
    if start.init is None:
        return lambda: None
    from pydrop.pid1 import starter

    init = start.init
    return lambda: starter.wait_for_go(init)


def _settle_init(settings: Settings, start: Start, place: standing.Standing | None) -> None:
    """Decide about init mode where that was not done before all else (init_asked).

    In a second pydrop only an option asks for it, since `exec` repeats the start's variables. Where it is asked for,
    this process stays, with all that it has loaded, and a child goes on with the start."""
    if start.init:
        settings.init = True
    elif settings.init:
        settings.init = not (place.second if place else standing.is_made_by_another())
    if settings.init and not start.init:
        from pydrop.pid1 import forking

        forking.fork(start, "pydrop")


def _show(topic: str) -> int:
    from pydrop import __version__, distribution

    if topic == "version":
        text = f"pydrop {__version__}{distribution.holds()}\n"
    else:
        from pydrop.settings import help_text

        text = help_text()
    os.write(1, text.encode())
    return 0
