"""A walk that is shared out among processes does what one process does, and leaves nothing behind."""

import os
import signal
import time

import pytest
from test_ownership import GID, UID, give, owner
from test_ownership_hostile import ROOT, grow, naive, ours, owners, swapped

from pydrop.errors import Interrupted
from pydrop.perform.ownership import count, sharing, walk

RIGHT = (UID, GID)


@pytest.fixture
def volume(tmp_path):
    tmp_path.chmod(0o755)
    folder = tmp_path / "volume"
    folder.mkdir()
    return folder


@pytest.fixture
def shared(monkeypatch):
    """Four processes from the first folder on, with slices as narrow as can be."""
    monkeypatch.setattr(walk, "LOOK", -1.0)
    monkeypatch.setattr(walk, "ALONE", -1.0)
    monkeypatch.setattr(sharing, "APART", 0.0)
    monkeypatch.setattr(walk, "WIDEST", 16)
    monkeypatch.setattr(sharing, "workers", lambda _busy: 4)


def mixed(volume):
    """Wide and deep, with folders, files, links to elsewhere and links between files."""
    grow(volume, *[f"wide/{number}" for number in range(300)])
    grow(volume, *[f"{a}/{b}/{c}" for a in range(8) for b in range(8) for c in range(6)])
    grow(volume, "/".join(["deep"] * 80) + "/file")
    (volume / "link").symlink_to("/etc/passwd")
    return volume


def children():
    """The processes whose parent we are."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
        return file.read().split()


@pytest.mark.parametrize("policy", ["mismatch", "on-root-mismatch"])
def test_all_is_owned_and_counted_once(volume, shared, policy):
    """The counts are those of one process, whoever did the work."""
    mixed(volume)
    entries = sum(1 + len(files) for _, _, files in os.walk(volume))
    report = give(volume, policy=policy)
    assert (report.looked_at, report.changed, report.refused) == (entries, entries, {})
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}
    assert owner("/etc/passwd") == (0, 0)
    again = give(volume)
    assert (again.looked_at, again.changed) == (entries, 0)


def test_workers_are_really_started(volume, shared, monkeypatch):
    """Else every test here would show nothing."""
    started = []
    real = sharing.Worker
    monkeypatch.setattr(sharing, "Worker", lambda pid, *more: started.append(pid) or real(pid, *more))
    give(mixed(volume))
    assert len(set(started)) > 1
    assert children() == []


def test_a_small_volume_starts_none(volume, monkeypatch):
    monkeypatch.setattr(sharing.Sharing, "decided", lambda *_: pytest.fail("shared"))
    grow(volume, *[f"{number}" for number in range(100)])
    assert give(volume).changed == 101


def test_no_descriptor_stays_open(volume, shared):
    before = sorted(os.listdir("/proc/self/fd"))
    give(mixed(volume))
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_what_a_worker_did_that_was_killed_is_done_again(volume, shared, monkeypatch):
    """Nobody knows how far it came, so its part is walked once more, and no other worker is started by who lost it."""
    monkeypatch.setattr(sharing, "packed", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    entries = sum(1 + len(files) for _, _, files in os.walk(mixed(volume)))
    report = give(volume)
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}
    assert report.looked_at == entries
    assert report.refused == {}
    assert children() == []


def test_a_worker_that_fails_in_a_way_of_its_own_leaves_no_part_undone(volume, shared, monkeypatch):
    """It is a fork of ours: an exception must not lead it back into what we were doing."""
    mine = os.getpid()
    real = walk.Walk._go_on

    def failing(self, folder):
        if os.getpid() != mine and folder.name == "5":
            raise ValueError("a bug")
        real(self, folder)

    monkeypatch.setattr(walk.Walk, "_go_on", failing)
    mixed(volume)
    give(volume)
    assert os.getpid() == mine
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}
    assert children() == []


def test_where_no_process_can_be_started_we_do_it_ourselves(volume, shared, monkeypatch):
    def refused():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(sharing.os, "fork", refused)
    entries = sum(1 + len(files) for _, _, files in os.walk(mixed(volume)))
    assert give(volume).changed == entries
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}


def test_an_interruption_leaves_no_worker_and_the_top_as_it_was(volume, shared, monkeypatch):
    """The workers are stuck for good: they are killed, not waited for."""
    mine = os.getpid()

    def stuck(_report):
        time.sleep(60)

    def interrupted(*_):
        raise Interrupted(15)

    monkeypatch.setattr(sharing, "packed", stuck)
    monkeypatch.setattr(sharing.Worker, "report", interrupted)
    began = time.monotonic()
    with pytest.raises(Interrupted):
        give(mixed(volume))
    assert os.getpid() == mine
    assert time.monotonic() - began < 30
    assert children() == []
    assert owner(volume) == ROOT


def test_what_refuses_is_told_by_whoever_met_it(volume, shared):
    """Names and counts of all processes come together."""
    mixed(volume)
    outside = volume.parent / "secret"
    outside.touch()
    for number in range(6):
        os.link(outside, volume / f"{number}/0/linked")
    report = give(volume)
    assert report.linked.count == 6
    assert len(report.linked.names) == 3 and all(name.endswith("/linked") for name in report.linked.names)
    assert owner(outside) == ROOT


@pytest.mark.parametrize(("walking", "led_out", "seconds"), [(naive, True, 15), (ours, False, 4)])
def test_folders_exchanged_for_symlinks_lead_no_worker_out(volume, shared, tmp_path, walking, led_out, seconds):
    outside = grow(tmp_path / "outside", *[f"{name}/file{number}" for name in "ab" for number in range(20)])
    pairs = []
    for number in range(4):
        grow(volume, *[f"{number}/folder/{name}/file{file}" for name in "ab" for file in range(20)])
        (volume / f"{number}/link").symlink_to(outside)
        pairs.append((volume / f"{number}/folder", volume / f"{number}/link"))
    assert swapped(volume, pairs, walking, seconds) is led_out


@pytest.mark.parametrize(
    ("busy", "processors", "expected"),
    [
        pytest.param(1.0, 2, 2, id="a local disk: as many as processors"),
        pytest.param(0.9, 1, 1, id="one processor: alone"),
        pytest.param(0.03, 2, 32, id="a millisecond a call: many at once"),
        pytest.param(0.01, 1, 32, id="on one processor too"),
        pytest.param(0.0, 1, 32, id="nothing but waiting"),
        pytest.param(0.4, 2, 5, id="a disk that makes it wait a little"),
        pytest.param(1.0, 64, 32, id="never more than 32"),
    ],
)
def test_how_many_is_decided_by_what_was_seen(monkeypatch, busy, processors, expected):
    monkeypatch.setattr(count, "processors", lambda: processors)
    assert count.workers(busy) == expected


def test_a_clock_tells_waiting_from_work():
    """Who sleeps waits; who computes, or stands in the queue for a processor, is busy."""
    waiting = count.Clock(0)
    time.sleep(0.05)
    assert waiting.busy() < 0.5
    working = count.Clock(0)
    while working.wall() < 0.05:
        pass
    assert working.busy() > 0.8


def test_a_slice_takes_about_a_tenth_of_a_second(monkeypatch):
    clock = count.Clock(100)
    monkeypatch.setattr(count.Clock, "wall", lambda _: 0.5)
    assert clock.width(1100) == 200


@pytest.mark.parametrize(
    ("content", "expected"), [("max 100000", 2), ("100000 100000", 1), ("50000 100000", 1), ("400000 100000", 2)]
)
def test_a_quota_counts_as_fewer_processors(monkeypatch, tmp_path, content, expected):
    file = tmp_path / "cpu.max"
    file.write_text(content + "\n")
    monkeypatch.setattr(count, "QUOTA", str(file))
    monkeypatch.setattr(count.os, "sched_getaffinity", lambda _pid: {0, 1})
    assert count.processors() == expected
