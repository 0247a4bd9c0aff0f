"""The words that a shell offers for the arguments of pydropctl and pydrop, when a person presses TAB."""

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from pydrop.model import CHOWN_POLICIES
from pydrop.report import LEVELS
from pydrop.settings.table import BY_NAME, ROWS, Row

Items = list[CompletionItem]
Offer = Callable[[click.Context, click.Parameter, str], Items]

FILES = "file"  # stands in place of words: the shell completes names of files itself
OF_FORM = {"POLICY": CHOWN_POLICIES, "LEVEL": LEVELS}
OPTIONS = tuple([row for row in ROWS if row.option and row.form != "-"])


def values(row: Row) -> tuple[str, ...]:
    """The words that a setting's value can be: FILES alone for a path, () where the words cannot be known."""
    if row.form in OF_FORM:
        return OF_FORM[row.form]
    if "|" in row.form:  # without placeholders such as fd:N
        return tuple([word for word in row.form.split("|") if word.islower()])
    return (FILES,) if row.form.startswith("PATH") else ()


def items(words: tuple[str, ...], incomplete: str) -> Items:
    """The words that begin with `incomplete`, as click hands them to the shell."""
    if words == (FILES,):
        return [CompletionItem(incomplete, type=FILES)]
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def offer(*words: str) -> Offer:
    """For `shell_complete`: the given words."""
    return lambda _ctx, _parameter, incomplete: items(words, incomplete)


def files(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """For `shell_complete`: files and folders."""
    return items((FILES,), incomplete)


def folders(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """For `shell_complete`: folders."""
    return [CompletionItem(incomplete, type="dir")]


def options_of_pydrop(incomplete: str) -> Items:
    return [
        CompletionItem(f"--{row.name}", help=row.meaning) for row in OPTIONS if f"--{row.name}".startswith(incomplete)
    ]


def words_of_pydrop(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """For `shell_complete` of pydrop's arguments: a value where an option takes one, else a file."""
    before = (ctx.params.get("words") or ("",))[-1]
    row = BY_NAME.get(before[2:]) if before.startswith("--") else None
    if row is None or row.flag:
        return items((FILES,), incomplete)
    return items(values(row), incomplete)
