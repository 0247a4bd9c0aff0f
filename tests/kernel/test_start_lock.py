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

    monkeypatch.setattr(start_lock, "_opened", lambda _: (os.open(file, os.O_RDWR), "/run/pydrop"))
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


def test_who_took_it_for_a_start_that_was_made_leaves_the_makers_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may live on as another program, and would be taken for who made the start."""
    file = tmp_path / "lock"
    maker = proc_stat.instance(os.getppid())
    file.write_text(maker)
    monkeypatch.setattr(start_lock, "_opened", lambda _: (os.open(file, os.O_RDWR), "/run/pydrop"))
    lock = start_lock.StartLock()
    assert lock.took()
    assert lock.maker == os.getppid()
    lock.give_back()
    assert file.read_text().rstrip() == maker
    file.write_text("pid:[1]@1 1 1")
    ended = start_lock.StartLock()
    assert ended.took()
    assert ended.maker == 0
    ended.release()


def test_whether_another_process_makes_the_start_is_seen_without_taking_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second pydrop asks so before it decides about init mode: it must not be the one that others wait for."""
    file = tmp_path / "lock"
    file.touch()
    monkeypatch.setattr(start_lock, "_opened", lambda *_: (os.open(file, os.O_RDWR), "/run/pydrop"))
    assert not standing.is_made_by_another()
    lock = start_lock.StartLock()
    assert lock.took()
    assert forked(standing.is_made_by_another) is True
    assert forked(lambda: start_lock.StartLock().took()) is False, "the holder has it still"
    lock.release()
    file.write_bytes(b"pid:[1]@1 1 1")  # whose process is gone, or another container's
    assert forked(standing.is_made_by_another) is False
