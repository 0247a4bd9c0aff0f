"""How the folders of a volume are read: a small one at once, others bit by bit."""

import os
import posix
import stat
from errno import EIO

import pytest

from pydrop.perform.ownership import folder
from tests.kernel.test_ownership import apart, give, grow, mount, owner

pytestmark = pytest.mark.quick


@pytest.fixture
def readings(monkeypatch):
    """What reads folders, call by call."""
    found = []
    listdir, scandir = posix.listdir, posix.scandir

    def listing(fd):
        found.append("listdir")
        return listdir(fd)

    def scanning(fd):
        found.append("scandir")
        return scandir(fd)

    monkeypatch.setattr(posix, "listdir", listing)
    monkeypatch.setattr(posix, "scandir", scanning)
    return found


@pytest.fixture
def on_disk(monkeypatch):
    """As it is where the tests do not run in a container, whose root has no device."""
    monkeypatch.setattr(folder, "on_disk", lambda _: True)


@pytest.mark.python
def test_a_folder_on_a_disk_that_is_small_is_read_at_once(tmp_path, readings, on_disk):
    grow(tmp_path, "a/file", "b")
    assert give(tmp_path).changed == 4
    assert readings == ["listdir", "listdir"]


def test_a_folder_that_grew_large_is_read_bit_by_bit(tmp_path, readings, on_disk):
    """A folder of ext4 keeps the size that it once had, so the many names are gone again."""
    names = [tmp_path / f"{number}-{'long' * 40}" for number in range(300)]
    for name in names:
        name.touch()
    for name in names:
        name.unlink()
    grow(tmp_path, "file")
    assert os.stat(tmp_path).st_size > folder.BRIEF
    assert give(tmp_path).changed == 2
    assert readings == ["scandir"]


def test_a_size_is_believed_of_disks_only(tmp_path, readings):
    """What a server or a program says of a folder's size may be anything."""

    def check():
        mount("-t", "tmpfs", "none", tmp_path)
        grow(tmp_path, "file")
        assert 0 < os.stat(tmp_path).st_size <= folder.BRIEF
        assert give(tmp_path).changed == 2
        assert readings == ["scandir"]

    apart(check)


def test_what_has_a_block_device_is_on_a_disk():
    """0 is the major number of whatever has none: tmpfs, overlay, NFS, FUSE."""
    info = list(os.stat("/"))
    for number, expected in ((os.makedev(0, 42), False), (os.makedev(8, 1), True), (os.makedev(259, 0), True)):
        info[stat.ST_DEV] = number
        assert folder.on_disk(os.stat_result(info)) is expected


def test_of_a_damaged_folder_that_was_to_be_read_at_once_the_sound_part_is_owned(tmp_path, monkeypatch, on_disk):
    grow(tmp_path, "a/file", "file")

    def damaged(fd):
        raise OSError(EIO, os.strerror(EIO))

    monkeypatch.setattr(posix, "listdir", damaged)
    report = give(tmp_path)
    assert (report.looked_at, report.changed, report.refused) == (4, 4, {})


def test_what_is_excluded_is_left_alone_however_its_folder_is_read(tmp_path, monkeypatch, on_disk):
    for size in (folder.BRIEF, 0):
        monkeypatch.setattr(folder, "BRIEF", size)
        top = grow(tmp_path / str(size), "a/kept", "a/file", "kept")
        report = give(top, exclude=("*/kept", "kept"))
        assert (report.changed, owner(top / "a/kept"), owner(top / "kept")) == (3, (0, 0), (0, 0))
