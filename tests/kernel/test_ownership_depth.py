"""What an entry costs does not grow with its depth: the work is counted, not the time."""

import os
import subprocess

import pytest

from pydrop.perform.ownership import folder, patterns, walk
from tests.kernel.test_ownership import GID, UID, give, grow, owner

pytestmark = pytest.mark.quick


@pytest.fixture
def volume(tmp_path):
    top = tmp_path / "volume"
    top.mkdir()
    yield top
    subprocess.run(["rm", "-rf", top], check=True)  # shutil.rmtree gives up on deep trees


def chain(top, depth, link=""):
    """Folders in each other; with `link`, each with a further name of one file of root's."""
    at = os.open(top, os.O_RDONLY)
    first = os.dup(at)
    if link:
        os.close(os.open(link, os.O_CREAT, dir_fd=at))
    for _ in range(depth):
        os.mkdir("name", dir_fd=at)
        below = os.open("name", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
        if link:
            os.link(link, link, src_dir_fd=first, dst_dir_fd=at)
    os.close(at)
    os.close(first)


def work_of(monkeypatch, top, depth, **settings):
    """How many characters a walk of a chain of folders compares with patterns, and how many folders it puts into
    paths, each by folder."""
    compared, named = [], []
    place_after, path = patterns.Patterns._after, folder.Folder.path

    def after(self, place, text):
        compared.append(len(text))
        return place_after(self, place, text)

    def spelt(self, name):
        found = path(self, name)
        named.append(found.count("/"))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(patterns.Patterns, "_after", after)
        patch.setattr(folder.Folder, "path", spelt)
        patch.setattr(walk, "ALONE", 1e9)  # what other processes do is not counted here
        report = give(top, **settings)
    assert not report.refused
    assert owner(top) == (UID, GID)
    return sum(compared) / depth, sum(named) / depth, report


@pytest.mark.parametrize("pattern", ["*/kept", "name/kept", "*.tmp", "*n?me/k*[a-e]"])
def test_a_pattern_costs_the_same_at_any_depth(volume, monkeypatch, pattern):
    grow(volume, "shallow/", "deep/")
    chain(volume / "shallow", 50)
    chain(volume / "deep", 500)
    shallow, _, _ = work_of(monkeypatch, volume / "shallow", 50, exclude=(pattern,))
    deep, named, _ = work_of(monkeypatch, volume / "deep", 500, exclude=(pattern,))
    assert 0 < deep <= shallow * 1.1
    assert named == 0


def test_what_is_left_alone_costs_the_same_at_any_depth(volume, monkeypatch):
    """Only the first three are named, so only their paths are put together."""

    chain(volume, 400, link="file")
    _, named, report = work_of(monkeypatch, volume, 400)
    assert report.linked.count == 401
    assert len(report.linked.names) == 3
    assert named <= 3


def test_a_deep_entry_is_excluded_by_its_whole_path(volume):
    chain(volume, 60)
    path = "name/" * 60 + "kept"
    (volume / path).touch()
    (volume / path).with_name("file").touch()
    give(volume, exclude=(path,))
    assert owner(volume / path) == (0, 0)
    assert owner((volume / path).with_name("file")) == (UID, GID)
