"""`pydrop --init` in a throwaway container's worth of namespaces: as PID 1, or below a shell that is."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

from tests.faults.throwaway import PYDROP, Throwaway, compiled

CHILD = "/mnt/child"
ENV = {"PATH": "/usr/bin:/bin", "PUID": "1500", "PYDROP_LOG_LEVEL": "warn"}
SHELL = """
import os, sys
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.execvp(sys.argv[1], sys.argv[1:])
code = os.waitstatus_to_exitcode(os.waitpid(job, 0)[1])
os._exit(code if code >= 0 else 128 - code)
"""
T = TypeVar("T")
BELOW = (sys.executable, "-I", "-S", "-c", SHELL)  # like a shell with job control: pydrop is a job below it, not PID 1


def made(folder: Path) -> Throwaway:
    """A place with the program of child.c in it."""
    place = Throwaway(folder)
    shutil.copy(compiled(Path(__file__).parent / "child.c", "-static"), folder / "child")
    return place


class Running:
    """A pydrop that runs. `pid` is its own, as this machine counts; `top` what was started for it."""

    started: ClassVar[list["Running"]] = []

    def __init__(
        self,
        place: Throwaway,
        *words: str,
        pid_1: bool = True,
        env: "dict[str, str] | None" = None,
        around: "tuple[str, ...]" = (),
        stdin: int = subprocess.DEVNULL,
        pass_fds: "tuple[int, ...]" = (),
        start_new_session: bool = False,
    ) -> None:
        given = [f"{name}={value}" for name, value in (ENV | (env or {})).items()]
        inside = place.inside("env", "-i", *given, *around, *(() if pid_1 else BELOW), PYDROP, "--init", *words)
        self.process = subprocess.Popen(
            inside,
            bufsize=0,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
            start_new_session=start_new_session,
        )
        self.started.append(self)
        self.top = self.process.pid
        self.pid = until(self._find)

    def kill(self) -> None:
        """With all that is below it. (`unshare --kill-child` could not: a change of ids takes that signal back.)"""
        for pid in [self.top, *below(self.top)] if self.process.poll() is None else ():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.communicate()

    def _find(self) -> "int | None":
        """The first process below that has become pydrop: by name, the launcher's, Python's behind it, or its title."""
        self._require_alive()
        for pid in below(self.top):
            above = cmdline(parent(pid))  # empty in the midst of an exec, when it may be pydrop's own child
            if is_pydrop(cmdline(pid)) and above and not is_pydrop(above):
                return pid
        return None

    def line(self) -> str:
        """The next line that the command prints. (The pipe is read unbuffered, so that select sees what is there.)"""
        assert self.process.stdout
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self.process.stdout], [], [], 15)[0], f"nothing comes behind {line!r}"
            more = self.process.stdout.read(1)
            assert more, self.end()
            line += more
        return line.decode().strip()

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def holds_signals(self) -> bool:
        """Whether it is past the first moment, in which the kernel drops what comes to a PID 1."""
        return int(status(self.pid)["SigBlk"], 16) != 0

    def command(self) -> int:
        """The pid of the command, as this machine counts, as soon as it runs."""
        return until(self._command)

    def _command(self) -> "int | None":
        self._require_alive()
        return next((pid for pid in children(self.pid) if _runs(cmdline(pid))), None)

    def _require_alive(self) -> None:
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}: {self.process.communicate()}")

    def end(self, seconds: float = 20) -> "tuple[int, list[str]]":
        """The exit code, and what was said on standard error."""
        _, said = self.process.communicate(timeout=seconds)
        code = self.process.returncode
        return (128 - code if code < 0 else code), said.decode().splitlines()

    def stop(self, number: int = signal.SIGTERM) -> "tuple[int, list[str]]":
        self.send(number)
        return self.end()


def until(condition: "Callable[[], T | None]", seconds: float = 15) -> T:
    """What the condition gives, as soon as it is something."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "not so in time"
        time.sleep(0.002)
    return found


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def parent(pid: int) -> int:
    try:
        return int(status(pid)["PPid"])
    except OSError:
        return 0


def below(pid: int) -> list[int]:
    """All processes below, nearest first."""
    found = todo = children(pid)
    while todo:
        todo = [inner for outer in todo for inner in children(outer)]
        found = found + todo
    return found


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _runs(words: bytes) -> bool:
    return bool(words) and not is_pydrop(words)


def is_pydrop(words: bytes) -> bool:
    """The launcher, Python behind it, or the title of the process that stays."""
    return (
        words.split(b"\0")[0].endswith(b"/pydrop")
        or b"\0import sys\np,v=" in words
        or words.startswith(b"pydrop: init of ")
    )


def status(pid: int) -> "dict[str, str]":
    """The fields of /proc/PID/status."""
    text = Path(f"/proc/{pid}/status").read_text()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def private_dirty(pid: int) -> int:
    """Kibibytes that only this process holds."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))
