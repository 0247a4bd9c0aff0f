"""Real containers by tools/podman: started, looked into, stopped and removed."""

import functools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent.parent
PODMAN = str(ROOT / "tools" / "podman")

# A program that says what it is. It reads /proc, not what a library remembers.
SEE = ["python3", "-I", "-S", "-c", (Path(__file__).parent / "see.py").read_text()]


class Result:
    """How a podman command ended. Bytes that are no UTF-8 survive as surrogates."""

    def __init__(self, done: "subprocess.CompletedProcess[str]", seconds: float) -> None:
        self.stdout, self.stderr, self.code, self.seconds = done.stdout, done.stderr, done.returncode, seconds

    @property
    def seen(self) -> dict[str, Any]:
        """What SEE said."""
        assert self.code == 0, str(self)
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def __repr__(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


def podman(*arguments: str, timeout: float = 60, stdin: int = subprocess.DEVNULL) -> Result:
    began = time.monotonic()
    done = subprocess.run(
        [PODMAN, *arguments],
        stdin=stdin,
        cwd=tempfile.gettempdir(),  # conmon leaves a file `oom` where it was started, when memory was lacking
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=timeout,
        check=False,
    )
    return Result(done, time.monotonic() - began)


@functools.cache
def image(name: str) -> str:
    """The id of an image that tools/images.py knows; made now where it is missing."""
    done = subprocess.run(
        [str(ROOT / "tools" / "images.py"), name], stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    return done.stdout.strip()


def run_words(image: str, command: list[str], options: tuple[str, ...], env: dict[str, str]) -> list[str]:
    """`podman run`, with these. Podman's own passwd entry for an unknown id is off unless an option asks for it."""
    return [
        "run",
        "--passwd=false",
        *(f"--env={name}={value}" for name, value in env.items()),
        *options,
        image,
        *command,
    ]


class Container:
    """A container that was started in the background."""

    def __init__(self, id: str) -> None:
        self.id = id

    def start(self) -> None:
        done = podman("start", self.id)
        assert done.code == 0, str(done)

    def wait(self, timeout: float = 60) -> int:
        """Until it has ended; its exit code."""
        return int(podman("wait", "--interval=20ms", self.id, timeout=timeout).stdout)

    def stop(self) -> int:
        """TERM, and KILL ten seconds later as engines do; its exit code, 137 where it had to be killed."""
        podman("stop", "--time=10", self.id)
        return self.wait()

    def exec(self, *command: str, options: tuple[str, ...] = ()) -> Result:
        return podman("exec", *options, self.id, *command)

    def logs(self) -> Result:
        """All that it has said, in all its starts."""
        return podman("logs", self.id)

    def runs(self, program: str) -> "Container":
        """Waits until its PID 1 is this program, which this machine's own /proc shows."""
        comm = Path(f"/proc/{self.pid()}/comm")
        until(lambda: comm.read_text() == f"{program}\n")
        return self

    def pid(self) -> int:
        """Of its PID 1, as this machine counts."""
        return int(podman("inspect", "--format={{.State.Pid}}", self.id).stdout)


Found = TypeVar("Found")


def pids(containers: "list[Container]") -> list[int]:
    """Of their PIDs 1, as this machine counts, by one call for all."""
    found = podman("inspect", "--format={{.State.Pid}}", *(one.id for one in containers)).stdout.split()
    return [int(pid) for pid in found]


def waited(containers: "list[Container]", timeout: float = 60) -> list[int]:
    """Until all have ended; their exit codes, by one call for all."""
    done = podman("wait", "--interval=20ms", *(one.id for one in containers), timeout=timeout)
    return [int(code) for code in done.stdout.split()]


def until(condition: Callable[[], Found], seconds: float = 20) -> Found:
    """Asks again and again; fails where it is not so in time."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not so within {seconds} seconds: {condition}"
        time.sleep(0.01)
    return found


def owner(path: Path) -> tuple[int, int]:
    look = os.lstat(path)
    return look.st_uid, look.st_gid


def waits_for(pid: int, folder: Path) -> bool:
    """Whether a process waits for the lock of this very folder: it has the folder open, and sleeps between two
    attempts."""
    assert pid, "it has ended, and waited for nobody"
    return "nanosleep" in Path(f"/proc/{pid}/wchan").read_text() and has_open(pid, folder)


def has_open(pid: int, folder: Path) -> bool:
    wanted = os.stat(folder)
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found = os.stat(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False
