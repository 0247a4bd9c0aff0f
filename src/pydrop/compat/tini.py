"""tini [OPTION]... [--] PROGRAM [ARG]...: init stays, and the starter becomes the program. A failure is exit code 1.

The program leads a process group, in the foreground of the terminal. Signals go to the program, with -g to its group.
"""

from pydrop import __version__, signals
from pydrop.compat.init_tools import Answer, InitRequest, supervise, supervision
from pydrop.compat.options import USAGE_ERROR, Options, variable
from pydrop.compat.tool import Tool
from pydrop.errors import FAILED, BadSetting, shortened
from pydrop.option_words import BLANKS
from pydrop.process import Start

TOOL = Tool(name="tini", codes={FAILED: 1})
VERSION = f"pydrop {__version__} by the name tini\n"
LETTERS = {"s": False, "p": True, "v": False, "w": False, "g": False, "e": True, "l": False, "h": False}
USAGE = f"""\
Usage: tini [OPTION]... [--] PROGRAM [ARG]... | --version

  -e CODE    Exit code CODE (0 to 255) of the program becomes 0; may be given again.
  -g         Pass signals on to the program's whole process group.
  -p SIGNAL  Get SIGNAL when the parent dies, as in -p SIGKILL.
  -s         Be a subreaper; so it is in any case.
  -v         Say more; may be given again.
  -w         Say when a process is reaped that is not the program.
  -h, -l     This help; the license.
  --version  The version, if it is the only word.

TINI_SUBREAPER and TINI_KILL_PROCESS_GROUP are -s and -g, TINI_VERBOSITY is a number, 1 where it is not set.

This tini is pydrop by another name, version {__version__}.
"""
LICENSE = "This tini is pydrop by another name; pydrop is under the MIT license.\n"
ANSWERS = {"h": USAGE, "l": LICENSE}
LEVELS = ("error", "warn", "debug")  # by verbosity


class TiniOptions:
    """The requests of the environment, to which `take` adds each option."""

    def __init__(self, environment: tuple[str, ...]) -> None:
        verbosity = variable(environment, "TINI_VERBOSITY")
        self.verbosity = 1 if verbosity is None else leading_number(verbosity)
        self.group = variable(environment, "TINI_KILL_PROCESS_GROUP") is not None
        self.names_reaped = False
        self.successes: list[int] = []
        self.pdeathsig: int | None = None

    def take(self, letter: str, value: str) -> None:
        if letter == "v":
            self.verbosity += 1
        elif letter == "w":
            self.names_reaped = True
        elif letter == "g":
            self.group = True
        elif letter == "e":
            self.successes.append(exit_code(value))
        elif letter == "p":
            self.pdeathsig = signal(value)


def run(start: Start) -> int:
    """Run as tini. Returns an exit code, or never."""
    return supervise(TOOL, start, parse)


def parse(start: Start) -> "InitRequest | Answer":
    """The request that the arguments and the environment make, or an answer: help, license, version, usage."""
    if start.arguments == ("--version",):
        return Answer(stream=1, text=VERSION, code=0)
    options, asked = Options(start.arguments, LETTERS), TiniOptions(start.environment)
    for letter, value in options:
        if letter in ANSWERS:
            return Answer(stream=1, text=ANSWERS[letter], code=0)
        asked.take(letter, value)
    if not options.rest:
        return Answer(stream=2, text=USAGE, code=USAGE_ERROR)
    return InitRequest(
        command=without_dashes(options.rest),
        level=LEVELS[max(0, min(asked.verbosity, len(LEVELS) - 1))],
        supervision=supervision(
            start,
            group=asked.group,
            exit_codes=tuple([(code, 0) for code in asked.successes]),
            pdeathsig=asked.pdeathsig,
            names_reaped=asked.names_reaped,
        ),
    )


def without_dashes(program: tuple[str, ...]) -> tuple[str, ...]:
    """The program without a ``--`` right behind its name: that is tini's, whose help has ``PROGRAM -- [ARGS]``."""
    return (program[0], *program[2:]) if program[1:2] == ("--",) else program


def leading_number(word: str) -> int:
    """The number that a word begins with, else 0: as atoi(3), but without a sign."""
    word = word.strip(BLANKS)
    end = next((n for n, character in enumerate(word) if character not in "0123456789"), len(word))
    return int(word[: min(end, 9)] or "0")


def exit_code(word: str) -> int:
    """The exit code that -e names: 0 to 255, in digits alone. BadSetting for anything else."""
    digits = word.strip(BLANKS)
    if digits.isascii() and digits.isdigit() and len(digits) <= 3 and int(digits) <= 255:
        return int(digits)
    raise BadSetting(
        f"-e {shortened(repr(word))} is no exit code", "write a number from 0 to 255, as in -e 143", USAGE_ERROR
    )


def signal(word: str) -> int:
    """The signal that -p names, by its whole name (``SIGTERM``). BadSetting for anything else."""
    number = signals.number_of(word) if word.startswith("SIG") and word.isupper() else None
    if number is None:
        raise BadSetting(
            f"-p {shortened(repr(word))} names no signal", "write its whole name, as in -p SIGTERM", USAGE_ERROR
        )
    return number
