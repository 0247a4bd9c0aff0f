"""The working tree as a repository of its own, and what is built of it once for all tests."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
GIT = ("git", "-c", "user.name=Tester", "-c", "user.email=tester@example.com")


def git(folder: Path, *words: str) -> str:
    return subprocess.run([*GIT, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean clone of what is in the working tree, committed or not."""
    folder: Path = tmp_path_factory.mktemp("release") / "tree"
    listed = git(ROOT, "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in listed.split("\0")[:-1]:
        if (ROOT / name).is_file():  # neither removed nor a folder
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
            target.chmod((ROOT / name).stat().st_mode)
    git(folder, "init", "-q", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--message=All")
    return folder


@pytest.fixture(scope="session")
def sdist(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built(tree, tmp_path_factory.mktemp("sdist"), "--sdist")


@pytest.fixture(scope="session")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of the unpacked sdist, where neither this checkout's sources nor the clone are to be seen."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(["tar", "-xzf", sdist, "-C", folder], check=True)
    source = folder / sdist.name.removesuffix(".tar.gz")
    hidden = [ROOT / name for name in ("src", "launcher", "docs", "tools", "tests")]
    hide = " && ".join(f'mount -t tmpfs tmpfs "{place}"' for place in hidden)
    return _built(source, folder, "--wheel", before=("unshare", "--mount", "sh", "-c", f'{hide} && exec "$@"', "sh"))


def _built(source: Path, folder: Path, kind: str, before: "tuple[str, ...]" = ()) -> Path:
    words = [*before, sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", f"{folder}/dist", str(source)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (folder / "dist").iterdir()
    return made
