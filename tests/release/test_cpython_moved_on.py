"""tools/cpython-moved-on: what it says of planted archives, asked by the real apt."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.conftest import ROOT

PROGRAM = str(ROOT / "tools/cpython-moved-on")
NAMED = "3.13.5-2+deb13u5"
RECIPE = f'PYTHON = "3.13"\nPACKAGE = f"python{{PYTHON}}"\nVERSION = "{NAMED}"\n'


@pytest.fixture
def tmp_path() -> "Iterator[Path]":
    """One that others may enter: apt reads archives as a user of its own."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.py"
    path.write_text(RECIPE)
    return path


def archive(folder: Path, **versions: "tuple[str, ...]") -> Path:
    """A file for apt that names archives with these sources: python3_13=("1", "2") is in two of them."""
    lines = []
    for number in range(max(map(len, versions.values()), default=1)):
        place = folder / f"archive-{number}"
        place.mkdir()
        text = ""
        for name, found in versions.items():
            if number < len(found):
                package = name.replace("_", ".")
                files = f"Files:\n {'0' * 32} 1 {package}.dsc\nChecksums-Sha256:\n {'0' * 64} 1 {package}.dsc\n"
                text += f"Package: {package}\nBinary: {package}\nVersion: {found[number]}\nDirectory: .\n{files}\n"
        (place / "Sources").write_text(text)
        lines.append(f"Types: deb-src\nURIs: file:{place}\nSuites: ./\nTrusted: yes\n")
    sources = folder / "planted.sources"
    sources.write_text("\n".join(lines))
    return sources


def ask(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "found",
    [
        (NAMED,),
        ("3.13.5-2+deb13u4",),
        ("3.13.5-2", NAMED, "3.13.5-2+deb13u4"),  # trixie, its security, its updates
        ("3.13.5-2+deb13u5~bpo12+1", NAMED),
    ],
)
def test_it_is_silent_while_nothing_newer_is_there(found, recipe, tmp_path) -> None:
    done = ask(recipe, archive(tmp_path, python3_13=found, python3_14=("3.14.0-1",)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"python3.13 {NAMED} is the newest that Debian has.\n"


@pytest.mark.parametrize(
    ("found", "newest"),
    [
        (("3.13.5-2+deb13u6",), "3.13.5-2+deb13u6"),
        (("3.13.5-2", "3.13.5-2+deb13u10", NAMED), "3.13.5-2+deb13u10"),  # no order of letters
        ((NAMED, "3.13.12-1"), "3.13.12-1"),
        (("1:3.13.0-1", "3.13.20-1"), "1:3.13.0-1"),
    ],
)
def test_it_fails_and_says_what_is_newer(found, newest, recipe, tmp_path) -> None:
    done = ask(recipe, archive(tmp_path, python3_13=found))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"Debian has python3.13 {newest}; {recipe} names {NAMED}: change VERSION")


def test_an_archive_that_does_not_have_it_is_no_yes(recipe, tmp_path) -> None:
    done = ask(recipe, archive(tmp_path, python3_14=("3.14.0-1",)))
    assert done.returncode == 2 and "python3.13" in done.stderr and done.stdout == ""


def test_nor_is_one_that_cannot_be_read(recipe, tmp_path) -> None:
    sources = tmp_path / "none.sources"
    sources.write_text(f"Types: deb-src\nURIs: file:{tmp_path}/nowhere\nSuites: ./\nTrusted: yes\n")
    done = ask(recipe, sources)
    assert done.returncode == 2 and done.stderr.startswith("cpython-moved-on: apt-get failed: ")


def test_one_archive_that_does_not_answer_is_no_yes_of_the_others(recipe, tmp_path, monkeypatch) -> None:
    """apt-get calls that a warning, since it may answer later. It asks once here, not for seven seconds."""
    (tmp_path / "apt.conf").write_text('Acquire::Retries "0";\n')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    sources = archive(tmp_path, python3_13=(NAMED,))
    with sources.open("a") as text:
        text.write("\nTypes: deb-src\nURIs: http://127.0.0.1:1\nSuites: ./\nTrusted: yes\n")
    done = ask(recipe, sources)
    assert (done.returncode, done.stdout) == (2, "") and "127.0.0.1" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('PACKAGE = "python3.13"\n', "does not say VERSION"),
        (f'VERSION = "{NAMED}"\n', "does not say PACKAGE"),
        ("VERSION =\n", "unable to read"),
        (None, "unable to read"),
    ],
)
def test_a_recipe_that_names_none_is_no_yes(text, said, tmp_path) -> None:
    recipe = tmp_path / "other.py"
    if text is not None:
        recipe.write_text(text)
    done = ask(recipe, archive(tmp_path, python3_13=(NAMED,)))
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_the_recipe_of_this_folder_is_one_that_it_can_read() -> None:
    """Its names are asked for, as soon as there is one; no archive is."""
    if (ROOT / "onefile/recipe.py").exists():
        done = ask(ROOT / "onefile/recipe.py", "/nonexistent.sources")
        assert done.returncode == 2 and "/nonexistent.sources" in done.stderr
