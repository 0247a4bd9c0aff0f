"""The programs that the bench starts: found on the PATH that the commands get, or compiled from beside this file."""

import os
import subprocess

from timing import Failed

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMPILE = ("cc", "-std=gnu11", "-O2", "-static", "-pthread")  # static: small, and soon started
HERE = os.path.dirname(os.path.abspath(__file__))


def found(name: str) -> str:
    """The program's path."""
    for folder in PATH.split(":"):
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    raise Failed(f"{name} is not on the PATH {PATH}")


def way(pydrop: str) -> str:
    """Which of the two ways this pydrop came, as it says itself: the one file names what it holds."""
    try:
        done = subprocess.run([pydrop, "--version"], capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    version, _, holds = done.stdout.strip().partition(" (")
    if done.returncode != 0 or not version:
        return "unknown"
    return f"one file, {version} ({holds}" if holds else f"by pip, {version}"


def compiled(name: str, folder: str) -> str:
    """The program that NAME.c is the source of, made in the folder."""
    program = os.path.join(folder, name)
    run(*COMPILE, "-o", program, os.path.join(HERE, f"{name}.c"))
    return program


def run(name: str, *words: str) -> str:
    """What the program says. Raises Failed with its complaint where it fails."""
    done = subprocess.run([found(name), *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{name} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
