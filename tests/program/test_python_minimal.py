"""Under Debian's python3-minimal: what needs no more works, and anything else is one line that names the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pydrop.ctl.main import SUBCOMMANDS
from tests.faults.throwaway import PYDROP, Throwaway

pytestmark = pytest.mark.pip

VERSION = f"python3.{sys.version_info.minor}"
LIBRARY = Path(f"/usr/lib/{VERSION}")
HIDE = f"mount --bind /mnt/library {LIBRARY} && exec "
ENV = {"PUID": "1500", "PYDROP_LOG_LEVEL": "warn"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Throwaway:
    """The library has the files of that package alone."""
    made = Throwaway(tmp_path_factory.mktemp("minimal"))
    listed = subprocess.run(["dpkg", "-L", f"lib{VERSION}-minimal"], check=True, capture_output=True, text=True).stdout
    for line in listed.splitlines():
        path = Path(line)
        if path.is_file() and path.is_relative_to(LIBRARY):
            target = made.folder / "library" / path.relative_to(LIBRARY)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return made


def run(place: Throwaway, words: str, **env: str) -> "subprocess.CompletedProcess[bytes]":
    return place.run("sh", "-c", f"{HIDE} {words}", env=ENV | env)


def is_one_line_about_the_package(done: "subprocess.CompletedProcess[bytes]") -> None:
    said = done.stderr.decode()
    assert (done.returncode, said.count("\n")) == (125, 1), said
    assert said.startswith("pydrop: ") and "Debian: python3, not python3-minimal alone" in said


def test_the_library_is_less_than_whole(place: Throwaway) -> None:
    done = run(place, f"{sys.executable} -I -c 'import tomllib'")
    assert b"ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("words", ["", "--init", "--umask=027", "--no-new-privs=false"])
def test_a_start_works(place: Throwaway, words: str) -> None:
    done = run(place, f"{PYDROP} {words} id -u")
    assert (done.stdout, done.stderr, done.returncode) == (b"1500\n", b"", 0)


@pytest.mark.parametrize("word", ["", "--help", "--nonsense", "nonsense", *sorted(SUBCOMMANDS)])
def test_pydropctl_names_the_package(place: Throwaway, word: str) -> None:
    is_one_line_about_the_package(run(place, f"{PYDROP}ctl {word}"))


NEEDS_MORE = {
    "capabilities to keep": ("--keep-caps=net_raw", {}),
    "a settings file": ("", {"PYDROP_CONFIG": "/mnt/etc/settings.toml"}),
}


@pytest.mark.parametrize("case", NEEDS_MORE)
def test_a_start_that_needs_more_names_the_package(place: Throwaway, case: str) -> None:
    (place.folder / "etc/settings.toml").write_text('umask = "027"\n')
    words, env = NEEDS_MORE[case]
    is_one_line_about_the_package(run(place, f"{PYDROP} {words} id -u", **env))


@pytest.mark.parametrize(("words", "said"), [("--chwon /x true", "did you mean --chown"), ("nosuch", "not found")])
def test_mistakes_have_their_own_words(place: Throwaway, words: str, said: str) -> None:
    done = run(place, f"{PYDROP} {words}")
    assert said in done.stderr.decode() and done.stderr.count(b"\n") == 1
