"""The sdist and the wheel: their names, what is in them, and that the one makes the other."""

import csv
import email
import importlib.metadata
import io
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from pydrop import __version__

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAME = "pydrop-entrypoint"  # PyPI's `pydrop` is somebody else's
INTERPRETER = 3  # PT_INTERP of elf(5): the program header that names a dynamic linker


def content(wheel: Path) -> "dict[str, bytes]":
    with zipfile.ZipFile(wheel) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_the_sdist_makes_the_wheel_with_nothing_of_the_checkout(wheel: Path) -> None:
    """One wheel for every Python, and for every libc of this processor: its launcher needs none."""
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    platforms = f"manylinux2014_{machine}.manylinux_2_17_{machine}.musllinux_1_1_{machine}"
    assert wheel.name == f"pydrop_entrypoint-{__version__}-py3-none-{platforms}.whl"
    files = content(wheel)
    tags = email.message_from_bytes(files[f"pydrop_entrypoint-{__version__}.dist-info/WHEEL"])
    assert set(tags.get_all("Tag", [])) == {f"py3-none-{platform}" for platform in platforms.split(".")}
    assert tags["Root-Is-Purelib"] == "false"


@pytest.mark.parametrize("name", ["pydrop", "pydropctl"])
def test_its_launcher_is_compiled_and_static(name: str, wheel: Path) -> None:
    program = content(wheel)[f"pydrop_entrypoint-{__version__}.data/scripts/{name}"]
    assert program[:5] == b"\x7fELF\x02"  # 64 bits
    start, size, count = (int.from_bytes(program[at : at + n], "little") for at, n in ((32, 8), (54, 2), (56, 2)))
    kinds = [int.from_bytes(program[at : at + 4], "little") for at in range(start, start + size * count, size)]
    assert kinds and INTERPRETER not in kinds


def test_the_wheel_has_all_modules_and_pages_and_nothing_else_of_this_folder(wheel: Path) -> None:
    files = content(wheel)
    modules = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src/pydrop").rglob("*.py")}
    others = set(files) - modules
    assert modules <= set(files)
    own = f"pydrop_entrypoint-{__version__}"
    pages = {f"{own}.data/data/share/man/man{path.suffix[1:]}/{path.name}" for path in (ROOT / "docs/man").iterdir()}
    assert pages <= others
    assert all(name.startswith((f"{own}.data/", f"{own}.dist-info/")) for name in others), others
    assert f"{own}.dist-info/licenses/LICENSE" in others
    listed = {row[0] for row in csv.reader(io.StringIO(files[f"{own}.dist-info/RECORD"].decode()))}
    assert listed == set(files)


def test_the_sdist_has_what_the_wheel_is_made_of_and_no_more(sdist: Path) -> None:
    """Neither tests nor tools, nor a README of another folder."""
    own = f"pydrop_entrypoint-{__version__}"
    assert sdist.name == f"{own}.tar.gz"
    with tarfile.open(sdist) as packed:
        names = {name.removeprefix(f"{own}/") for name in packed.getnames()}
    top = {name for name in names if "/" not in name}
    assert top == {".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    assert {name.partition("/")[0] for name in names - top} == {"src", "launcher", "docs"}
    assert {name for name in names if name.startswith("docs/")} == {
        f"docs/man/{path.name}" for path in (ROOT / "docs/man").iterdir()
    }


@pytest.mark.parametrize("name", ["wheel", "sdist"])
def test_an_index_takes_it(name: str, request: pytest.FixtureRequest) -> None:
    """What is said of it is complete, and its page can be rendered."""
    words = [sys.executable, "-m", "twine", "check", "--strict", request.getfixturevalue(name)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_it_says_of_itself(wheel: Path) -> None:
    said = email.message_from_bytes(content(wheel)[f"pydrop_entrypoint-{__version__}.dist-info/METADATA"])
    assert (said["Name"], said["Version"], said["Requires-Python"]) == (NAME, __version__, ">=3.11")
    urls = dict(line.split(", ", 1) for line in said.get_all("Project-URL", []))
    assert set(urls) == {"Homepage", "Documentation", "Changelog", "Issues"}
    assert all(url.startswith("https://") for url in urls.values())
    pythons = {
        line for line in said.get_all("Classifier", []) if line.startswith("Programming Language :: Python :: 3.")
    }
    assert pythons == {f"Programming Language :: Python :: {version}" for version in ("3.11", "3.13", "3.14")}


@pytest.mark.python
def test_the_installed_pydrop_is_found_by_the_distributions_name() -> None:
    found = importlib.metadata.distribution(NAME)
    assert found.version == __version__
    owners = importlib.metadata.packages_distributions()["pydrop"]
    assert set(owners) == {NAME}  # an older one by the name pydrop would own the same files


def test_the_readme_says_whose_pydrop_is_on_the_index() -> None:
    text = (ROOT / "README.md").read_text()
    assert NAME in text and PROJECT["name"] == NAME
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("**/*.md")):
        assert "pip install pydrop " not in page.read_text().replace("\n", " "), page
