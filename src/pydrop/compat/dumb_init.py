"""dumb-init [OPTION]... [--] PROGRAM [ARG]...: init stays, and the starter becomes the program.

The program leads a session of its own, with the terminal of standard input, and signals go to its whole process group.
With --single-child it only leads a process group, and signals go to the program alone. A usage error has exit code 1, a
program that cannot be run has 2.
"""

from pydrop import __version__
from pydrop.compat.init_tools import Answer, InitRequest, supervise, supervision
from pydrop.compat.options import USAGE_ERROR, Options, variable
from pydrop.compat.tool import Tool
from pydrop.errors import FAILED, NOT_EXECUTABLE, NOT_FOUND, BadSetting, shortened
from pydrop.process import Start

LAST = 31  # the last signal that dumb-init can rewrite; later ones are passed on unchanged
TOOL = Tool(name="dumb-init", codes={FAILED: 1, NOT_EXECUTABLE: 2, NOT_FOUND: 2})
VERSION = f"pydrop {__version__} by the name dumb-init\n"
LETTERS = {"c": False, "r": True, "v": False, "h": False, "V": False}
LONG_OPTIONS = {"single-child": "c", "rewrite": "r", "verbose": "v", "help": "h", "version": "V"}
USAGE = "Usage: dumb-init [OPTION]... [--] PROGRAM [ARG]...; dumb-init --help says more\n"
HELP = f"""\
Usage: dumb-init [OPTION]... [--] PROGRAM [ARG]...

  -c, --single-child  Pass signals on to the program alone, which then has no session of its own.
  -r, --rewrite S:R   Pass on signal R where S comes (numbers, 1 to {LAST}); none, where R is 0. May be given again.
  -v, --verbose       Say on standard error what is done.
  -h, --help          This help.
  -V, --version       The version.

DUMB_INIT_SETSID=0 is -c, DUMB_INIT_DEBUG=1 is -v.

This dumb-init is pydrop by another name, version {__version__}.
"""
ANSWERS = {"h": HELP, "V": VERSION}  # printed to standard error, as by dumb-init


def run(start: Start) -> int:
    """Run as dumb-init. Returns an exit code, or never."""
    return supervise(TOOL, start, parse)


def parse(start: Start) -> "InitRequest | Answer":
    """The request that the arguments and the environment make, or an answer: help, version, usage."""
    options, rewrite = Options(start.arguments, LETTERS, LONG_OPTIONS), []
    alone = variable(start.environment, "DUMB_INIT_SETSID") == "0"
    speaks = variable(start.environment, "DUMB_INIT_DEBUG") == "1"
    for letter, value in options:
        if letter in ANSWERS:
            return Answer(stream=2, text=ANSWERS[letter], code=0)
        if letter == "r":
            rewrite.append(pair(value))
        alone = alone or letter == "c"
        speaks = speaks or letter == "v"
    if not options.rest:
        return Answer(stream=2, text=USAGE, code=USAGE_ERROR)
    return InitRequest(
        command=options.rest,
        level="debug" if speaks else "warn",
        supervision=supervision(
            start, rewrite=tuple(rewrite), group=not alone, session=not alone, ends_group=not alone
        ),
    )


def pair(word: str) -> tuple[int, int]:
    """(S, R) of ``S:R``: digits alone, S from 1 and R from 0 to LAST. BadSetting for anything else."""
    before, _, after = word.strip().partition(":")
    numbers = [int(n) if n.isascii() and n.isdigit() and len(n) <= 2 else -1 for n in (before, after)]
    if 1 <= numbers[0] <= LAST and 0 <= numbers[1] <= LAST:
        return numbers[0], numbers[1]
    raise BadSetting(
        f"-r {shortened(repr(word))} is not S:R, two signals' numbers up to {LAST}",
        "write -r 15:3 to pass on QUIT for TERM, -r 15:0 to pass on nothing for it",
        USAGE_ERROR,
    )
