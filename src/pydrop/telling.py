"""What a start tells the `pydrop` inside its hooks: a file in memory (memfd_create(2)), held while hooks run.

It says who the program becomes, which environment it has so far, and which process is the hook. `descent` finds it.
"""

import marshal
import posix as os
import time

from pydrop import proc_stat, record
from pydrop.model import Record, Value

NUMBER = 8  # bytes at the beginning of the file: the hook's pid
STARTING, NO_HOOK = 0, (1 << 64) - 1  # in place of a pid: the hook is being started; none runs
MOMENT = 0.001  # seconds between two looks at a hook that is being started


class Told(Value):
    """What a start tells the `pydrop` inside its hook."""

    record: Record
    came: tuple[str, ...]  # the program's environment as it was before the hooks, NAME=value
    changes: tuple[tuple[str, str | None], ...]  # to that environment, by hooks so far; None removes a name
    given: dict[str, str]  # the environment that the hook was started with


class Telling:
    """The file in memory, as the start holds it. Where the kernel has none, nothing is told."""

    def __init__(self) -> None:
        try:
            self.memory = os.memfd_create(record.MEMORY)
        except OSError:
            self.memory = -1
        self.runs(NO_HOOK)

    def starting(self, told: Told) -> None:
        """Say what the next hook's `pydrop` has to know; `runs` follows."""
        if self.memory < 0:
            return
        content = marshal.dumps((record.encode(told.record), told.came, told.changes, told.given))
        self.runs(STARTING)
        os.ftruncate(self.memory, NUMBER)
        os.pwrite(self.memory, content, NUMBER)

    def runs(self, process: int) -> None:
        """Say which process is the hook."""
        if self.memory >= 0:
            os.pwrite(self.memory, process.to_bytes(NUMBER, "little"), 0)

    def close(self) -> None:
        if self.memory >= 0:
            os.close(self.memory)


def told(path: str, child: int, parent: int) -> Told | None:
    """What the file says, where the hook that it names is `child`. One of another user's says nothing."""
    memory = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(memory)
        if status.st_nlink or status.st_uid not in (0, os.geteuid()):  # a file with a name is none of memfd_create(2)
            return None
        while (hook := _hook_of(memory)) == STARTING and proc_stat.parent(child) == parent:
            time.sleep(MOMENT)
        return _read(memory) if hook == child else None
    finally:
        os.close(memory)


def _hook_of(memory: int) -> int:
    return int.from_bytes(os.pread(memory, NUMBER, 0), "little")


def _read(memory: int) -> Told | None:
    size = os.fstat(memory).st_size - NUMBER
    text, came, changes, given = marshal.loads(os.pread(memory, size, NUMBER))  # noqa: S302 # root's, or our own user's
    left = record.decode(text)
    return Told(record=left, came=came, changes=changes, given=given) if left else None
