"""A walk that is shared out among processes does what one process does, and leaves nothing behind."""

import os
import posix
import signal
import time

import pytest

from pydrop.errors import Interrupted
from pydrop.model import Volume
from pydrop.perform.ownership import own, sharing, slices, walk, worker_count
from pydrop.perform.ownership.entries import Entries
from pydrop.perform.ownership.folder import Folder
from pydrop.perform.ownership.progress import Progress
from pydrop.perform.ownership.slices import Slice, limit
from pydrop.perform.ownership.target import Target, of
from pydrop.perform.ownership.volume_path import Surroundings
from pydrop.perform.ownership.volume_report import VolumeReport
from pydrop.perform.ownership.worker import Worker
from pydrop.perform.ownership.worker_pipes import Counts, Tokens
from tests.kernel.forked import forked
from tests.kernel.test_ownership import GID, UID, give, grow, owner, owners
from tests.kernel.test_ownership_hostile import ROOT, SECONDS, folders_and_symlinks, withstood

RIGHT = (UID, GID)


@pytest.fixture
def volume(tmp_path):
    tmp_path.chmod(0o755)
    folder = tmp_path / "volume"
    folder.mkdir()
    return folder


ON_DISK = "pydrop.perform.ownership.folder.on_disk"  # else folders are read bit by bit


@pytest.fixture(params=["folders read at once", "folders read bit by bit"])
def shared(monkeypatch, request):
    """Four processes from the first folder on, with slices as narrow as can be."""
    monkeypatch.setattr(ON_DISK, lambda _: request.param == "folders read at once")
    monkeypatch.setattr(walk, "LOOK", -1.0)
    monkeypatch.setattr(walk, "ALONE", -1.0)
    monkeypatch.setattr(walk, "FEW", 0)
    monkeypatch.setattr(sharing, "APART", 0.0)
    monkeypatch.setattr(sharing, "AGAIN", 0.0)
    monkeypatch.setattr(slices, "WORTH", 0.0)
    monkeypatch.setattr(walk, "WIDEST", 16)
    monkeypatch.setattr(walk, "MOST_NAMES", 0)
    monkeypatch.setattr(sharing, "workers", lambda _busy: 4)


def mixed(volume):
    """Wide and deep, with folders, files, links to elsewhere and links between files."""
    grow(volume, *[f"wide/{number}" for number in range(150)])
    grow(volume, *[f"{a}/{b}/{c}" for a in range(6) for b in range(6) for c in range(4)])
    grow(volume, "/".join(["deep"] * 2 * walk.OPEN) + "/file")
    (volume / "link").symlink_to("/etc/passwd")
    return volume


def children():
    """The processes whose parent we are."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
        return file.read().split()


@pytest.mark.python
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

    def noting(pid, *more):
        started.append(pid)
        return Worker(pid, *more)

    monkeypatch.setattr(sharing, "Worker", noting)
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

    monkeypatch.setattr(posix, "fork", refused)
    entries = sum(1 + len(files) for _, _, files in os.walk(mixed(volume)))
    assert give(volume).changed == entries
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}


@pytest.mark.python
def test_an_interruption_leaves_no_worker_and_the_top_as_it_was(volume, shared, monkeypatch):
    """The workers are stuck for good: they are killed, not waited for."""
    mine = os.getpid()

    def stuck(_report):
        time.sleep(60)

    def interrupted(*_):
        raise Interrupted(15)

    monkeypatch.setattr(sharing, "packed", stuck)
    monkeypatch.setattr(Worker, "report", interrupted)
    began = time.monotonic()
    with pytest.raises(Interrupted):
        give(mixed(volume))
    assert os.getpid() == mine
    assert time.monotonic() - began < 30
    assert children() == []
    assert owner(volume) == ROOT


def test_an_interruption_gives_no_folder_back_before_its_workers_are_gone(volume, shared, monkeypatch):
    """Whoever may rearrange a folder again must not find anybody at work there who trusts in names."""
    mine, working = os.getpid(), []
    real = Folder.give_back

    def looking(self):
        if os.getpid() == mine:
            working.append(children())
        real(self)

    def interrupted(*_):
        assert children()
        raise Interrupted(15)

    monkeypatch.setattr(Folder, "give_back", looking)
    monkeypatch.setattr(sharing, "packed", lambda _: time.sleep(60))
    monkeypatch.setattr(Worker, "report", interrupted)
    with pytest.raises(Interrupted):
        give(mixed(volume))
    assert working and not any(working)


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


@pytest.mark.parametrize("seconds", SECONDS)
def test_folders_exchanged_for_symlinks_lead_no_worker_out(volume, shared, tmp_path, seconds):
    withstood(volume, folders_and_symlinks(volume, tmp_path), seconds)


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
    monkeypatch.setattr(worker_count, "processors", lambda: processors)
    assert worker_count.workers(busy) == expected


def test_a_clock_tells_waiting_from_work():
    """Who sleeps waits; who computes, or stands in the queue for a processor, is busy."""
    waiting = worker_count.Clock(0)
    time.sleep(0.05)
    assert waiting.busy() < 0.5
    assert max(busy_while_computing() for _ in range(20)) > 0.8  # a host may take its processor away meanwhile


def busy_while_computing():
    clock = worker_count.Clock(0)
    while clock.wall() < 0.02:
        pass
    return clock.busy()


def test_a_worker_leaves_the_processor_of_who_forked_it_and_may_run_on_all():
    allowed = os.sched_getaffinity(0)
    assert worker_count.processor() in allowed

    def left(number):
        worker_count.leave(number)
        return worker_count.processor(), os.sched_getaffinity(0)

    if len(allowed) > 1:
        found = [forked(lambda: (before := worker_count.processor(), *left(before))) for _ in range(20)]
        assert sum(after != before for before, after, _ in found) > 10  # the scheduler may bring it back
        assert all(mask == allowed for *_, mask in found)
    assert forked(lambda: left(1 << 20)[1]) == allowed  # one that it is not on


def test_a_process_that_has_one_processor_stays_there():
    def alone():
        os.sched_setaffinity(0, {worker_count.processor()})
        worker_count.leave(worker_count.processor())
        return len(os.sched_getaffinity(0))

    assert forked(alone) == 1


def test_a_clock_tells_how_long_an_entry_takes(monkeypatch):
    clock = worker_count.Clock(100)
    monkeypatch.setattr(worker_count.Clock, "wall", lambda _: 0.5)
    assert clock.pace(1100) == 0.0005
    assert clock.pace(100) == 0.5


@pytest.mark.parametrize(
    ("busy", "processors", "pace", "widest", "bit"),
    [
        (1.0, 2, 1e-6, 32768, 1000),
        (1.0, 2, 16e-6, 25000, 62),
        (1.0, 3, 1e-6, 21845, 1000),
        (1.0, 32, 1e-6, 16384, 1000),
        (0.1, 2, 1e-6, 16384, 1000),
        (0.1, 2, 0.0005, 200, 16),
        (0.1, 2, 0.001, 100, 16),
    ],
)
def test_slices_take_parts_of_a_second_and_what_lies_between_two_looks_a_millisecond(
    volume, monkeypatch, busy, processors, pace, widest, bit
):
    """Four tenths on a local disk, one where entries wait; 65,536 names at most in all of them, or 16,384 in each; and
    no fewer than 16."""
    monkeypatch.setattr(walk, "LOOK", -1.0)
    monkeypatch.setattr(walk, "ALONE", -1.0)
    monkeypatch.setattr(walk, "FEW", 0)
    monkeypatch.setattr(worker_count.Clock, "pace", lambda *_: pace)
    monkeypatch.setattr(worker_count.Clock, "busy", lambda _: busy)
    monkeypatch.setattr(worker_count, "processors", lambda: processors)
    grow(volume, *[f"{number}/" for number in range(4)])
    walked = walk.Walk(Target(Volume(path=str(volume)), UID, GID), VolumeReport(), True, Surroundings())
    walked.run(top := os.open(volume, os.O_PATH))
    os.close(top)
    assert (walked.widest, walked.bit) == (widest, bit)


def test_a_worker_is_not_started_for_less_than_it_costs(volume, shared, monkeypatch):
    """Neither for entries nor for folders, by what those before them took; as long as there were none, nobody knows."""
    monkeypatch.setattr(slices, "WORTH", 60.0)
    given, real = [], slices.taken

    def taken(walk, folder, *more):
        part = real(walk, folder, *more)
        if part:
            given.append((folder.done, len(part.folders), len(part.names)))
        return part

    monkeypatch.setattr(slices, "taken", taken)
    grow(volume, *[f"{folder}/{number}" for folder in range(20) for number in range(40)])
    report = give(volume)
    assert given
    assert {(done, names) for done, _, names in given} == {(0, 0)}
    assert report.changed == 821
    assert set(owners(volume).values()) == {RIGHT}


@pytest.fixture
def begun(volume, monkeypatch):
    """A function: a walk that has just begun to look at the volume, bit by bit or with all names listed."""
    monkeypatch.setattr(slices, "WORTH", 60.0)
    walks = []

    def begin(at_once):
        monkeypatch.setattr(ON_DISK, lambda _: at_once)
        walked = walk.Walk(Target(Volume(path=str(volume)), UID, GID), VolumeReport(), True, Surroundings())
        walked.way = [Folder(os.open(volume, os.O_RDONLY), ".", None)]
        walked.entries.open(walked.way[0].fd)
        walked.entries.sweep(walked.way[0], 4)
        walks.append(walked)
        return walked

    yield begin
    for walked in walks:
        walked.entries.close()
        walked.way[0].close()


def taken(walked, folder, pace) -> Slice:
    """The part of a folder that is given away now; there is one."""
    part = slices.taken(walked, folder, time.monotonic(), pace)
    assert part
    return part


@pytest.mark.parametrize("at_once", [True, False])
def test_half_of_the_folders_is_half_of_all(volume, begun, at_once):
    """Not of those that were known when a worker could be started."""
    grow(volume, *[f"{number}/" for number in range(100)])
    walked = begun(at_once)
    top = walked.way[0]
    part = taken(walked, top, 1e-6)
    assert (len(part.folders), len(top.folders), top.has_entries()) == (50, 50, False)
    assert sorted(part.folders + top.folders) == sorted(os.listdir(volume))
    assert (walked.report.looked_at, walked.report.changed) == (100, 0)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    ("worth", "widest", "known"),
    [(0.0, walk.WIDEST, 4), (60.0, 4, 4), (60.0, 30, 36)],
    ids=["the moment is over", "so many are enough", "so many are found at last"],
)
def test_more_folders_are_found_for_a_moment_and_not_without_end(
    volume, begun, monkeypatch, worth, widest, known, at_once
):
    """The next start of a worker finds more."""
    grow(volume, *[f"{number}/" for number in range(100)])
    walked = begun(at_once)
    monkeypatch.setattr(slices, "WORTH", worth)
    walked.widest = widest
    part = taken(walked, walked.way[0], 1e-6)
    assert (len(part.folders), walked.report.looked_at) == (known // 2, known)


@pytest.mark.parametrize("at_once", [True, False])
def test_half_of_the_folders_is_given_away_by_what_those_before_them_took(volume, begun, at_once):
    """Fifty at a second each are not worth a worker that must save sixty seconds; at two seconds each they are."""
    grow(volume, *[f"{number}/" for number in range(100)])
    walked = begun(at_once)
    top = walked.way[0]
    top.done, top.began = 1, time.monotonic() - 1.0
    assert slices.taken(walked, top, time.monotonic(), 1e-6) is None
    assert len(top.folders) == 100
    top.began -= 1.0
    assert len(taken(walked, top, 1e-6).folders) == 50


@pytest.mark.parametrize("at_once", [True, False])
def test_no_more_folders_are_looked_for_where_a_look_takes_long(volume, begun, monkeypatch, at_once):
    """Behind a network a worker had better begin at once, and sixteen looks take longer than one is worth."""
    grow(volume, *[f"{number}/" for number in range(100)])
    walked = begun(at_once)
    monkeypatch.setattr(slices, "WORTH", 0.004)
    part = taken(walked, walked.way[0], 0.001)
    assert (len(part.folders), walked.report.looked_at) == (2, 4)


@pytest.mark.parametrize("at_once", [True, False])
def test_among_files_alone_no_folders_are_looked_for(volume, begun, at_once):
    """These are worth a worker without."""
    grow(volume, *[str(number) for number in range(100)])
    walked = begun(at_once)
    assert taken(walked, walked.way[0], 1e6).names
    assert walked.report.looked_at == 4


@pytest.mark.parametrize(
    ("content", "expected"), [("max 100000", 2), ("100000 100000", 1), ("50000 100000", 1), ("400000 100000", 2)]
)
def test_a_quota_counts_as_fewer_processors(monkeypatch, tmp_path, content, expected):
    file = tmp_path / "cpu.max"
    file.write_text(content + "\n")
    monkeypatch.setattr(worker_count, "QUOTA", str(file))
    monkeypatch.setattr(posix, "sched_getaffinity", lambda _pid: {0, 1})
    assert worker_count.processors() == expected


def test_who_watches_sees_what_all_have_done_and_nothing_twice(volume, shared, monkeypatch):
    monkeypatch.setattr(walk, "TICK", 0.0)
    seen: list[Progress] = []
    report = own(Volume(path=str(mixed(volume))), UID, GID, watch=seen.append)
    counts = [(progress.looked_at, progress.changed) for progress in seen]
    assert max(looked_at for looked_at, _ in counts) <= report.looked_at
    assert max(changed for _, changed in counts) <= report.changed
    assert counts[-1] == (report.looked_at, report.changed - 1)  # the top comes after the walk
    assert all(0.0 <= progress.part <= 1.0 for progress in seen)
    assert report.processes > 1


def test_a_worker_takes_no_folder_that_it_cannot_give_back(volume, shared, monkeypatch, tmp_path):
    """Its part of a folder may be the first in which something is wrong; who lent it would not know, and leave it."""
    monkeypatch.setattr(ON_DISK, lambda _: False)  # in the order in which they are listed
    grow(volume, *[f"wide/{number}" for number in range(400)])
    os.chown(volume / "wide", 999, 999)
    for place, name in enumerate(os.listdir(volume / "wide")):
        os.chown(volume / "wide" / name, *(RIGHT if place < 64 else (999, 999)))
    real, log = Folder.take, tmp_path / "log"

    def taking(self):
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        real(self)

    monkeypatch.setattr(Folder, "take", taking)
    report = give(volume)
    assert report.processes > 1
    assert set(log.read_text().split()) <= {str(os.getpid())}
    assert set(owners(volume).values()) == {RIGHT}


@pytest.mark.parametrize(("by_kind", "at_once"), [(True, False), (False, False), (True, True), (False, True)])
def test_what_is_given_away_are_names_of_any_kind(volume, monkeypatch, by_kind, at_once):
    """Who gets them finds the folders among them; what is excluded is not among them, what is gone is no error."""
    monkeypatch.setattr(ON_DISK, lambda _: at_once)
    grow(volume, "file", "folder/", "left")
    report, around = VolumeReport(), Surroundings()
    wanted = of(Volume(path=str(volume), exclude=("left",)), UID, GID)
    entries = Entries(wanted, report, True, around)
    top = Folder(os.open(volume, os.O_RDONLY), ".", None)
    entries.open(top.fd)
    names = entries.listed(top, 10, by_kind)
    apart = by_kind and not at_once
    assert (sorted(names), top.folders) == ((["file"], ["folder"]) if apart else (["file", "folder"], []))
    assert not top.has_entries()
    entries.look(top, [*names, "gone"])
    entries.close()
    top.close()
    assert (top.folders, top.found, report.looked_at, report.changed) == (["folder"], 1, 3, 1)
    assert owners(volume) == {"file": RIGHT, "folder": ROOT, "left": ROOT}


def test_a_part_of_a_folder_is_all_that_is_left_of_it(volume):
    """Its names are looked at bit by bit, and what lists the folder, whose position others share, is not touched."""
    grow(volume, "a", "b", "c", "d/")
    entries = Entries(Target(Volume(path=str(volume)), UID, GID), VolumeReport(), True, Surroundings())
    part = Folder(os.open(volume, os.O_RDONLY), ".", None)
    part.listing()
    limit(part, Slice(["d"], ["a", "b", "c"]))
    assert part.has_entries()
    assert part.take_names(2) == ["b", "c"]
    entries.sweep(part, 2)
    assert owners(volume) == {"a": RIGHT, "b": ROOT, "c": ROOT, "d": ROOT}
    assert not part.has_entries()
    assert part.folders == ["d"]
    part.end()
    assert part.entries and len(list(part.entries)) == 4
    part.close()


def test_what_workers_told_is_not_counted_again_when_they_report():
    """At both levels: a worker leaves out what its own workers have told."""
    counts = Counts()
    assert counts.total(10, 5) == (10, 5)
    counts.tell(100, 50, 0.0)
    counts.tell(150, 70, 0.0)
    assert counts.total(10, 5) == (160, 75)
    counts.merged(150, 70)
    assert counts.total(160, 75) == (160, 75)
    counts.begin()
    counts.merged(30, 3)
    counts.tell(32, 4, 0.0)
    counts.begin()
    assert counts.total(0, 0) == (152, 71)
    counts.close()


def test_counts_that_find_no_room_come_later():
    counts = Counts()
    for number in range(1, 10_000):
        counts.tell(number, 0, 0.0)
    counts.begin()
    heard = counts.total(0, 0)[0]
    assert 1000 < heard < 9999
    counts.close()


def test_the_end_waits_for_workers_of_workers_too():
    """A folder that goes back to its owner while one of them is still in a call could lead that one astray."""
    tokens = Tokens(3)
    gone = os.pipe()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:  # nobody's child when the one between has ended
            time.sleep(0.3)
            os.write(gone[1], b"ended")
        os._exit(0)
    os.waitpid(child, 0)
    tokens.close_when_alone()
    os.set_blocking(gone[0], False)
    assert os.read(gone[0], 10) == b"ended"
    for descriptor in gone:
        os.close(descriptor)


def test_a_worker_that_was_lost_leaves_no_descriptor_behind(volume, shared, monkeypatch):
    monkeypatch.setattr(sharing, "packed", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    before = sorted(os.listdir("/proc/self/fd"))
    give(mixed(volume))
    assert sorted(os.listdir("/proc/self/fd")) == before
