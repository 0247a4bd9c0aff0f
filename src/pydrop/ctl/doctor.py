"""`pydropctl doctor`: tells what this container allows, what a start would therefore do, and what to change."""

import json
import sys

import click

from pydrop.ctl import plan, text_table
from pydrop.ctl.completion_items import words_of_pydrop
from pydrop.ctl.diagnosis import Diagnosis, diagnose
from pydrop.ctl.diagnosis.findings import Change, Section
from pydrop.ctl.pydrop_arguments import METAVAR, LikePydrop
from pydrop.errors import PydropError
from pydrop.report import Report, escaped

MARKS = {"ok": " ", "note": "-", "problem": "!"}
COLOURS = {"!": "red", "-": "yellow"}


@click.command(
    "doctor",
    cls=LikePydrop,
    short_help="What this container allows, what a start would do in it, and what to change.",
    epilog="Exit codes: 0 a start works here; 1 it would fail; 125 wrong words, or no /proc to look into.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the text.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar=METAVAR, shell_complete=words_of_pydrop)
def command(as_json: bool, words: tuple[str, ...]) -> None:
    """Look at the container as a start of pydrop would find it, without changing anything.

    Run it as the container starts, with the options, variables and mounts of the real one:

    \b
    docker run --rm OPTIONS --entrypoint pydropctl IMAGE doctor
    """
    try:
        found = diagnose(words)
    except PydropError as error:
        Report().error(str(error))
        sys.exit(error.code)
    click.echo(as_object(found) if as_json else as_text(found))
    sys.exit(1 if found.error else 0)


def as_object(found: Diagnosis) -> str:
    """{"works": bool, "error": str, "sections": [{"title", "facts": [{"name", "found", "level"}]}],
    "start": null | {"user": "UID:GID", "name", "steps": [words], "warnings": [str]},
    "changes": [{"why", "lines": [{"where", "line"}]}]}"""
    identity = found.plan.identity if found.plan else None
    start = None
    if found.plan and identity:
        start = {
            "user": f"{identity.uid}:{identity.gid}",
            "name": escaped(identity.name),
            "steps": [escaped(step.words) for step in found.plan.steps],
            "warnings": [escaped(warning) for warning in found.warnings],
        }
    content = {
        "works": not found.error,
        "error": escaped(found.error),
        "sections": [_section_object(section) for section in found.sections],
        "start": start,
        "changes": [_change_object(change) for change in found.changes],
    }
    return json.dumps(content, indent=2)


def _section_object(section: Section) -> dict[str, object]:
    facts = [{name: escaped(getattr(fact, name)) for name in fact.fields} for fact in section.facts]
    return {"title": section.title, "facts": facts}


def _change_object(change: Change) -> dict[str, object]:
    lines = [{"where": where, "line": escaped(line)} for where, line in change.lines]
    return {"why": escaped(change.why), "lines": lines}


# -- for people ------------------------------------------------------------------------------------


def as_text(found: Diagnosis) -> str:
    lines: list[str] = [*_verdict(found), *_legend(found)]
    for section in found.sections:
        lines += ["", _title(section.title), *_facts(section)]
    lines += ["", _title("What a start would do here"), *_start(found)]
    lines += ["", _title("What to change"), *_changes(found)]
    return "\n".join(lines)


def _title(text: str) -> str:
    return click.style(text.upper(), bold=True)


def _verdict(found: Diagnosis) -> list[str]:
    """Whether a start works here: the first lines of the text."""
    if found.error:
        return [*_styled(f"A start of pydrop would FAIL here: {found.error}", "red")]
    identity = found.plan.identity if found.plan else None
    become = f"the program would run as {identity.name} {identity.uid}:{identity.gid}" if identity else ""
    many = f"{len(found.changes)} thing{'' if len(found.changes) == 1 else 's'} to change, at the end"
    return [
        *_styled(f"A start of pydrop works here: {become}; {many if found.changes else 'nothing to change'}.", "green")
    ]


def _legend(found: Diagnosis) -> list[str]:
    levels = {fact.level for section in found.sections for fact in section.facts}
    return ["In the margin, ! is a problem and - is worth knowing."] if levels - {"ok"} else []


def _styled(text: str, colour: str) -> list[str]:
    return [click.style(line, fg=colour) for line in text_table.fold(escaped(text), text_table.width())]


def _facts(section: Section) -> list[str]:
    rows = [(MARKS[fact.level], fact.name, fact.found) for fact in section.facts]
    return text_table.lines(rows, folded=2, paint=_paint)


def _paint(column: int, cell: str) -> str:
    return click.style(cell, fg=COLOURS[cell]) if column == 0 and cell in COLOURS else cell


def _start(found: Diagnosis) -> list[str]:
    if found.plan is None:
        return ["Nothing: it would end with exit code 125 and the message above."]
    lines = plan.as_table(found.plan).split("\n")
    if found.error:
        lines += ["", *text_table.fold(f"It would not come to its end: {escaped(found.error)}", text_table.width())]
    return lines


def _changes(found: Diagnosis) -> list[str]:
    if not found.changes:
        return ["Nothing."]
    lines: list[str] = []
    for number, change in enumerate(found.changes, 1):
        lines += text_table.lines([(f"{number}.", change.why)], folded=1)
        rows = [("  ", f"{where}:" if where else "->", line) for where, line in change.lines]
        lines += text_table.lines(rows, folded=2)
    return lines
