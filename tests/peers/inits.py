"""Inits side by side: each as PID 1 of namespaces of its own, or below such a PID 1, around one command."""

import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

from tests.faults.throwaway import PYDROP, Throwaway, compiled
from tests.program.initmode import below, children, status, until

LINKS = "/mnt/links"
INITS = {
    "tini": ("/usr/bin/tini",),
    "our tini": (f"{LINKS}/tini",),
    "dumb-init": ("/usr/bin/dumb-init",),
    "our dumb-init": (f"{LINKS}/dumb-init",),
    "catatonit": ("/usr/bin/catatonit",),
    "pydrop": (PYDROP, "--init", "--user", "root", "--log-level", "error"),
}
CHILD = "/mnt/child"
MOMENT = 0.02  # seconds between two looks
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/root"}
BELOW = """
import os, signal, sys
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    pid, how = os.waitpid(-1, 0)
    if pid == job:
        os.write(1, b'ended with %d\\n' % (os.waitstatus_to_exitcode(how) % 256))
        signal.pause()
"""
IGNORING = "import signal, os, sys; signal.signal(17, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
PYTHON = (f"{sys.base_prefix}/bin/python3", "-I", "-S", "-c")

Done = subprocess.CompletedProcess[bytes]


def made(folder: Path) -> Throwaway:
    """A place with the links, and with the program of tests/program/child.c."""
    place = Throwaway(folder)
    shutil.copy(compiled(Path(__file__).parent.parent / "program/child.c", "-static"), folder / "child")
    (folder / "links").mkdir()
    for name in ("tini", "dumb-init"):
        (folder / "links" / name).symlink_to(PYDROP)
    return place


class Alive:
    """An init that runs, whose command has said that it is ready. `pid` is the init's, as this machine counts."""

    started: ClassVar[list["Alive"]] = []

    def __init__(
        self, place: Throwaway, init: str, *words: str, pid_1: bool = True, before: "tuple[str, ...]" = ()
    ) -> None:
        around = before if pid_1 else (*PYTHON, BELOW, *before)
        given = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
        inside = place.inside("env", "-i", *given, *around, *INITS[init], *words)
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            ["unshare", "--kill-child", *inside[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            process_group=0,  # below one of its session: in an orphaned group the kernel drops TSTP, TTIN and TTOU
        )
        self.started.append(self)
        assert self.line() == "ready"
        first = children(self.process.pid)[0]
        self.pid = first if pid_1 else children(first)[0]

    def line(self) -> str:
        """The next line on standard output."""
        assert self.process.stdout
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self.process.stdout], [], [], 15)[0], f"nothing comes behind {line!r}"
            more = self.process.stdout.read(1)
            assert more, f"it has ended: {self.process.communicate()}"
            line += more
        return line.decode().strip()

    def send(self, number: int) -> None:
        """A signal, and wait until all that follows from it has been done."""
        os.kill(self.pid, number)
        until(lambda: all(is_settled(pid) for pid in [self.pid, *below(self.pid)]))

    def command(self) -> int:
        """The pid of the command: the init's first child."""
        return children(self.pid)[0]

    def has_below(self, count: int) -> bool:
        """Whether so many processes come to be below the init, and no more are there."""
        return bool(until(lambda: len(below(self.pid)) == count))

    def state(self) -> str:
        """Of the init, the command and what the command has started: T is stopped, S waits. What is seen twice, with
        nobody at work: on a busy machine a signal's way takes its time."""
        before, now = "", self._states()
        end = time.monotonic() + 5
        while (now != before or set(now) & {"R", "D"}) and time.monotonic() < end:
            before, now = now, self._states()
        return now

    def _states(self) -> str:
        time.sleep(MOMENT)
        return "".join([status(pid)["State"][0] for pid in [self.pid, *below(self.pid)]])

    def end(self) -> int:
        self.process.communicate(timeout=20)
        return self.process.returncode

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def is_settled(pid: int) -> bool:
    """It is stopped, or waits and no signal is on its way to it."""
    try:
        fields = status(pid)
    except OSError:
        return True
    pending = int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16)
    return fields["State"][0] in "TZ" or (fields["State"][0] == "S" and not pending)


def run(
    place: Throwaway,
    init: str,
    *words: "str | bytes",
    env: "dict[str, str]" = ENVIRONMENT,
    before: "tuple[str, ...]" = (),
) -> Done:
    """As PID 1, to its end."""
    return place.run(*before, *INITS[init], *words, env=env, cwd="/mnt")
