"""`pydropctl timeline`: shows how long each part of this container's start took, as a table or a picture."""

import json
import time

import click

from pydrop.ctl import output_file, text_table
from pydrop.ctl.timing import NotLeft, Part, Timeline, left
from pydrop.ctl.usage_errors import Strict
from pydrop.errors import FAILED, PydropError
from pydrop.report import Report, escaped

NONE = 1
STANDARD_OUTPUT = ("-", "/dev/stdout")


@click.command(
    "timeline",
    cls=Strict,
    short_help="Where this container's start spent its time, as a table or a picture.",
    epilog="Exit codes: 0 there it is; 1 no start has left its times here, or this user may not read them; 125 wrong "
    "words, or FILE cannot be written.",
)
@click.option("--svg", metavar="FILE", type=click.Path(), help="Write a picture to FILE; - is standard output.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the table.")
def command(svg: str | None, as_json: bool) -> None:
    """Show where this container's start spent its time: each step of its plan, and what came before and behind.

    For root, in a container that runs:

    \b
    docker exec CONTAINER pydropctl timeline
    docker exec CONTAINER pydropctl timeline --svg - > start.svg
    """
    try:
        found = left()
    except NotLeft as error:
        Report().error(str(error))
        raise click.exceptions.Exit(NONE) from error
    if not found.current:
        Report().warn("this is an earlier start's: the one that runs now has left none, or its program has ended")
    if svg is not None:
        draw(found, svg)
    if as_json or svg is None:
        click.echo(as_object(found) if as_json else as_table(found))


def draw(found: Timeline, place: str) -> None:
    """Write the picture. Ends with exit code 125 where the file cannot be written."""
    from pydrop.ctl.timing.timeline_picture import svg

    picture = svg(found)
    if place in STANDARD_OUTPUT:
        click.echo(picture, nl=False)
        return
    try:
        output_file.write(place, picture.encode("ascii"))
    except OSError as error:
        Report().error(f"unable to write {place}: {error.strerror}; name another FILE, or - for standard output")
        raise click.exceptions.Exit(FAILED) from error
    except PydropError as error:
        Report().error(f"unable to write {place}: {error}, or - for standard output")
        raise click.exceptions.Exit(FAILED) from error


def as_object(found: Timeline) -> str:
    """{"program", "begun": seconds of the epoch, "total_ms", "current": bool,
    "parts": [{"kind", "words", "did", "changed": bool | null, "began_ms", "took_ms"}]}"""
    content = {
        "program": escaped(found.program),
        "begun": found.begun,
        "total_ms": round(found.total, 3),
        "current": found.current,
        "parts": [_part_object(part) for part in found.parts],
    }
    return json.dumps(content, indent=2)


def _part_object(part: Part) -> dict[str, object]:
    return {
        "kind": escaped(part.kind),
        "words": escaped(part.words),
        "did": escaped(part.did),
        "changed": part.changed,
        "began_ms": round(part.began, 3),
        "took_ms": round(part.took, 3),
    }


def as_table(found: Timeline) -> str:
    """A row for each part with its beginning and duration, and a line about the whole start."""
    rows = [(f"{p.began:.1f}", f"{p.took:.1f}", share(p, found), p.kind, told(p)) for p in found.parts]
    rows.append((f"{found.total:.1f}", "", "", "exec", found.program))
    rows.insert(0, ("BEGAN", "TOOK", "SHARE", "STEP", "WHAT IT WAS"))
    begun = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(found.begun))
    whole = f"{escaped(found.program)} began {found.total:.1f} ms after pydrop did ({begun}). Times are milliseconds."
    return "\n".join(
        [*text_table.lines(rows, folded=4, right=(0, 1, 2)), "", *text_table.fold(whole, text_table.width())]
    )


def share(part: Part, found: Timeline) -> str:
    return f"{part.took / found.total:.0%}" if found.total else ""


def told(part: Part) -> str:
    """The words about a part, as in the log."""
    if part.changed is None or part.did == part.words:
        return part.words
    return f"{part.words}: {part.did}" if part.did else part.words + ("" if part.changed else " (so already)")
