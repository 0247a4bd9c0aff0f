"""All of pydrop is in the one file, and what it names of the standard library: most imports are late, and one that is
missing would show where it is needed, not before."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.onefile.conftest import ROOT, frozen

SRC = ROOT / "src"
ONLY_BY_PIP = re.compile(r"pydrop\.(__main__|by_pip|calls_by_libraries)")


def test_every_module_of_pydrop_is_in_it(onefile: Path) -> None:
    """Found in the folders, not by what imports what. Its code names the file that it was compiled from."""
    content = onefile.read_bytes()
    files = {str(path.relative_to(SRC)) for path in (SRC / "pydrop").rglob("*.py")}
    modules = {file.removesuffix(".py").removesuffix("/__init__").replace("/", "."): file for file in files}
    held = {name for name, file in modules.items() if file.encode() in content}
    assert len(held) > 150
    assert [name for name in sorted(modules.keys() - held) if not ONLY_BY_PIP.fullmatch(name)] == []
    assert [name for name in sorted(held) if ONLY_BY_PIP.fullmatch(name)] == []


TEXTS = ("import nosuch", "def f():\n    from nosuch import x", "from os import nosuch", "from pydrop import nosuch")


@pytest.mark.parametrize("text", TEXTS)
def test_the_build_fails_where_pydrop_names_a_module_that_is_none(text: str, tmp_path: Path) -> None:
    """A library of others may name one of another system."""
    (tmp_path / "pydrop").mkdir()
    (tmp_path / "pydrop/__init__.py").write_text(text)
    wanted = frozen.wanted([str(tmp_path)])
    assert set(wanted.values()) == {True}
    name = next(name for name in wanted if "nosuch" in name)
    with pytest.raises(SystemExit, match="nosuch"):
        frozen.attempt(name, by_us=True)
    frozen.attempt(name, by_us=False)


def test_it_is_no_interpreter(onefile: Path) -> None:
    """`-c` is a word that pydrop does not know."""
    words = [str(onefile), "-c", "print(1)"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (125, "")
