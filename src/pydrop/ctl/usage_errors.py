"""Usage errors of the subcommands that scripts call."""

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
            message = error.format_message().rstrip(".")
            see = f"see pydropctl {self.name} --help"
            Report().error(message if message.endswith("?") else f"{message}; {see}")
            raise click.exceptions.Exit(FAILED) from error
