"""Volumes so large that the walk is shared out, with everything in them that a filesystem can hold or refuse."""

import functools
import os
import re
import select
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.kernel.test_ownership import GID, UID, apart, entries, grow, mount, owner, owners
from tests.kernel.test_ownership import script as script_of_one
from tests.kernel.test_ownership_hostile import bounded, churn, dig, met_a_change, working, wrong_below

ROOT, RIGHT = (0, 0), (UID, GID)
VOLUME = Path("/mnt/volume")
ALL = "print(sum(refused.count for refused in report.refused.values()), report.linked.count, report.mounts.count)"
WARN = "print(*perform(VolumesStep(volumes=(volume,), uid=1500, gid=1600, groups=(), errors='warn'), START).warnings)"


script = functools.partial(script_of_one, shared=True)


def in_memory(check, options="nr_inodes=0"):
    """Run a check with VOLUME on a tmpfs of its own: fast to make, and gone at once."""

    def inside():
        mount("-t", "tmpfs", "-o", options, "none", "/mnt")
        VOLUME.mkdir()
        check()

    apart(inside)


@pytest.fixture
def volume(tmp_path):
    top = tmp_path / "volume"
    top.mkdir()
    yield top
    subprocess.run(["rm", "-rf", top], check=True)


def fill(top, folders, files, uid=999):
    """Folders with files, all of them somebody else's; returns how many entries that is with the top."""
    for number in range(folders):
        folder = top / str(number)
        folder.mkdir()
        fd = os.open(folder, os.O_RDONLY)
        for file in range(files):
            os.mknod(f"file{file}", dir_fd=fd)
        os.close(fd)
    subprocess.run(["chown", "-hR", f"{uid}:{uid}", top], check=True)
    return 1 + folders * (files + 1)


def run(command, *around):
    """(looked at, changed, refused, linked, mounts) of a walk in a process of its own."""
    done = subprocess.run([*around, *command], check=True, stdout=subprocess.PIPE, text=True)
    first, _, last = done.stdout.partition("}")
    return tuple(int(number) for number in (*first.split()[:2], *last.split()))


# -- size -------------------------------------------------------------------------------------------


def memory(session):
    """KiB that the processes of a session take together; what they share is counted once."""
    total = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.getsid(int(name)) == session:
                with open(f"/proc/{name}/smaps_rollup") as file:
                    total += int(file.read().partition("\nPss:")[2].split()[0])
        except (OSError, IndexError):
            pass  # it has just ended
    return total


@pytest.mark.parametrize(
    ("count", "bound"), [(200_000, 22_000), pytest.param(1_000_000, 60_000, marks=pytest.mark.soak)]
)
def test_very_many_entries_in_one_folder_take_bounded_memory(count, bound):
    """Of all processes together, in kB: 60 MB are the design's bound. 200,000 names alone would be 18 MB,
    and 65,536 may be held at once."""

    def check():
        fd = os.open(VOLUME, os.O_RDONLY)
        for number in range(count):
            os.mknod(f"a name of some length, {number:07}", dir_fd=fd)
        two = ",".join(map(str, sorted(os.sched_getaffinity(0))[:2]))  # processors: each has a process
        process = subprocess.Popen(
            ["taskset", "--cpu-list", two, *script(VOLUME)], stdout=subprocess.PIPE, start_new_session=True
        )
        ending, most = os.pidfd_open(process.pid), 0
        while not select.select([ending], [], [], 0.1)[0]:
            most = max(most, memory(process.pid))
        assert process.stdout and process.stdout.read().split() == [b"%d" % (count + 1)] * 2 + [b"{}"]
        assert process.wait() == 0
        print(f"{most / 1000:.1f} MB at most")
        assert 1_000 < most < bound
        assert wrong_below(VOLUME) == 0

    in_memory(check)


def test_many_deep_chains_take_few_descriptors():
    """Four ways down of 400 folders each: whoever takes part may have 100 descriptors."""

    def check():
        for chain in range(4):
            grow(VOLUME, f"{chain}/")
            dig(VOLUME / str(chain), 400, "dd")
        assert run(["prlimit", "--nofile=100", *script(VOLUME, then=ALL)]) == (6405, 6405, 0, 0, 0)
        assert wrong_below(VOLUME) == 0

    in_memory(check)


# -- kinds ------------------------------------------------------------------------------------------


def test_nothing_but_folders_is_opened_by_any_process(volume, tmp_path):
    grow(tmp_path, "target")
    os.chmod(tmp_path / "target", 0o644)
    size = fill(volume, 20, 100)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(volume / "socket"))
    for number in range(20):
        os.mkfifo(volume / f"{number}/fifo")
        os.mknod(volume / f"{number}/character", stat.S_IFCHR | 0o600, os.makedev(5, 1))
        os.mknod(volume / f"{number}/block", stat.S_IFBLK | 0o600, os.makedev(7, 250))
        os.link(volume / "socket", volume / f"{number}/socket")
        os.symlink("../../target", volume / f"{number}/to a file")
        os.symlink("..", volume / f"{number}/to a folder")
        os.symlink("in a circle", volume / f"{number}/in a circle")
    os.unlink(volume / "socket")
    log = tmp_path / "log"
    strace = ["strace", "-f", "-y", "-o", log, "-e", "trace=open,openat,openat2"]
    looked_at, _, *rest = run(script(volume, hard_links=True, then=ALL), *strace)
    assert (looked_at, rest) == (size + 140, [0, 0, 0])
    assert set(owners(volume).values()) == {RIGHT}
    assert owner(tmp_path / "target") == ROOT
    assert len({line.split()[0] for line in log.read_text().splitlines()}) > 1  # processes
    opened = [line for line in log.read_text().splitlines() if str(volume) in line and "openat(" in line]
    assert len(opened) > 20
    assert [line for line in opened if "O_PATH" not in line and "O_DIRECTORY" not in line] == []


def test_mounts_everywhere_in_a_large_volume_are_left_alone(volume, tmp_path):
    """Of the same filesystem, and of another; folders and files; in folders of root's and of others."""
    outside = grow(tmp_path / "outside", "folder/file", "file")

    def check():
        fill(volume, 40, 40)
        for number in range(0, 40, 5):
            grow(volume / str(number), "bound/", "other/", "bound file")
            os.chown(volume / str(number), *(ROOT if number % 2 else (999, 999)))
            mount("--bind", outside / "folder", volume / str(number) / "bound")
            mount("--bind", outside / "file", volume / str(number) / "bound file")
            mount("-t", "tmpfs", "none", volume / str(number) / "other")
            grow(volume / str(number), "other/file")
        assert run(script(volume, then=ALL))[2:] == (0, 0, 24)
        assert set(owners(outside).values()) == {ROOT}
        left = {name for name, who in owners(volume).items() if who != RIGHT}
        assert {re.sub(r"^\d+/", "", name) for name in left} == {
            *("bound", "bound/file", "bound file", "other", "other/file")
        }
        assert len(left) == 8 * 5

    apart(check)


@pytest.mark.parametrize("folder_owner", [0, 999])
def test_setuid_bits_go_in_a_large_volume_too(folder_owner):
    def check():
        fill(VOLUME, 40, 100)
        for number in range(40):
            os.chown(VOLUME / str(number), folder_owner, folder_owner)
            for name, mode in (("", 0o2775), ("file7", 0o4755), ("file8", 0o2711)):
                os.chmod(VOLUME / f"{number}/{name}", mode)
        run(script(VOLUME, then=ALL))
        found = [
            {stat.S_IMODE(os.stat(VOLUME / f"{number}/{name}").st_mode) for number in range(40)}
            for name in ("", "file7", "file8")
        ]
        assert found == [{0o2775}, {0o755}, {0o711}]

    in_memory(check)


# -- refusals ---------------------------------------------------------------------------------------


def test_refusals_of_all_processes_add_up_and_do_not_hold_the_top_back(volume):
    size = fill(volume, 40, 60)
    fixed = [volume / f"{number}/file{number}" for number in range(40)] + [volume / "5", volume / "30"]
    subprocess.run(["chattr", "+i", *fixed], check=True)
    try:
        assert run(script(volume, then=ALL)) == (size, size - 42, 42, 0, 0)
    finally:
        subprocess.run(["chattr", "-i", *fixed], check=True)
    assert wrong_below(volume) == 42
    assert owner(volume) == RIGHT


def test_names_of_any_bytes_come_back_from_all_processes_and_are_told_in_one_line(volume):
    for number in range(25):
        for odd in (b"\xff\xfe", b"\n\x1b[2J", b"\xc3", b"n" * 255, "\u202e".encode(), bytes(range(1, 47))):
            os.makedirs(os.fsencode(volume) + b"/%d/%s/%s" % (number, odd, odd))
    fill_in = [path for path in entries(volume) if not os.listdir(path)]
    for path in fill_in:
        for file in range(10):
            os.mknod(path + b"/\x80%d" % file)
    strace = ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fchownat"]
    done = subprocess.run(
        [*strace, "-e", "inject=fchownat:error=EIO", *script(volume, then=f"{ALL}; {WARN}")],
        check=True,
        stdout=subprocess.PIPE,
        env={"PYTHONIOENCODING": "utf-8:surrogateescape", "PATH": os.environ["PATH"]},
    )
    said = done.stdout.decode("utf-8", "surrogateescape")
    refused, right = 25 * 6 * 10, 1 + 25 * 13
    assert said.startswith(f"{right + refused} {right} {{5: {refused}}}\n{refused} 0 0\n")
    assert f"{refused} of {right + refused} entries" in said
    assert owner(volume) == RIGHT


BROKEN = [  # what fails in one folder, and whose that is
    ("newfstatat,statx", 0),
    ("newfstatat,statx", 999),
    ("getdents64", 0),
    ("getdents64", 999),
    ("fchownat", 0),
    ("fchown", 0),
    ("fchown", 999),
]


@pytest.mark.parametrize(("calls", "folder_owner"), BROKEN)
def test_a_folder_on_a_broken_disk_costs_what_is_in_it_and_no_more(calls, folder_owner):
    """EIO from every call of one kind that concerns one folder: counted, and the walk goes on."""

    def check():
        size = fill(VOLUME, 20, 80)
        os.chown(VOLUME / "17", folder_owner, folder_owner)
        strace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO"]
        _, changed, refused, *_ = run(script(VOLUME, then=ALL), *strace, "-P", str(VOLUME / "17"))
        assert 1 <= refused <= 82
        assert {name.split("/")[0] for name, who in owners(VOLUME).items() if who != RIGHT} == {"17"}
        assert owner(VOLUME) == RIGHT
        assert changed == size - wrong_below(VOLUME)

    in_memory(check)


def test_folders_that_cannot_be_opened_are_counted():
    """EIO from some calls of openat in each process."""

    def check():
        size = fill(VOLUME, 40, 20)
        paths = [word for number in range(40) for word in ("-P", str(VOLUME / str(number)))]
        strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=openat", "-e", "inject=openat:error=EIO:when=3+10"]
        _, changed, refused, *_ = run(script(VOLUME, then=ALL), *strace, *paths, "-P", str(VOLUME))
        assert refused >= 1
        assert 1 <= wrong_below(VOLUME) == size - changed
        run(script(VOLUME, then=ALL))
        assert wrong_below(VOLUME) == 0

    in_memory(check)


def test_a_full_disk_is_no_hindrance():
    """Owners are kept in what is there already."""

    def check():
        size = fill(VOLUME, 40, 100)
        with pytest.raises(OSError, match="No space left"), open("/mnt/filler", "wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        with pytest.raises(OSError, match="No space left"):
            for number in range(1000):
                os.mknod(f"/mnt/{number}")
        assert run(script(VOLUME, then=ALL)) == (size, size, 0, 0, 0)

    in_memory(check, "size=1M,nr_inodes=4500")


# -- what comes and goes ----------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [None, pytest.param(3, marks=pytest.mark.soak)])
def test_entries_that_come_and_go_in_a_large_volume_are_no_error(seconds):
    """Whole folders among them, while several processes are in there."""

    def check():
        fill(VOLUME, 60, 100)
        for number in range(300):
            grow(VOLUME / "busy", f"folder{number}/a/", f"folder{number}/b", f"file{number}")
        with working(lambda: churn(VOLUME / "busy")):
            met = met_a_change(VOLUME / "busy")
            assert met
            until = time.monotonic() + (seconds or bounded(3 * met))
            while time.monotonic() < until:
                for uid in (7, 8):
                    assert run(script(VOLUME, uid=uid, gid=uid, then=ALL))[2:4] == (0, 0)
                    quiet = [VOLUME, *[path for number in range(60) for path in (VOLUME / f"{number}").iterdir()]]
                    assert {owner(path) for path in quiet} == {(uid, uid)}

    in_memory(check)
