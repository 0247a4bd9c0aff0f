"""`pydropctl plan`: what a start would do here, and why, without doing it."""

import json
import os
import shutil
import sys
import textwrap

import click

from pydrop import planning, survey
from pydrop.errors import PydropError
from pydrop.model import Plan, Settings, Start
from pydrop.steps import Step


@click.command(
    "plan",
    short_help="Show what a start would do here, and why, without doing it.",
    context_settings={"ignore_unknown_options": True},
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[OPTION]... [--] [COMMAND] [ARG]...")
def command(as_json: bool, words: tuple[str, ...]) -> None:
    """Show the steps that `pydrop [OPTION]... COMMAND` would perform here, in their order.

    Takes pydrop's own options and reads the same variables and the same settings file. Nothing is
    changed. Run it as the user that the container starts as: root, or the one of --user.
    """
    try:
        settings, made = planned(words or ("true",))
    except PydropError as error:
        click.echo(f"pydrop: {error}", err=True)
        sys.exit(error.code)
    click.echo(as_object(settings, made) if as_json else as_table(made))
    for warning in () if as_json else made.warnings:
        click.echo(f"pydrop: warning: {warning}", err=True)


def planned(words: tuple[str, ...]) -> tuple[Settings, Plan]:
    """The very plan that a start with these words would perform."""
    lines = tuple([f"{name}={value}" for name, value in os.environ.items()])
    start = Start(name="pydrop", arguments=words, environment=lines, ignored=(), blocked=())
    settings = survey.read_settings(start)
    return settings, planning.plan(settings, survey.look(settings, start))


def as_object(settings: Settings, made: Plan) -> str:
    """{"identity": {...}, "steps": [{"kind", "words", "why", "done"}], "warnings": [...],
    "command": [...], "environment": {...}, "sources": {setting: source}}"""
    who = made.identity
    content = {
        "identity": {name: getattr(who, name) for name in who.fields},
        "steps": [{"kind": s.kind, "words": s.words, "why": s.why, "done": s.done} for s in made.steps],
        "warnings": list(made.warnings),
        "command": list(made.command),
        "environment": dict(made.environment),
        "sources": settings.sources,
    }
    return json.dumps(content, indent=2)


def as_table(made: Plan) -> str:
    """One row a step: its number, kind, postcondition, and the setting that asked for it."""
    rows = [(str(n), step.kind, _words(step), step.why) for n, step in enumerate(made.steps, 1)]
    rows.append((str(len(rows) + 1), "exec", " ".join(made.command), ""))
    rows.insert(0, ("", "STEP", "WHAT IS TRUE AFTER IT", "BECAUSE OF"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    room = max(40, shutil.get_terminal_size((120, 24)).columns - widths[0] - widths[1] - min(widths[3], 28) - 6)
    return "\n".join(line for row in rows for line in _lines(row, widths, room))


def _words(step: Step) -> str:
    return f"{step.words} (so already)" if step.done else step.words


def _lines(row: tuple[str, ...], widths: list[int], room: int) -> list[str]:
    """A row, its third column folded to `room` characters."""
    number, kind, words, why = row
    room = min(room, widths[2])
    folded = textwrap.wrap(words, room) or [""]
    first = f"{number:>{widths[0]}}  {kind:<{widths[1]}}  {folded[0]:<{room}}  {why}".rstrip()
    indent = " " * (widths[0] + widths[1] + 4)
    return [first, *[indent + line for line in folded[1:]]]
