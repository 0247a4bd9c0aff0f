"""Writes the manual pages in docs/man: ``python docs/generate_man.py``.

From the table of settings, the text of docs/settings.md, pydrop's help, and click's commands: whatever is said there is
not said again here. A test holds that the committed pages are what this writes.
"""

import inspect
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE)]

import click  # noqa: E402 # from here on, modules of this tree
import generate_settings as settings  # noqa: E402 # from this tree
import roff  # noqa: E402 # beside this file

from pydrop import __version__  # noqa: E402 # from this tree
from pydrop.ctl.main import main as pydropctl  # noqa: E402 # from this tree
from pydrop.settings import help as pydrop_help  # noqa: E402 # from this tree
from pydrop.settings.defaults import default  # noqa: E402 # from this tree
from pydrop.settings.table import BY_NAME, ROWS, Row  # noqa: E402 # from this tree

DATE = "2026-11-25"  # of the last change in these pages, by hand: a page that changes by itself could not be compared
PAGES = {"pydrop.1": "pydrop", "pydropctl.1": "pydropctl", "pydrop.toml.5": "settings_file"}

EXIT_STATUS = {
    "125": "pydrop itself failed, or refused: nothing was run, and one line on standard error says why and what to do",
    "126": "COMMAND was found and cannot be executed",
    "127": "COMMAND was not found",
    "128+*N*": "signal *N* ended the start; in init mode also: signal *N* ended COMMAND",
}
FILES = {
    "/etc/pydrop.toml": "Settings: see pydrop.toml(5). Obeyed only where nobody but root can write or replace it.",
    "/etc/pydrop.d": "Executables that root runs before the program.",
    "/run/pydrop/record": "Who the program is, for a second pydrop in the same container.",
    "/run/pydrop/timeline": "Where the start spent its time, for `pydropctl timeline`.",
}


def pages() -> dict[str, str]:
    """The name of each file, and its text."""
    return {name: globals()[maker]() for name, maker in PAGES.items()}


def page(name: str, number: int, kind: str, *parts: list[str]) -> str:
    head = [
        '.\\" Written by docs/generate_man.py. Change what it is written from.',
        f'.TH {roff.literal(name).upper()} {number} {DATE} "pydrop {__version__}" "{kind}"',
        ".nr HY 0",
        ".ad l",
    ]
    requests = [*head, *[request for part in parts for request in part]]
    pairs = zip(requests, ["", *requests], strict=False)
    needed = [now for now, before in pairs if now != ".PP" or not before.startswith((".SH", ".SS"))]
    return "\n".join(needed) + "\n"


def name_section(name: str, what: str) -> list[str]:
    return [*roff.section("NAME"), *roff.filled(f"{roff.literal(name)} \\- {roff.plain(what)}")]


def see_also(*pages_: str) -> list[str]:
    named = [f".BR {roff.literal(name)} ({number})" for name, number in [each.split("/") for each in pages_]]
    return [*roff.section("SEE ALSO"), *[f"{each} ," for each in named[:-1]], named[-1]]


# -- pydrop(1) -------------------------------------------------------------------------------------


def pydrop() -> str:
    usage, meaning = pydrop_help.HEAD.strip().split("\n\n")
    _, environment, examples = pydrop_help.TAIL.strip("\n").split("\n\n")
    return page(
        "pydrop",
        1,
        "User Commands",
        name_section("pydrop", "put the container in order, give up root for good, run the program"),
        [*roff.section("SYNOPSIS"), synopsis(usage.removeprefix("Usage: "))],
        [*roff.section("DESCRIPTION"), *roff.paragraph(meaning)],
        roff.paragraph(
            "Without root it does what it still can, says in one line what it cannot, and runs COMMAND. "
            "Called by the name of another tool (`pydropctl install`) it takes that tool's arguments."
        ),
        [*roff.section("OPTIONS"), *roff.paragraph("pydrop.toml(5) has more about each of them, under the same name.")],
        [request for row in ROWS if row.option and row.form != "-" for request in option(row)],
        roff.entry(roff.bold("--help"), "Show a summary and exit."),
        roff.entry(roff.bold("--version"), "Show the version and exit."),
        [*roff.section("ENVIRONMENT"), *roff.paragraph(environment)],
        [request for row in ROWS if not row.option and row.environment for request in variable(row)],
        roff.section("EXIT STATUS"),
        roff.paragraph("That of COMMAND, which pydrop has become (in init mode: which it passes on), or:"),
        [r for code, text in EXIT_STATUS.items() for r in roff.entry(stars(code), f"{text}.".replace("*", ""))],
        [*roff.section("FILES"), *[r for path, text in FILES.items() for r in roff.entry(roff.bold(path), text)]],
        [*roff.section("EXAMPLES"), *roff.example(re.search(r"^Example: (.*)$", examples, re.M)[1])],
        roff.example("docker exec CONTAINER pydrop sh"),
        see_also("pydropctl/1", "pydrop.toml/5", "capabilities/7", "credentials/7"),
    )


def synopsis(usage: str) -> str:
    """``NAME [OPTION]...``: the name is bold."""
    name, _, rest = usage.partition(" ")
    return f"{roff.bold(name)} {roff.literal(rest)}".rstrip()


def stars(text: str) -> str:
    """``128+*N*``: what stands between stars is a variable."""
    fixed, _, rest = text.partition("*")
    return f"\\fB{fixed}\\fR" + (f"\\fI{rest.rstrip('*')}\\fR" if rest else "")


def sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def option(row: Row) -> list[str]:
    form = f"[=\\fI{roff.literal(row.form)}\\fR]" if row.flag else f" \\fI{roff.literal(row.form)}\\fR"
    known = "" if default(row) == "none" else f" Built-in value: {default(row)}."
    return roff.entry(f"{roff.bold('--' + row.name)}{form}", sentence(row.meaning) + known)


def variable(row: Row) -> list[str]:
    """A setting that only a variable can be."""
    term = f"{roff.bold(row.environment[0])}=\\fI{roff.literal(row.form)}\\fR"
    text = settings.MORE[row.name].replace("A variable alone. ", "")
    return roff.entry(term, f"{sentence(row.meaning)} Built-in value: {default(row)}. {text}")


# -- pydropctl(1) ----------------------------------------------------------------------------------


def pydropctl_() -> str:
    ctx = click.Context(pydropctl, info_name="pydropctl", **pydropctl.context_settings)
    names = pydropctl.list_commands(ctx)
    return page(
        "pydropctl",
        1,
        "User Commands",
        name_section("pydropctl", "look into what pydrop does in a container, and prepare images for it"),
        [*roff.section("SYNOPSIS"), synopsis("pydropctl SUBCOMMAND [OPTION]... [ARG]...")],
        roff.section("DESCRIPTION"),
        roff.paragraph(f"{pydropctl.help} `pydropctl SUBCOMMAND --help` shows what is said here of each."),
        [request for name in names for request in summary(ctx, name)],
        *[subcommand(ctx, name) for name in names],
        see_also("pydrop/1", "pydrop.toml/5"),
    )


PAGES["pydropctl.1"] = pydropctl_.__name__


def summary(ctx: click.Context, name: str) -> list[str]:
    command = pydropctl.get_command(ctx, name)
    return roff.entry(roff.bold(name), command.get_short_help_str(limit=200))


def subcommand(parent: click.Context, name: str) -> list[str]:
    """A section: how it is called, what it does, its options and its exit codes."""
    command = pydropctl.get_command(parent, name)
    ctx = click.Context(command, info_name=name, parent=parent)
    found = [*roff.section(f"pydropctl {name}")]
    found += [
        ".PP",
        synopsis(" ".join([name, *command.collect_usage_pieces(ctx)])).replace("\\fB", "\\fBpydropctl ", 1),
    ]
    for block in inspect.cleandoc(command.help or "").split("\n\n"):
        marked = block.startswith("\b\n")
        found += roff.example(block.removeprefix("\b\n")) if marked else roff.paragraph(block)
    records = [parameter.get_help_record(ctx) for parameter in command.get_params(ctx)]
    for words, meaning in [record for record in records if record and record[1]]:
        found += roff.entry(roff.bold(words), meaning)
    return [*found, *(roff.paragraph(command.epilog) if command.epilog else [])]


# -- pydrop.toml(5) --------------------------------------------------------------------------------


def settings_file() -> str:
    chapters = dict(re.findall(r"^## (.*?)\n\n(.*?)(?=^#)", settings.HEAD, re.M | re.S))
    return page(
        "pydrop.toml",
        5,
        "File Formats",
        name_section("pydrop.toml", "the settings file of pydrop"),
        [*roff.section("DESCRIPTION"), *roff.document(chapters["The file"])],
        [*roff.section("HOW VALUES ARE WRITTEN"), *roff.document(chapters["How values are written"])],
        roff.section("SETTINGS"),
        roff.paragraph(
            "Each of them is also an option of pydrop(1) and a variable, which both win over the file. "
            f"{', '.join([row.environment[0] for row in ROWS if not row.key])} are variables alone."
        ),
        *[setting(row) for row in ROWS if row.key],
        see_also("pydrop/1", "pydropctl/1", "tmpfiles.d/5", "capabilities/7"),
    )


def setting(row: Row) -> list[str]:
    """One setting as docs/settings.md has it."""
    found = [f".SS {roff.literal(row.name if row.name != 'volume' else '[[volume]]')}"]
    found += roff.paragraph(sentence(row.meaning))
    if row.name != "volume":
        found += roff.example(f"{row.name} = {settings.EXAMPLES[row.name][1]}")
        found += roff.paragraph(f"Built-in value: {default(row)}. {other_spellings(row)}")
    more = settings.MORE[row.name].replace("{example}", settings.EXAMPLES["volume"][1])
    return [*found, *roff.document(more)]


def other_spellings(row: Row) -> str:
    said = [f"`--{row.name}`"] if row.option else []
    said += [f"`{variable}`" for variable in (*row.environment, *settings.BESIDES.get(row.name, ()))]
    return f"Also: {', '.join(said)}."


assert BY_NAME.keys() >= settings.MORE.keys()

if __name__ == "__main__":
    (HERE / "man").mkdir(exist_ok=True)
    for name, text in pages().items():
        (HERE / "man" / name).write_text(text, encoding="ascii")
