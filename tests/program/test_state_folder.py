"""A start that /run can hold no record of is known all the same: no second `pydrop` runs its hooks again."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP
from tests.program.test_hooks import COUNTED, add
from tests.program.test_second_time import STAYS, WAITS, Container, container, ended, until

__all__ = ["container"]

# A container's own /dev, as every runtime makes one. Those of the tests' namespaces are the machine's.
OWN_DEV = """\
mkdir /mnt/dev && mount -t tmpfs -o mode=755 dev /mnt/dev && ln -s /proc/self/fd /mnt/dev/fd || exit 98
for name in null zero urandom; do touch /mnt/dev/$name && mount --bind /dev/$name /mnt/dev/$name || exit 98; done
mount --rbind /mnt/dev /dev || exit 98
"""
READ_ONLY = "mount -o remount,bind,ro /run || exit 98\n"
THEIRS = "mkdir -p /run/pydrop && chown 1500 /run/pydrop || exit 98\n"
FULL = "mount -t tmpfs -o nr_inodes=6,mode=755 small /run || exit 98\n"
FILL = "rm $PYDROP_ENV; for n in 1 2 3 4 5 6 7 8; do touch /run/$n; done 2>/dev/null; true"
RUNS = {"read-only": READ_ONLY, "a folder of the user's": THEIRS}
NO_CAPABILITY = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")  # /run stays as it is
NO_RECORD = "no record of this start can be kept, so a later `pydrop` that comes into this container"


def begin(container: Container, world: str, *words: str, **env: str) -> "subprocess.Popen[bytes]":
    return container.begin("sh", "-c", f'{world}exec "$@"', "sh", *NO_CAPABILITY, *words, **env)


def runs(container: Container, name: str = "sleep") -> None:
    """Wait until the first process, which made the start, is the program."""
    until(lambda: Path(f"/proc/{container.first_pid()}/comm").read_text() == f"{name}\n")


@pytest.mark.parametrize("run", RUNS)
def test_by_exec_it_goes_on_by_a_record_elsewhere(container: Container, run: str) -> None:
    """The start's own /dev holds the record, the lock and the timeline where /run cannot."""
    add(container.place, a=COUNTED, b="echo ADDED=1 >>$PYDROP_ENV")
    first = begin(container, OWN_DEV + RUNS[run], PYDROP, *STAYS)
    runs(container)
    assert ended(container.exec(PYDROP, "sh", "-c", "id -u; echo $ADDED")) == (0, b"1500\n1\n", "")
    assert ended(container.exec(f"{PYDROP}ctl", "timeline", "--json"))[0] == 0
    assert (container.folder / "count").read_text() == "ran\n"
    assert not (container.folder / "run/pydrop/record").exists()
    code, names, _ = ended(container.exec("sh", "-c", "stat -c '%u:%g %a %n' /dev/pydrop /dev/pydrop/*"))
    files = b"".join(b"0:0 600 /dev/pydrop/%s\n" % name for name in (b"lock", b"record", b"timeline"))
    assert (code, names) == (0, b"0:0 755 /dev/pydrop\n" + files)
    os.kill(container.first_pid(), 9)
    assert NO_RECORD not in ended(first)[2]


@pytest.mark.parametrize("run", RUNS)
def test_it_waits_while_the_start_is_at_work(container: Container, run: str) -> None:
    add(container.place, a=COUNTED, b=f"touch /mnt/begun; {WAITS}")
    begin(container, OWN_DEV + RUNS[run], PYDROP, *STAYS)
    until((container.folder / "begun").exists)
    others = [container.exec(PYDROP, "id", "-u") for _ in range(2)]
    theirs = container.exec("setpriv", "--reuid=1500", "--clear-groups", PYDROP, "id", "-u")
    assert ended(theirs) == (0, b"1500\n", "")  # without root it sees that it is no start
    assert [each.poll() for each in others] == [None] * 2
    (container.folder / "go").touch()
    assert [ended(each) for each in others] == [(0, b"1500\n", "")] * 2
    assert (container.folder / "count").read_text() == "ran\n"


def test_where_run_is_mounted_meanwhile_both_places_are_locked(container: Container) -> None:
    """/run is read-only at first, so the lock is in /dev; then the start mounts a tmpfs on it."""
    add(container.place, a=COUNTED, b=f"touch /mnt/begun; {WAITS}")
    container.begin("sh", "-c", f'{OWN_DEV}rmdir /run/lock; {READ_ONLY}exec "$@"', "sh", PYDROP, *STAYS)
    until((container.folder / "begun").exists)
    other = container.exec(PYDROP, "id", "-u")
    locked = ended(container.exec("sh", "-c", "ls /dev/pydrop/lock /run/pydrop/lock"))
    assert locked[:2] == (0, b"/dev/pydrop/lock\n/run/pydrop/lock\n")
    assert other.poll() is None
    (container.folder / "go").touch()
    assert ended(other) == (0, b"1500\n", "")
    assert (container.folder / "count").read_text() == "ran\n"


WHY = {
    "read-only": ("(/run/pydrop: Read-only file system)", "; make /run writable for root"),
    "a folder of the user's": ("(/run/pydrop belongs to user 1500)", "; remove /run/pydrop from the image"),
}


@pytest.mark.parametrize("run", RUNS)
def test_where_no_place_can_be_had_it_is_refused(container: Container, run: str) -> None:
    """The machine's /dev is nobody's to write into. The start says what follows, and gives the true reason."""
    add(container.place, a=COUNTED)
    first = begin(container, RUNS[run], PYDROP, *STAYS)
    runs(container)
    code, out, err = ended(container.exec(PYDROP, "touch", "/mnt/never"))
    assert (code, out, err.count("\n")) == (125, b"", 1), err
    assert err.startswith("pydrop: process 1 has made this container's start, of which no record could be kept")
    assert all(words in err for words in WHY[run])
    os.kill(container.first_pid(), 9)
    said = ended(first)[2]
    assert NO_RECORD in said
    assert "".join(WHY[run]) in said
    assert (container.folder / "count").read_text() == "ran\n"
    assert not (container.folder / "never").exists()
    assert not Path("/dev/pydrop").exists()


def test_where_the_record_could_not_be_written_the_lock_names_who_made_the_start(container: Container) -> None:
    """A hook, or the program in an earlier run, has filled /run: known by the lock's file, for a child of PID 1 too."""
    add(container.place, a=COUNTED, b=FILL)
    script = f'{PYDROP} sh -c "sleep 600" & wait'
    container.begin("sh", "-c", f"{FULL}{script}")
    until(lambda: ended(container.exec("pgrep", "-u", str(APP)))[0] == 0)
    code, out, err = ended(container.exec(PYDROP, "touch", "/mnt/never"))
    assert (code, out, err.count("\n")) == (125, b"", 1), err
    assert "has made this container's start, of which no record could be kept" in err
    assert "No space left on device" in err
    assert (container.folder / "count").read_text() == "ran\n"


def test_what_stands_in_both_places_does_not_keep_a_start_from_running(container: Container) -> None:
    """Nothing of the kind that root would follow, wait for, or believe."""
    world = OWN_DEV + "rm -rf /run/pydrop; ln -s /mnt/home /run/pydrop; chown -h 1500 /run/pydrop; mkfifo /dev/pydrop\n"
    done = ended(begin(container, world, PYDROP, "id", "-u"))
    assert done[:2] == (0, b"1500\n")
    assert NO_RECORD in done[2]
    assert list((container.folder / "home").iterdir()) == []
