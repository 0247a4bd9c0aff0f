"""What each part of the build stands on: commands, Debian's packages, and a cache of what is built once."""

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pydrop" / "onefile"


def run(*words: str, loud: bool = False, **how: Any) -> None:
    """Run a command; what it says is shown where it fails, or with `loud`."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **how)
    if done.returncode or loud:
        sys.stderr.buffer.write(done.stdout[-20000:])
    if done.returncode:
        raise SystemExit(f"onefile: {words[0]} ended with exit code {done.returncode}")


def say(words: str) -> None:
    print("onefile:", words, file=sys.stderr, flush=True)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def kept(name: str, build: Callable[[Path], None]) -> Path:
    """The folder of that name in the cache. Where it is missing it is built, and gets its name when it is complete."""
    folder = CACHE / name
    if not folder.is_dir():
        with alone(name):
            if not folder.is_dir():  # while this process waited
                say(f"making {name}")
                unfinished = CACHE / f"{name}.unfinished"
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                build(unfinished)
                unfinished.rename(folder)
    return folder


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """One at a time, of all processes that share the cache folder and want this of it."""
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(packages: list[str]) -> None:
    lacking = [name for name in packages if not version_of(name)]
    if lacking:
        say(f"installing {' '.join(lacking)}")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "-q", env=environment)
        run("apt-get", "install", "-y", "-q", "--no-install-recommends", *lacking, env=environment)


def version_of(package: str) -> str:
    """The version of an installed package, else ""."""
    words = ["dpkg-query", "-W", "-f=${db:Status-Status} ${Version}", package]
    status, _, version = subprocess.run(words, capture_output=True, text=True, check=False).stdout.partition(" ")
    return version if status == "installed" else ""


@functools.cache
def native() -> str:
    """Debian's name of the machine's architecture."""
    return subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
