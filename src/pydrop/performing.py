"""Performs the steps of a plan one after the other, and keeps what they did for the messages and the steps that follow.

`entry` calls it, and says where the two frontiers are.
"""

import sys
import time

from pydrop import checked_reads, handover, inherited
from pydrop.errors import PydropError
from pydrop.model import Facts, Outcome, Settings, Start
from pydrop.perform import timeline_writer
from pydrop.report import Report
from pydrop.start_lock import StartLock
from pydrop.steps import HooksStep, Plan, PrivilegesStep, RecordStep, RuntimeStep, SecretsStep, Step, UserHookStep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Performing:
    """The steps performed so far, and their changes to the program's environment."""

    def __init__(self, plan: Plan, settings: Settings, facts: Facts, start: Start, report: Report) -> None:
        self.lock: StartLock | None = None  # of a process that makes the start
        self.plan = plan
        self.settings = settings
        self.facts = facts
        self.start = start
        self.report = report
        self.recorded = False  # whether /run/pydrop exists and belongs to root alone
        start.progress, start.note = report.progress, report.info
        self.came = start.environment
        self.changes: list[tuple[str, str | None]] = list(plan.environment)
        self.public: list[tuple[str, str | None]] = list(plan.environment)
        self.users: list[tuple[str, str | None]] = []  # what user hooks added
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
            step.record.environment, step.record.users = _lines(self.public), _lines(self.users)
        began = time.monotonic()
        try:
            outcome = perform(step, self.start)
        except PydropError as error:
            raise self.after(error) from error
        self.report.clear()
        changed = "1" if outcome.words or outcome.changed else "0"
        self.note(step, outcome, timeline_writer.mark(self.start, step, outcome.words, changed) - began)
        if isinstance(step, HooksStep):
            self.regroup()
        if isinstance(step, RuntimeStep) and self.lock:
            self.lock.retake()

    def regroup(self) -> None:
        """Read the account files again, since a hook may have given the account more groups."""
        from pydrop.planning import after_hooks

        home = next((line[5:] for line in self.start.environment if line.startswith("HOME=")), "")
        try:
            texts = checked_reads.text("/etc/passwd"), checked_reads.text("/etc/group")
            warnings = after_hooks.regroup(self.plan, self.settings, self.facts, *texts, home)
        except PydropError as error:
            raise self.after(error) from error
        for warning in warnings:
            self.report.warn(warning)

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
        if isinstance(step, UserHookStep):
            self.users += outcome.environment
        elif not isinstance(step, SecretsStep):
            self.public += outcome.environment
        self.report.debug(f"{step.words}: {outcome.words or 'so already'} ({seconds * 1000:.1f} ms)")

    def summary(self, began: float) -> str:
        """The one line of a successful start: the identity, the changes, and the milliseconds since `began`."""
        who = self.plan.identity
        changed = "; ".join(self.words) or "nothing to change"
        took = (time.monotonic() - began) * 1000
        named = f"{who.name} {who.uid}:{who.gid} ({who.why})"
        return f"{named}: {changed}; starting {self.plan.command[0]} after {took:.0f} ms"


def perform(step: Step, start: Start) -> Outcome:
    """Carry out one step. Its performer is imported only now, since most starts need few of them."""
    if not step.performer:
        return Outcome()
    __import__(step.performer)
    performer: Callable[[Step, Start], Outcome] = sys.modules[step.performer].perform
    return performer(step, start)


def _lines(changes: list[tuple[str, str | None]]) -> tuple[str, ...]:
    return tuple([name if value is None else f"{name}={value}" for name, value in changes])
