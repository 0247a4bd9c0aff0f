"""The manual pages: written from the help and the settings, without a complaint of those who show them."""

import difflib
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pydrop.ctl.main import SUBCOMMANDS
from pydrop.settings.table import ROWS

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = {"pydrop.1": "man1", "pydropctl.1": "man1", "pydrop.toml.5": "man5"}


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_man", DOCS / "generate_man.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_pages_are_what_the_generator_writes(generator):
    """Otherwise run: python docs/generate_man.py"""
    written = generator.pages()
    assert {path.name for path in (DOCS / "man").iterdir()} == written.keys()
    for name, text in written.items():
        committed = (DOCS / "man" / name).read_text(encoding="ascii")
        changes = difflib.unified_diff(committed.splitlines(), text.splitlines(), "committed", "written", n=1)
        assert not list(changes), name


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("tool", ["mandoc -T lint -W warning", "groff -man -Tutf8 -ww -z"])
def test_nobody_who_shows_a_page_warns(tool, page):
    done = subprocess.run([*tool.split(), DOCS / "man" / page], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def shown(page: str) -> str:
    done = subprocess.run(
        ["mandoc", "-T", "ascii", "-O", "width=200", DOCS / "man" / page], capture_output=True, text=True, check=True
    )
    return plain(done.stdout)


def plain(text: str) -> str:
    """Without the overstrikes that make letters bold."""
    found: list[str] = []
    for character in text:
        if character == "\b":
            found.pop()
        else:
            found.append(character)
    return "".join(found)


def test_the_pages_name_every_option_key_and_subcommand():
    pydrop, ctl, file = (shown(page) for page in PAGES)
    for row in ROWS:
        assert not row.option or row.form == "-" or f"--{row.name}" in pydrop, row
        assert not row.key or f"\n   {row.name if row.name != 'volume' else '[[volume]]'}\n" in file, row
    assert [name for name in SUBCOMMANDS if f"\npydropctl {name}\n" not in ctl] == []


@pytest.mark.parametrize(("page", "folder"), PAGES.items())
def test_the_wheel_brings_them(page, folder):
    installed = Path(sys.prefix) / "share/man" / folder / page
    assert installed.read_bytes() == (DOCS / "man" / page).read_bytes()


@pytest.mark.parametrize(
    ("text", "roff"),
    [
        (".x 'y' \\n", ["\\&.x \\(aqy\\(aq \\en"]),
        ("a `--b` **c** [d](e.md#f) [g](#h)", ["a \\fB\\%\\-\\-b\\fR \\fB\\%c\\fR d (docs/e.md) \\fB\\%g\\fR"]),
    ],
)
def test_text_is_never_taken_for_a_request(generator, text, roff):
    assert generator.roff.paragraph(text) == [".PP", *roff]
