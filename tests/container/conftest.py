"""Fixtures for tests with real containers; every container that a test makes is removed, by its id."""

import itertools
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.container.engine import ROOT, SEE, Container, Result, podman, run_words
from tests.container.engine import image as made_image


@pytest.fixture(scope="session")
def image() -> str:
    """Dockerfile.example, built as it stands."""
    return made_image("pydrop-example")


@pytest.fixture(scope="session")
def programs() -> str:
    """Programs that mind their UID, with pydrop in front of them."""
    return made_image("pydrop-programs")


@pytest.fixture
def ids(tmp_path: Path) -> Iterator[Path]:
    """The folder where podman writes the ids of containers down; those that are written there are removed at the end.
    Removed by one call: each costs as much as a start."""
    folder = tmp_path / "ids"
    folder.mkdir()
    yield folder
    remove_all(folder)


def remove_all(ids: Path) -> None:
    files = list(ids.iterdir())
    if files:
        podman("rm", "--force", "--ignore", "--time=0", *(file.read_text() for file in files))
    for file in files:
        file.unlink()


@pytest.fixture
def idfile(ids: Path) -> Callable[[], str]:
    """The option that makes podman write a container's id down."""
    numbers = itertools.count()
    return lambda: f"--cidfile={ids / str(next(numbers))}"


@pytest.fixture
def docker(tmp_path: Path, ids: Path) -> Iterator[str]:
    """The folder of a program `docker` as the pages write it; its containers and volumes go with the test."""
    name, folder = f"pydrop-test-{os.getpid()}", tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "pydrop").write_text(made_image("pydrop"))  # now, since what is said of that is on no page
    words = shlex.join([sys.executable, "-m", "tests.container.docker", name, str(tmp_path)])
    (folder / "docker").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {words} "$@"\n')
    (folder / "docker").chmod(0o755)
    yield str(folder)
    remove_all(ids)  # before their volumes
    for volume in podman("volume", "ls", "--format={{.Name}}", f"--filter=name=^{name}-").stdout.split():
        podman("volume", "rm", "--force", volume)


@pytest.fixture
def run(image: str, idfile: Callable[[], str]) -> Callable[..., Result]:
    """`podman run` to its end: run("--read-only", command=[...], env={...}). Without a command the program is SEE."""

    def run(*options: str, image: str = image, command=SEE, env=(), timeout: float = 60) -> Result:
        file = idfile()
        done = podman(*run_words(image, command, ("--rm", file, *options), dict(env)), timeout=timeout)
        Path(file.removeprefix("--cidfile=")).unlink(missing_ok=True)  # it has ended, and so has podman removed it
        return done

    return run


@pytest.fixture
def container(image: str, idfile: Callable[[], str]) -> Callable[..., Container]:
    """A container in the background: container("--read-only", command=[...], env={...})."""

    def container(*options: str, image: str = image, command=("sleep", "1000"), env=()) -> Container:
        started = podman(*run_words(image, command, ("--detach", idfile(), *options), dict(env)))
        assert started.code == 0, str(started)
        return Container(started.stdout.strip())

    return container


@pytest.fixture
def volume(tmp_path: Path) -> Callable[..., Path]:
    """A folder to mount: volume({"sub": (999, 999), "sub/file": (0, 0)}); a name that others lie below is a folder."""

    def volume(entries: dict[str, tuple[int, int]], name: str = "volume", top: tuple[int, int] = (0, 0)) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for entry in sorted(entries):
            path = folder / entry
            path.mkdir() if any(other.startswith(f"{entry}/") for other in entries) else path.write_text("text\n")
            os.chown(path, *entries[entry])
        os.chown(folder, *top)
        return folder

    return volume


@pytest.fixture
def hooks(tmp_path: Path) -> Callable[..., str]:
    """The option that gives a container these hooks: hooks(first="echo hello")."""

    def hooks(**scripts: str) -> str:
        folder = tmp_path / "hooks"
        folder.mkdir()
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        return f"--volume={folder}:/etc/pydrop.d:ro"

    return hooks


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """A tmpfs with these options of mount, as a folder to mount."""
    made: list[Path] = []

    def tmpfs(options: str) -> Path:
        folder = tmp_path / f"tmpfs-{len(made)}"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
        made.append(folder)
        return folder

    yield tmpfs
    for folder in made:
        subprocess.run(["umount", "--lazy", folder], check=True)
