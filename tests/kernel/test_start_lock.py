"""The start lock names its holder, whatever an earlier start has left in its file."""

import os
import posix
from pathlib import Path

import pytest

from pydrop import proc_stat, standing, start_lock
from tests.kernel.forked import forked

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("left", [b"", b"pid:[1]@1 1 1", b"x" * 4000])
def test_it_names_its_holder_and_never_waits_for_the_disk(
    left: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was written is cut only when the disk has it: milliseconds on ext4, and so on overlayfs."""
    file = tmp_path / "lock"
    file.write_bytes(left)

    def cut(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(start_lock, "_opened", lambda: os.open(file, os.O_RDWR))
    monkeypatch.setattr(posix, "ftruncate", cut)
    lock = start_lock.StartLock()
    assert lock.took()
    name = proc_stat.instance(os.getpid())
    assert lock._holder() == name

    def another() -> "tuple[bool, str]":
        second = start_lock.StartLock()
        return second.took(), second._holder()

    assert forked(another) == (False, name)
    lock.release()


def test_whether_another_process_makes_the_start_is_seen_without_taking_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second pydrop asks so before it decides about init mode: it must not be the one that others wait for."""
    file = tmp_path / "lock"
    file.touch()
    monkeypatch.setattr(start_lock, "_opened", lambda: os.open(file, os.O_RDWR))
    assert not standing.is_made_by_another()
    lock = start_lock.StartLock()
    assert lock.took()
    assert forked(standing.is_made_by_another) is True
    assert forked(lambda: start_lock.StartLock().took()) is False, "the holder has it still"
    lock.release()
    file.write_bytes(b"pid:[1]@1 1 1")  # whose process is gone, or another container's
    assert forked(standing.is_made_by_another) is False
