"""A large volume that the old owner, the new owner and a member of the group rearrange while root walks through it.

What must hold is that nothing outside the volume changes: not through a symlink under a folder's name, not through one
under a file's name, and not through a hard link to a file of root's that somebody moves to where a file of his was.
Each attack is shown to catch walks that are less careful.
"""

import os
import stat
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from attackers import MEMBER, NEW, OLD, attackers, fingerprint, zones
from test_ownership import SOURCES, apart, entries, grow, mount, owner

TOP = Path("/mnt/place")  # on a tmpfs of its own, where names are exchanged fastest
VOLUME, OUTSIDE, CACHE = TOP / "volume", TOP / "outside", TOP / "cache"
FOLDERS = 20  # of a zone
LOOP = f"""
import sys
sys.path.insert(0, {str(SOURCES)!r})
from pydrop.model import Volume
from pydrop.perform.ownership import own
for line in sys.stdin:
    uid, gid, *mode = line.split()
    report = own(Volume(path="{VOLUME}", mode=mode[0] if mode else None), int(uid), int(gid))
    print(report.looked_at, report.changed, *report.refused, flush=True)
"""
ROUNDS = [NEW, OLD, NEW, (0, 0), OLD, (*NEW, "u+rwX"), (*OLD, "a+rX")]  # who gets the volume, walk after walk


# -- volumes ----------------------------------------------------------------------------------------


def symlinks(zone):
    """In each folder: folders and symlinks to a folder outside, files and symlinks to a file outside."""
    for folder, fd in zone.folders(VOLUME, FOLDERS):
        for number in range(10):
            grow(folder, *[f"{number}/{name}/file{file}" for name in "ab" for file in range(4)], f"file{number}")
            (folder / f"{number}~").symlink_to(OUTSIDE)
            (folder / f"file{number}~").symlink_to(OUTSIDE / "passwd")
            for name in (f"{number}", f"file{number}"):
                zone.swaps.append((fd, name.encode(), fd, f"{name}~".encode()))


def links(zone):
    """In each folder: files, and hard links to a file of root's.

    The links for a sticky folder are kept where anybody may fetch them: there he could put one in the place of a file
    of his own, also while the folder is not his.
    """
    cache = os.open(CACHE, os.O_PATH)
    for index, (folder, fd) in enumerate(zone.folders(VOLUME, FOLDERS)):
        for number in range(60):
            grow(folder, f"file{number}")
            away, where = (cache, CACHE) if zone.name == "sticky" else (fd, folder)
            os.link(OUTSIDE / "shadow", where / f"link{index}.{number}")
            zone.swaps.append((fd, b"file%d" % number, away, b"link%d.%d" % (index, number)))


# -- walks ------------------------------------------------------------------------------------------


class Ours:
    """Walks of the engine as `count` processes at once, in each of which it may fork as it likes."""

    def __init__(self, *around, count=1):
        self.words = [*around, "python3", "-I", "-S", "-c", LOOP]
        self.count = count
        self.changed = 0

    def __enter__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.processes = [subprocess.Popen(self.words, **pipes) for _ in range(self.count)]
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.stdin.close()
            assert process.wait(60) == 0

    def __call__(self, *wanted):
        for process in self.processes:
            print(*wanted, file=process.stdin, flush=True)
        for process in self.processes:
            looked_at, changed, *refused = map(int, process.stdout.readline().split())
            assert looked_at > 6000
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

    wanted = []

    def walk(uid, gid):
        wanted[:] = uid, gid
        top = os.open(VOLUME, os.O_RDONLY)
        try:
            descend(top, uid, gid)
        finally:
            os.close(top)

    return walk


# -- the siege --------------------------------------------------------------------------------------


def besieged(plant, walk, seconds):
    """Walk again and again for so long, under attack; whether anything outside the volume was changed."""
    mount("-t", "tmpfs", "none", "/mnt")
    grow(TOP, "outside/passwd", "outside/shadow", "volume/", "cache/")
    grow(OUTSIDE, *[f"{name}/file{file}" for name in "ab" for file in range(4)])
    os.chmod(OUTSIDE / "shadow", 0o600)
    os.chmod(CACHE, 0o777)
    ground = zones()
    for zone in ground.values():
        plant(zone)
    subprocess.run(["chown", "-hR", f"{OLD[0]}:{OLD[1]}", VOLUME], check=True)
    os.chown(OUTSIDE / "shadow", 0, 0)  # by way of its other names, before anybody attacks
    before = fingerprint(OUTSIDE)
    with ExitStack() as stack:
        walking = stack.enter_context(walk)
        people = [stack.enter_context(person) for person in attackers(ground)]
        until, walks = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            for wanted in ROUNDS:
                walking(*wanted)
                walks += 1
                if fingerprint(OUTSIDE) != before:
                    return True
        idle = [(person.uid, zone) for person in people for zone, count in person.done().items() if count < 1000]
        assert not idle, f"they rearranged nothing in {walks} walks"
    settled(walk)
    return False


def settled(walk):
    """When all is quiet, everything is right after one more walk, but for what is root's outside too."""
    with walk:
        walk(*NEW)
    inode = os.stat(OUTSIDE / "shadow").st_ino
    assert {owner(path) for path in entries(VOLUME) if os.lstat(path).st_ino != inode} == {NEW}


@pytest.mark.parametrize("plant", [symlinks, links])
def test_nobody_leads_root_out_of_a_volume(plant):
    apart(lambda: held(plant, Ours(), 21))


def held(plant, walk, seconds):
    assert not besieged(plant, walk, seconds)
    assert walk.changed > 100_000


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


def test_nobody_leads_two_out_who_work_at_once_where_there_are_no_locks():
    """What one has finished, and given to its new owner, the other may be in the middle of."""
    apart(lambda: held(links, Ours(*WITHOUT_LOCKS, count=2), 12))


CARELESS = [
    (symlinks, by_path),
    (links, by_path),
    (links, by_name(never)),
    (links, by_name(from_its_owner)),
    (links, by_name(trusting_the_sticky_bit)),
    (links, by_name(from_all, looks_before=True)),
]
NAMES = ["by path, symlinks", "by path, links", "by name", "in group's folders", "in sticky folders", "by an old look"]


@pytest.mark.parametrize(("plant", "walk"), CARELESS, ids=NAMES)
def test_a_walk_that_forgets_one_thing_is_led_out(plant, walk):
    """Else these attacks would show nothing."""

    def check():
        assert besieged(plant, Careless(walk), 40)

    apart(check)


def test_the_attackers_have_no_more_than_their_numbers(tmp_path):
    """They are stopped by what is root's alone, and by a sticky folder's bit."""

    def check():
        mount("-t", "tmpfs", "none", "/mnt")
        grow(TOP, "volume/")
        ground = zones()
        for zone in ground.values():
            for folder, fd in zone.folders(VOLUME, 1):
                grow(folder, "one", "two")
                zone.swaps.append((fd, b"one", fd, b"two"))
        for path in entries(VOLUME):
            if not path.endswith((b"one", b"two")):
                os.chown(path, 0, 0)
        with ExitStack() as stack:
            people = [stack.enter_context(person) for person in attackers(ground)]
            member = next(person for person in people if person.uid == MEMBER)
            while member.done()["world"] < 1000:
                pass
            assert [person.done() for person in people[:2]] == [{"owner": 0, "sticky": 0}] * 2
            assert member.done()["group"] == 0

    apart(check)
