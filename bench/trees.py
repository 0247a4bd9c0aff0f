"""The volumes that are owned: trees on the disk, and one whose every call waits."""

import os
import signal
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from programs import found, run
from timing import Failed

EACH = 100  # entries of a folder, itself included
SETTLE = 100_000  # a tree this large leaves so much to be written that the next run would pay for it
WAIT = 1000  # microseconds that a call takes there
SERVERS = 256  # calls that can wait at the same time; more than anybody makes
LOOKERS = 16
LOOKS = 40  # of each
FEWEST = 6  # times that so many must be faster than one, or the volume answers one at a time


class Tree:
    """A folder with `entries` files and folders, root's at first.

    A hundred entries to a folder, or with `wide` all in one. Raises Failed where a program fails that puts it in order.
    """

    def __init__(self, path: str, entries: int, wide: bool = False) -> None:
        self.path = path
        self.entries = entries
        self._mode = 0o755
        if wide:
            _fill(path, range(entries))
            return
        os.mkdir(path)
        for first in range(0, entries, EACH):
            _fill(f"{path}/{first // EACH}", range(1, min(EACH, entries - first)))

    def own(self, uid: int, gid: int) -> None:
        """Everything belongs to them, the top too; nothing of it is left to be written."""
        own(uid, gid, self.path)
        self.settle()

    def settle(self) -> None:
        """Nothing that was changed is left to be written."""
        if self.entries >= SETTLE:
            run("sync", "-f", self.path)

    def folders(self, mode: int) -> None:
        """All folders have this mode."""
        if self._mode != mode:
            run("find", self.path, "-type", "d", "-exec", "chmod", f"{mode:o}", "{}", "+")
            self._mode = mode


def own(uid: int, gid: int, *paths: str) -> None:
    """Everything at and below the paths belongs to them."""
    run("chown", "-R", f"{uid}:{gid}", *paths)


def check(uid: int, gid: int, *paths: str) -> None:
    """Raises Failed where an entry at or below the paths does not belong to them."""
    other = ("(", "!", "-user", str(uid), "-o", "!", "-group", str(gid), ")")
    if wrong := run("find", *paths, *other, "-print", "-quit"):
        raise Failed(f"{wrong.strip()} does not belong to {uid}:{gid} after a command that should own it")


def _fill(folder: str, numbers: range) -> None:
    """Make the folder with these files."""
    os.mkdir(folder)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number in numbers:
            os.mknod(str(number), stat.S_IFREG | 0o644, dir_fd=fd)
    finally:
        os.close(fd)


class SlowTree:
    """A volume on a server that is a millisecond away: slowfs.c. Mounted anew, the kernel remembers nothing of it."""

    def __init__(self, path: str, entries: int, server: str) -> None:
        self.path = path
        self.entries = entries
        self._program = server
        self._server: subprocess.Popen[str] | None = None
        os.mkdir(path)

    def mount(self, owner: int) -> None:
        """All entries belong to `owner`, and nobody has looked at them."""
        self.unmount()
        words = [self._program, self.path, str(self.entries), str(owner), str(WAIT), str(SERVERS)]
        self._server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        if not self._server.stdout or self._server.stdout.readline() != "mounted\n":
            raise Failed("slowfs cannot mount; does the machine have /dev/fuse?")

    def unmount(self) -> None:
        if self._server:
            subprocess.run([found("umount"), "--lazy", self.path], check=False)
            self._server.kill()
            self._server.communicate()
            self._server = None

    def hurry(self) -> None:
        """From now on no call waits."""
        if self._server:
            self._server.send_signal(signal.SIGUSR1)

    def parallel(self) -> float:
        """How many times faster sixteen threads look than one. Raises Failed where that is so little that it answers
        one at a time."""
        best = max(self._gain(attempt) for attempt in range(3))
        if best < FEWEST:
            raise Failed(f"slowfs is no measure: {LOOKERS} threads look only {best:.1f} times faster than one")
        return best

    def _gain(self, attempt: int) -> float:
        """Looks are for names that are not there, since each of these is a call of its own to the server."""
        names = [f"{self.path}/absent-{attempt}-{number}" for number in range(LOOKERS * LOOKS)]
        began = time.monotonic()
        for name in names[:LOOKS]:
            os.access(name, os.F_OK)
        alone = (time.monotonic() - began) / LOOKS
        with ThreadPoolExecutor(LOOKERS) as pool:
            began = time.monotonic()
            list(pool.map(lambda name: os.access(name, os.F_OK), names, chunksize=LOOKS))
            together = (time.monotonic() - began) / len(names)
        return alone / together
