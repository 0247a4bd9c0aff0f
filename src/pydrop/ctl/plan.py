"""`pydropctl plan`: shows what a start would do here, and why, without doing it."""

import json
import sys

import click

from pydrop import inspection, planning
from pydrop.ctl import text_table
from pydrop.ctl.completion_items import words_of_pydrop
from pydrop.ctl.diagnosis.outlook import obstacles
from pydrop.ctl.diagnosis.world import look
from pydrop.ctl.pydrop_arguments import METAVAR, LikePydrop, start_of
from pydrop.errors import PydropError
from pydrop.model import Settings
from pydrop.planning import volumes_step
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
        settings, plan = planned(words)
        plan.warnings = (*plan.warnings, *ahead(words))
    except PydropError as error:
        Report().error(str(error))
        sys.exit(error.code)
    click.echo(as_object(settings, plan) if as_json else as_table(plan))
    for warning in () if as_json else plan.warnings:
        Report().warn(warning)


def planned(words: tuple[str, ...]) -> tuple[Settings, Plan]:
    """The settings and the very plan that a start with these arguments would use, with the warnings of its volumes."""
    start, _ = start_of(words)
    settings = inspection.read_settings(start)
    facts = inspection.look(settings, start)
    plan = planning.plan(settings, facts)
    if any([step.kind == "volumes" for step in plan.steps]):  # that step itself warns of these at a start
        plan.warnings = (*plan.warnings, *volumes_step.notes(settings, facts, plan.identity))
    return settings, plan


def ahead(words: tuple[str, ...]) -> list[str]:
    """What would end the start at a step, as far as a look can tell; nothing for a second pydrop in a container."""
    world = look(words)
    failures = [str(error) for _, error in obstacles(world)] if not world.entered else []
    return [f"a start would end here: {failure}" for failure in failures]


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
