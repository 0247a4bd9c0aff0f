"""`pydropctl check [FILE]`: the settings file, every problem at once, with its line and the nearest key."""

import json
import os
import re
from typing import Any, TypeAlias

import click

from pydrop import settings
from pydrop.ctl import account_findings, ground_findings
from pydrop.ctl.usage_errors import Strict
from pydrop.errors import PydropError, Untrusted
from pydrop.inspection.settings_file import content_of
from pydrop.model import Value
from pydrop.report import escaped, moderate
from pydrop.settings import interpolation
from pydrop.settings.toml_text import NotToml, table_of, text_of
from pydrop.trust import open_trusted

Place: TypeAlias = tuple[str | int, ...]

KEY = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*[.=]""")
HEADER = re.compile(r"""\s*(\[\[?)([^\]]+)\]""")
TRIPLE = re.compile(r"\"\"\"|'''")


class Finding(Value):
    """A problem as it is printed. `line` and `column` count from 1; 0 is none."""

    problem: str
    remedy: str = ""
    key: str = ""
    nearest: str = ""
    line: int = 0
    column: int = 0

    def words(self, file: str) -> str:
        place = ":".join([file, *[str(number) for number in (self.line, self.column) if number]])
        return moderate(escaped(f"{place}: {self.problem}" + (f"; {self.remedy}" if self.remedy else "")))


@click.command("check", cls=Strict, short_help="Check a settings file: every problem at once.")
@click.argument("file", required=False, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--content-only", is_flag=True, help="Do not ask who owns the file and may write it.")
def command(file: str | None, as_json: bool, content_only: bool) -> None:
    """Check a settings file: every problem at once, with its line and the nearest key.

    FILE is /etc/pydrop.toml, or what PYDROP_CONFIG names, where none is given. The exit code is 1
    where there is any problem, 125 where the file cannot be read. Made for image builds: RUN pydropctl check
    """
    path = file if file is not None else in_force()
    found = [] if content_only else untrusted(path)
    try:
        content = content_of(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError as error:
        remedy = "name the file to check, or COPY it into the image first"
        raise PydropError(f"unable to read {path}: {error.strerror}", remedy) from error
    count, more = review(content, path, content_only)
    raise click.exceptions.Exit(say(path, found + more, count, as_json))


def in_force() -> str:
    """The file that `pydrop` would read with this environment."""
    return settings.config_path(tuple([f"{name}={value}" for name, value in os.environ.items()]))[0]


def untrusted(path: str) -> list[Finding]:
    """What makes root refuse the file: an owner, a mode, a folder on the way; nothing where it cannot be opened."""
    try:
        os.close(open_trusted(os.path.abspath(path)))
    except Untrusted as error:
        return [Finding(problem=f"not trusted, so that pydrop would refuse it: {error.problem}", remedy=error.remedy)]
    except (OSError, PydropError):
        return []  # reading it says why, in better words
    return []


def review(content: bytes, path: str, content_only: bool = True) -> tuple[int, list[Finding]]:
    """How many settings a file has, and what is wrong with them."""
    try:
        table = table_of(content, path)
    except NotToml as error:
        remedy = "correct this first"
        return 0, [Finding(problem=f"not TOML: {error.reason}", remedy=remedy, line=error.line, column=error.column)]
    lines = Lines(text_of(content, path))
    environment = tuple([f"{name}={value}" for name, value in os.environ.items()])
    found = [
        Finding(problem=p.problem, remedy=p.remedy, key=p.key, nearest=p.nearest, line=lines.of(p.where))
        for p in settings.problems(table, environment, path)
    ]
    filled = {} if found else interpolation.filled(table, environment, path)
    for where, fault in ground_findings.found(filled, path, content_only):
        found.append(Finding(problem=fault.problem, remedy=fault.remedy, key=str(where[0]), line=lines.of(where)))
    here = not content_only and os.path.abspath(path) == in_force()  # another file may be of another image
    for key, fault in account_findings.found(filled, path, environment) if here else ():
        found.append(Finding(problem=fault.problem, remedy=fault.remedy, key=key, line=lines.of((key,))))
    return count(table), found


def count(table: dict[str, Any]) -> int:
    """Settings in a table; each [[volume]] counts as one."""
    volumes = table.get("volume", [])
    return len(table) + (len(volumes) - 1 if "volume" in table and isinstance(volumes, list) else 0)


class Lines:
    """Where each key of a TOML text stands. tomllib does not tell, so the text's lines are looked at."""

    def __init__(self, text: str) -> None:
        self.places: dict[Place, int] = {}
        self.header: Place = ()
        self.tables: dict[str, int] = {}
        inside = ""
        for number, line in enumerate(text.split("\n"), 1):
            if not inside:
                self.look(line, number)
            inside = still_open(line, inside)

    def look(self, line: str, number: int) -> None:
        if header := HEADER.match(line):
            self.enter(header[1], header[2].strip().strip("\"'"), number)
        elif key := KEY.match(line):
            self.places.setdefault((*self.header, key[1].strip("\"'")), number)

    def enter(self, brackets: str, name: str, number: int) -> None:
        first = name.split(".")[0].strip()
        self.places.setdefault((first,), number)
        self.header = (first,)
        if brackets == "[[":
            self.tables[name] = self.tables.get(name, -1) + 1
            self.header = (first, self.tables[name])
            self.places.setdefault(self.header, number)

    def of(self, where: Place) -> int:
        """The line of a key, or of the nearest thing around it that has one of its own; 0 if nothing has."""
        for length in range(len(where), 0, -1):
            if where[:length] in self.places:
                return self.places[where[:length]]
        return 0


def still_open(line: str, inside: str) -> str:
    """The quotes of a text over several lines that is open behind this line, or ""."""
    for mark in TRIPLE.findall(line):
        if not inside:
            inside = mark
        elif inside == mark:
            inside = ""
    return inside


def say(path: str, found: list[Finding], settings_count: int, as_json: bool) -> int:
    """Print the result, and return the exit code."""
    if as_json:
        problems = [{name: getattr(finding, name) for name in finding.fields} for finding in found]
        click.echo(json.dumps({"file": escaped(path), "settings": settings_count, "problems": problems}, indent=2))
        return 1 if found else 0
    for finding in found:
        click.echo(finding.words(path))
    if not found:
        click.echo(f"no problem in {escaped(path)} ({settings_count} setting{'' if settings_count == 1 else 's'})")
    return 1 if found else 0
