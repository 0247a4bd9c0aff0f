"""A large volume that the old owner, the new owner and a member of the group rearrange while root walks through it.

What must hold is that nothing outside the volume changes: not through a symlink under a folder's name, not through one
under a file's name, and not through a hard link to a file of root's that somebody moves to where a file of his was.
Each attack is shown to catch walks that are less careful, and how fast it does says how long ours must withstand it.
"""

import functools
import mmap
import os
import random
import signal
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pytest

from tests.kernel.attackers import MEMBER, NEW, OLD, ZONES, attackers, fingerprint
from tests.kernel.test_ownership import SOURCES, apart, entries, grow, mount, owner

TOP = Path("/mnt/place")  # on a tmpfs of its own, where names are exchanged fastest
VOLUME, OUTSIDE, CACHE = TOP / "volume", TOP / "outside", TOP / "cache"
FOLDERS = 40  # of all zones together
PATHS = [str(SOURCES), sysconfig.get_paths()["platlib"]]
LOOP = f"""
import sys
sys.path[:0] = {PATHS!r}
from pydrop.model import Volume
from pydrop.perform.ownership import own
for line in sys.stdin:
    uid, gid, *mode = line.split()
    report = own(Volume(path="{VOLUME}", mode=mode[0] if mode else None), int(uid), int(gid))
    print(report.looked_at, report.changed, *report.refused, flush=True)
"""
ROUNDS = [NEW, OLD, NEW, (0, 0), OLD, (*NEW, "u+rwX"), (*OLD, "a+rX")]  # who gets the volume, walk after walk


# -- volumes ----------------------------------------------------------------------------------------


def symlinks(zone, count):
    """In each folder: folders and symlinks to a folder outside, files and symlinks to a file outside."""
    for folder, fd in zone.folders(VOLUME, count):
        for number in range(10):
            grow(folder, *[f"{number}/{name}/file{file}" for name in "ab" for file in range(4)], f"file{number}")
            (folder / f"{number}~").symlink_to(OUTSIDE)
            (folder / f"file{number}~").symlink_to(OUTSIDE / "passwd")
            for name in (f"{number}", f"file{number}"):
                zone.swaps.append((fd, name.encode(), fd, f"{name}~".encode()))


def links(zone, count):
    """In each folder: files, and hard links to a file of root's.

    The links for a sticky folder are kept where anybody may fetch them: there he could put one in the place of a file
    of his own, also while the folder is not his.
    """
    cache, pairs = os.open(CACHE, os.O_PATH), count * 40
    count = 10 if zone.opens else count  # few, so that each is opened often
    for index, (folder, fd) in enumerate(zone.folders(VOLUME, count)):
        for number in range(pairs // count):
            grow(folder, f"file{number}")
            away, where = (cache, CACHE) if zone.name == "sticky" else (fd, folder)
            os.link(OUTSIDE / "shadow", where / f"link{index}.{number}")
            zone.swaps.append((fd, b"file%d" % number, away, b"link%d.%d" % (index, number)))


# -- walks ------------------------------------------------------------------------------------------


def pipe_of(stream: "IO[Any] | None") -> "IO[Any]":
    """A standard stream of a process that was started with a pipe there."""
    assert stream
    return stream


class Ours:
    """Walks of the engine as `count` processes at once, in each of which it may fork as it likes."""

    def __init__(self, *around, count=1):
        self.words = [*around, sys.executable, "-I", "-S", "-c", LOOP]
        self.count = count
        self.changed = 0

    def __enter__(self):
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.processes: list[subprocess.Popen[str]] = [subprocess.Popen(self.words, **pipes) for _ in range(self.count)]
        return self

    def __exit__(self, *_):
        for process in self.processes:
            pipe_of(process.stdin).close()
            assert process.wait(60) == 0

    def __call__(self, *wanted):
        for process in self.processes:
            print(*wanted, file=process.stdin, flush=True)
        for process in self.processes:
            looked_at, changed, *refused = map(int, pipe_of(process.stdout).readline().split())
            assert looked_at > 1000
            assert not refused
            self.changed += changed


class Careless:
    """A walk that forgets one thing."""

    def __init__(self, walk):
        self.walk = walk

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __call__(self, uid, gid, *_):
        self.walk(uid, gid)


def by_path(uid, gid):
    """The walk that everybody writes first."""
    for path in entries(VOLUME):
        try:
            os.chown(path, uid, gid, follow_symlinks=False)
        except OSError:
            pass
    os.chown(VOLUME, uid, gid)


def never(fd, info):
    """Folders stay their owner's while entries are changed by name."""


def from_its_owner(fd, info):
    """Folders are taken away from their owner, but not from their group and from others."""
    os.chown(fd, 0, -1)


def trusting_the_sticky_bit(fd, info):
    """Folders are taken away from all, but where a sticky bit says that nobody may touch what is not his."""
    os.chown(fd, 0, 0)
    if not info.st_mode & stat.S_ISVTX:
        os.chmod(fd, stat.S_IMODE(info.st_mode) & ~0o022)


def where_it_looked_closed(fd, info):
    """Folders are taken from their owner where nobody else may write; but he may let them until the very moment."""
    if not info.st_mode & 0o022:
        os.chown(fd, 0, 0)
    else:
        from_all(fd, info)


def from_all(fd, info):
    """Folders are taken away from all."""
    os.chown(fd, 0, 0)
    os.chmod(fd, 0o700)


def by_name(take, looks_before=False):
    """A walk that no symlink leads astray, with entries changed by their names."""

    def descend(fd, uid, gid):
        before = os.fstat(fd)
        looks = {name: os.stat(name, dir_fd=fd, follow_symlinks=False) for name in os.listdir(fd)}
        take(fd, before)
        for name, look in looks.items():
            try:
                enter_or_give(fd, name, look if looks_before else os.stat(name, dir_fd=fd, follow_symlinks=False))
            except OSError:
                pass
        os.chown(fd, uid, gid)
        os.chmod(fd, stat.S_IMODE(before.st_mode))

    def enter_or_give(fd, name, look):
        if stat.S_ISDIR(look.st_mode):
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            try:
                descend(below, *wanted)
            finally:
                os.close(below)
        elif not (look.st_uid == 0 and look.st_nlink > 1):
            os.chown(name, *wanted, dir_fd=fd, follow_symlinks=False)

    wanted: list[int] = []

    def walk(uid, gid):
        wanted[:] = uid, gid
        top = os.open(VOLUME, os.O_RDONLY)
        try:
            descend(top, uid, gid)
        finally:
            os.close(top)

    return walk


# -- the siege --------------------------------------------------------------------------------------


def besieged(plant, walk, seconds, *zones, least=1):
    """Walk again and again for so long, and `least` so often, under attack.

    Returns the seconds after which something outside the volume was changed; None where nothing was.
    """
    mount("-t", "tmpfs", "none", "/mnt")
    grow(TOP, "outside/passwd", "outside/shadow", "volume/", "cache/")
    grow(OUTSIDE, *[f"{name}/file{file}" for name in "ab" for file in range(4)])
    os.chmod(OUTSIDE / "shadow", 0o600)
    os.chmod(CACHE, 0o777)
    for name in zones:
        plant(ZONES[name], FOLDERS // len(zones))
    subprocess.run(["chown", "-hR", f"{OLD[0]}:{OLD[1]}", VOLUME], check=True)
    os.chown(OUTSIDE / "shadow", 0, 0)  # by way of its other names, before anybody attacks
    before = fingerprint(OUTSIDE)
    with ExitStack() as stack:
        walking = stack.enter_context(walk)
        people = [stack.enter_context(person) for person in attackers(*zones)]
        began, walks = time.monotonic(), 0
        while time.monotonic() < began + seconds or walks < least:
            walking(*ROUNDS[walks % len(ROUNDS)])
            walks += 1
            if fingerprint(OUTSIDE) != before:
                return time.monotonic() - began
        idle = [(person.uid, zone) for person in people for zone, count in person.done().items() if count < 1000]
        assert not idle, f"they rearranged nothing in {walks} walks"
    settled()
    return None


def settled():
    """When all is quiet, everything is right after one more walk, but for what is root's outside too."""
    with Ours() as walk:
        walk(*NEW)
    inode = os.stat(OUTSIDE / "shadow").st_ino
    assert {owner(path) for path in entries(VOLUME) if os.lstat(path).st_ino != inode} == {NEW}


# -- careless walks, and ours ------------------------------------------------------------------------

CARELESS: "dict[str, tuple[Callable[..., None], Callable[[int, int], None], str]]" = {
    "by path, symlinks": (symlinks, by_path, "owner"),
    "by path, links": (links, by_path, "owner"),
    "by name": (links, by_name(never), "owner"),
    "in the group's folders": (links, by_name(from_its_owner), "group"),
    "in everybody's folders": (links, by_name(from_its_owner), "world"),
    "in sticky folders": (links, by_name(trusting_the_sticky_bit), "sticky"),
    "by an old mode": (links, by_name(where_it_looked_closed), "opening"),
    "by an old look": (links, by_name(from_all, looks_before=True), "owner"),
}


@functools.cache
def found_after(forgotten):
    """Seconds after which a careless walk is led out, in this run and on this machine; 0 where it never is."""
    plant, walk, zone = CARELESS[forgotten]
    shared = mmap.mmap(-1, mmap.PAGESIZE)

    def check():
        memoryview(shared).cast("d")[0] = besieged(plant, Careless(walk), 60, zone) or 0

    apart(check)
    with memoryview(shared) as seconds:
        return seconds.cast("d")[0]


RARE = "by an old mode"  # found in two seconds or in forty: its owner must open a folder in the right moment


@pytest.mark.parametrize(
    "forgotten", [pytest.param(name, marks=pytest.mark.soak if name == RARE else ()) for name in CARELESS]
)
def test_a_walk_that_forgets_one_thing_is_led_out(forgotten):
    """Else these attacks would show nothing."""
    assert found_after(forgotten)


SHORTEST, LONGEST = 0.5, 2.5  # seconds of a short siege
SIEGES = [  # and the seconds of a long one
    (symlinks, tuple(ZONES), 20),
    (links, ("owner",), 5),
    (links, ("opening",), 10),
    (links, ("group", "world"), 5),
    (links, ("sticky",), 5),
]
NAMES = [f"{plant.__name__} {'-'.join(zones)}" for plant, zones, _ in SIEGES]


def seconds_of(plant, zones):
    """Three times what the slowest find took of the same attack on a careless walk."""
    found = [
        found_after(name)
        for name, (way, _, zone) in CARELESS.items()
        if way is plant and zone in zones and name != RARE
    ]
    return min(max(3 * max(found), SHORTEST), LONGEST)


@pytest.mark.parametrize(
    ("plant", "zones"),
    [
        pytest.param(plant, zones, id=name)
        for name, (plant, zones, _) in zip(NAMES, SIEGES, strict=True)
        if zones != ("opening",)
    ],
)
def test_nobody_leads_root_out_of_a_volume(plant, zones):
    held(plant, Ours(), seconds_of(plant, zones), *zones)


@pytest.mark.soak
@pytest.mark.parametrize(("plant", "zones", "seconds"), SIEGES, ids=NAMES)
def test_nobody_leads_root_out_of_a_volume_however_long_it_lasts(plant, zones, seconds):
    held(plant, Ours(), seconds, *zones, least=len(ROUNDS))


def held(plant, walk, seconds, *zones, least=2):
    """Nothing outside changes in a siege of so many seconds, in which the volume is given to others `least` times."""

    def check():
        assert besieged(plant, walk, seconds, *zones, least=least) is None
        assert walk.changed > 1000 * least

    apart(check)


WITHOUT_LOCKS = (
    "strace",
    "-f",
    "--seccomp-bpf",
    "-o",
    "/dev/null",
    "-e",
    "trace=flock",
    "-e",
    "inject=flock:error=ENOLCK",
)


@pytest.mark.soak
def test_nobody_leads_two_out_who_work_at_once_where_there_are_no_locks():
    """What one has finished, and given to its new owner, the other may be in the middle of."""
    held(links, Ours(*WITHOUT_LOCKS, count=2), 6, "owner", least=len(ROUNDS))


ENDING = f"""
import _signal, os, sys
sys.path[:0] = {PATHS!r}
from pydrop.errors import Interrupted
from pydrop.model import Volume
from pydrop.perform.ownership import own
def end(number, frame):
    raise Interrupted(number)
_signal.signal(_signal.SIGTERM, end)
try:
    print(os.getpid(), flush=True)
    own(Volume(path="{VOLUME}"), int(sys.argv[1]), int(sys.argv[2]))
    os._exit(0)
except Interrupted:
    os._exit(143)
"""
# Slow between the look at a name and the change, and slow to end its workers: so there is time for what must not be
SLOW = [
    *("strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fchownat,kill,tgkill"),
    *("-e", "inject=fchownat:delay_enter=1000", "-e", "inject=kill,tgkill:delay_enter=100000"),
]


class Ended:
    """Slow walks through one folder, that get a SIGTERM on the way."""

    def __init__(self):
        self.ended = 0
        self.files = []  # descriptors: attackers exchange the names

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def plant(self, zone, count):
        """Files and hard links to a file of root's, so many in one folder that several processes work in there."""
        for folder, fd in zone.folders(VOLUME, 1):
            for number in range(600):
                grow(folder, f"file{number}")
                os.link(OUTSIDE / "shadow", folder / f"link{number}")
                zone.swaps.append((fd, b"file%d" % number, fd, b"link%d" % number))
                if number % 6 == 0:
                    self.files.append(os.open(folder / f"file{number}", os.O_PATH))

    def __call__(self, *_):
        uid, gid = OLD if owner(VOLUME / "owner/0") == NEW else NEW
        wrong = [file for file in self.files if os.fstat(file).st_uid != uid]
        if len(wrong) < 30:  # on to its end
            wrong = [os.open(VOLUME / "owner", os.O_PATH)]
        some = random.choice(wrong)
        words = [sys.executable, "-I", "-S", "-c", ENDING, str(uid), str(gid)]
        with subprocess.Popen([*SLOW, *words], stdout=subprocess.PIPE) as process:
            main = int(pipe_of(process.stdout).readline())
            while process.poll() is None and os.fstat(some).st_uid != uid:
                pass
            try:
                os.kill(main, signal.SIGTERM)
            except ProcessLookupError:  # it came to its end by itself
                pass
            code = process.wait(60)
        assert code in (0, 143)
        self.ended += code == 143


@pytest.mark.soak
def test_a_walk_that_is_ended_gives_no_folder_back_before_its_workers_are_gone():
    """Whoever may rearrange a folder again must not find anybody at work there who trusts in names."""

    def check():
        walk = Ended()
        assert besieged(walk.plant, walk, 10, "owner", least=len(ROUNDS)) is None
        assert walk.ended > 5

    apart(check)


def test_the_attackers_have_no_more_than_their_numbers(tmp_path):
    """They are stopped by what is root's alone, and by a sticky folder's bit."""

    def check():
        mount("-t", "tmpfs", "none", "/mnt")
        grow(TOP, "volume/")
        for zone in ZONES.values():
            for folder, fd in zone.folders(VOLUME, 1):
                grow(folder, "one", "two")
                zone.swaps.append((fd, b"one", fd, b"two"))
        for path in entries(VOLUME):
            if not path.endswith((b"one", b"two")):
                os.chown(path, 0, 0)
        with ExitStack() as stack:
            people = [stack.enter_context(person) for person in attackers(*ZONES)]
            member = next(person for person in people if person.uid == MEMBER)
            while member.done()["world"] < 1000:
                pass
            assert [person.done() for person in people[:2]] == [{"owner": 0, "opening": 0, "sticky": 0}] * 2
            assert (member.done()["group"], member.done()["opening"]) == (0, 0)

    apart(check)
