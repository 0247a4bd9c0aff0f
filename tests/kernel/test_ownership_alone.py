"""Who works alone on a volume: the lock of its top, and the folders that are root's for a while."""

import errno
import fcntl
import os
import posix
import signal
import threading
import time
from pathlib import Path

import pytest

from pydrop.errors import Interrupted, PydropError
from pydrop.model import Start, Volume
from pydrop.perform.ownership import far_folders, mounts, own, perform, volume_lock, walk
from pydrop.perform.ownership.progress import Progress
from tests.kernel.test_ownership import GID, UID, give, grow, owner, owners, step

pytestmark = pytest.mark.quick

START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())
RIGHT, ROOT, FORMER = (UID, GID), (0, 0), (999, 999)


@pytest.fixture
def volume(tmp_path):
    """Owned by 999: three folders of four files each, one beside them, one deeper."""
    folder = tmp_path / "volume"
    folder.mkdir()
    grow(folder, *[f"{name}/{file}" for name in "abc" for file in "1234"], "a/deep/5", "6")
    for path in [folder, *[folder / name for name in owners(folder)]]:
        os.chown(path, *FORMER)
    return folder


@pytest.fixture
def calls(monkeypatch):
    """Every chown by (what, uid, gid): what is a name, "FD" for a descriptor, or "HELD"."""
    found = []
    real = posix.chown

    def noting(path, uid, gid, **more):
        held = isinstance(path, str) and (
            (path.isdigit() and "follow_symlinks" not in more) or path.startswith("/proc")
        )
        found.append(("FD" if isinstance(path, int) else "HELD" if held else path, uid, gid))
        real(path, uid, gid, **more)

    monkeypatch.setattr(posix, "chown", noting)
    return found


# -- folders that are taken -------------------------------------------------------------------------


def test_a_folder_of_others_is_roots_while_its_entries_are_changed_by_name(volume, calls):
    """The folder is taken for the first, and all need two calls each."""
    report = give(volume / "b")
    assert set(owners(volume / "b").values()) | {owner(volume / "b")} == {RIGHT}
    kinds = [call[0] if call[0] in ("FD", "HELD") else "NAME" for call in calls]
    assert kinds == ["FD", "NAME", "NAME", "NAME", "NAME", "FD"]  # the last is for good
    assert calls[0] == ("FD", 0, -1)
    assert (report.looked_at, report.changed, report.given) == (5, 5, 5)


def test_while_it_is_taken_its_owner_cannot_write_in_it(volume, calls, monkeypatch):
    real, seen = posix.chown, []

    def looking(path, uid, gid, **more):
        if path in ("1", "2", "3", "4"):
            seen.append(os.fstat(more["dir_fd"]).st_uid)
        real(path, uid, gid, **more)

    monkeypatch.setattr(posix, "chown", looking)
    give(volume)
    assert len(seen) >= 9 and set(seen) == {0}


@pytest.mark.parametrize(
    ("mode", "before", "wanted", "more"),
    [
        pytest.param(0o775, FORMER, RIGHT, {}, id="its group may write in it"),
        pytest.param(0o757, FORMER, RIGHT, {}, id="everybody may"),
        pytest.param(0o1777, FORMER, RIGHT, {}, id="sticky"),
        pytest.param(0o755, (UID, 999), RIGHT, {}, id="it is the user's already"),
        pytest.param(0o755, FORMER, ROOT, {}, id="the user is root: then it would look right"),
        pytest.param(0o755, FORMER, RIGHT, {"only_from": (999, None)}, id="only from 999: root's would never be given"),
        pytest.param(0o755, FORMER, RIGHT, {"mode": "u+r"}, id="with a mode every entry is held"),
    ],
)
def test_a_folder_is_not_taken_where(volume, calls, mode, before, wanted, more):
    for path in [volume, *[volume / name for name in owners(volume)]]:
        os.chown(path, *before)
        if path.is_dir():
            path.chmod(mode)
    calls.clear()
    own(Volume(path=str(volume), **more), *wanted)
    assert ("FD", 0, -1) not in calls
    assert not [call for call in calls if call[0] not in ("FD", "HELD")]
    assert set(owners(volume).values()) | {owner(volume)} == {wanted}


def test_a_folder_that_its_owner_opens_to_all_in_the_last_moment_is_not_trusted(volume, calls, monkeypatch):
    """Only when it is root's does its mode say for good who may write in it."""
    noting, opened = posix.chown, []

    def opening(path, uid, gid, **more):
        if (uid, gid) == (0, -1):
            os.fchmod(path, 0o777)
            opened.append(path)
        noting(path, uid, gid, **more)

    monkeypatch.setattr(posix, "chown", opening)
    give(volume)
    assert opened
    assert not [call for call in calls if call[0] not in ("FD", "HELD")]
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}


def test_a_folder_is_not_taken_for_what_is_right_in_it(volume, calls):
    """A folder that is wrong itself is not changed twice for that."""
    for name in owners(volume):
        if not (volume / name).is_dir():
            os.chown(volume / name, UID, GID)
    calls.clear()
    give(volume)
    assert ("FD", 0, -1) not in calls


def is_of(path, folder):
    """Whether a change is of this very folder, by an open descriptor."""
    return isinstance(path, int) and os.path.sameopenfile(path, folder)


def failing_for(monkeypatch, fails, error=errno.EDQUOT):
    """Every change of an owner that `fails` says yes to is refused by the kernel."""
    real = posix.chown

    def refusing(path, uid, gid, **more):
        if fails(path, uid):
            raise OSError(error, os.strerror(error))
        real(path, uid, gid, **more)

    monkeypatch.setattr(posix, "chown", refusing)


def test_what_was_taken_and_cannot_be_given_on_goes_back(volume, monkeypatch):
    """EDQUOT: the new owner may have no more, root may have all; the old owner keeps it then, not root."""
    top = os.open(volume, os.O_PATH)
    failing_for(monkeypatch, lambda path, uid: isinstance(path, int) and not is_of(path, top) and uid == UID)
    report = give(volume)
    os.close(top)
    folders = [volume / name for name in ("a", "b", "c", "a/deep")]
    assert {owner(folder) for folder in folders} == {FORMER}
    assert report.refused[errno.EDQUOT].count == 4
    assert owner(volume) == RIGHT


def test_a_top_that_was_taken_and_cannot_be_given_on_goes_back(volume, monkeypatch):
    top = os.open(volume, os.O_PATH)
    failing_for(monkeypatch, lambda path, uid: is_of(path, top) and uid == UID)
    report = give(volume)
    os.close(top)
    assert report.refused[errno.EDQUOT].names == ["."]
    assert owner(volume) == FORMER
    assert set(owners(volume).values()) == {RIGHT}


def test_where_the_kernel_lets_no_folder_be_taken_entries_are_held(volume, calls, monkeypatch):
    failing_for(monkeypatch, lambda _path, uid: uid == 0, errno.EPERM)
    report = give(volume)
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}
    assert report.refused == {}
    assert not [call for call in calls if call[0] not in ("FD", "HELD")]


def test_an_interrupted_walk_gives_back_what_it_has_taken(volume, monkeypatch):
    real = walk.Walk._leave

    def interrupted(self):
        if self.way[-1].name == "deep":
            raise Interrupted(15)
        real(self)

    monkeypatch.setattr(walk.Walk, "_leave", interrupted)
    with pytest.raises(Interrupted):
        give(volume)
    assert ROOT[0] not in {uid for uid, _ in [owner(volume), *owners(volume).values()]}
    assert (owner(volume), owner(volume / "a"), owner(volume / "a/deep")) == (FORMER, FORMER, FORMER)


def test_folders_that_are_closed_on_the_way_down_are_given_back_before(volume, monkeypatch):
    """They could be moved away and lost, and nothing in them is left to change by its name."""
    monkeypatch.setattr(walk, "OPEN", 2)
    folder = volume / "deep"
    for _ in range(8):
        folder = grow(folder, "1", "2", "3")
        for path in [folder, *folder.iterdir()]:
            os.chown(path, *FORMER)
        folder = folder / "deep"
    closed = []
    real = far_folders.FarFolders.close_farthest

    def closing(self, way, lent):
        real(self, way, lent)
        folder = way[self.closed]
        closed.append(os.stat(os.path.join(volume, folder.path(""))).st_uid)

    monkeypatch.setattr(far_folders.FarFolders, "close_farthest", closing)
    give(volume)
    assert len(closed) > 4 and set(closed) == {999}
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}


# -- the lock of the top ----------------------------------------------------------------------------


def held(volume, kind=fcntl.LOCK_EX):
    """The lock as another container would have it: until the descriptor is closed."""
    fd = os.open(volume, os.O_RDONLY)
    fcntl.flock(fd, kind | fcntl.LOCK_NB)
    return fd


def ends_right(volume, lock):
    """What another does at the end of its walk: change the top, and let the lock go."""
    os.chown(volume, UID, GID)
    os.close(lock)


@pytest.fixture
def after():
    """Does something so long after this process has begun to wait for the lock, which on a busy machine comes late."""
    over, threads = threading.Event(), []

    def after(seconds, action):
        def act():
            while "nanosleep" not in Path(f"/proc/self/task/{os.getpid()}/wchan").read_text():
                if over.wait(0.002):
                    return
            if not over.wait(seconds):
                action()

        threads.append(threading.Thread(target=act))
        threads[-1].start()

    yield after
    over.set()
    for thread in threads:
        thread.join()


def test_who_waited_for_another_finds_nothing_to_do(volume, after):
    """The top was wrong and is right now: the other has come to the end of its walk, since it changes the top last."""
    other = held(volume)
    after(0.3, lambda: ends_right(volume, other))
    report = give(volume)
    assert (report.looked_at, report.changed) == (1, 0)
    assert 0.2 < report.waited < 5
    assert owner(volume / "a") == FORMER


def test_who_waited_for_another_that_was_killed_goes_on(volume, after):
    """The top is as wrong as before, so the work is not done."""
    other = held(volume)
    after(0.2, lambda: os.close(other))
    report = give(volume)
    assert report.waited > 0.1
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}


def test_those_that_only_look_do_not_wait_for_each_other(volume):
    give(volume)
    other = held(volume, fcntl.LOCK_SH)
    report = give(volume)
    os.close(other)
    assert (report.looked_at, report.waited) == (19, 0.0)


def test_who_only_looks_waits_for_who_works(volume, after):
    """And looks at everything then: a top that was right says nothing about what the other did."""
    give(volume)
    other = held(volume)
    after(0.2, lambda: os.close(other))
    report = give(volume)
    assert report.looked_at == 19 and report.waited > 0.1


def test_who_works_beside_others_changes_nothing_by_name(volume, calls):
    """Another one that does the same could give the folder to the user between a look and a change."""
    give(volume)
    os.chown(volume / "a", 0, 0)
    os.chown(volume / "a/1", 0, 0)
    calls.clear()
    give(volume)
    assert [call[0] for call in calls] == ["HELD", "FD"]


@pytest.mark.parametrize("policy", ["on-root-mismatch", "unless-writable", "mismatch"])
def test_every_policy_waits_and_looks_again(volume, policy, after):
    other = held(volume)
    after(0.2, lambda: ends_right(volume, other))
    report = give(volume, policy=policy)
    assert (report.looked_at, report.changed) == (1, 0)
    assert report.silent


def test_who_waited_asks_again_whether_the_user_can_write(volume, after):
    other = held(volume)

    def opened_to_all():
        volume.chmod(0o777)
        os.close(other)

    after(0.2, opened_to_all)
    report = give(volume, policy="unless-writable")
    assert (report.looked_at, report.changed) == (1, 0)
    assert report.waited > 0.1


@pytest.mark.parametrize("policy", ["top", "never"])
def test_what_needs_no_walk_needs_no_lock(volume, policy):
    other = held(volume)
    assert give(volume, policy=policy).waited == 0.0
    os.close(other)


def test_nobody_is_waited_for_without_end(volume, monkeypatch):
    """Whoever may read the folder can lock it. Nothing is changed then: the other one may be at work in there."""
    monkeypatch.setattr(volume_lock, "OPEN_WAIT", 0.2)
    other = held(volume)
    outcome = perform(step(Volume(path=str(volume))), START)
    os.close(other)
    assert len(outcome.warnings) == 1
    assert "locked by another container" in outcome.warnings[0] and "lslocks" in outcome.warnings[0]
    assert set(owners(volume).values()) | {owner(volume)} == {FORMER}


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def test_where_there_are_no_locks_each_works_by_itself(volume, monkeypatch, calls, error):
    """Correctly, which is without trusting names."""

    def refused(_fd, _kind):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(fcntl, "flock", refused)
    give(volume)
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}
    assert not [call for call in calls if call[0] not in ("FD", "HELD")]


@pytest.mark.parametrize("filesystem", ["nfs4", "fuse.sshfs", "ceph", "cifs", ""])
def test_a_lock_that_others_may_not_see_lets_nobody_work_by_name(volume, monkeypatch, calls, filesystem):
    """An NFS client keeps a folder's lock to itself: on another host somebody may walk here at the same time."""
    monkeypatch.setattr(mounts.MountTable, "filesystem_type", lambda *_: filesystem)
    give(volume)
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}
    assert not [call for call in calls if call[0] not in ("FD", "HELD")]
    assert ("FD", 0, -1) not in calls


def test_the_lock_is_let_go_whatever_happens(volume, monkeypatch):
    def interrupted(*_):
        raise Interrupted(15)

    monkeypatch.setattr(walk.Walk, "_go_on", interrupted)
    with pytest.raises(Interrupted):
        give(volume)
    os.close(held(volume))


def test_a_signal_ends_the_waiting_at_once(volume):
    other = held(volume)

    def interrupt(_number, _frame):
        raise Interrupted(15)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        began = time.monotonic()
        with pytest.raises(Interrupted):
            give(volume)
        assert time.monotonic() - began < 5
    finally:
        signal.signal(signal.SIGALRM, before)
        os.close(other)


# -- watching and trying ----------------------------------------------------------------------------


def watched(volume, monkeypatch, **more):
    monkeypatch.setattr(walk, "TICK", 0.0)
    seen: list[Progress] = []
    report = own(Volume(path=str(volume)), UID, GID, watch=seen.append, **more)
    return seen, report


def test_who_watches_sees_the_counts_grow_to_the_end(volume, monkeypatch):
    seen, report = watched(volume, monkeypatch)
    counts = [progress.looked_at for progress in seen]
    assert counts == sorted(counts) and counts[-1] <= report.looked_at
    assert all(0.0 <= progress.part <= 1.0 for progress in seen)
    assert max(progress.part for progress in seen) > 0.5
    assert {progress.waiting for progress in seen} == {False}
    assert {progress.volume.path for progress in seen} == {str(volume)}


def test_who_watches_is_told_of_waiting(volume, monkeypatch, after):
    other = held(volume)
    after(0.2, lambda: os.close(other))
    seen, _ = watched(volume, monkeypatch)
    assert seen[0].waiting and not seen[-1].waiting


def test_a_dry_run_counts_what_would_be_changed_and_changes_nothing(volume):
    before = {path: os.lstat(path).st_ctime_ns for path in [volume, *[volume / name for name in owners(volume)]]}
    os.chown(volume / "6", UID, GID)
    report = own(Volume(path=str(volume)), UID, GID, dry=True)
    assert (report.looked_at, report.changed, report.given) == (19, 18, 18)
    before.pop(volume / "6")
    assert {path: os.lstat(path).st_ctime_ns for path in before} == before


def test_a_dry_run_makes_no_volume(tmp_path):
    report = own(Volume(path=str(tmp_path / "new/one"), create=True), UID, GID, dry=True)
    assert (report.created, report.missing) == (True, False)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_counts_modes_too(volume):
    give(volume)
    for name in owners(volume):
        (volume / name).chmod(0o700)
    report = own(Volume(path=str(volume), mode="a+rX"), UID, GID, dry=True)
    assert (report.changed, report.given) == (18 + (volume.stat().st_mode & 0o777 != 0o755), 0)
    assert (volume / "6").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("group", [GID, 999])
@pytest.mark.parametrize("error", ["warn", "fail"])
def test_the_programs_own_lock_delays_no_start(volume, group, error):
    """Where the top is the user's already, no other pydrop works alone in there: that one makes it root's for a while.

    The user can give it another group, so that it looks as if there were work."""
    os.chown(volume, UID, group)
    other = held(volume)
    began = time.monotonic()
    asked = step(Volume(path=str(volume)), errors=error)
    if error == "fail":
        with pytest.raises(PydropError, match="locked by another container or program"):
            perform(asked, START)
    else:
        assert "locked by another container or program" in perform(asked, START).warnings[0]
    os.close(other)
    assert time.monotonic() - began < 3
    assert set(owners(volume).values()) == {FORMER}, "somebody else may be at work in there"


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o711, 0o700])
def test_a_top_of_roots_that_others_can_open_is_not_waited_for_long(volume, monkeypatch, after, mode):
    """Who can read a folder can lock it, for ever: a program that ran before, in another container say."""
    monkeypatch.setattr(volume_lock, "OPEN_WAIT", 0.2)
    os.chown(volume, 0, 0)
    volume.chmod(mode)
    readable = bool(mode & 0o044)
    other = held(volume)
    if not readable:
        after(0.6, lambda: os.close(other))
    outcome = perform(step(Volume(path=str(volume))), START)
    if readable:
        os.close(other)
    assert ("locked by another container" in "".join(outcome.warnings)) is readable
    assert owner(volume) == (ROOT if readable else RIGHT)
