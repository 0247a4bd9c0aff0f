"""Large volumes, and starts of the installed `pydrop` on them as processes that one can watch, stop and kill.

Everything happens in a mount namespace of its own, on a tmpfs.
"""

import ctypes
import os
import random
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.faults.throwaway import APP, PYDROP, Throwaway

OLD = 999
FILES = 99  # in each folder of a tree
ENV = {"PATH": "/usr/bin:/bin", "PUID": str(APP), "PGID": str(APP), "PYDROP_HOME": "/mnt/made"}
PASSWD = b"root:x:0:0:root:/root:/bin/sh\n"
GROUP = b"root:x:0:\n"
SHARE = 'mount --bind "$1" /mnt/volume && shift && exec "$@"'
CLONE_NEWNS = 0x00020000


def apart(folder, function):
    """Run `function` in a child with a tmpfs of its own over `folder`; what fails there fails here."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            os.close(reading)
            if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
                raise OSError(ctypes.get_errno(), "unshare")
            subprocess.run(["mount", "--make-rprivate", "/"], check=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", str(folder)], check=True)
            function()
        except BaseException:
            code = 1
            os.write(writing, traceback.format_exc().encode()[-60000:])
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writing)
    with open(reading, "rb") as said:
        trouble = said.read().decode()
    status = os.waitpid(child, 0)[1]
    assert not trouble, trouble
    assert status == 0


class Tree:
    """A volume of `folders` folders in ten, each with 99 files; `entries` counts them all, the top included.

    One folder in three may be written by its group, one in five by all, so that what a walk does to modes is seen.
    """

    def __init__(self, top: Path, folders: int) -> None:
        self.top = top
        self.folders = [f"{number % 10}/{number}" for number in range(folders)]
        self.entries = 1 + 10 + folders * (FILES + 1)
        for name in [str(number) for number in range(10)] + self.folders:
            (top / name).mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(self.folders):
            fd = os.open(top / name, os.O_RDONLY)
            os.fchmod(fd, 0o777 if number % 5 == 0 else 0o775 if number % 3 == 0 else 0o755)
            for file in range(FILES):
                os.mknod(str(file), 0o600 | file % 8, dir_fd=fd)
            os.close(fd)
        self.modes = self.all_modes()

    def ruin(self, uid: int = OLD) -> None:
        """Make every entry somebody else's."""
        subprocess.run(["chown", "-hR", f"{uid}:{uid}", str(self.top)], check=True)

    def all_modes(self) -> str:
        return self._find("-printf", "%m %P\n")

    def wrong(self) -> int:
        """How many entries are not the user's, the top included."""
        return len(self._find("(", "!", "-user", str(APP), "-o", "!", "-group", str(APP), ")", "-printf", "x"))

    def top_is_right(self) -> bool:
        info = os.stat(self.top)
        return (info.st_uid, info.st_gid) == (APP, APP)

    def somewhere(self, chance: random.Random) -> str:
        """The path of a file that is not the user's yet; "" where such a file is hard to find."""
        tries = (f"{self.top}/{chance.choice(self.folders)}/{chance.randrange(FILES)}" for _ in range(100))
        return next((path for path in tries if os.lstat(path).st_uid != APP), "")

    def _find(self, *words: str) -> str:
        return subprocess.run(["find", str(self.top), *words], stdout=subprocess.PIPE, check=True, text=True).stdout


def holds_or_catches_term(pid: int) -> bool:
    """Whether SIGTERM is blocked in a process, or has a handler there (proc(5))."""
    with open(f"/proc/{pid}/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return bool((int(fields["SigBlk"], 16) | int(fields["SigCgt"], 16)) >> signal.SIGTERM - 1 & 1)


class Start:
    """A start of `pydrop COMMAND` with the volume /mnt/volume; as PID 1 of a container, or as an ordinary process."""

    def __init__(
        self,
        place: Throwaway,
        env: "dict[str, str] | None" = None,
        pid1: bool = False,
        share: "Path | None" = None,
        gate: int = -1,
        around: "tuple[str, ...]" = (),
        command: "tuple[str, ...]" = ("true",),
    ) -> None:
        words = [*around, PYDROP, *command]
        if share:
            words = ["sh", "-c", SHARE, "share", str(share), *words]
        if gate >= 0:  # a pipe: it goes on when nobody can write there any more
            words = ["sh", "-c", 'read _; exec "$@" </dev/null', "wait", *words]
        given = [f"{name}={value}" for name, value in (ENV | {"PYDROP_CHOWN": "/mnt/volume"} | (env or {})).items()]
        inside = place.inside("env", "-i", *given, *words)
        self.pid1 = pid1
        self.process = subprocess.Popen(
            inside if pid1 else ["unshare", "--mount", *inside[5:]],
            stdin=gate if gate >= 0 else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.ending = os.pidfd_open(self.process.pid)

    def __enter__(self) -> "Start":
        return self

    def __exit__(self, *_: object) -> None:
        self.everyone(signal.SIGKILL)
        self.process.wait()
        assert self.process.stderr
        self.process.stderr.close()
        os.close(self.ending)

    @property
    def main(self) -> int:
        """The process that is pydrop, as we see it from outside. 0 while there is none."""
        if not self.pid1:
            return self.process.pid
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                return int((file.read().split() or ["0"])[0])
        except FileNotFoundError:
            return 0

    def begun(self) -> bool:
        """Whether it is pydrop by now, which holds signals back until it can act on them."""
        try:
            with open(f"/proc/{self.main}/cmdline", "rb") as file:
                words = file.read()
            is_there = words.partition(b"\0")[0].endswith(b"pydrop") or b"-c\0import sys" in words
            return is_there and holds_or_catches_term(self.main)
        except OSError:
            return False

    def family(self) -> "list[int]":
        """Its processes that live."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat") as file:
                        state, _, _, session = file.read().rpartition(")")[2].split()[:4]
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if int(session) == self.process.pid and state not in "ZX":
                    found.append(int(name))
        return found

    def signal(self, number: int) -> None:
        """A signal for pydrop itself, if it still is there."""
        main = self.main
        if main and not self.over():
            os.kill(main, number)

    def everyone(self, number: int) -> None:
        """A signal for all its processes."""
        for pid in self.family():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def over(self, seconds: float = 0) -> bool:
        """Whether it has ended, or does within so many seconds."""
        return bool(select.select([self.ending], [], [], seconds)[0])

    def ended(self) -> "tuple[int, str]":
        """(exit code, or minus the signal; what it said), when it has ended."""
        assert self.over(60), "it hangs"
        said = self.process.stderr.read().decode() if self.process.stderr else ""
        return self.process.wait(), said


class Moment:
    """A moment of a start: as soon as some file has changed its owner, or after some time."""

    def __init__(self, tree: Tree, chance: random.Random, longest: float) -> None:
        self.path = tree.somewhere(chance) if chance.random() < 0.6 else ""
        self.seconds = chance.uniform(0, longest)

    def __str__(self) -> str:
        return f"when {self.path} has changed" if self.path else f"{self.seconds * 1000:.1f} ms after its beginning"

    def wait(self, start: Start) -> None:
        """Until then, or until it is over."""
        until(start.begun, start)
        began = time.monotonic()
        if self.path:
            until(lambda: os.lstat(self.path).st_uid == APP, start)
        else:
            start.over(self.seconds)
            assert start.over() or time.monotonic() - began >= self.seconds


def until(condition: "Callable[[], object]", start: "Start | None" = None, seconds: float = 30) -> None:
    """Poll; an end of `start` is good too."""
    last = time.monotonic() + seconds
    while not condition() and not (start and start.over()):
        assert time.monotonic() < last, "that did not happen"


def given(said: str) -> int:
    """How many entries a start gave, by its own words."""
    return int(said.split(" entries given to ")[0].split()[-3]) if " entries given to " in said else 0


def undisturbed(place: Throwaway, tree: Tree, env: "dict[str, str]") -> float:
    """How long a start takes that nobody disturbs, from pydrop's beginning; everything is right after it."""
    with Start(place, env) as start:
        until(start.begun, start)
        began = time.monotonic()
        code, said = start.ended()
        took = time.monotonic() - began
    assert (code, given(said), tree.wrong()) == (0, tree.entries, 0), said
    return took
