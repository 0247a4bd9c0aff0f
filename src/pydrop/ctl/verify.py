"""`pydropctl verify`: checks that the program is truly not root here and can work. For image builds and CI."""

import json
import sys

import click

from pydrop.ctl import text_table
from pydrop.ctl.completion_items import words_of_pydrop
from pydrop.ctl.pydrop_arguments import METAVAR, LikePydrop
from pydrop.ctl.verifying import Check, checks
from pydrop.ctl.verifying.subject import subject
from pydrop.errors import PydropError
from pydrop.report import Report, escaped

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skip": "cyan"}


@click.command(
    "verify",
    cls=LikePydrop,
    short_help="Run as the program's user: is it truly not root, and can it work?",
    epilog="Exit codes: 0 nothing failed; 1 something did (with --strict also where there is a warning); "
    "125 wrong words or settings.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
@click.option("--strict", is_flag=True, help="Exit with 1 for a warning too.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar=METAVAR, shell_complete=words_of_pydrop)
def command(as_json: bool, strict: bool, words: tuple[str, ...]) -> None:
    """Look at this process as the program would be: not root and no way back, the right groups, a name,
    and everything writable that it was promised.

    Run it behind the entrypoint, with the settings of the real start; options of pydrop are said again.
    COMMAND is looked for, not run.

    \b
    docker run --rm -e PUID=1500 -e PYDROP_CHOWN=/data IMAGE pydropctl verify
    docker exec CONTAINER pydrop pydropctl verify --json
    """
    try:
        found = checks(subject(words))
    except PydropError as error:
        Report().error(str(error))
        sys.exit(error.code)
    verdict = verdict_of(found, strict)
    click.echo(as_object(found, verdict) if as_json else as_text(found, strict))
    sys.exit(1 if verdict == "fail" else 0)


def verdict_of(found: list[Check], strict: bool) -> str:
    """The verdict of all checks together: "fail", else "warn", else "ok". With `strict` a warning is a failure."""
    verdicts = {check.verdict for check in found}
    if "fail" in verdicts or (strict and "warn" in verdicts):
        return "fail"
    return "warn" if "warn" in verdicts else "ok"


def as_object(found: list[Check], verdict: str) -> str:
    """{"verdict": "ok"|"warn"|"fail", "checks": [{"name", "verdict": those or "skip", "found", "remedy"}]}"""
    rows = [{name: escaped(getattr(check, name)) for name in check.fields} for check in found]
    return json.dumps({"verdict": verdict, "checks": rows}, indent=2)


def as_text(found: list[Check], strict: bool) -> str:
    """The table, the remedy for each row that has one, and a line that sums up."""
    rows = [("CHECK", "RESULT", "WHAT WAS FOUND"), *[(check.name, check.verdict, check.found) for check in found]]

    def paint(column: int, cell: str) -> str:
        if column != 1 or cell not in COLOURS:
            return cell
        return click.style(cell, fg=COLOURS[cell], bold=cell == "fail" or None)

    lines = text_table.lines(rows, folded=2, paint=paint)
    for remedy in dict.fromkeys([check.remedy for check in found if check.remedy]):
        names = ", ".join([check.name for check in found if check.remedy == remedy])
        lines += ["", *text_table.fold(f"{escaped(names)}: {escaped(remedy)}", text_table.width())]
    return "\n".join([*lines, "", summary(found, strict)])


def summary(found: list[Check], strict: bool) -> str:
    """``25 checks: 1 failed, 2 warnings, 1 skipped``"""
    counts = {verdict: len([check for check in found if check.verdict == verdict]) for verdict in COLOURS}
    warnings = f"{counts['warn']} warning{'' if counts['warn'] == 1 else 's'}"
    parts = [f"{counts['fail']} failed"] if counts["fail"] else []
    parts += [f"{warnings}, which --strict takes for failures" if strict else warnings] if counts["warn"] else []
    parts += [f"{counts['skip']} skipped"] if counts["skip"] else []
    return f"{len(found)} checks: {', '.join(parts) or 'all is well'}"
