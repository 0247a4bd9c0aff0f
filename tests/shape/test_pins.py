"""What an image of ours is built from is pinned: each package by its version, each of its files by a hash."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LISTS = [
    *sorted(ROOT.glob("requirements*.txt")),
    *(ROOT / "examples/python/requirements.txt", ROOT / "onefile/sbom_requirements.txt"),
]
PINNED = re.compile(r"([a-z0-9-]+)==[0-9.]+(?:post[0-9]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+")
IMAGES = [ROOT / "Dockerfile", ROOT / "Dockerfile.example", *sorted((ROOT / "examples").glob("**/Dockerfile"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(path: Path) -> list[str]:
    return [found[1] for found in PINNED.finditer(path.read_text())]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_line_has_a_version_and_a_hash(path: Path) -> None:
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    assert PINNED.sub("", text).strip() == "" and names(path)


def test_the_lists_have_what_the_project_asks_for() -> None:
    wanted = [re.split("[><=]", line)[0] for line in PROJECT["project"]["dependencies"]]
    requires = set(PROJECT["build-system"]["requires"])
    assert names(ROOT / "requirements.txt") == sorted(wanted)
    assert requires <= set(names(ROOT / "requirements-build.txt"))
    assert requires | {"build", "twine", "zizmor"} <= set(names(ROOT / "requirements-release.txt"))


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_image_takes_a_package_unseen(path: Path) -> None:
    """From an index only with hashes; what comes from a folder takes nothing else along."""
    lines = path.read_text().replace("\\\n", " ")
    for call in re.findall(r"pip (?:install|wheel|download) [^&\n]*", lines):
        from_a_folder = "--no-deps" in call and ("--no-index" in call or call.rstrip().endswith("/src"))
        assert "--require-hashes" in call or from_a_folder, call


def test_the_build_gets_the_lists() -> None:
    """.dockerignore leaves out all that it does not name."""
    named = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"!requirements.txt", "!requirements-build.txt"} <= set(named)
