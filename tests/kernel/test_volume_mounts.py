"""Which mounts a program may want to write, as mountinfo shows them; and what the kernel says of them for a user."""

import ctypes
import os
import posix
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pydrop import asked_as_user, mountinfo
from pydrop.inspection import volume_mounts
from pydrop.model import Identity, Outcome, Start
from pydrop.perform import unwritable_mounts
from pydrop.perform.ownership.volume_path import SYSTEM_FOLDERS
from pydrop.planning import mounts_step
from pydrop.steps import MountsStep
from tests.kernel.forked import forked

pytestmark = pytest.mark.quick

START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())
UID, GID, GROUP = 1500, 1501, 1502
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE, MS_RDONLY = 0x20000, 4096, 16384, 1 << 18, 1


def mount(source: str, target: Path, kind: str, flags: int = 0, data: str = "") -> None:
    arguments = [os.fsencode(text) for text in (source, str(target), kind)]
    if LIBC.mount(*arguments, ctypes.c_ulong(flags), data.encode() or None):
        raise OSError(ctypes.get_errno(), f"mount {target}")


def tmpfs(target: Path, mode: str = "755", flags: int = 0) -> Path:
    target.mkdir(exist_ok=True, parents=True)
    mount("none", target, "tmpfs", flags, f"mode={mode}")
    return target


def apart(function: Callable[[], Any]) -> Any:
    """What the function returns in a mount namespace of its own."""

    def inside() -> Any:
        if LIBC.unshare(CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), "unshare")
        mount("none", Path("/"), "none", MS_REC | MS_PRIVATE)
        return function()

    return forked(inside)


def below(place: Path, found: "tuple[tuple[str, str], ...]") -> list[str]:
    return [point[len(str(place)) :] for point, _ in found if point.startswith(str(place))]


# -- which ones ------------------------------------------------------------------------------------

HEAD = (
    b"20 1 0:30 / / rw - overlay overlay rw\n21 20 0:22 / /proc rw - proc proc rw\n"
    b"22 20 0:6 / /dev rw - tmpfs tmpfs rw\n23 22 0:25 / /dev/shm rw - tmpfs shm rw\n"
    b"24 20 0:23 / /sys ro - sysfs sysfs ro\n25 24 0:24 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    b"26 20 8:1 /c/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n"
    b"27 20 8:1 /c/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
    b"28 20 8:1 /c/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
    b"29 20 0:40 / /run rw - tmpfs tmpfs rw\n30 20 0:41 / /tmp rw - tmpfs tmpfs rw\n"
    b"31 20 0:42 / /run/secrets/kubernetes.io/serviceaccount rw - tmpfs tmpfs rw\n"
)
CASES: "dict[str, tuple[bytes, tuple[tuple[str, str], ...]]]" = {
    "nothing but the runtime's own": (b"", ()),
    "a volume": (b"40 20 8:1 /v /data rw,relatime shared:3 master:1 - ext4 /dev/sda1 rw", (("/data", "ext4"),)),
    "read-only here": (b"40 20 8:1 /v /data ro,relatime - ext4 /dev/sda1 rw", ()),
    "read-only as a whole": (b"40 20 8:1 /v /data rw,relatime - ext4 /dev/sda1 ro,errors=x", ()),
    "an option that begins with ro": (b"40 20 0:9 / /data rw - nfs s:/x rw,rsize=1,root", (("/data", "nfs"),)),
    "a cgroup elsewhere": (b"40 20 0:24 / /data rw - cgroup2 cgroup rw", ()),
    "a blank, a newline, a backslash": (b"40 20 0:9 / /a\\040b\\012c\\134 rw - ext4 x rw", (("/a b\nc\\", "ext4"),)),
    "no UTF-8": (b"40 20 0:9 / /a\xff rw - ext4 x rw", (("/a\udcff", "ext4"),)),
    "no source": (b"40 20 0:9 / /a rw - tmpfs  rw", (("/a", "tmpfs"),)),
    "a hyphen among the tags' words": (b"40 20 0:9 / /a-b rw master:1 - fuse.x-y a-b rw", (("/a-b", "fuse.x-y"),)),
    "idmapped": (b"40 20 8:1 / /a rw,idmapped - ext4 x rw", (("/a", "idmapped"),)),
    "stacked twice": (b"40 20 8:1 / /a rw - ext4 x rw\n41 40 8:2 / /a rw - xfs x rw", (("/a", "xfs"),)),
    "stacked, and the upper one is read-only": (b"40 20 8:1 / /a rw - ext4 x rw\n41 40 8:2 / /a ro - xfs x rw", ()),
    "below one that was mounted over": (
        b"40 20 8:1 / /a rw - ext4 x rw\n41 40 8:1 / /a/b rw - ext4 x rw\n42 40 8:2 / /a rw - xfs x rw",
        (("/a", "xfs"),),
    ),
    "below a folder that was mounted over": (
        b"40 20 8:1 / /a/b/c rw - ext4 x rw\n41 20 8:2 / /a ro - xfs x rw\n42 40 8:2 / /a/b/c/d rw - ext4 x rw",
        (),
    ),
    "in what was mounted over": (
        b"40 20 8:1 / /a/b rw - ext4 x rw\n41 20 8:2 / /a ro - xfs x rw\n42 41 8:2 / /a/b rw - ext3 x rw",
        (("/a/b", "ext3"),),
    ),
    "a longer name is no folder above": (
        b"40 20 8:1 / /ab rw - ext4 x rw\n41 20 8:2 / /a ro - xfs x rw",
        (("/ab", "ext4"),),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_which_mounts_count(case: str) -> None:
    lines, expected = CASES[case]
    assert volume_mounts.found(mountinfo.rows(HEAD + lines + b"\n")) == expected


def test_what_is_named_is_left_out_before_anything_is_loaded() -> None:
    lines = b"40 20 8:1 / /a rw - ext4 x rw\n41 40 8:1 / /a/b rw - ext4 x rw\n"
    assert volume_mounts.found(mountinfo.rows(HEAD + lines), ("/a",)) == (("/a/b", "ext4"),)


def test_ten_thousand_take_no_second() -> None:
    many = b"".join([b"%d %d 8:1 / /a/b/c/d/e%d rw - ext4 x rw\n" % (n + 40, n % 7 + 20, n) for n in range(10_000)])
    began = time.process_time()
    assert len(volume_mounts.found(mountinfo.rows(HEAD + many))) > 1000
    assert time.process_time() - began < 1


def test_without_proc_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> int:
        raise FileNotFoundError

    monkeypatch.setattr(posix, "open", gone)
    assert volume_mounts.found(mountinfo.here()) == ()


def test_the_kernel_s_own_lines_are_understood(tmp_path: Path) -> None:
    def look() -> list[str]:
        tmpfs(tmp_path / "rw")
        tmpfs(tmp_path / "a b\nc")
        tmpfs(tmp_path / "ro", flags=MS_RDONLY)
        tmpfs(tmp_path / "over/in")
        tmpfs(tmp_path / "over")
        mount("none", tmp_path / "rw", "proc")
        return below(tmp_path, volume_mounts.found(mountinfo.here()))

    assert apart(look) == ["/a b\nc", "/over"]


def test_what_chown_refuses_is_never_asked_for() -> None:
    assert set(SYSTEM_FOLDERS) - {"/", "/proc", "/sys", "/dev", "/run"} <= mounts_step.SYSTEM


# -- what the kernel says of them ------------------------------------------------------------------


def perform(*points: Path, groups: "tuple[int, ...]" = (GID,), root: bool = True) -> Outcome:
    who = Identity(name="app", uid=UID, gid=GID, group="app", groups=groups, home="/", shell="", why="test")
    mounts = tuple([(str(point), "ext4") for point in points])
    step = MountsStep(words="", mounts=mounts, identity=who, root=root, listed="")
    return unwritable_mounts.perform(step, START)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    return tmp_path


def folder(place: Path, name: str, uid: int, gid: int, mode: int) -> Path:
    made = place / name
    made.mkdir()
    os.chown(made, uid, gid)
    made.chmod(mode)
    return made


WRITES = {
    "its owner": (UID, 0, 0o700, True),
    "its group": (0, GID, 0o770, True),
    "a supplementary group": (0, GROUP, 0o770, True),
    "everybody": (0, 0, 0o777, True),
    "nobody but root": (0, 0, 0o755, False),
    "the owner without w": (UID, 0, 0o577, False),
    "the owner without x": (UID, 0, 0o677, False),
    "the group counts before the others": (0, GID, 0o707, False),
    "another group": (0, 1999, 0o770, False),
    "root's group": (0, 0, 0o770, False),
}


@pytest.mark.parametrize("case", WRITES)
def test_who_can_write(case: str, place: Path) -> None:
    uid, gid, mode, can = WRITES[case]
    made = folder(place, "data", uid, gid, mode)
    assert (perform(made, groups=(GID, GROUP)).warnings == ()) is can


ACLS = {"granted to the user": (0o755, 7, True), "taken from the user": (0o777, 5, False)}


@pytest.mark.parametrize("case", ACLS)
def test_an_access_list_counts(case: str, place: Path) -> None:
    mode, bits, can = ACLS[case]
    made = folder(place, "data", 0, 0, mode)
    nobody = 2**32 - 1
    entries = [(1, 7, nobody), (2, bits, UID), (4, 7, nobody), (16, 7, nobody), (32, mode & 7, nobody)]
    acl = struct.pack("<I", 2) + b"".join([struct.pack("<HHI", *entry) for entry in entries])
    os.setxattr(made, "system.posix_acl_access", acl)
    assert (perform(made).warnings == ()) is can


def test_all_are_named_in_one_warning_and_files_sockets_and_what_is_gone_are_not(place: Path) -> None:
    closed = folder(folder(place, "closed", 0, 0, 0o700), "in", UID, GID, 0o700)
    (place / "file").touch(0o600)
    os.mkfifo(place / "fifo", 0o600)
    names = [folder(place, "a", 0, 0, 0o755), folder(place, "b", UID, 0, 0o700), place / "file", place / "fifo"]
    (said,) = perform(*names, place / "gone", closed).warnings
    assert f"cannot write the mounted {place}/a, which" in said
    assert f"cannot enter a folder above the mounted {closed};" in said
    assert f"PYDROP_CHOWN={place}/a)" in said


def test_root_is_root_still_and_no_child_is_left(place: Path) -> None:
    perform(folder(place, "a", 0, 0, 0o755))
    assert os.getresuid() == (0, 0, 0)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_with_sigchld_ignored_it_says_the_same(place: Path) -> None:
    made = folder(place, "a", 0, 0, 0o755)

    def ignoring() -> Outcome:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        return perform(made)

    assert forked(ignoring).warnings


def test_the_child_is_nobody_s_to_stop(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the program's user may send it no signal: its real and saved ids are root's."""

    def attacked(point: str) -> int:
        child = os.fork()
        if child == 0:
            os.setresuid(UID, UID, UID)
            try:
                os.kill(os.getppid(), signal.SIGKILL)
            except PermissionError:
                os._exit(7)
            os._exit(0)
        refused = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        return unwritable_mounts.REFUSED if refused else unwritable_mounts.WRITABLE

    monkeypatch.setattr(unwritable_mounts, "judged", attacked)
    assert perform(place).warnings


def test_a_server_that_never_answers_is_not_waited_for(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_as_user, "LONGEST", 0.1)
    refused = folder(place, "a", 0, 0, 0o755)
    real = unwritable_mounts.judged

    def hanging(point: str) -> int:
        if point.endswith("dead"):
            time.sleep(60)
        return real(point)

    monkeypatch.setattr(unwritable_mounts, "judged", hanging)
    began = time.monotonic()
    (said,) = perform(refused, place / "dead", folder(place, "b", 0, 0, 0o755)).warnings
    assert time.monotonic() - began < 5
    assert f"{refused}, which" in said  # what was answered counts
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_where_the_call_itself_is_refused_nothing_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old runtime's filter answers EPERM for faccessat2, whatever is asked."""
    monkeypatch.setattr(posix, "access", lambda *_, **__: False)
    assert perform(folder(place, "a", 0, 0, 0o755)) == Outcome()


def test_without_processes_nothing_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> int:
        raise BlockingIOError

    monkeypatch.setattr(posix, "fork", none_left)
    assert perform(folder(place, "a", 0, 0, 0o755)) == Outcome()


def test_without_root_it_is_asked_for_this_very_process(place: Path) -> None:
    mine, others = folder(place, "mine", UID, 0, 0o700), folder(place, "others", 0, 0, 0o755)

    def as_user() -> Outcome:
        os.setgroups([GID])
        os.setresgid(GID, GID, GID)
        os.setresuid(UID, UID, UID)
        return perform(mine, others, root=False)

    (said,) = forked(as_user).warnings
    assert f"cannot write the mounted {others}, which" in said
