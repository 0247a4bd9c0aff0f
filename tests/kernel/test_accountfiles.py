"""/etc/passwd and /etc/group are changed whole, under the system's lock, whatever happens on the way."""

import contextlib
import errno
import fcntl
import os
import posix
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pydrop.accounts import accounts, group_with, groups, passwd_with
from pydrop.errors import Interrupted, PydropError
from pydrop.model import Account, AccountChange, Group, Outcome, Start
from pydrop.perform import accountfiles
from pydrop.perform.accountfiles import account_file
from pydrop.steps import AccountsStep
from tests.kernel.forked import forked

SRC = Path(accountfiles.__file__).parents[3]
START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())
PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\nodd line\n# note\n\nother:x:1500:5::/:/bin/sh\napp:!:999:998:App:/srv:/bin/ash\n"
)
GROUP = "root:x:0:\n+:::\napp:x:998:a,b\nvideo:x:44:\n"
NEW_PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\nodd line\n# note\n\n"
    "app:!:1500:1600:App:/srv:/bin/ash\nother:x:1500:5::/:/bin/sh\n"
)
NEW_GROUP = "root:x:0:\n+:::\napp:x:1600:a,b\nvideo:x:44:\n"
FORMER = Account(name="app", uid=999, gid=998, gecos="App", home="/srv", shell="/bin/ash")
CHANGE = AccountChange(
    account=Account(name="app", uid=1500, gid=1600, gecos="App", home="/srv", shell="/bin/ash"),
    group=Group(name="app", gid=1600, members=("a", "b")),
    former=FORMER,
)
MADE = AccountChange(
    account=Account(name="svc", uid=1700, gid=1700, home="/home/svc", shell="/bin/sh"),
    group=Group(name="svc", gid=1700),
    more_groups=(Group(name="gid226", gid=226),),
)


@pytest.fixture
def etc(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of our own in the place of /etc, where users may pass (pytest closes its own); and a umask."""
    umask = os.umask(0o077)
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "etc"
        folder.mkdir()
        for name, text in (("passwd", PASSWD), ("group", GROUP)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
        folder.chmod(0o755)
        monkeypatch.setattr(accountfiles, "ETC", str(folder))
        monkeypatch.setattr(accountfiles, "LOCK_SECONDS", 0.05)
        yield folder
    os.umask(umask)


def perform(change: AccountChange = CHANGE, how: str = "rename") -> Outcome:
    return accountfiles.perform(AccountsStep(words="", change=change, how=how), START)


def names(folder: Path) -> set[str]:
    return set(os.listdir(folder)) - {".pwd.lock"}


def look(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


# -- a new file in the place of the old one -------------------------------------------------------


def test_both_files_say_what_the_change_says_and_keep_every_other_line(etc: Path) -> None:
    outcome = perform()
    assert (etc / "passwd").read_text() == NEW_PASSWD
    assert (etc / "group").read_text() == NEW_GROUP
    assert names(etc) == {"passwd", "group"}
    assert (outcome.changed, outcome.words) == (2, "gave account app 1500:1600 instead of 999:998")
    assert outcome.warnings == ()


def test_a_second_time_writes_nothing_and_says_nothing(etc: Path) -> None:
    perform()
    before = [(etc / name).stat().st_ino for name in ("passwd", "group")]
    assert perform() == Outcome()
    assert [(etc / name).stat().st_ino for name in ("passwd", "group")] == before


def test_an_account_and_the_groups_of_devices_are_made(etc: Path) -> None:
    assert perform(MADE).words == "made account svc 1700:1700"
    assert (etc / "passwd").read_text() == PASSWD + "svc:*:1700:1700::/home/svc:/bin/sh\n"
    assert (etc / "group").read_text() == GROUP + "svc:x:1700:\ngid226:x:226:\n"


def test_mode_and_owner_stay(etc: Path) -> None:
    os.chown(etc / "passwd", 7, 8)
    (etc / "passwd").chmod(0o664)
    (etc / "group").chmod(0o440)
    perform()
    assert look(etc / "passwd") == (0o664, 7, 8)
    assert look(etc / "group") == (0o440, 0, 0)


def test_the_security_label_stays(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`user.` stands for `security.selinux`, which only a kernel with SELinux gives."""
    monkeypatch.setattr(account_file, "LABELS", ("user.label",))
    try:
        os.setxattr(etc / "passwd", "user.label", b"system_u:object_r:passwd_file_t:s0")
    except OSError as error:
        assert error.errno == errno.ENOTSUP
        copied: list[object] = []
        monkeypatch.setattr(posix, "listxattr", lambda file: ["user.label"])
        monkeypatch.setattr(posix, "getxattr", lambda file, name: b"l")
        monkeypatch.setattr(posix, "setxattr", lambda file, name, value: copied.append((name, value)))
        perform()
        assert copied == [("user.label", b"l")] * 2
        return
    perform()
    assert os.getxattr(etc / "passwd", "user.label") == b"system_u:object_r:passwd_file_t:s0"
    assert os.listxattr(etc / "group") == []


def test_missing_files_are_made_readable_for_all(etc: Path) -> None:
    (etc / "passwd").unlink()
    (etc / "group").unlink()
    perform(MADE)
    assert (etc / "passwd").read_text() == "svc:*:1700:1700::/home/svc:/bin/sh\n"
    assert (etc / "group").read_text() == "svc:x:1700:\ngid226:x:226:\n"
    assert look(etc / "passwd") == look(etc / "group") == (0o644, 0, 0)


@pytest.mark.python
def test_bytes_that_are_no_text_stay_as_they_are(etc: Path) -> None:
    odd = b"\xff\xfe:\r\n\x0c\x85line\n \n" + "zo\u00eb\u2028:x\n".encode()
    (etc / "passwd").write_bytes(odd)
    perform(MADE)
    assert (etc / "passwd").read_bytes() == odd + b"svc:*:1700:1700::/home/svc:/bin/sh\n"


def test_the_c_library_finds_the_account_by_name_and_by_number(tmp_path: Path) -> None:
    """In the place of the machine's /etc, in a mount namespace of its own; the machine's keeps what it says."""
    copy, before = tmp_path / "etc", Path("/etc/passwd").read_bytes()
    shutil.copytree("/etc", copy, symlinks=True)
    (copy / "passwd").write_text(PASSWD + "rival:x:1700:5::/:/bin/sh\n")
    (copy / "group").write_text(GROUP)
    script = driver(Path("/etc"), "rename", MADE) + (
        "import pwd, grp\n"
        "for a in (pwd.getpwuid(1700), pwd.getpwnam('svc')): print(a.pw_name, a.pw_uid, a.pw_gid, a.pw_dir)\n"
        "for g in (grp.getgrgid(1700), grp.getgrnam('svc'), grp.getgrgid(226)): print(g.gr_name, g.gr_gid)\n"
        "print(pwd.getpwnam('rival').pw_uid)"
    )
    lines = in_namespace(f"mount --bind {copy} /etc", script).stdout.splitlines()
    assert lines == ["svc 1700 1700 /home/svc"] * 2 + ["svc 1700"] * 2 + ["gid226 226", "1700"]
    assert Path("/etc/passwd").read_bytes() == before


def test_what_a_killed_start_left_is_removed_even_if_nothing_else_is_to_do(etc: Path) -> None:
    perform()
    (etc / ".passwd.pydrop").write_text("half")
    (etc / ".group.pydrop").symlink_to("/nowhere")
    outcome = perform()
    assert names(etc) == {"passwd", "group"}
    assert (outcome.changed, outcome.words) == (2, "removed what a killed start left in /etc")


def test_a_new_file_s_name_that_leads_elsewhere_is_not_followed(etc: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (etc / ".passwd.pydrop").symlink_to(victim)
    os.link(victim, etc / ".group.pydrop")
    perform()
    assert victim.read_text() == "precious"
    assert (etc / "passwd").read_text() == NEW_PASSWD


def test_a_symlink_to_a_file_of_root_s_alone_is_replaced_by_a_file(etc: Path, tmp_path: Path) -> None:
    """Nix's images link /etc/passwd into the store, which must stay as it is."""
    store = tmp_path / "store"
    (etc / "passwd").rename(store)
    (etc / "passwd").symlink_to(store)
    perform()
    assert look(etc / "passwd") == (0o644, 0, 0)
    assert (etc / "passwd").read_text() == NEW_PASSWD
    assert store.read_text() == PASSWD


@pytest.mark.parametrize(("mode", "uid"), [(0o644, 1500), (0o664, 0), (0o646, 0)])
def test_a_symlink_to_a_file_that_others_may_write_is_refused(etc: Path, tmp_path: Path, mode: int, uid: int) -> None:
    store = tmp_path / "store"
    (etc / "passwd").rename(store)
    (etc / "passwd").symlink_to(store)
    store.chmod(mode)
    os.chown(store, uid, 0)
    with pytest.raises(PydropError, match="/etc/passwd is a symbolic link to a file that others than root may write"):
        perform()
    assert store.read_text() == PASSWD


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_what_is_no_file_is_refused_and_not_waited_for(etc: Path, kind: str) -> None:
    (etc / "passwd").unlink()
    (etc / "passwd").mkdir() if kind == "folder" else os.mkfifo(etc / "passwd")
    with pytest.raises(PydropError, match="/etc/passwd is not a regular file"):
        perform()


def test_a_full_disk_ends_the_start_and_leaves_the_old_files(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(posix, "fsync", full)
    with pytest.raises(PydropError, match=r"No space left on device; free space"):
        perform()
    assert (etc / "passwd").read_text() == PASSWD
    assert names(etc) == {"passwd", "group"}


@pytest.mark.parametrize("call", ["fsync", "fchmod", "rename", "unlink"])
def test_a_signal_in_the_middle_leaves_no_new_file_and_the_next_start_completes(
    etc: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def interrupted(*args: object, **more: object) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(accountfiles, "ETC", str(etc))
        raise Interrupted(15)

    monkeypatch.setattr(posix, call, interrupted)
    with pytest.raises(Interrupted):
        perform()
    assert names(etc) == {"passwd", "group"}
    perform()
    assert (etc / "passwd").read_text() == NEW_PASSWD


def test_no_descriptor_is_left_open(etc: Path) -> None:
    before = os.listdir("/proc/self/fd")
    perform()
    perform(MADE, "in place")
    perform(CHANGE, "append")
    assert os.listdir("/proc/self/fd") == before


# -- the lock -------------------------------------------------------------------------------------


@contextlib.contextmanager
def held(lock: Path) -> Iterator[None]:
    """Another process holds the lock until the block ends."""
    ready, begin = os.pipe()
    end, over = os.pipe()
    child = os.fork()
    if child == 0:
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.lockf(file, fcntl.LOCK_EX)
        os.write(begin, b"x")
        os.close(over)
        os.read(end, 1)
        os._exit(0)
    os.close(end)
    os.read(ready, 1)
    try:
        yield
    finally:
        os.close(over)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(begin)


@pytest.mark.parametrize("how", ["rename", "in place"])
def test_a_lock_that_is_held_too_long_ends_the_start_and_changes_nothing(etc: Path, how: str) -> None:
    with held(etc / ".pwd.lock"), pytest.raises(PydropError, match=r"unable to lock /etc/.pwd.lock: .* let the"):
        perform(how=how)
    assert (etc / "passwd").read_text() == PASSWD
    perform(how=how)
    assert (etc / "passwd").read_text() == NEW_PASSWD


def test_a_lock_that_is_given_up_is_waited_for(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accountfiles, "LOCK_SECONDS", 60)
    with contextlib.ExitStack() as stack:
        stack.enter_context(held(etc / ".pwd.lock"))
        waits = iter([None, stack.close])
        monkeypatch.setattr(
            "pydrop.perform.accountfiles.system_lock.time.sleep", lambda _: (next(waits, None) or str)()
        )
        perform()
    assert (etc / "passwd").read_text() == NEW_PASSWD


def test_the_lock_is_the_one_that_the_shadow_suite_takes(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """lckpwdf(3): a write lock of fcntl(2) on .pwd.lock, which is for root alone."""
    seen = []

    def looked(folder: int, *_args: object) -> account_file.AccountFile:
        def other() -> bool:
            file = os.open(etc / ".pwd.lock", os.O_RDWR)
            try:
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
            return False

        seen.append(forked(other))
        return account_file.AccountFile(text="", status=None)

    monkeypatch.setattr(accountfiles, "read", looked)
    perform()
    assert seen == [True, True]
    assert look(etc / ".pwd.lock") == (0o600, 0, 0)


def test_a_lock_file_that_leads_elsewhere_is_not_followed(etc: Path, tmp_path: Path) -> None:
    (etc / ".pwd.lock").symlink_to(tmp_path / "made")
    with pytest.raises(PydropError):
        perform()
    assert not (tmp_path / "made").exists()


def test_the_change_is_made_to_what_the_files_say_under_the_lock(etc: Path) -> None:
    """The text that the plan was made from may be old by then."""
    with (etc / "passwd").open("a") as passwd:
        passwd.write("late:x:77:77::/:/bin/sh\n")
    perform()
    assert "late:x:77:77::/:/bin/sh\n" in (etc / "passwd").read_text()


# -- a file that is a mount point, or cannot be written -------------------------------------------


def driver(etc: Path, how: str, change: AccountChange = CHANGE) -> str:
    """A program that performs the step and prints its warnings."""
    return (
        f"import sys; sys.path.insert(0, {str(SRC)!r})\n"
        "from pydrop.model import *\n"
        "from pydrop.steps import *\n"
        "from pydrop.perform import accountfiles\n"
        f"accountfiles.ETC = {str(etc)!r}\n"
        f"step = AccountsStep(kind='accounts', words='', how={how!r}, change={change!r})\n"
        f"outcome = accountfiles.perform(step, {START!r})\n"
        "for warning in outcome.warnings: print(warning)\n"
    )


def in_namespace(prepare: str, script: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python script in a mount namespace of its own, after some shell."""
    command = ["unshare", "--mount", "sh", "-ec", f'{prepare}\nexec "$0" -IS -c "$1"', sys.executable, script]
    return subprocess.run(command, check=True, text=True, capture_output=True)


@pytest.mark.parametrize("how", ["rename", "in place"])
def test_files_that_are_mount_points_are_written_where_they_are(etc: Path, tmp_path: Path, how: str) -> None:
    for name in ("passwd", "group"):
        shutil.copy(etc / name, tmp_path / name)
    before = (tmp_path / "passwd").stat().st_ino
    mounts = "\n".join([f"mount --bind {tmp_path}/{name} {etc}/{name}" for name in ("passwd", "group")])
    assert in_namespace(mounts, driver(etc, how)).stdout == ""
    assert (tmp_path / "passwd").read_text() == NEW_PASSWD
    assert (tmp_path / "group").read_text() == NEW_GROUP
    assert (tmp_path / "passwd").stat().st_ino == before
    assert (etc / "passwd").read_text() == PASSWD
    assert names(etc) == {"passwd", "group"}


def test_a_mount_point_in_a_read_only_etc_is_written_without_a_lock_file(etc: Path, tmp_path: Path) -> None:
    for name in ("passwd", "group"):
        shutil.copy(etc / name, tmp_path / name)
    mounts = (
        f"mount --bind {etc} {etc}; mount -o remount,ro,bind {etc}\n"
        f"mount --bind {tmp_path}/passwd {etc}/passwd; mount --bind {tmp_path}/group {etc}/group"
    )
    assert in_namespace(mounts, driver(etc, "in place")).stdout == ""
    assert (tmp_path / "passwd").read_text() == NEW_PASSWD
    assert set(os.listdir(etc)) == {"passwd", "group"}


READ_ONLY = {
    "folder": "mount --bind {0} {0}; mount -o remount,ro,bind {0}",
    "file": "mount --bind {0}/passwd {0}/passwd; mount -o remount,ro,bind {0}/passwd",
}


@pytest.mark.parametrize("what", READ_ONLY)
@pytest.mark.parametrize("how", ["rename", "in place"])
def test_what_is_read_only_is_a_warning_that_says_who_minds_and_what_to_do(etc: Path, what: str, how: str) -> None:
    said = in_namespace(READ_ONLY[what].format(etc), driver(etc, how)).stdout
    assert "Read-only file system; the program runs as 1500:1600 without a name for it" in said
    assert "mount /etc/passwd and /etc/group writable" in said
    assert (etc / "passwd").read_text() == PASSWD
    assert names(etc) == {"passwd", "group"}


def test_in_place_a_full_disk_takes_nothing_from_the_old_text(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.pwrite, []

    def full(file: int, data: bytes, offset: int) -> int:
        calls.append(offset)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data, offset)

    monkeypatch.setattr(posix, "pwrite", full)
    with pytest.raises(PydropError, match="No space left"):
        perform(how="in place")
    assert (etc / "group").read_text() == GROUP


def test_in_place_short_writes_are_continued(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(posix, "pwrite", lambda file, data, offset: real(file, data[:3], offset))
    perform(how="in place")
    assert (etc / "passwd").read_text() == NEW_PASSWD
    assert (etc / "group").read_text() == NEW_GROUP


def test_in_place_a_file_that_somebody_changes_without_the_lock_is_left(
    etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[[int, str], account_file.AccountFile] = vars(accountfiles)["read"]  # as it is named there

    def read(folder: int, name: str) -> account_file.AccountFile:
        found = real(folder, name)
        with (etc / name).open("a") as file:
            file.write("late:x:77:\n")
        return found

    monkeypatch.setattr(accountfiles, "read", read)
    with pytest.raises(PydropError, match="was changed without the lock"):
        perform(how="in place")
    assert (etc / "group").read_text() == GROUP + "late:x:77:\n"


# -- killed at any moment -------------------------------------------------------------------------

CHANGING = ("write", "pwrite64", "fchmod", "fchown", "fsync", "rename", "renameat", "unlinkat", "ftruncate", "fcntl")


def killed(etc: Path, how: str, call: str, when: int) -> bool:
    """Perform in a process that is killed on entering its `when`th `call`; whether it came so far."""
    inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e"]
    command = [*inject, f"inject={call}:signal=KILL:when={when}", sys.executable, "-ISB", "-c", driver(etc, how)]
    ended = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    assert ended.returncode in (0, -9), ended
    return ended.returncode == -9


def whole(etc: Path) -> None:
    """Every old line and both accounts are there, the program's with its old numbers or its new ones."""
    lines = (etc / "passwd").read_text().split("\n")
    for line in ("root:x:0:0:root:/root:/bin/bash", "odd line", "# note", "other:x:1500:5::/:/bin/sh"):
        assert line in lines
    known = {account.name: (account.uid, account.gid) for account in accounts("\n".join(lines))}
    assert set(known) == {"root", "other", "app"}
    assert known["app"] in ((999, 998), (1500, 1600))
    found = {group.name: group.gid for group in groups((etc / "group").read_text())}
    assert set(found) == {"root", "app", "video"}
    assert found["app"] in (998, 1600)
    if known["app"] == (1500, 1600):
        assert found["app"] == 1600  # the group first


TELLING = [  # how, the call, and which: the moments between the two files, and within one
    ("rename", "fsync", 1),
    ("rename", "renameat", 1),
    ("rename", "renameat", 2),
    ("rename", "unlinkat", 1),
    ("in place", "pwrite64", 1),
    ("in place", "pwrite64", 2),
    ("in place", "pwrite64", 3),
    ("in place", "fsync", 1),
]


@pytest.mark.parametrize(("how", "call", "when"), TELLING)
def test_killed_at_a_call_the_files_are_whole_and_the_next_start_completes(
    etc: Path, how: str, call: str, when: int
) -> None:
    assert killed(etc, how, call, when)
    completed(etc, how)


def completed(etc: Path, how: str) -> None:
    """The files are whole after a kill, and as they should be after one more start, with nothing beside them."""
    whole(etc)
    perform(how=how)
    assert (etc / "passwd").read_text() == NEW_PASSWD
    assert (etc / "group").read_text() == NEW_GROUP
    assert names(etc) == {"passwd", "group"}


@pytest.mark.soak
@pytest.mark.parametrize("how", ["rename", "in place"])
@pytest.mark.parametrize("call", CHANGING)
def test_killed_at_any_call_the_files_are_whole_and_the_next_start_completes(
    etc: Path, tmp_path: Path, how: str, call: str
) -> None:
    when = 1
    while True:
        (etc / "passwd").write_text(PASSWD)
        (etc / "group").write_text(GROUP)
        came_so_far = killed(etc, how, call, when)
        completed(etc, how)
        if not came_so_far:
            break
        when += 1
    used = {"rename": {"write", "fchmod", "fsync", "renameat", "unlinkat", "fcntl"}, "in place": {"pwrite64", "fsync"}}
    assert when > 1 or call not in used[how]


# -- without root: OpenShift's group-writable passwd ----------------------------------------------


def as_user(uid: int, function: "object") -> Outcome:
    def child() -> tuple[int, str, tuple[str, ...]]:
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(uid, uid, uid)
        outcome = function()  # type: ignore[operator]
        return outcome.changed, outcome.words, outcome.warnings

    changed, words, warnings = forked(child)
    return Outcome(changed=changed, words=words, warnings=warnings)


@pytest.fixture
def openshift(etc: Path) -> Path:
    """/etc/passwd may be written by group 0, /etc may not."""
    (etc / "passwd").chmod(0o664)
    return etc


def test_a_user_of_group_0_adds_its_own_line_once(openshift: Path) -> None:
    lock = openshift / ".pwd.lock"
    lock.touch(0o600)
    outcome = as_user(1700, lambda: perform(MADE, "append"))
    assert outcome.changed == 1
    assert (openshift / "passwd").read_text() == PASSWD + "svc:*:1700:1700::/home/svc:/bin/sh\n"
    assert as_user(1700, lambda: perform(MADE, "append")) == Outcome()
    assert (openshift / "group").read_text() == GROUP


def test_a_uid_that_resolves_gets_no_second_line(openshift: Path) -> None:
    change = AccountChange(account=Account(name="new", uid=1500, gid=0, home="/"), group=Group(name="root", gid=0))
    assert as_user(1500, lambda: perform(change, "append")) == Outcome()
    assert (openshift / "passwd").read_text() == PASSWD


def test_a_last_line_without_its_newline_is_not_joined_with_ours(openshift: Path) -> None:
    (openshift / "passwd").write_text(PASSWD.rstrip("\n"))
    as_user(1700, lambda: perform(MADE, "append"))
    assert (openshift / "passwd").read_text() == PASSWD + "svc:*:1700:1700::/home/svc:/bin/sh\n"


def test_a_passwd_that_cannot_be_appended_to_is_a_warning(openshift: Path) -> None:
    (openshift / "passwd").chmod(0o644)
    outcome = as_user(1700, lambda: perform(MADE, "append"))
    assert outcome.changed == 0
    assert "Permission denied; the program runs as 1700:1700 without a name" in outcome.warnings[0]


def test_what_is_performed_is_what_the_pure_functions_say(etc: Path) -> None:
    perform(MADE)
    assert (etc / "passwd").read_text() == passwd_with(PASSWD, MADE)
    assert (etc / "group").read_text() == group_with(GROUP, MADE)
