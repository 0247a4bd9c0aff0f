"""Usage errors of the subcommands that scripts call."""

from typing import NoReturn

import click

from pydrop.errors import FAILED
from pydrop.report import Report


class Strict(click.Command):
    """A command whose usage errors are one line and exit code 125, as pydrop's are.

    Other exit codes of these subcommands are results, and no script may take a usage error for a result."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            refuse(error, self.name or "")


def refuse(error: click.UsageError, name: str) -> NoReturn:
    """Say a usage error of the subcommand `name` ("": of pydropctl itself) in one line, and end with 125."""
    message = " ".join(error.format_message().split()).rstrip(".")
    see = f"see pydropctl {name} --help" if name else "see pydropctl --help"
    Report().error(message if message.endswith("?") else f"{message}; {see}")
    raise click.exceptions.Exit(FAILED) from error
