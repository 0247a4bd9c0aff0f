"""tools/release: its dry run, everything that it refuses, and that only --publish pushes anything."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pydrop import __version__
from tests.release.conftest import ROOT, git

TAG = f"v{__version__}"
Edit = Callable[[str, str, str], None]


@pytest.fixture(scope="session")
def ready(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the tree, with an origin of its own, dated and tested: ready to be released."""
    both: Path = tmp_path_factory.mktemp("ready")
    git(both, "clone", "-q", "--bare", str(tree), "origin")
    git(both, "clone", "-q", "origin", "clone")
    folder = both / "clone"
    (folder / ".venv").symlink_to(ROOT / ".venv")  # as make setup would make it
    (folder / ".git/info/exclude").write_text(".venv\n")
    git(folder, "config", "user.name", "Tester")
    git(folder, "config", "user.email", "tester@example.com")
    text = (folder / "CHANGELOG.md").read_text()
    heading = text.partition(f"## {__version__} (")[2].partition(")")[0]  # a day in the very commit of a release
    changed(folder, "CHANGELOG.md", f"## {__version__} ({heading})", f"## {__version__} (2026-12-31)")
    note_tested(folder)
    return both


@pytest.fixture
def clone(ready: Path, tmp_path: Path) -> Path:
    subprocess.run(["cp", "-a", f"{ready}/.", tmp_path], check=True)
    git(tmp_path / "clone", "remote", "set-url", "origin", str(tmp_path / "origin"))
    return tmp_path / "clone"


def changed(folder: Path, name: str, old: str, new: str) -> str:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    return git(folder, "commit", "-q", "--all", "--allow-empty", "--message=A change")


def note_tested(folder: Path) -> None:
    for when in ("begin", "end"):
        subprocess.run([folder / "tools/tested", when], check=True)


def release(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([folder / "tools/release", *words], capture_output=True, text=True, check=False, env=quiet())


def quiet() -> "dict[str, str]":
    return {**os.environ, "NO_COLOR": "1", "GIT_AUTHOR_NAME": "Tester", "GIT_COMMITTER_NAME": "Tester"}


def tags_of(clone: Path) -> "list[str]":
    return git(clone, "ls-remote", "--tags", "origin").split()


def test_a_dry_run_builds_and_checks_and_says_what_it_would_publish(clone: Path) -> None:
    done = release(clone)
    assert done.returncode == 0, done.stdout + done.stderr
    tag, *uploads, last = done.stdout.splitlines()
    assert tag == f"tag     {TAG} at {git(clone, 'rev-parse', 'HEAD').strip()}"
    assert last.startswith("This was a dry run: nothing was tagged or uploaded.")
    made = sorted((clone / "dist/release").iterdir())
    assert [line.split()[1] for line in uploads] == [f"dist/release/{file.name}" for file in made]
    for line, file in zip(uploads, made, strict=True):
        assert hashlib.sha256(file.read_bytes()).hexdigest() in line
    assert git(clone, "tag") == "" and tags_of(clone) == []
    assert git(clone, "status", "--porcelain") == ""


def test_publish_pushes_the_tag_and_nothing_else(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build, which the dry run's test has, is left out: python -m build and twine are stood in for."""
    stand_in(clone)
    before = git(clone, "ls-remote", "--heads", "origin")
    done = release(clone, "--publish")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"refs/tags/\S+", " ".join(tags_of(clone))) == [f"refs/tags/{TAG}", f"refs/tags/{TAG}^{{}}"]
    assert git(clone, "rev-parse", f"{TAG}^{{}}") == git(clone, "rev-parse", "HEAD")
    assert git(clone, "ls-remote", "--heads", "origin") == before
    assert release(clone).returncode == 0  # as the workflow runs it, on the tag


def stand_in(clone: Path) -> None:
    (clone / ".venv").unlink()
    python = clone / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    own = f"pydrop_entrypoint-{__version__}"
    files = " ".join(
        f'"$PWD/dist/release/{name}"' for name in (f"{own}-py3-none-manylinux_2_17_x86_64.whl", f"{own}.tar.gz")
    )
    python.write_text(f'#!/bin/sh\n[ "$2" = twine ] || {{ mkdir -p dist/release && touch {files}; }}\n')
    python.chmod(0o755)


REFUSED: "dict[str, tuple[Callable[[Path], object], str]]" = {
    "a file that is not committed": (
        lambda clone: (clone / "forgotten.py").touch(),
        "the tree is not clean: commit or remove forgotten.py",
    ),
    "a change that is not committed": (
        lambda clone: (clone / "README.md").write_text("new"),
        "the tree is not clean: commit or remove README.md",
    ),
    "no day": (
        lambda clone: changed(clone, "CHANGELOG.md", "(2026-12-31)", "(unreleased)"),
        f"CHANGELOG.md says {__version__} (unreleased): write the day of the release, as in (2026-12-31)",
    ),
    "another version in the changelog": (
        lambda clone: changed(clone, "CHANGELOG.md", f"## {__version__} (", "## 9.9.9 ("),
        f"CHANGELOG.md begins with 9.9.9, src/pydrop/__init__.py says {__version__}: make them the same",
    ),
    "another version in the package": (
        lambda clone: changed(clone, "src/pydrop/__init__.py", f'"{__version__}"', '"9.9.9"'),
        f"CHANGELOG.md begins with {__version__}, src/pydrop/__init__.py says 9.9.9: make them the same",
    ),
    "no version": (
        lambda clone: changed(clone, "src/pydrop/__init__.py", f'"{__version__}"', '"9.9.dev"'),
        "src/pydrop/__init__.py has no __version__ of three numbers",
    ),
    "no changelog": (
        lambda clone: (clone / "CHANGELOG.md").write_text("") or git(clone, "commit", "-qam", "None"),
        f"CHANGELOG.md begins with none, src/pydrop/__init__.py says {__version__}: make them the same",
    ),
    "a tag that is another commit's": (
        lambda clone: git(clone, "tag", TAG) or changed(clone, "README.md", "# pydrop", "# Pydrop"),
        "raise the version in src/pydrop/__init__.py",
    ),
    "an annotated tag that is another commit's": (
        lambda clone: git(clone, "tag", "-am", "it", TAG) or changed(clone, "README.md", "# pydrop", "# Pydrop"),
        "raise the version in src/pydrop/__init__.py",
    ),
    "never tested": (lambda clone: (clone / "build/tested").unlink(), "these files are not tested: run `make test`"),
    "changed after the tests": (
        lambda clone: changed(clone, "README.md", "# pydrop", "# Pydrop"),
        "these files are not tested: run `make test`",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_ready_is_one_line_and_nothing_is_built(what: str, clone: Path) -> None:
    change, said = REFUSED[what]
    change(clone)
    for words in ([], ["--publish"]):
        done = release(clone, *words)
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.startswith("release: ") and said in done.stdout and done.stdout.count("\n") == 1
    assert not (clone / "dist").exists() and tags_of(clone) == []


def test_what_cannot_be_built_is_shown(clone: Path) -> None:
    changed(clone, "pyproject.toml", 'requires = ["hatchling"]', 'requires = ["no-such-backend"]')
    note_tested(clone)
    done = release(clone, "--publish")
    assert done.returncode == 1 and "no-such-backend" in done.stdout
    assert done.stdout.endswith("release: building failed: see above\n") and tags_of(clone) == []


@pytest.mark.parametrize("words", [["--dry-run"], ["--publish", "now"], ["v1"]])
def test_other_words_are_a_usage_error(words: "list[str]", clone: Path) -> None:
    done = release(clone, *words)
    assert done.returncode == 2 and "Usage: tools/release" in done.stdout


def test_files_that_change_during_the_tests_are_not_called_tested(clone: Path) -> None:
    subprocess.run([clone / "tools/tested", "begin"], check=True)
    changed(clone, "README.md", "# pydrop", "# Pydrop")
    subprocess.run([clone / "tools/tested", "end"], check=True)
    assert not (clone / "build/tested").exists()


@pytest.mark.parametrize("when", ["begin", "end"])
def test_nor_are_files_that_are_not_committed(when: str, clone: Path) -> None:
    for now in ("begin", "end"):
        if now == when:
            (clone / "forgotten.py").touch()
        subprocess.run([clone / "tools/tested", now], check=True)
    assert not (clone / "build/tested").exists()


def test_a_folder_without_git_can_be_tested_too(clone: Path) -> None:
    shutil.rmtree(clone / ".git")
    note_tested(clone)
    assert not (clone / "build/tested").exists()
