"""The rules of owning a volume: what is looked at, what is changed, in which order, and what is said about it."""

import ctypes
import os
import posix
import socket
import stat
import subprocess
import sys
import sysconfig
import traceback
from pathlib import Path

import pytest

from pydrop.errors import BadSetting, PydropError, Untrusted
from pydrop.model import Start, Volume
from pydrop.perform.ownership import own, perform
from pydrop.perform.ownership.complaints import complaints
from pydrop.perform.ownership.volume_report import Refusals, VolumeReport
from pydrop.perform.ownership.worker_reports import WorkerReport, packed
from pydrop.steps import VolumesStep

pytestmark = pytest.mark.quick

UID, GID = 1500, 1600
SOURCES = Path(__file__).parent.parent.parent / "src"
PACKAGES = sysconfig.get_path("platlib")
START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())


def give(path, **volume):
    """Own `path` for 1500:1600."""
    return own(Volume(path=str(path), **volume), UID, GID)


def step(*volumes, errors="warn", uid=UID, gid=GID, groups=()):
    return VolumesStep(words="", volumes=volumes, uid=uid, gid=gid, groups=groups, errors=errors)


def owner(path):
    info = os.lstat(path)
    return info.st_uid, info.st_gid


def entries(top):
    """Every path below `top`, without following anything, as bytes."""
    found = []
    for folder, folders, files in os.walk(os.fsencode(top)):
        found += [os.path.join(folder, name) for name in folders + files]
    return found


def owners(top):
    return {os.path.relpath(path, os.fsencode(top)).decode(): owner(path) for path in entries(top)}


def grow(top, *paths):
    """Make files, and folders where a path ends in a slash, with what is above them."""
    for path in paths:
        where = top / path
        if path.endswith("/"):
            where.mkdir(parents=True, exist_ok=True)
        else:
            where.parent.mkdir(parents=True, exist_ok=True)
            where.touch()
    return top


def apart(function, unshare=0x00020000):
    """Run `function` in a child with mounts of its own (CLONE_NEWNS); what fails there fails here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            os.close(reader)
            if unshare and ctypes.CDLL(None, use_errno=True).unshare(unshare):
                raise OSError(ctypes.get_errno(), "unshare")
            if unshare:
                mount("--make-rprivate", "/")
            function()
        except BaseException:
            code = 1
            os.write(writer, traceback.format_exc().encode()[-60000:])
        finally:
            os._exit(code)
    os.close(writer)
    with open(reader, "rb") as said:
        trouble = said.read().decode()
    status = os.waitpid(child, 0)[1]
    assert not trouble, trouble
    assert status == 0


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def script(path, policy="mismatch", uid=UID, gid=GID, then="", shared=False, **volume):
    """A Python command that owns `path`, prints the counts, and does `then` with the report.

    In one process: faults are counted by process, and a slow machine would start others. `shared`: by several, as
    early as can be.
    """
    text = f"""
import sys
sys.path[:0] = [{str(SOURCES)!r}, {PACKAGES!r}]
from pydrop.model import Volume, Start
from pydrop.steps import VolumesStep
from pydrop.perform.ownership import own, perform, walk
walk.ALONE = {-1.0 if shared else 1e9}
START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())
volume = Volume(path={str(path)!r}, policy={policy!r}, **{volume!r})
report = own(volume, {uid}, {gid})
print(report.looked_at, report.changed, {{number: refused.count for number, refused in report.refused.items()}})
{then}
"""
    return [sys.executable, "-I", "-S", "-c", text]


def unread(paths):
    """Everything that the kernel says of these, with access times so old that who reads a folder changes its own."""
    for path in paths:
        os.utime(path, (1, 2), follow_symlinks=False)
    return {path: os.lstat(path) for path in paths}


@pytest.fixture
def volume(tmp_path):
    top = tmp_path / "volume"
    top.mkdir()
    return top


# -- what is changed --------------------------------------------------------------------------------


@pytest.mark.python
def test_every_kind_of_entry_is_given_to_the_user(volume):
    grow(volume, "a/b/c/file", "empty/", "file")
    (volume / "link").symlink_to("file")
    os.mkfifo(volume / "fifo")
    os.mknod(volume / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(volume / "socket"))
    report = give(volume)
    assert set(owners(volume).values()) == {(UID, GID)}
    assert owner(volume) == (UID, GID)
    assert (report.looked_at, report.changed, report.given, report.refused) == (11, 11, 11, {})
    assert report.seconds > 0


def test_a_second_run_writes_nothing(volume):
    grow(volume, "a/b/file", "c/file")
    give(volume)
    before = unread([volume, *entries(volume)])
    report = give(volume)
    assert (report.looked_at, report.changed) == (6, 0)
    assert {path: os.lstat(path) for path in before} == before


@pytest.mark.parametrize("wrong", [(0, 0), (UID, 0), (0, GID), (999, GID), (UID, 999), (4294967294, 4294967294)])
@pytest.mark.parametrize("where", ["", "a", "a/file", "a/b", "a/b/file"])
def test_one_wrong_entry_is_found_and_alone_is_changed(volume, where, wrong):
    grow(volume, "a/b/file", "a/file", "c/file")
    give(volume)
    os.lchown(volume / where, *wrong)
    report = give(volume)
    assert report.changed == 1
    assert owner(volume / where) == (UID, GID)


@pytest.mark.parametrize("target", [(0, 0), (0, GID), (UID, 0)])
def test_zero_is_a_number_like_others(volume, target):
    grow(volume, "a/file")
    os.chown(volume / "a/file", 7, 7)
    own(Volume(path=str(volume)), *target)
    assert owner(volume / "a/file") == target


def test_setuid_and_setgid_go_and_do_not_come_back(volume):
    grow(volume, "setuid", "setgid", "folder/")
    for name, mode in (("setuid", 0o4755), ("setgid", 0o2755), ("folder", 0o2775)):
        os.chmod(volume / name, mode)
    give(volume, mode="u+rwX,o-x")
    assert [stat.S_IMODE(os.stat(volume / name).st_mode) for name in ("setuid", "setgid")] == [0o754, 0o754]


# -- policies ---------------------------------------------------------------------------------------

RIGHT, WRONG = (UID, GID), (0, 0)
POLICIES = [  # policy, top's owner, entry's owner -> who owns the top and the entry then, and how many were looked at
    ("mismatch", WRONG, WRONG, RIGHT, RIGHT, 2),
    ("mismatch", RIGHT, WRONG, RIGHT, RIGHT, 2),
    ("mismatch", WRONG, RIGHT, RIGHT, RIGHT, 2),
    ("on-root-mismatch", WRONG, WRONG, RIGHT, RIGHT, 2),
    ("on-root-mismatch", RIGHT, WRONG, RIGHT, WRONG, 1),
    ("unless-writable", RIGHT, WRONG, RIGHT, WRONG, 1),
    ("unless-writable", WRONG, WRONG, RIGHT, RIGHT, 2),
    ("top", WRONG, WRONG, RIGHT, WRONG, 1),
    ("top", RIGHT, WRONG, RIGHT, WRONG, 1),
    ("never", WRONG, WRONG, WRONG, WRONG, 0),
]


@pytest.mark.parametrize(("policy", "top", "entry", "top_then", "entry_then", "looked_at"), POLICIES)
def test_a_policy_looks_and_changes_as_far_as_it_says(volume, policy, top, entry, top_then, entry_then, looked_at):
    grow(volume, "entry")
    os.chown(volume, *top)
    os.chown(volume / "entry", *entry)
    report = give(volume, policy=policy)
    assert (owner(volume), owner(volume / "entry"), report.looked_at) == (top_then, entry_then, looked_at)


def test_a_top_with_another_mode_differs_too(volume):
    grow(volume, "entry")
    os.chown(volume, UID, GID)
    os.chmod(volume, 0o755)
    reports = [give(volume, policy="on-root-mismatch", mode="u=rwX,go=") for _ in range(2)]
    assert [(report.looked_at, report.changed) for report in reports] == [(2, 2), (1, 0)]


WRITABLE = [  # owner, group and mode of the top, the user's other groups, whether the user can write and enter it
    (UID, 0, 0o700, (), True),
    (UID, 0, 0o500, (), False),
    (0, GID, 0o070, (), True),
    (0, 44, 0o770, (44,), True),
    (0, 44, 0o770, (45,), False),
    (0, 0, 0o777, (), True),
    (0, 0, 0o776, (), False),
    (0, 0, 0o755, (), False),
]


@pytest.mark.parametrize(("uid", "gid", "mode", "groups", "writable"), WRITABLE)
def test_unless_writable_asks_as_the_user(volume, uid, gid, mode, groups, writable):
    grow(volume, "entry")
    os.chown(volume, uid, gid)
    os.chmod(volume, mode)
    report = own(Volume(path=str(volume), policy="unless-writable"), UID, GID, groups)
    assert (report.changed == 0) is writable
    assert owner(volume) == ((uid, gid) if writable else (UID, GID))


def test_unless_writable_is_not_fooled_by_a_read_only_mount(volume):
    os.chown(volume, UID, GID)
    grow(volume, "entry")

    def check():
        mount("--bind", volume, volume)
        mount("-o", "remount,ro,bind", volume)
        assert give(volume, policy="unless-writable").looked_at == 2

    apart(check)


def test_unless_writable_leaves_no_child(volume, monkeypatch):
    monkeypatch.setattr(posix, "kill", None)  # the number of a child that was waited for may be another's
    give(volume, policy="unless-writable")
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_top_changes_last_and_a_folder_after_what_is_in_it(volume, tmp_path):
    grow(volume, "a/b/file", "a/file", "c/file")
    log = tmp_path / "log"
    command = script(volume)
    subprocess.run(["strace", "-y", "-o", log, "-e", "trace=chown,fchown,fchownat", *command], check=True)
    changed = [line for line in log.read_text().splitlines() if f"{UID}, {GID}" in line]
    place = {name: index for index, line in enumerate(changed) for name in ("a/b>", "a>", "c>") if f"/{name}" in line}
    assert len(changed) == 7
    assert f"<{volume}>" in changed[-1]
    finished = [line.split("(")[0] for line in changed]
    assert finished.count("fchown") == 4  # the folders
    assert place["a/b>"] < place["a>"]


# -- mode -------------------------------------------------------------------------------------------

MODES = [
    "u=rwX,g=rX",
    "0640",
    "750",
    "a+X",
    "u=rwX,go=",
    "go-rwx",
    "g=u",
    "o=g-w",
    "ug+rw,o-rwx",
    "a-x,u+X",
    "+w",
    "+t",
]
MODES += ["u=", "=", "a=rx", "g+s", "u+s", "ug=rwx,o=u", "4711", "2750", "7777", "u=s", "g=r+w-x", "-x+X"]


BEFORE = [0o644, 0o755, 0o600, 0o010, 0o777, 0o6711, 0o2640, 0o1777, 0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_mode_means_what_chmod_means_but_never_adds_setuid_to_a_file(volume, kind, mode):
    for name in [f"{who}{before:o}" for who in ("ours", "peers") for before in BEFORE]:
        grow(volume, f"{name}/" if kind == "folder" else name)
        os.chown(volume / name, UID, GID)
        os.chmod(volume / name, int(name.strip("oursp e"), 8))
    peers = [volume / f"peers{before:o}" for before in BEFORE]
    subprocess.run(["chmod", "--", mode, *peers], stderr=subprocess.DEVNULL, check=False, umask=0o022)
    give(volume, mode=mode, exclude=("peers*",))
    for before in BEFORE:
        ours, chmods = (stat.S_IMODE(os.stat(volume / f"{who}{before:o}").st_mode) for who in ("ours", "peers"))
        if kind == "file":
            chmods &= ~(0o6000 & ~before)
        assert (oct(before), oct(ours)) == (oct(before), oct(chmods))


def test_a_mode_leaves_symlinks_and_what_they_point_to(volume, tmp_path):
    grow(tmp_path, "outside")
    os.chmod(tmp_path / "outside", 0o600)
    (volume / "link").symlink_to(tmp_path / "outside")
    assert give(volume, mode="go-rw,+x").refused == {}
    assert stat.S_IMODE(os.stat(tmp_path / "outside").st_mode) == 0o600
    assert owner(volume / "link") == (UID, GID)


def test_a_mode_alone_is_counted_and_then_done(volume):
    grow(volume, "a/file")
    give(volume)
    first, second = give(volume, mode="u=rwX,go="), give(volume, mode="u=rwX,go=")
    assert (first.changed, first.given, second.changed) == (3, 0, 0)


@pytest.mark.parametrize(
    "mode", ["rw", "u", "u=q", "9", "0888", "07777", "u=rw;", ",", "u+r,", "=uo", "u=rwX g=rX", "-"]
)
def test_a_mode_that_is_none_is_refused_with_its_value(volume, mode):
    if mode == "-":
        give(volume, mode="u-")  # chmod takes an operation without letters
        return
    with pytest.raises(BadSetting) as caught:
        give(volume, mode=mode)
    assert repr(mode) in str(caught.value)


# -- what is left out -------------------------------------------------------------------------------

TREE = ("lost+found/x", "a/lost+found/x", "a/b/keep", ".snapshot/x", "a/.snapshot/x", "c.tmp", "a/d.tmp")
EXCLUDES = [
    (("*/lost+found",), {"lost+found", "lost+found/x", "a/lost+found", "a/lost+found/x"}),
    ((".snapshot",), {".snapshot", ".snapshot/x"}),
    (("*.tmp",), {"c.tmp", "a/d.tmp"}),
    (("/a/*",), {name for name in TREE if name.startswith("a/")} | {"a/lost+found", "a/b", "a/.snapshot"}),
    (("a/b/",), {"a/b", "a/b/keep"}),
    (("./a/b", "?.tmp"), {"a/b", "a/b/keep", "c.tmp"}),
    (("[!.]*",), None),
]


@pytest.mark.parametrize(("patterns", "left"), EXCLUDES)
def test_what_is_excluded_is_neither_changed_nor_entered(volume, patterns, left):
    grow(volume, *TREE)
    if left is None:
        left = {name for name in owners(volume) if not name.startswith(".snapshot")}
    report = give(volume, exclude=patterns)
    assert {name for name, who in owners(volume).items() if who == (0, 0)} == left
    assert report.changed == report.looked_at


FROM = [  # only_from, owner before, whether it is given
    ((999, 999), (999, 999), True),
    ((999, 999), (999, 0), False),
    ((999, 999), (0, 0), False),
    ((999, None), (999, 7), True),
    ((None, 999), (7, 999), True),
    ((None, 999), (999, 7), False),
    ((None, None), (3, 4), True),
    ((0, 0), (0, 0), True),
]


@pytest.mark.parametrize(("only_from", "before", "given"), FROM)
@pytest.mark.parametrize("folder_owner", [0, 999])
def test_only_from_touches_only_that_owner(volume, only_from, before, given, folder_owner):
    grow(volume, "entry", "folder/")
    os.chown(volume, folder_owner, 5)
    for name in ("entry", "folder"):
        os.chown(volume / name, *before)
        os.chmod(volume / name, 0o700)
    give(volume, only_from=only_from, mode="a=rwx")
    for name in ("entry", "folder"):
        assert owner(volume / name) == ((UID, GID) if given else before)
        assert stat.S_IMODE(os.stat(volume / name).st_mode) == (0o777 if given else 0o700)


# -- hard links -------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder_owner", [0, 999])
def test_roots_file_with_another_name_is_left_alone_and_named(volume, tmp_path, folder_owner):
    grow(tmp_path, "secret")
    os.chmod(tmp_path / "secret", 0o600)
    grow(volume, "a/file")
    os.chown(volume / "a", folder_owner, folder_owner)
    os.link(tmp_path / "secret", volume / "a/stolen")
    report = give(volume, mode="a=rw,a+X")
    assert owner(tmp_path / "secret") == (0, 0)
    assert stat.S_IMODE(os.stat(tmp_path / "secret").st_mode) == 0o600
    assert (report.linked.count, report.linked.names) == (1, ["a/stolen"])
    assert owner(volume / "a/file") == owner(volume) == (UID, GID)


def test_roots_file_with_another_name_is_no_volume_either(volume, tmp_path):
    grow(tmp_path, "secret")
    os.link(tmp_path / "secret", volume / "file")
    assert give(volume / "file").linked.names == ["."]
    assert owner(tmp_path / "secret") == (0, 0)


def test_the_option_gives_linked_files_away_too(volume, tmp_path):
    grow(volume, "one")
    os.link(volume / "one", volume / "two")
    assert give(volume, hard_links=True).linked.count == 0
    assert owner(volume / "one") == (UID, GID)


# -- which path -------------------------------------------------------------------------------------


def test_a_single_file_is_a_volume(volume):
    grow(volume, "file", "other")
    report = give(volume / "file", mode="0640")
    assert owner(volume / "file") == (UID, GID)
    assert stat.S_IMODE(os.stat(volume / "file").st_mode) == 0o640
    assert (report.looked_at, report.changed, owner(volume / "other"), owner(volume)) == (1, 1, (0, 0), (0, 0))


@pytest.mark.parametrize("mode", [0o222, 0o444])
def test_a_bind_mounted_file_is_a_volume_for_every_policy(volume, tmp_path, mode):
    grow(volume, "file")
    grow(tmp_path, "real")
    os.chmod(tmp_path / "real", mode)

    def check():
        mount("--bind", tmp_path / "real", volume / "file")
        give(volume / "file", policy="unless-writable")
        assert owner(tmp_path / "real") == ((0, 0) if mode & 0o002 else (UID, GID))

    apart(check)


def test_a_fifo_as_volume_is_not_opened(volume):
    os.mkfifo(volume / "fifo")
    give(volume / "fifo")
    assert owner(volume / "fifo") == (UID, GID)


SYSTEM = [
    "/",
    "/etc",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/boot",
    "/dev",
    "/proc",
    "/sys",
    "/run",
    "/var",
    "/root",
    "/home",
]
SPELLINGS = [
    "//",
    "//etc",
    "/etc/",
    "/etc/.",
    "/./etc",
    "/usr/../etc",
    "/usr/bin",
    "/var/run",
    "/etc/passwd",
    "/etc/shadow",
]


@pytest.mark.parametrize("path", SYSTEM + SPELLINGS)
def test_the_system_is_refused(path):
    info = os.stat(path)
    with pytest.raises(BadSetting) as caught:
        # Its own owner and the top alone: where this test fails, it harms nothing
        own(Volume(path=path, policy="top"), info.st_uid, info.st_gid)
    assert path in str(caught.value)


def test_the_system_is_refused_behind_links_and_mounts(volume, tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(BadSetting, match="is /etc"):
        own(Volume(path=str(tmp_path / "link"), policy="top"), 0, 0)

    def check():
        mount("--bind", "/etc", volume)
        with pytest.raises(BadSetting, match="is /etc"):
            own(Volume(path=str(volume), policy="top"), 0, 0)

    apart(check)


def test_what_on_root_mismatch_would_go_on_with_is_not_the_system(volume, tmp_path):
    """A restart with on-root-mismatch ends at the look at the top; one that would go on is refused like any other."""

    def check():
        system = grow(tmp_path / "system", "file")
        for folder in (system, system / "file"):
            os.chown(folder, UID, GID)
        for name in ("/home", volume):
            mount("--bind", system, name)
        report = give(volume, policy="on-root-mismatch")
        assert (report.looked_at, report.changed, report.refused) == (1, 0, {})
        os.chown(system, 7, 7)
        with pytest.raises(BadSetting, match="is /home, part of the system"):
            give(volume, policy="on-root-mismatch")
        assert (owner(system), owner(system / "file")) == ((7, 7), (UID, GID))

    apart(check)


@pytest.mark.parametrize("path", ["data", "", "./data", "/data\0"])
def test_a_path_that_is_not_absolute_is_refused(path):
    with pytest.raises(BadSetting):
        give(path)


LINKS = [  # owner and mode of the folder with the symlink, owner of the symlink, whether it is followed
    (0, 0o755, 0, True),
    (0, 0o1777, 0, False),  # somebody may have moved it in from elsewhere
    (0, 0o777, 0, False),
    (0, 0o775, 0, False),
    (0, 0o755, 999, False),
    (0, 0o1777, 999, False),
    (999, 0o755, 0, False),
]


@pytest.mark.parametrize(("uid", "mode", "link_uid", "followed"), LINKS)
@pytest.mark.parametrize("form", ["absolute", "relative", "inside"])
def test_a_symlink_in_the_path_is_followed_only_where_root_alone_could_put_it(
    volume, tmp_path, uid, mode, link_uid, followed, form
):
    folder = tmp_path / "folder"
    folder.mkdir()
    grow(volume, "below/")
    (folder / "link").symlink_to({"relative": "../volume"}.get(form, volume))
    os.lchown(folder / "link", link_uid, 0)
    os.chown(folder, uid, 0)
    os.chmod(folder, mode)
    path = folder / "link" / ("below" if form == "inside" else "")
    if followed:
        give(path)
    else:
        with pytest.raises(Untrusted, match="symlink link"):
            give(path)
    assert owner(volume / "below") == ((UID, GID) if followed else (0, 0))


def test_a_users_folder_on_the_way_makes_all_symlinks_behind_it_untrusted(volume, tmp_path):
    grow(tmp_path, "home/app/roots/")
    os.chown(tmp_path / "home/app", 999, 999)
    (tmp_path / "home/app/roots/link").symlink_to(volume)
    with pytest.raises(Untrusted):
        give(tmp_path / "home/app/roots/link")
    with pytest.raises(Untrusted):
        give(tmp_path / "home/app/roots/../../app/roots")
    give(tmp_path / "home/app/roots")
    assert owner(tmp_path / "home/app/roots") == (UID, GID)


@pytest.mark.parametrize("way", ["link", "inner/link"])
def test_a_folder_that_was_roots_only_until_something_in_it_was_opened_is_not_trusted(
    volume, tmp_path, monkeypatch, way
):
    """Another pydrop makes folders root's while it changes their entries, and gives them on."""
    link = tmp_path / "folder" / way
    link.parent.mkdir(parents=True)
    link.symlink_to(volume)
    real = posix.open

    def opening(path, *rest, **more):
        fd = real(path, *rest, **more)
        if path == way.split("/")[0]:
            os.chown(tmp_path / "folder", 999, 999)
        return fd

    monkeypatch.setattr(posix, "open", opening)
    with pytest.raises(Untrusted, match="symlink link"):
        give(link)
    assert owner(volume) == (0, 0)


def test_dots_do_not_lead_up_from_what_its_owner_can_move(tmp_path):
    grow(tmp_path, "sticky/theirs/", "sticky/data/")
    os.chmod(tmp_path / "sticky", 0o1777)
    os.chown(tmp_path / "sticky/theirs", 999, 999)
    with pytest.raises(Untrusted):
        give(f"{tmp_path}/sticky/theirs/../data")
    give(f"{tmp_path}/sticky/../sticky/data")


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    report = give(tmp_path / "one")
    assert [os.strerror(number) for number in report.refused] == ["Too many levels of symbolic links"]


# -- making what is missing -------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_create_makes_the_folder_and_its_parents(tmp_path, umask):
    old = os.umask(umask)
    try:
        report = give(tmp_path / "a/b/c", create=True)
        assert os.umask(umask) == umask
    finally:
        os.umask(old)
    seen = [(*owner(tmp_path / path), stat.S_IMODE(os.stat(tmp_path / path).st_mode)) for path in ("a", "a/b", "a/b/c")]
    assert seen == [(0, 0, 0o755), (0, 0, 0o755), (UID, GID, 0o755)]
    assert report.created


def test_create_leaves_what_is_there(volume):
    os.chmod(volume, 0o700)
    assert not give(volume, create=True).created
    assert stat.S_IMODE(os.stat(volume).st_mode) == 0o700


def test_what_cannot_be_made_is_reported(volume):
    grow(volume, "file")
    report = give(volume / "file/below", create=True)
    assert [os.strerror(number) for number in report.refused] == ["Not a directory"]


# -- what is said -----------------------------------------------------------------------------------


def test_the_words_tell_what_was_done_and_nothing_when_nothing_was(tmp_path):
    one, two = grow(tmp_path, "one/a", "one/b", "two/a") / "one", tmp_path / "two"
    os.chown(one / "a", UID, GID)
    volumes = [Volume(path=str(one)), Volume(path=str(two)), Volume(path=f"{tmp_path}/new", create=True)]
    outcome = perform(step(*volumes), START)
    new = f"{tmp_path}/new: made, 1 of 1 entries given to 1500:1600"
    assert outcome.words == (
        f"{one}: 2 of 3 entries given to 1500:1600; {two}: 2 of 2 entries given to 1500:1600; {new}"
    )
    assert (outcome.changed, outcome.warnings) == (5, ())
    again = perform(step(*volumes), START)
    assert (again.words, again.changed, again.warnings) == ("", 0, ())


def test_each_volume_of_a_start_is_compared_with_its_own_mount(tmp_path):
    """What is open for that is kept from one volume to the next, and is gone at the end."""
    below = {tmp_path / "a": "in/below", tmp_path / "b": "in", tmp_path / "c": "in/below"}

    def check():
        before = sorted(os.listdir("/proc/self/fd"))
        for top, inner in below.items():
            top.mkdir()
            mount("-t", "tmpfs", "none", top)
            grow(top, "in/below/", "file")
            mount("-t", "tmpfs", "none", top / inner)
            grow(top / inner, "file")
        outcome = perform(step(*[Volume(path=str(top)) for top in below]), START)
        for top, inner in below.items():
            assert {owner(top / name) for name in ("", "file", *("in",) * (inner != "in"))} == {(UID, GID)}
            assert {owner(top / inner), owner(top / inner / "file")} == {(0, 0)}
            assert f"mounts below left alone ({inner})" in outcome.words
        assert sorted(os.listdir("/proc/self/fd")) == before

    apart(check)


def test_a_missing_volume_is_a_warning_with_the_line_that_mounts_it(tmp_path):
    outcome = perform(step(Volume(path=f"{tmp_path}/gone")), START)
    (warning,) = outcome.warnings
    assert f"{tmp_path}/gone: it does not exist; mount it (volumes: [./data:{tmp_path}/gone])" in warning
    assert outcome.words == ""


def test_with_errors_fail_a_missing_volume_ends_the_start_after_the_others_were_owned(volume, tmp_path):
    with pytest.raises(PydropError, match="does not exist") as caught:
        perform(step(Volume(path=f"{tmp_path}/gone"), Volume(path=str(volume)), errors="fail"), START)
    assert caught.value.code == 125
    assert caught.value.remedy
    assert owner(volume) == (UID, GID)


@pytest.mark.parametrize("errors", ["warn", "fail"])
def test_linked_files_are_a_warning_and_never_end_a_start(volume, errors):
    grow(volume, "one")
    os.link(volume / "one", volume / "two")
    (warning,) = perform(step(Volume(path=str(volume)), errors=errors), START).warnings
    assert "2 files of others" in warning
    assert f"find {volume} -type f -links +1 -ls" in warning  # where the other names are
    assert 'PYDROP_CHOWN_HARD_LINKS=1 (compose: environment: {PYDROP_CHOWN_HARD_LINKS: "1"})' in warning


def test_a_report_names_a_few_and_counts_all():
    report = VolumeReport()
    for number in range(10):
        report.refuse(5, f"name{number}")
    report.refuse(1, "x" * 100_000)
    (_, named), _ = complaints(Volume(path="/data"), "1:1", report)
    assert "10 of 10 entries of /data to 1:1: Input/output error (name0, name1, name2 and 7 more)" in named.problem
    assert len(report.refused[1].names[0]) < 250


def test_reports_of_several_walks_add_up():
    one, two = VolumeReport(), VolumeReport()
    for report, names in ((one, ["a", "b"]), (two, ["c", "d"])):
        report.looked_at, report.changed, report.given = 5, 4, 3
        for name in names:
            report.refuse(1, name)
            report.linked.add(name)
    two.refuse(5, "e")
    WorkerReport(packed(two, 0)).add_to(one)
    assert (one.looked_at, one.changed, one.given, str(one.linked)) == (10, 8, 6, "a, b, c and 1 more")
    assert {number: refusals.count for number, refusals in one.refused.items()} == {1: 4, 5: 1}
    assert isinstance(one.refused[5], Refusals)
