"""Calls that fail, and kills at any moment: what is counted, what is said, and that the next start completes it."""

import errno
import os
import posix
import re
import subprocess

import pytest

from pydrop import asked_as_user
from pydrop.errors import Interrupted, PydropError
from pydrop.model import Volume
from pydrop.perform.ownership import perform
from pydrop.perform.ownership.complaints import complaints
from pydrop.perform.ownership.volume_mount import VolumeMount
from pydrop.perform.ownership.volume_path import Surroundings
from pydrop.perform.ownership.volume_report import VolumeReport
from tests.kernel.test_ownership import GID, START, UID, apart, entries, give, grow, mount, owner, owners, script, step

ROOT, RIGHT = (0, 0), (UID, GID)
FAR = 1 << 30  # a position in a folder, whose digits make fdinfo longer
WARN = "print(*perform(VolumesStep(volumes=(volume,), uid=1500, gid=1600, groups=(), errors='warn'), START).warnings)"


@pytest.fixture
def volume(tmp_path):
    top = tmp_path / "volume"
    top.mkdir()
    return top


def faulty(inject, command, *more):
    """Run a command with faults put in by strace (with `more` options); its standard output."""
    traced = re.sub(":.*", "", inject)
    done = subprocess.run(
        ["strace", "-f", *more, "-o", "/dev/null", "-e", f"trace={traced}", "-e", f"inject={inject}", *command],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.stdout


# -- an entry refuses -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["EIO", "EPERM", "EROFS", "EINVAL", "EACCES", "EDQUOT", "EOPNOTSUPP"])
def test_an_entry_that_refuses_is_counted_and_the_walk_goes_on(volume, error):
    grow(volume, *[f"a/file{number}" for number in range(6)])
    said = faulty(f"fchownat:error={error}:when=3", script(volume))
    assert said.startswith("8 7 {")
    assert list(owners(volume).values()).count(ROOT) == 1
    assert owner(volume) == RIGHT


@pytest.mark.parametrize("policy", ["mismatch", "on-root-mismatch", "unless-writable"])
@pytest.mark.parametrize("call", ["fchown", "getdents64"])
def test_a_folder_that_refuses_does_not_hold_the_top_back(volume, call, policy):
    grow(volume, "a/file", "b/file", "c/file")
    said = faulty(f"{call}:error=EIO", script(volume, policy), "-P", volume / "b")
    assert said.strip().endswith("{5: 1}")
    assert [owner(volume / name) for name in ("a/file", "c/file", "")] == [RIGHT] * 3


REASONS = [
    ("EIO", "Input/output error", "kernel's log"),
    ("EROFS", "Read-only file system", "take away :ro"),
    ("EINVAL", "Invalid argument", "does not map that number"),
    ("EDQUOT", "Disk quota exceeded", "quota"),
    ("EPERM", "Operation not permitted", "lsattr"),
    ("ENOTDIR", "Not a directory", "a file is in the place of a folder"),
    ("ENOTEMPTY", "Directory not empty", "chown(2)"),
]


@pytest.mark.parametrize(("error", "reason", "remedy"), REASONS)
def test_a_refusal_is_told_with_reason_names_and_remedy(volume, error, reason, remedy):
    grow(volume, "file")
    said = faulty(f"fchownat:error={error}", script(volume, then=WARN))
    assert f"unable to give 1 of 2 entries of {volume} to 1500:1600: {reason} (file); " in said
    assert remedy in said


FILESYSTEMS = [("nfs4", "no_root_squash"), ("cifs", "uid="), ("fuse.sshfs", "unless-writable"), ("ext4", "chattr")]


@pytest.mark.parametrize(("filesystem", "remedy"), FILESYSTEMS)
def test_the_remedy_for_a_refused_permission_fits_the_filesystem(filesystem, remedy):
    report = VolumeReport()
    report.refuse(1, "a")
    report.filesystem = filesystem
    (complaint,), _ = complaints(Volume(path="/data"), "1:1", report)
    assert remedy in complaint.remedy


def test_a_capability_that_lacks_is_named(volume):
    grow(volume, "file")
    command = ["setpriv", "--inh-caps=-chown", "--bounding-set=-chown", *script(volume, then=WARN)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert "cap_add: [CHOWN]" in said


def test_a_folder_that_root_may_not_look_into_is_changed_and_reported(volume):
    """Without DAC_OVERRIDE and DAC_READ_SEARCH, which --cap-drop ALL takes, root is like others."""
    grow(volume, "closed/file", "open/file")
    os.chown(volume / "closed", 999, 999)
    os.chmod(volume / "closed", 0o700)
    caps = "-dac_override,-dac_read_search"
    command = ["setpriv", f"--inh-caps={caps}", f"--bounding-set={caps}", *script(volume, then=WARN)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert "{13: 1}" in said
    assert "cap_add: [DAC_OVERRIDE]" in said
    assert [owner(volume / name) for name in ("closed", "closed/file", "open/file")] == [RIGHT, ROOT, RIGHT]


def test_folders_whose_access_time_is_not_ours_to_spare_are_walked(volume):
    """Without CAP_FOWNER the kernel refuses O_NOATIME where the folder is another's."""
    grow(volume, "a/b/file", "c/file")
    for path in [volume, *entries(volume)]:
        os.chown(path, 999, 999)
    command = ["setpriv", "--inh-caps=-fowner", "--bounding-set=-fowner", *script(volume)]
    assert subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout == "6 6 {}\n"


def test_a_number_that_the_user_namespace_does_not_map_is_explained(volume):
    grow(volume, "file")
    command = ["unshare", "--user", "--map-root-user", *script(volume, then=WARN)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert "{22: 2}" in said
    assert "user namespace does not map that number" in said


def test_an_owner_that_the_user_namespace_does_not_map_is_explained(volume):
    grow(volume, "file")
    os.chown(volume / "file", 1234, 1234)
    command = [
        "unshare",
        "--user",
        "--map-root-user",
        *script(volume, uid=0, gid=0, then=WARN.replace("1500", "0").replace("1600", "0")),
    ]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert "{1: 1}" in said
    assert "change them on the host" in said


def test_immutable_entries_are_named_with_the_way_to_see_them(volume):
    grow(volume, "a/fixed", "a/free")
    subprocess.run(["chattr", "+i", volume / "a/fixed"], check=True)
    try:
        (warning,) = perform(step(Volume(path=str(volume))), START).warnings
    finally:
        subprocess.run(["chattr", "-i", volume / "a/fixed"], check=True)
    assert "(a/fixed); they may be immutable: see `lsattr`" in warning
    assert owner(volume / "a/free") == owner(volume) == RIGHT


def read_only(volume, top_mode):
    grow(volume, "a/file")
    os.chmod(volume, top_mode)
    mount("--bind", volume, volume)
    mount("-o", "remount,ro,bind", volume)
    return perform(step(Volume(path=str(volume))), START).warnings


def test_a_read_only_volume_is_one_warning(volume):
    def check():
        (warning,) = read_only(volume, 0o777)
        assert f"3 of 3 entries of {volume}" in warning
        assert ":ro" in warning

    apart(check)


# -- the top refuses --------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "quiet"), [(0o777, True), (0o755, False)])
@pytest.mark.parametrize("inject", ["fchown:error=EPERM:when=2+", "chown,fchown,fchownat:error=EPERM"])
@pytest.mark.parametrize("errors", ["warn", "fail"])
def test_an_owner_that_cannot_be_changed_is_no_news_where_the_user_can_write(volume, mode, quiet, inject, errors):
    grow(volume, "a/file")
    os.chmod(volume, mode)
    said = faulty(inject, script(volume, then=WARN.replace("'warn'", repr(errors)) + "; print('survived')"))
    assert ("unable" not in said and "survived" in said) if quiet else ("unable" in said or "survived" not in said)


def test_what_refused_for_another_reason_than_the_top_is_still_told(volume):
    grow(volume, "file")
    os.chmod(volume, 0o777)
    command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=chown,fchownat", "-e", "inject=chown:error=EPERM:when=2"]
    os.chown(volume, 999, 999)  # not root's: entries are changed through /proc, all calls are fchownat or chown
    said = subprocess.run(
        [*command, "-e", "inject=fchownat:error=EIO", *script(volume)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    assert said.split(" ", 2)[2].strip() == "{5: 1}"


# -- errors = fail ----------------------------------------------------------------------------------


def test_with_errors_fail_an_entry_that_refuses_ends_the_start_after_the_walk(volume):
    grow(volume, "a/fixed", "b/free")
    subprocess.run(["chattr", "+i", volume / "a/fixed"], check=True)
    try:
        with pytest.raises(PydropError, match="Operation not permitted") as caught:
            perform(step(Volume(path=str(volume)), errors="fail"), START)
    finally:
        subprocess.run(["chattr", "-i", volume / "a/fixed"], check=True)
    assert (caught.value.code, owner(volume / "b/free"), owner(volume)) == (125, RIGHT, RIGHT)


# -- killed -----------------------------------------------------------------------------------------


MOMENTS = ["fchownat:when=1", "fchownat:when=5", "fchown:when=1", "fchown:when=3", "fchown:last"]


@pytest.mark.parametrize("owner_before", [0, 999])
@pytest.mark.parametrize(
    ("policy", "moment"),
    [
        *[("on-root-mismatch", moment) for moment in MOMENTS],
        *[(policy, "fchown:last") for policy in ("mismatch", "unless-writable")],
        *[
            pytest.param(policy, moment, marks=pytest.mark.soak)
            for policy in ("mismatch", "unless-writable")
            for moment in MOMENTS[:-1]
        ],
    ],
)
def test_a_walk_that_was_killed_is_completed_by_the_next(volume, policy, moment, owner_before):
    """The last fchown is that of the top; three folders are changed before it, and what is not root's is taken too."""
    grow(volume, *[f"{folder}/{name}" for folder in ("a", "b", "c") for name in ("one", "two", "three")])
    for path in [volume, *[volume / name for name in owners(volume)]]:
        os.chown(path, owner_before, owner_before)
    call, when = moment.replace("last", "when=7" if owner_before else "when=4").split(":")
    killed = faulty(f"{call}:signal=KILL:{when}", script(volume, policy))
    assert killed == ""
    before = owners(volume)
    assert owner(volume) != RIGHT or set(before.values()) == {RIGHT}
    give(volume, policy=policy)
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}


@pytest.mark.parametrize("policy", ["mismatch", "on-root-mismatch"])
@pytest.mark.parametrize("call", ["chown", "fstat", "open", "listdir", "scandir", "close"])
@pytest.mark.parametrize("after", [1, 4, 7])
def test_an_interrupted_walk_leaves_no_descriptor_and_not_the_top(volume, monkeypatch, policy, call, after):
    monkeypatch.setattr("pydrop.perform.ownership.folder.on_disk", lambda _: call != "scandir")
    for number in range(5):
        grow(volume, f"{number}/file", f"{number}/deeper/file")
    descriptors = sorted(os.listdir("/proc/self/fd"))
    real, count = getattr(os, call), []

    def interrupting(*words, **more):
        count.append(1)
        if len(count) == after:
            raise Interrupted(15)
        return real(*words, **more)

    monkeypatch.setattr(posix, call, interrupting)
    with pytest.raises(Interrupted):
        give(volume, policy=policy)
    monkeypatch.undo()
    if call != "close":  # what was to be closed at that moment stays, and ends with the process
        assert sorted(os.listdir("/proc/self/fd")) == descriptors
    assert owner(volume) == ROOT
    give(volume, policy=policy)
    assert set(owners(volume).values()) | {owner(volume)} == {RIGHT}


@pytest.mark.python
def test_an_interrupted_question_leaves_no_child(volume, monkeypatch):
    def interrupted(*_):
        raise Interrupted(15)

    monkeypatch.setattr(asked_as_user, "_receive", interrupted)
    with pytest.raises(Interrupted):
        give(volume, policy="unless-writable")
    monkeypatch.undo()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("call", ["setgroups", "setresgid", "setresuid"])
def test_a_user_that_cannot_be_become_cannot_write(volume, call):
    """A call that fails must not have root answer for the user."""
    said = faulty(f"{call}:error=EPERM", script(volume, "unless-writable"))
    assert said.startswith("1 1")


def test_where_no_process_can_be_made_the_volume_is_walked(volume, monkeypatch):
    def failing():
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(posix, "fork", failing)
    assert give(volume, policy="unless-writable").changed == 1


# -- kernels that tell less -------------------------------------------------------------------------


@pytest.mark.parametrize("before", [RIGHT, ROOT, (999, 999)])
def test_without_proc_nothing_is_changed_and_the_volume_refuses(volume, before):
    """Not even the top, whose owner would say that all is done."""
    grow(volume, "a/file", "other")
    os.chown(volume, *before)

    def check():
        mount("-t", "tmpfs", "none", "/proc")
        report = give(volume)
        assert {number: refused.names for number, refused in report.refused.items()} == {errno.ENOENT: ["."]}
        assert (report.changed, set(owners(volume).values()), owner(volume)) == (0, {ROOT}, before)

    apart(check)


def test_without_mount_ids_the_device_tells_mounts_apart(volume, monkeypatch):
    """gVisor's fdinfo has flags alone."""
    grow(volume, "a/tmpfs/", "a/file")

    def check():
        mount("-t", "tmpfs", "none", volume / "a/tmpfs")
        monkeypatch.setattr(posix, "pread", lambda fd, size, offset: b"flags:\t0100000\n")
        report = give(volume)
        assert (report.mounts.names, owner(volume / "a/file"), owner(volume / "a/tmpfs")) == (["a/tmpfs"], RIGHT, ROOT)

    apart(check)


def test_a_position_that_moves_meanwhile_hides_no_mount(volume):
    """A worker shares a folder's position with who forked it and reads on: fdinfo's first line gets longer and shorter
    between two looks, and everything in the worker's part was taken for another mount."""

    class Moving(VolumeMount):
        """The parent reads on, or begins again, after each look."""

        def _about(self, fd):
            seen = VolumeMount._about(self, fd)
            if fd == top:
                os.lseek(fd, FAR - os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
            return seen

    (volume / "a").mkdir()
    around = Surroundings()
    top, inner, other = (os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (volume, volume / "a", "/proc"))
    for position in (0, FAR):
        os.lseek(top, position, os.SEEK_SET)
        moving = Moving(False, around, VolumeReport())
        moving.begin(top)
        assert [moving.is_left_at(each) for each in (inner, other)] == [False, True]
        around.close()
    for each in (top, inner, other):
        os.close(each)
