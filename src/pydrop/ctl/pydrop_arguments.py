"""The words of subcommands that look at a start: options of their own, then all that `pydrop` itself takes."""

import os

import click
from click.shell_completion import CompletionItem

from pydrop import inspection
from pydrop.ctl.completion_items import options_of_pydrop
from pydrop.errors import BadSetting, PydropError
from pydrop.model import Start
from pydrop.report import Report
from pydrop.settings import config_path
from pydrop.settings.sources import default_command, from_arguments
from pydrop.settings.table import BY_NAME

METAVAR = "[PYDROP-OPTION]... [--] [COMMAND [ARG]...]"
DASHES = ("-", "--")
MARK = ("\0",)  # stands for the default command while the words are taken apart; no word that came is like it


class LikePydrop(click.Command):
    """A command whose words are pydrop's: the first that is no option starts the program's command.

    Nothing behind that is parsed, so `verify ls --json` is about `ls --json`. Wrong words are one line and 125.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own, words = split(args, {name for parameter in self.get_params(ctx) for name in parameter.opts})
        try:
            return super().parse_args(ctx, [*own, "--", *words])
        except click.UsageError as error:
            Report().error(f"{error.format_message().rstrip('.')}; see pydropctl {self.name} --help")
            raise click.exceptions.Exit(125) from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Its own options and pydrop's, which come first."""
        if has_command(ctx.params.get("words") or ()):
            return []
        return [*super().shell_complete(ctx, incomplete), *options_of_pydrop(incomplete)]


def split(args: list[str], own: set[str]) -> tuple[list[str], list[str]]:
    """(the flags of the subcommand's own, pydrop's words)."""
    mine: list[str] = []
    words: list[str] = []
    at = 0
    while at < len(args) and args[at].startswith("-") and args[at] not in DASHES:
        word = args[at]
        at += 1
        if word in own:
            mine.append(word)
            continue
        words.append(word)
        if _takes_the_next(word) and at < len(args):
            words.append(args[at])
            at += 1
    return mine, words + args[at:]


def has_command(words: tuple[str, ...]) -> bool:
    """Whether the words name one already; also where they would be refused."""
    try:
        return bool(from_arguments(words)[1])
    except PydropError:
        return False


def _takes_the_next(word: str) -> bool:
    row = BY_NAME.get(word[2:]) if word.startswith("--") else None
    return row is not None and row.option and not row.flag


def _default_command(lines: tuple[str, ...]) -> tuple[str, ...]:
    """As the settings file has it; () where that cannot be read, which whoever reads the settings says."""
    try:
        path, named = config_path(lines)
        return default_command(inspection.settings_table(path, named), lines, path)
    except PydropError:
        return ()


def start_of(words: tuple[str, ...]) -> tuple[Start, tuple[str, ...]]:
    """A start with these words in this environment, and the command that they name; `true` stands for none.

    BadSetting for a word that is no option of pydrop's, or shows something instead of starting."""
    lines = tuple([f"{name}={value}" for name, value in os.environ.items()])
    default = _default_command(lines)
    _, found, show = from_arguments(words, MARK if default else ())
    if show:
        raise BadSetting(f"--{show} starts nothing", f"call pydrop --{show}, or leave it out")
    rest = found[1:] if found[:1] == MARK else found
    command = (*default, *rest) if found[:1] == MARK else found
    options = words[: len(words) - len(rest)]
    dashes = () if "--" in options[-1:] else ("--",)
    arguments = (*options, *dashes, *(command or ("true",)))
    return Start(name="pydrop", arguments=arguments, environment=lines, ignored=(), blocked=()), command
