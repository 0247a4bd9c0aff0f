"""Only a file of memfd_create(2) that root or the same user holds tells a hook's `pydrop` anything."""

import os
from pathlib import Path

import pytest

from pydrop import telling
from pydrop.descent import Descent
from pydrop.record import MEMORY
from pydrop.telling import Telling, Told
from tests.kernel.forked import forked
from tests.pure.worlds import record

pytestmark = [pytest.mark.quick, pytest.mark.python]

TOLD = Told(record=record(), came=("A=1",), changes=(), given={"PATH": "/bin"})


@pytest.fixture
def memory():
    made = Telling()
    made.starting(TOLD)
    yield made
    made.close()


def test_the_file_in_memory_tells(memory: Telling) -> None:
    def hook() -> Told | None:
        memory.runs(os.getpid())
        return telling.told(f"/proc/{os.getppid()}/fd/{memory.memory}", os.getpid(), os.getppid())

    assert forked(hook) == TOLD


@pytest.mark.parametrize("name", ["plain", f"memfd:{MEMORY}", f"memfd:{MEMORY} (deleted)"])
def test_a_file_with_a_name_tells_nothing(memory: Telling, tmp_path: Path, name: str) -> None:
    """The same bytes, root's, and called as the other one is shown in /proc."""

    def hook() -> Told | None:
        memory.runs(os.getpid())
        (tmp_path / name).write_bytes(os.pread(memory.memory, 1 << 16, 0))
        return telling.told(str(tmp_path / name), os.getpid(), os.getppid())

    assert forked(hook) is None


def test_nor_does_another_users(memory: Telling) -> None:
    """A program that the user left running holds such a file too, and its child is none of root's hooks."""

    def hook() -> "tuple[Told | None, Told | None]":
        theirs = Telling()
        theirs.starting(TOLD)
        theirs.runs(os.getpid())
        os.fchown(theirs.memory, 1500, 1500)
        path = f"/proc/self/fd/{theirs.memory}"
        as_root = telling.told(path, os.getpid(), os.getppid())
        os.fchmod(theirs.memory, 0o777)
        os.setuid(1500)
        return as_root, telling.told(path, os.getpid(), os.getppid())

    assert forked(hook) == (None, TOLD)


def test_a_start_that_holds_a_file_with_such_a_name_is_no_hooks(tmp_path: Path) -> None:
    """By descent too: what /proc shows of the descriptor is not what it is called."""
    file = os.open(tmp_path / f"memfd:{MEMORY} (deleted)", os.O_RDWR | os.O_CREAT)
    assert forked(lambda: Descent().told) is None
    os.close(file)
