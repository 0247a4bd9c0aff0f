"""Volumes whose content was written, and is being rewritten, by somebody who wants root led astray."""

import ctypes
import os
import posix
import signal
import stat
import subprocess
import time
from contextlib import contextmanager
from errno import ESTALE

import pytest

from pydrop.ctl.mount_list import mounted
from pydrop.model import Volume
from pydrop.perform.ownership import by_descriptor, far_folders, mounts, own, slice_widths, target, walk
from tests.kernel.test_ownership import GID, UID, apart, entries, give, grow, mount, owner, owners, script

ROOT, RIGHT = (0, 0), (UID, GID)
LIBC = ctypes.CDLL(None, use_errno=True)


def exchange(one, two):
    """Swap two names in one call: renameat2 with RENAME_EXCHANGE."""
    LIBC.renameat2(-100, os.fsencode(one), -100, os.fsencode(two), 2)


@pytest.fixture
def plain_volume(tmp_path):
    """For walks in other processes, which read folders as they like."""
    top = tmp_path / "volume"
    top.mkdir()
    yield top
    subprocess.run(["rm", "-rf", top], check=True)  # shutil.rmtree gives up on deep trees


@pytest.fixture(params=["folders read at once", "folders read bit by bit"])
def volume(plain_volume, request, monkeypatch):
    monkeypatch.setattr("pydrop.perform.ownership.folder.on_disk", lambda _: request.param == "folders read at once")
    return plain_volume


@pytest.fixture
def outside(tmp_path):
    """Root's, on the same filesystem, with a name for everything that the volume has."""
    folder = tmp_path / "outside"
    grow(folder, "file", "folder/file", "deep/file")
    yield folder
    assert set(owners(folder).values()) | {owner(folder)} == {ROOT}


# -- what lies there --------------------------------------------------------------------------------


def test_symlinks_are_changed_themselves_and_never_followed(volume, outside):
    targets = {"absolute": outside, "file": outside / "file", "relative": "../outside", "loop": "loop", "up": ".."}
    targets |= {"gone": "/nowhere", "etc": "/etc", "passwd": "/etc/passwd", "self": "/proc/self/root", "dot": "."}
    for name, leads_to in targets.items():
        (volume / name).symlink_to(leads_to)
    before = owner("/etc"), owner("/etc/passwd")
    report = give(volume, mode="a=rwx")
    assert set(owners(volume).values()) == {RIGHT}
    assert (owner("/etc"), owner("/etc/passwd")) == before
    assert report.looked_at == len(targets) + 1


def test_names_may_be_any_bytes(volume):
    top = os.fsencode(volume)
    names = [bytes([byte]) for byte in range(1, 256) if byte not in b"./"]
    names += [b"\xff\xfe" * 60, b"n" * 255, b"\n\x1b[2J", b"-R", b"...", "e\u0301".encode(), b"%s{}", b"\\040"]
    for name in names:
        os.mkdir(os.path.join(top, name))
        os.close(os.open(os.path.join(top, name, name), os.O_CREAT))
    give(volume)
    assert {owner(path) for path in entries(top)} == {RIGHT}


def test_nothing_but_folders_is_opened(plain_volume, tmp_path):
    """FIFOs would hang, devices wake up: every open is of a folder, or holds without opening (O_PATH)."""
    grow(plain_volume, "a/file")
    os.chown(plain_volume, 999, 999)
    for where in (plain_volume, plain_volume / "a"):
        os.mkfifo(where / "fifo")
        os.mknod(where / "device", stat.S_IFCHR | 0o600, os.makedev(5, 1))
    os.chown(plain_volume / "a", 999, 999)
    log = tmp_path / "log"
    command = ["strace", "-y", "-o", str(log), "-e", "trace=open,openat,openat2", *script(plain_volume, mode="a+r")]
    subprocess.run(command, check=True, timeout=20)
    opened = [line for line in log.read_text().splitlines() if f"{plain_volume}" in line]
    assert len(opened) >= 8
    assert [line for line in opened if "O_PATH" not in line and "O_DIRECTORY" not in line] == []
    assert set(owners(plain_volume).values()) == {RIGHT}


def dig(top, depth, name="d"):
    """A chain of folders, each with a file and with folders on both sides of the way down."""
    fd = os.open(top, os.O_PATH)
    for _ in range(depth):
        for made in (name, "a", "z"):
            os.mkdir(made, dir_fd=fd)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        below = os.open(name, os.O_PATH, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)


def wrong_below(top, uid=UID):
    found = subprocess.run(["find", top, "!", "-user", str(uid), "-printf", "x"], stdout=subprocess.PIPE, check=True)
    return len(found.stdout)


@pytest.mark.python
@pytest.mark.parametrize("depth", [1400, pytest.param(3000, marks=pytest.mark.soak)])
def test_depth_is_bounded_by_nothing_and_takes_few_descriptors(depth):
    """1,400 folders deep is past PATH_MAX, Python's recursion limit and 256 descriptors."""

    def check():
        mount("-t", "tmpfs", "none", "/mnt")
        os.mkdir("/mnt/volume")
        dig("/mnt/volume", depth, "dd")
        command = ["prlimit", "--nofile=256", *script("/mnt/volume", then="assert not report.refused")]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        assert done.stdout.split()[:2] == [b"%d" % (4 * depth + 1)] * 2
        assert wrong_below("/mnt/volume") == 0

    apart(check)


@pytest.mark.parametrize("depth", [walk.OPEN - 2, walk.OPEN - 1, walk.OPEN, walk.OPEN + 1, 3 * walk.OPEN])
def test_folders_around_the_number_that_is_kept_open_are_all_visited(volume, depth):
    dig(volume, depth)
    before = sorted(os.listdir("/proc/self/fd"))
    report = give(volume)
    assert (report.changed, wrong_below(volume)) == (4 * depth + 1, 0)
    assert sorted(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("size", [1, 2, 3])
def test_folders_are_read_in_pieces_and_to_their_end(volume, monkeypatch, size):
    """Also those that are closed on the way down with only a piece read."""
    monkeypatch.setattr(walk, "FIRST_SWEEP", size)
    monkeypatch.setattr(walk, "LONGEST_SWEEP", size)
    monkeypatch.setattr(far_folders, "LONGEST_SWEEP", size)
    monkeypatch.setattr(slice_widths, "NARROWEST", size)
    monkeypatch.setattr(slice_widths, "WIDEST", size)
    monkeypatch.setattr(slice_widths, "MOST_NAMES", 0)
    monkeypatch.setattr(walk, "OPEN", 4)
    way = volume
    for depth in range(8):  # another name at each depth: the order of entries follows from the names
        way = grow(way, *[f"{name}/in" for name in range(10)]) / str(depth % 10)
    assert give(volume).looked_at == 1 + 8 * 20
    assert wrong_below(volume) == 0


def test_a_wide_folder_takes_bounded_memory():
    def check():
        mount("-t", "tmpfs", "none", "/mnt")
        os.mkdir("/mnt/volume")
        fd = os.open("/mnt/volume", os.O_RDONLY)
        for number in range(50_000):
            os.mknod(f"a name that is not short {number}", dir_fd=fd)
        then = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        os.mkdir("/mnt/small")
        wide, small = (
            int(subprocess.run(script(path, then=then), check=True, stdout=subprocess.PIPE).stdout.split()[-1])
            for path in ("/mnt/volume", "/mnt/small")
        )
        assert wide - small < 2000  # KiB; the names alone would be 4 MB

    apart(check)


# -- mounts below -----------------------------------------------------------------------------------


def mounts_in(volume, outside):
    grow(volume, "a/tmpfs/", "a/same/", "a/file bound", "a/plain/file", "b/file")
    mount("-t", "tmpfs", "none", volume / "a/tmpfs")
    mount("--bind", outside, volume / "a/same")
    mount("--bind", outside / "file", volume / "a/file bound")
    grow(volume, "a/tmpfs/in")


@pytest.mark.parametrize("folder_owner", [0, 999])
def test_mounts_below_are_left_alone_also_of_the_same_filesystem(volume, outside, folder_owner):
    def check():
        mounts_in(volume, outside)
        os.chown(volume / "a", folder_owner, folder_owner)
        report = give(volume)
        assert sorted(report.mounts.names) == ["a/file bound", "a/same", "a/tmpfs"] or folder_owner == 0
        assert report.mounts.count == 3
        assert {owner(volume / "a" / name) for name in ("tmpfs", "tmpfs/in", "same", "file bound")} == {ROOT}
        assert {owner(volume / name) for name in ("a", "a/plain/file", "b/file", "")} == {RIGHT}

    apart(check)


@pytest.mark.parametrize("name", ["car\rriage", "new\nline", "a blank", "back\\slash", "fu\x0bll\x1c", "nel\x85"])
def test_a_mount_of_any_name_is_left_alone_and_no_error(volume, outside, name):
    """mountinfo escapes blank, tab, newline and backslash, and nothing else at which a line could be cut."""

    def check():
        grow(volume, f"{name}/", f"in/{name}", "file")
        mount("--bind", outside, volume / name)
        mount("--bind", outside / "file", volume / "in" / name)
        assert give(volume).mounts.count == 2
        assert (owner(outside), owner(outside / "file"), owner(volume / "file")) == (ROOT, ROOT, RIGHT)
        assert str(volume / name) in [each.point for each in mounted()]

    apart(check)


def test_a_volume_that_is_right_asks_for_no_table_of_mounts(volume, monkeypatch):
    """To read it costs as much as to look at fifty entries."""
    grow(volume, "a/b/file", "file")
    give(volume)
    monkeypatch.setattr(mounts, "MountTable", None)
    report = give(volume)
    assert (report.looked_at, report.changed) == (5, 0)


def test_mounts_below_are_entered_when_asked(volume, tmp_path):
    there = grow(tmp_path / "there", "file")

    def check():
        mounts_in(volume, there)
        report = give(volume, across_mounts=True)
        assert set(owners(volume).values()) == {RIGHT}
        assert report.mounts.count == 0

    apart(check)
    assert owner(there) == owner(there / "file") == RIGHT


def test_a_mount_that_appears_while_walking_is_not_entered(volume, outside, monkeypatch):
    grow(volume, "a/folder/", "b/")
    enter = walk.Walk._enter

    def mounting(self, parent, name):
        if name == "folder":
            mount("--bind", outside, volume / "a/folder")
        enter(self, parent, name)

    def check():
        monkeypatch.setattr(walk.Walk, "_enter", mounting)
        report = give(volume)
        assert report.mounts.names == ["a/folder"]
        assert owner(outside) == ROOT

    apart(check)


def test_a_volume_that_is_a_mount_itself_is_walked(volume, tmp_path):
    def check():
        mount("-t", "tmpfs", "none", volume)
        grow(volume, "a/file")
        assert give(volume).changed == 3

    apart(check)


# -- what moves while root walks --------------------------------------------------------------------


def at_the(monkeypatch, call, when, do):
    """Do something once in the moment before (or right after) a call of the kernel for the name `when`."""
    real = getattr(os, call)
    done: list[int] = []

    def calling(path, *rest, **more):
        hit = path == when and not done
        if hit and do.__name__ != "after":
            done.append(1)
            do()
        result = real(path, *rest, **more)
        if hit and do.__name__ == "after":
            done.append(1)
            do()
        return result

    monkeypatch.setattr(posix, call, calling)
    return done


def test_a_folder_that_becomes_a_symlink_is_not_entered(volume, outside, monkeypatch):
    grow(volume, "folder/file")

    def before():
        os.rename(volume / "folder", volume / "away")
        (volume / "folder").symlink_to(outside)

    done = at_the(monkeypatch, "open", "folder", before)
    report = give(volume)
    assert done
    assert report.refused == {}


@pytest.mark.parametrize(
    ("folder_owner", "mode", "call", "others"),
    [
        (0, 0o755, "open", False),
        (0, 0o775, "open", True),
        (0, 0o757, "open", True),
        (0, 0o1777, "open", True),
        (999, 0o700, "stat", True),
    ],
)
def test_a_file_that_becomes_a_link_to_roots_is_not_given(
    volume, outside, monkeypatch, folder_owner, mode, call, others
):
    """The name is exchanged between the first look and the second, by a descriptor or in a folder that was taken; where
    only root can do that, nobody checks."""
    grow(volume, "a/victim")
    os.chown(volume / "a/victim", 999, 999)
    os.chown(volume / "a", folder_owner, folder_owner)
    os.chmod(volume / "a", mode)
    os.link(outside / "file", volume / "bait")
    os.chown(volume, 999, 999)

    def before():
        os.rename(volume / "bait", volume / "a/victim")

    done = at_the(monkeypatch, call, "victim", before)
    report = give(volume)
    assert bool(done) is others  # in root's own folder it is changed by name, without being held
    assert ("a/victim" in report.linked.names) is others


def test_a_link_whose_name_is_taken_away_after_the_open_is_not_given(volume, outside, monkeypatch):
    """Held, it then counts one link, the one outside: that the name is gone gives it away."""
    grow(volume, "a/victim")
    os.chown(volume / "a/victim", 999, 999)
    os.chown(volume / "a", 999, 999)
    (volume / "a/victim").unlink()
    os.link(outside / "file", volume / "a/victim")
    os.chown(outside / "file", UID, 999)  # passes the first look; becomes root's with one link

    def after():
        os.unlink(volume / "a/victim")
        os.chown(outside / "file", 0, 0)

    done = at_the(monkeypatch, "open", "victim", after)
    report = give(volume)
    assert done
    assert report.changed == 2


def test_a_link_whose_name_comes_back_is_not_given(volume, outside):
    grow(volume, "file")
    info = os.stat(outside / "file")
    os.link(outside / "file", volume / "again")
    wanted = target.Target(Volume(path=str(volume)), UID, GID)
    top = os.open(volume, os.O_PATH)
    try:
        assert by_descriptor.unsure(wanted, top, "again", info)  # counted one before, two now
        with pytest.raises(FileNotFoundError):
            by_descriptor.unsure(wanted, top, "file", info)  # another file
        assert not by_descriptor.unsure(wanted, top, "file", os.stat(volume / "file"))
    finally:
        os.close(top)


def moved_while_deep(volume, monkeypatch, move):
    """Dig deeper than is kept open, and move something the moment the walk turns round at the bottom."""
    dig(volume, 48)
    leave = walk.Walk._leave
    done: list[int] = []

    def leaving(self):
        if not done and len(self.way) == 49 and self.way[-1].name == "d":
            done.append(1)
            move()
        leave(self)

    monkeypatch.setattr(walk.Walk, "_leave", leaving)
    report = give(volume)
    assert done
    return report


@pytest.mark.parametrize("level", [2, walk.OPEN // 2, walk.OPEN, walk.OPEN + 4])
def test_a_folder_moved_out_of_the_volume_does_not_take_root_along(volume, outside, monkeypatch, level):
    """Its ".." lies outside now, where folders have the same names as those still to visit."""
    for name in ("a", "z", "d"):
        grow(outside, f"{name}/file")
    way = volume / "/".join("d" * level)
    report = moved_while_deep(volume, monkeypatch, lambda: os.rename(way, volume.parent / "outside" / "moved"))
    kept = volume / "/".join("d" * (level - 1))
    assert {owner(path) for path in (kept, kept / "a", kept / "z", volume / "a", volume / "z", volume)} == {RIGHT}
    assert set(report.refused) <= {ESTALE}
    moved = outside / "moved"
    subprocess.run(["chown", "-R", "0:0", moved], check=True)  # that it was changed while it was in the volume is right
    subprocess.run(["rm", "-rf", moved], check=True)


def test_a_folder_moved_inside_the_volume_costs_nothing(volume, monkeypatch):
    """The way back is found by name from the top; what moved is where the walk was, and is done."""
    monkeypatch.setattr(walk, "OPEN", 4)
    way, most = volume / "/".join("d" * 40), [0]
    enter = walk.Walk._enter

    def entering(self, parent, name):
        most[0] = max(most[0], len(os.listdir("/proc/self/fd")))
        enter(self, parent, name)

    monkeypatch.setattr(walk.Walk, "_enter", entering)
    before = len(os.listdir("/proc/self/fd"))
    report = moved_while_deep(volume, monkeypatch, lambda: os.rename(way, volume / "moved"))
    assert report.refused == {}
    assert most[0] - before < 30
    assert wrong_below(volume) == 0


def test_two_moves_at_once_cost_only_what_was_between_and_are_reported(volume, monkeypatch):
    def move():
        os.rename(volume / "/".join("d" * 10), volume / "ten")
        os.rename(volume / "/".join("d" * 5), volume / "five")

    report = moved_while_deep(volume, monkeypatch, move)
    assert set(report.refused) == {ESTALE}
    assert (report.refused[ESTALE].count, report.refused[ESTALE].names) == (1, ["d/d/d/d/d/"])
    assert {owner(volume / path) for path in ("ten/a", "d/d/d/d", "d/d/d/a", "a", "z", "")} == {RIGHT}
    assert give(volume).refused == {}
    assert wrong_below(volume) == 0


def test_a_file_removed_within_the_second_look_is_gone_and_no_link(volume, monkeypatch):
    """The kernel finds the name, then counts the links: 0 where the file was removed between the two."""
    grow(volume, "file")
    before = os.stat(volume / "file")
    with open(volume / "file") as file:
        os.unlink(volume / "file")
        removed = os.fstat(file.fileno())
    monkeypatch.setattr(posix, "stat", lambda path, **more: removed)
    with pytest.raises(FileNotFoundError):
        by_descriptor.unsure(target.Target(Volume(path=str(volume)), UID, GID), 3, "file", before)


def test_a_file_of_roots_that_is_made_anew_while_it_is_held_is_no_news(volume, monkeypatch):
    grow(volume, "file")
    os.chown(volume, 999, 999)
    os.chmod(volume, 0o775)  # so that it is held, and the folder not taken

    def after():
        os.unlink(volume / "file")
        grow(volume, "other", "file")
        os.unlink(volume / "other")

    done = at_the(monkeypatch, "open", "file", after)
    report = give(volume)
    assert done
    assert (report.refused, report.linked.count, owner(volume / "file"), owner(volume)) == ({}, 0, ROOT, RIGHT)
    assert give(volume).changed == 1


@pytest.mark.parametrize(
    ("folder_owner", "mode", "call"), [(0, 0o755, "chown"), (999, 0o755, "stat"), (999, 0o775, "open")]
)
def test_what_vanishes_after_it_was_listed_is_no_error(volume, monkeypatch, folder_owner, mode, call):
    grow(volume, *[f"a/file{number}" for number in range(20)], *[f"a/folder{number}/" for number in range(20)])
    for number in range(20):
        os.chown(volume / f"a/file{number}", 999, 999)
    os.chown(volume / "a", folder_owner, 0)
    os.chmod(volume / "a", mode)
    real = getattr(os, call)
    done: list[str] = []

    def vanishing(path, *rest, **more):
        if str(path).startswith("file") and not done:
            done.append(path)
            subprocess.run(f"rm -rf {volume}/a/*", shell=True, check=True)
        return real(path, *rest, **more)

    monkeypatch.setattr(posix, call, vanishing)
    report = give(volume)
    assert done
    assert (report.refused, report.changed, os.listdir(volume / "a")) == ({}, 2, [])


def churn(volume):
    """Remove, rename and make entries for ever, many at a time so that many are gone when they are looked at."""
    changes = [
        lambda number: os.unlink(volume / f"file{number}"),
        lambda number: os.rename(volume / f"folder{number}", volume / f"renamed{number}"),
        lambda number: os.rmdir(volume / f"renamed{number}/a"),
        lambda number: os.mkdir(volume / f"renamed{number}/a"),
        lambda number: os.rename(volume / f"renamed{number}", volume / f"folder{number}"),
        lambda number: os.mknod(volume / f"file{number}"),
    ]
    while True:
        for change in changes:
            for number in range(300):
                change(number)


def met_a_change(top):
    """Seconds until a walk that trusts what it has listed meets an entry that is gone."""
    began = time.monotonic()
    try:
        while time.monotonic() < began + 15:
            for name in os.listdir(top):
                os.lstat(top / name)
    except FileNotFoundError:
        return time.monotonic() - began
    return None


@contextmanager
def working(function):
    """Somebody who does this for ever; killed in the end."""
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(1)
    try:
        yield
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("folder_owner", [0, 999])
@pytest.mark.parametrize("seconds", [None, pytest.param(1, marks=pytest.mark.soak)])
def test_entries_that_vanish_and_appear_are_no_error(volume, folder_owner, seconds):
    for number in range(300):
        grow(volume, f"folder{number}/a/", f"folder{number}/b", f"file{number}")
    with working(lambda: churn(volume)):
        met = met_a_change(volume)
        assert met
        until = time.monotonic() + (seconds or bounded(3 * met))
        while time.monotonic() < until:
            os.chown(volume, folder_owner, 0)
            for who in (7, 8):
                report = own(Volume(path=str(volume)), who, who)
                assert (set(report.refused), report.linked.count) == (set(), 0)
                assert owner(volume) == (who, who)


SHORTEST, LONGEST = 0.2, 2.0  # seconds in which ours must withstand what a careless walk has met


def bounded(seconds):
    return min(max(seconds, SHORTEST), LONGEST)


def naive(top, uid):
    """The walk that everybody writes first."""
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            try:
                os.chown(os.path.join(folder, name), uid, uid, follow_symlinks=False)
            except OSError:
                pass


def ours(volume, who):
    own(Volume(path=str(volume), mode="a+rX"), who, who)


def exchange_for_ever(pairs):
    while True:
        for one, two in pairs:
            exchange(one, two)


def led_out_after(volume, walking, seconds):
    """Own the volume again and again for so long; the seconds until root was led outside, None if never."""
    outside, began = volume.parent / "outside", time.monotonic()
    while time.monotonic() < began + seconds:
        for who in (7, 8):
            walking(volume, who)
            if set(owners(outside).values()) != {ROOT}:
                return time.monotonic() - began
    return None


def withstood(volume, pairs, seconds):
    """Somebody exchanges the pairs as fast as possible: that leads the careless walk out and never ours.

    It is tried for so many seconds; None: three times as long as the careless walk takes to be led out.
    """
    with working(lambda: exchange_for_ever(pairs)):
        found = led_out_after(volume, naive, 15)
        assert found
        subprocess.run(["chown", "-R", "0:0", volume.parent / "outside"], check=True)
        assert led_out_after(volume, ours, seconds or bounded(3 * found)) is None


SECONDS = [None, pytest.param(4, marks=pytest.mark.soak)]


@pytest.mark.parametrize("seconds", SECONDS)
def test_folders_exchanged_for_symlinks_lead_nobody_out(volume, tmp_path, seconds):
    withstood(volume, folders_and_symlinks(volume, tmp_path), seconds)


def folders_and_symlinks(volume, tmp_path):
    """Pairs of names in the volume: a folder, and a symlink to one outside that has the same names in it."""
    outside = grow(tmp_path / "outside", *[f"{name}/file{number}" for name in "ab" for number in range(20)])
    pairs = []
    for number in range(4):
        grow(volume, *[f"{number}/folder/{name}/file{file}" for name in "ab" for file in range(20)])
        (volume / f"{number}/link").symlink_to(outside)
        pairs.append((volume / f"{number}/folder", volume / f"{number}/link"))
    return pairs


@pytest.mark.parametrize("seconds", SECONDS)
def test_files_exchanged_for_links_to_roots_give_nothing_away(volume, tmp_path, seconds):
    outside = grow(tmp_path / "outside", "secret")
    os.chown(volume, 999, 999)
    pairs = []
    for number in range(50):
        grow(volume, f"file{number}")
        os.chown(volume / f"file{number}", 999, 999)
        os.link(outside / "secret", volume / f"link{number}")
        pairs.append((volume / f"file{number}", volume / f"link{number}"))
    withstood(volume, pairs, seconds)
