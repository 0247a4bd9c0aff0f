"""`pydropctl plan`: shows what a start would do here, and why, without doing it."""

import json
import sys

import click

from pydrop import inspection, planning
from pydrop.ctl import text_table
from pydrop.ctl.completion_items import words_of_pydrop
from pydrop.ctl.pydrop_arguments import METAVAR, LikePydrop, start_of
from pydrop.errors import PydropError
from pydrop.model import Facts, Settings
from pydrop.planning import command_check
from pydrop.report import Report
from pydrop.steps import Plan, Step


@click.command("plan", cls=LikePydrop, short_help="Show what a start would do here, and why, without doing it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar=METAVAR, shell_complete=words_of_pydrop)
def command(as_json: bool, words: tuple[str, ...]) -> None:
    """Show the steps that `pydrop [OPTION]... COMMAND` would perform here, in their order.

    Takes pydrop's own options and reads the same variables and the same settings file. Nothing is
    changed. Run it as the user that the container starts as: root, or the one of --user.
    """
    try:
        settings, facts, plan = planned(words)
    except PydropError as error:
        Report().error(str(error))
        sys.exit(error.code)
    click.echo(as_object(settings, plan) if as_json else as_table(plan))
    for warning in () if as_json else plan.warnings:
        Report().warn(warning)
    try:
        command_check.require_executable(settings, facts, plan)
    except PydropError as error:
        Report().warn(f"a start would end here: {error}")


def planned(words: tuple[str, ...]) -> tuple[Settings, Facts, Plan]:
    """The settings, the facts and the very plan that a start with these arguments would use."""
    start, _ = start_of(words)
    settings = inspection.read_settings(start)
    facts = inspection.look(settings, start)
    return settings, facts, planning.plan(settings, facts)


def as_object(settings: Settings, plan: Plan) -> str:
    """{"identity": {...}, "steps": [{"kind", "words", "why", "done"}], "warnings": [...],
    "command": [...], "environment": {...}, "sources": {setting: source}}"""
    identity = plan.identity
    content = {
        "identity": {name: getattr(identity, name) for name in identity.fields},
        "steps": [{"kind": s.kind, "words": s.words, "why": s.why, "done": s.done} for s in plan.steps],
        "warnings": list(plan.warnings),
        "command": list(plan.command),
        "environment": dict(plan.environment),
        "sources": settings.sources,
    }
    return json.dumps(content, indent=2)


def as_table(plan: Plan) -> str:
    """One row for each step: its number, its kind, its postcondition, and the setting that asked for it."""
    rows = [(str(n), step.kind, _words(step), step.why) for n, step in enumerate(plan.steps, 1)]
    rows.append((str(len(rows) + 1), "exec", " ".join(plan.command), ""))
    rows.insert(0, ("", "STEP", "WHAT IS TRUE AFTER IT", "BECAUSE OF"))
    return "\n".join(text_table.lines(rows, folded=2, right=(0,)))


def _words(step: Step) -> str:
    return f"{step.words} (so already)" if step.done else step.words
