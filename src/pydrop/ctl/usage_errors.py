"""Wrong words to a subcommand that scripts use."""

import click

from pydrop.errors import FAILED
from pydrop.report import Report


class Strict(click.Command):
    """A command whose wrong words are one line and 125, as pydrop's are, so that no script takes them for a refusal."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            message = error.format_message().rstrip(".")
            see = f"see pydropctl {self.name} --help"
            Report().error(message if message.endswith("?") else f"{message}; {see}")
            raise click.exceptions.Exit(FAILED) from error
