"""`pydropctl completion SHELL`: prints a script that makes a shell complete the arguments of pydropctl and pydrop."""

import click
from click.shell_completion import get_completion_class

from pydrop.ctl import completion_scripts
from pydrop.ctl.main import COMPLETE
from pydrop.ctl.usage_errors import Strict


@click.command(
    "completion",
    cls=Strict,
    short_help="Print what makes bash, zsh or fish complete these commands.",
    epilog="Exit codes: 0 printed; 125 wrong words.",
)
@click.argument("shell", type=click.Choice(tuple(completion_scripts.SHELLS)), metavar="bash|zsh|fish")
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print a script for the shell that completes subcommands, options and values of pydropctl and pydrop.

    \b
    source <(pydropctl completion bash)     # in ~/.bashrc
    source <(pydropctl completion zsh)      # in ~/.zshrc, behind compinit
    pydropctl completion fish | source      # in ~/.config/fish/config.fish
    """
    click.echo(f"{of_pydropctl(ctx, shell)}\n{completion_scripts.SHELLS[shell]()}", nl=False)


def of_pydropctl(ctx: click.Context, shell: str) -> str:
    """click's script, with which the shell asks pydropctl itself for the words to offer.

    click is not used to print it, since click would first run the `bash` of the PATH to ask for its version."""
    kind = get_completion_class(shell)
    assert kind is not None, shell
    completion = kind(ctx.find_root().command, {}, "pydropctl", COMPLETE)
    return completion.source_template % completion.source_vars()
