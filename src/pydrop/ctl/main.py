"""`pydropctl`: the group of subcommands. Each subcommand is a module of this folder, imported when it is called.

`entry` calls `run` where the launcher was called as pydropctl. A subcommand's module has one click command named
`command`, and a row of SUBCOMMANDS makes it known.
"""

import _signal
import importlib
import os
import sys
from typing import NoReturn

import click

from pydrop import __version__
from pydrop.ctl.usage_errors import refuse
from pydrop.distribution import ONE_FILE
from pydrop.errors import FAILED, BadSetting, PydropError, not_loaded
from pydrop.model import Start
from pydrop.report import Report
from pydrop.signals import ENDING

SUBCOMMANDS = {  # name -> module
    "bundle": "pydrop.ctl.bundle",
    "check": "pydrop.ctl.check",
    "chown": "pydrop.ctl.chown",
    "completion": "pydrop.ctl.completion",
    "doctor": "pydrop.ctl.doctor",
    "install": "pydrop.ctl.install",
    "plan": "pydrop.ctl.plan",
    "timeline": "pydrop.ctl.timeline",
    "verify": "pydrop.ctl.verify",
}
if ONE_FILE:  # which is what a bundle is for, and holds no files to make one of
    del SUBCOMMANDS["bundle"]
COMPLETE = "_PYDROPCTL_COMPLETE"  # click's own variable: a shell sets it to ask what to offer (completion.py)


class LateGroup(click.Group):
    """A group whose subcommands are imported one by one, so that `check` does not wait for the imports of `chown`.

    Its usage errors are one line and exit code 125, as all of pydrop's are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            raise BadSetting("there is no subcommand", f"name one: {', '.join(sorted(SUBCOMMANDS))}")
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            refuse(error, "")

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's own signature
        return sorted(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # as above
        if cmd_name not in SUBCOMMANDS:
            return None
        command = importlib.import_module(SUBCOMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but the error for an unknown name suggests the nearest one. BadSetting for that."""
        if args[0] not in SUBCOMMANDS and not args[0].startswith("-"):
            from pydrop.settings.nearest import misspelt

            raise misspelt(f"there is no subcommand {args[0]}", args[0], {name: name for name in SUBCOMMANDS})
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            refuse(error, "")


@click.group(cls=LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pydropctl", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Look into what pydrop does in a container, and prepare images for it."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def run(start: Start) -> NoReturn:
    """Run `pydropctl` as the launcher started it. Never returns.

    The launcher disguises the environment and blocks TERM, INT, HUP and QUIT; both are put back first.
    """
    os.environ.clear()
    for line in reversed(start.environment):  # of doubles the first counts, as for getenv(3)
        name, equals, value = line.partition("=")
        if name and equals:
            os.environ[name] = value
    if os.environ.get(COMPLETE, "").endswith("_source"):  # with it click would run the `bash` of the PATH
        del os.environ[COMPLETE]
    try:
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [number for number in ENDING if number not in start.blocked])
        main.main(args=list(start.arguments), prog_name="pydropctl")
    except PydropError as error:
        Report().error(str(error))
        sys.exit(error.code)
    except ImportError as error:
        Report().error(str(not_loaded(error)))
        sys.exit(FAILED)
    except KeyboardInterrupt:  # click itself handles it only while main runs
        sys.exit(128 + _signal.SIGINT)
    except Exception as bug:
        Report().error(f"pydropctl itself failed: {type(bug).__name__}: {bug}; report it")
        sys.exit(FAILED)
    sys.exit(0)
