"""/run and friends are made right, and root is led nowhere else by what was planted there."""

import json
import os
import posix
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pydrop import kernel, mountinfo
from pydrop.errors import NotPermitted
from pydrop.model import Outcome, Start
from pydrop.perform import runtime
from pydrop.perform.runtime import entry_maker, path_walk
from pydrop.steps import RunEntry, RuntimeStep
from pydrop.tmpfiles import standard_entries

pytestmark = pytest.mark.quick

SRC = str(Path(__file__).parents[2] / "src")
START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tree of our own in the place of `/`, and a umask that would spoil modes."""
    tree = tmp_path / "root"
    tree.mkdir(mode=0o755)
    (tree / "run").mkdir(mode=0o755)
    monkeypatch.setattr(path_walk, "ROOT", str(tree))
    monkeypatch.setattr(runtime, "_mount_run", lambda: False)
    umask = os.umask(0o077)
    yield tree
    os.umask(umask)


def entry(path: str, kind: str = "d", **fields: object) -> RunEntry:
    given: dict[str, Any] = {"mode": 0o755, "uid": 1000, "gid": 1001, "exact": True, "source": "PYDROP_RUN_DIRS"}
    return RunEntry(kind=kind, path=path, **given | fields)


def perform(*entries: RunEntry) -> Outcome:
    return runtime.perform(RuntimeStep(words="", entries=entries), START)


def look(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def snapshot(path: Path) -> dict[str, tuple[int, int, int, int]]:
    return {str(p): (*look(p), p.lstat().st_ino) for p in [path, *path.rglob("*")]}


# -- a /run of its own -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "point", "mounts_one"),
    [
        ("/", "/data", True),
        ("/", "/run", True),
        ("/", "/running/in", True),
        ("/", "/run/secrets", False),
        ("/", "/run/car\rriage", False),
        ("/car\rriage", "/data", True),
        ("/car\rriage", "/run/secrets", False),
    ],
)
def test_a_tmpfs_is_mounted_on_run_unless_it_would_hide_a_mount(root, point, mounts_one, monkeypatch) -> None:
    """The kernel escapes no carriage return in a path."""
    made: list[str] = []
    lines = f"21 1 254:0 / / rw - ext4 /dev/x rw\n22 21 0:5 {root} {point} rw - tmpfs none rw\n"
    monkeypatch.setattr(mountinfo, "of", lambda: mountinfo.rows(lines.encode()))
    monkeypatch.setattr(kernel, "mount_tmpfs", made.append)
    assert runtime._mount_run() is mounts_one
    assert made == (["/run"] if mounts_one else [])


# -- making ---------------------------------------------------------------------------------------


def test_a_folder_is_made_with_its_owner_and_mode_whatever_the_umask(root: Path) -> None:
    outcome = perform(entry("/run/app/sock", mode=0o2770))
    assert look(root / "run/app/sock") == (0o2770, 1000, 1001)
    assert look(root / "run/app") == (0o755, 0, 0)
    assert (outcome.changed, outcome.words, outcome.warnings) == (1, "made right /run/app/sock", ())
    assert os.umask(0o077) == 0o077


@pytest.mark.python
def test_a_second_time_nothing_is_done_and_nothing_said(root: Path) -> None:
    entries = (*standard_entries(), entry("/run/a"), entry("/run/f", "f", content="x", replaces=True))
    entries += (entry("/run/l", "L", content="a", replaces=True), entry("/run/home", exact=False))
    assert perform(*entries).changed == 8  # /run itself is right already
    before = snapshot(root)
    assert perform(*entries) == Outcome()
    assert snapshot(root) == before


@pytest.mark.parametrize("mode", [0o700, 0o777, 0o2755])
def test_an_existing_folder_is_given_owner_and_mode_and_keeps_its_content(root: Path, mode: int) -> None:
    (root / "run/app").mkdir()
    (root / "run/app").chmod(mode)
    (root / "run/app/file").write_text("kept")
    perform(entry("/run/app"))
    assert look(root / "run/app") == (0o755, 1000, 1001)
    assert look(root / "run/app/file")[1:] == (0, 0)


def test_run_that_belongs_to_somebody_else_becomes_root_s_again(root: Path) -> None:
    os.chown(root / "run", 1000, 1000)
    (root / "run").chmod(0o777)
    perform(*standard_entries())
    assert look(root / "run") == (0o755, 0, 0)
    assert look(root / "tmp") == look(root / "run/lock") == (0o1777, 0, 0)
    assert (root / "var/run").readlink() == Path("/run")


def test_an_entry_that_is_not_exact_leaves_a_folder_that_exists(root: Path) -> None:
    (root / "run/app").mkdir(mode=0o700)
    assert perform(entry("/run/app", exact=False)) == Outcome()
    assert look(root / "run/app") == (0o700, 0, 0)
    perform(entry("/run/new", exact=False))
    assert look(root / "run/new") == (0o755, 1000, 1001)


SPARED = [
    (("mode",), False, (0o500, 1000, 1001)),
    (("uid",), False, (0o755, 7, 1001)),
    (("gid",), False, (0o755, 1000, 8)),
    (("mode", "uid", "gid"), False, (0o500, 7, 8)),
    ((), True, (0o555, 1000, 1001)),
]


@pytest.mark.parametrize(("spares", "masked", "expected"), SPARED)
def test_what_an_entry_spares_stays_on_what_exists_and_holds_for_what_is_new(
    root: Path, spares: tuple[str, ...], masked: bool, expected: tuple[int, int, int]
) -> None:
    (root / "run/old").mkdir()
    os.chown(root / "run/old", 7, 8)
    (root / "run/old").chmod(0o500)
    perform(*[entry(f"/run/{name}", spares=spares, masked=masked) for name in ("old", "new")])
    assert look(root / "run/old") == expected
    assert look(root / "run/new") == (0o755, 1000, 1001)


def test_a_file_is_made_with_its_text_and_one_that_exists_keeps_its_own(root: Path) -> None:
    perform(entry("/run/new", "f", mode=0o640, content="one\ntwo"))
    assert (root / "run/new").read_text() == "one\ntwo"
    assert look(root / "run/new") == (0o640, 1000, 1001)
    (root / "run/new").write_text("mine")
    assert perform(entry("/run/new", "f", mode=0o640, content="one\ntwo")).changed == 0
    assert (root / "run/new").read_text() == "mine"


@pytest.mark.parametrize("old", ["", "other", "longer than the new text", "txet"])
def test_a_file_that_is_to_be_replaced_gets_the_text_anew(root: Path, old: str) -> None:
    (root / "run/f").write_text(old)
    inode = (root / "run/f").stat().st_ino
    assert perform(entry("/run/f", "f", content="text", replaces=True)).changed == 1
    assert (root / "run/f").read_text() == "text"
    assert (root / "run/f").stat().st_ino == inode


def test_a_link_is_made_where_nothing_is_and_replaced_only_where_asked(root: Path) -> None:
    perform(entry("/run/l", "L", content="/dev/shm"))
    assert os.readlink(root / "run/l") == "/dev/shm"
    assert perform(entry("/run/l", "L", content="/other")).changed == 0
    assert perform(entry("/run/l", "L", content="/other", replaces=True)).changed == 1
    assert os.readlink(root / "run/l") == "/other"


def test_a_var_run_that_is_a_folder_as_in_old_images_is_left_alone(root: Path) -> None:
    (root / "var/run").mkdir(parents=True)
    (root / "var/run/old.pid").touch()
    assert perform(*[e for e in standard_entries() if e.path == "/var/run"]) == Outcome()
    assert (root / "var/run/old.pid").exists()


@pytest.mark.parametrize("target", ["/run", "../run", "../var/../run", "/../run/."])
def test_a_link_of_root_s_on_the_way_is_walked(root: Path, target: str) -> None:
    (root / "var").mkdir(mode=0o755)
    (root / "var").chmod(0o755)
    (root / "var/run").symlink_to(target)
    perform(entry("/var/run/app"))
    assert look(root / "run/app") == (0o755, 1000, 1001)


def test_a_folder_that_is_a_link_of_root_s_is_made_right_where_it_leads(root: Path) -> None:
    root.chmod(0o755)
    (root / "tmp").symlink_to("run/tmp")
    perform(entry("/tmp", mode=0o1777, uid=0, gid=0))
    assert look(root / "run/tmp") == (0o1777, 0, 0)


# -- a start that was killed ------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["fchown", "fchmod"])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("kind", ["d", "f"])
def test_what_a_killed_start_began_is_finished_by_the_next(
    root: Path, monkeypatch: pytest.MonkeyPatch, call: str, exact: bool, kind: str
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_arguments: object) -> None:
        raise Killed

    wanted = entry("/run/x", kind, exact=exact, content="text", spares=("mode", "uid") if exact else ())
    with monkeypatch.context() as patched:
        patched.setattr(posix, call, killed)
        with pytest.raises(Killed):
            perform(wanted)
    assert (root / "run/x").exists()
    if kind == "f":
        (root / "run/x").write_text("te")  # killed while it wrote
    perform(wanted)
    assert look(root / "run/x") == (0o755, 1000, 1001)
    assert kind == "d" or (root / "run/x").read_text() == "text"


# -- what was planted -----------------------------------------------------------------------------


def plant(where: Path, what: str, outside: Path) -> None:
    if what == "link to a folder":
        where.symlink_to(outside)
    elif what == "link to nowhere":
        where.symlink_to(outside / "new")
    elif what == "link to itself":
        where.symlink_to(where.name)
    elif what == "fifo":
        os.mkfifo(where)
    elif what == "socket":
        os.mknod(where, stat.S_IFSOCK | 0o666)
    else:
        where.write_text("file")
    os.chown(where, 1000, 1000, follow_symlinks=False)


PLANTS = ["link to a folder", "link to nowhere", "link to itself", "fifo", "socket", "file"]


@pytest.mark.parametrize("what", PLANTS)
@pytest.mark.parametrize("component", ["a", "a/b", "a/b/c"])
@pytest.mark.parametrize("kind", ["d", "f"])
def test_nothing_is_followed_or_replaced_at_any_component(root: Path, what: str, component: str, kind: str) -> None:
    outside = root / "outside"
    (outside / "b/c").mkdir(parents=True)
    (root / "run").chmod(0o1777)
    where = root / "run" / component
    where.parent.mkdir(parents=True, exist_ok=True)
    plant(where, what, outside)
    if (what, kind, component) == ("file", "f", "a/b/c"):
        os.link(where, outside / "second")  # a file in the place of a file, but it is somebody's elsewhere
    before = snapshot(outside), snapshot(where.parent)
    (warning,) = perform(entry("/run/a/b/c", kind, content="text", replaces=True)).warnings
    assert warning.startswith("unable to make /run/a/b/c: ")
    assert (snapshot(outside), snapshot(where.parent)) == before
    if component == "a/b/c" and what in ("fifo", "socket"):
        assert "is in its place" in warning


@pytest.mark.parametrize(("uid", "mode"), [(1000, 0o755), (0, 0o775), (0, 0o777), (0, 0o1777)])
def test_a_link_of_root_s_counts_only_in_a_folder_that_nobody_else_can_write(root: Path, uid: int, mode: int) -> None:
    (root / "outside").mkdir()
    (root / "way").mkdir()
    (root / "way").chmod(mode)
    os.chown(root / "way", uid, 0)
    (root / "way/link").symlink_to("/outside")
    for path in ("/way/link", "/way/link/x"):
        (warning,) = perform(entry(path)).warnings
        assert "link is a link that somebody other than root could have put there" in warning
    assert os.listdir(root / "outside") == []


def test_a_circle_of_root_s_own_links_is_given_up(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("/a")
    with pytest.raises(NotPermitted, match="too many links"):
        perform(entry("/a/x"))


@pytest.mark.parametrize("kind", ["d", "f"])
def test_what_is_a_third_party_s_in_a_user_s_folder_is_not_given_away(root: Path, kind: str) -> None:
    """The folder's owner may have moved it there from beside it."""
    (root / "run/app").mkdir()
    os.chown(root / "run/app", 1000, 1000)
    moved = root / "run/app/x"
    moved.mkdir() if kind == "d" else moved.write_text("root's")
    before = snapshot(root / "run")
    (warning,) = perform(entry("/run/app/x", kind)).warnings
    assert "belongs to user 0, in a folder of user 1000" in warning
    assert snapshot(root / "run") == before


def test_a_folder_swapped_for_a_link_between_the_look_and_the_open_is_not_entered(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "outside").mkdir()
    (root / "run/x").mkdir()
    looked: Callable[[int, str], os.stat_result | None] = vars(entry_maker)["look"]  # as it is named there

    def swap(parent: int, name: str) -> os.stat_result | None:
        status = looked(parent, name)
        (root / "run/x").rmdir()
        (root / "run/x").symlink_to("../outside")
        return status

    monkeypatch.setattr(entry_maker, "look", swap)
    with pytest.raises(NotPermitted):
        perform(entry("/run/x"))
    assert look(root / "outside")[1:] == (0, 0)


@pytest.mark.parametrize("path", ["/", "//", "/.", "/run/..", "/run/app/../.."])
def test_a_path_that_names_no_place_is_refused(root: Path, path: str) -> None:
    with pytest.raises(NotPermitted):
        perform(entry(path))
    assert look(root)[1:] == (0, 0)


# -- what cannot be made --------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["", "/usr/lib/tmpfiles.d/x.conf"])
def test_only_what_a_person_asked_for_ends_the_start(root: Path, source: str) -> None:
    (root / "run/a").write_text("")
    (root / "run/b").write_text("")
    outcome = perform(*[entry(f"/run/{name}", source=source) for name in ("a", "b", "c")])
    assert look(root / "run/c") == (0o755, 1000, 1001)
    assert len(outcome.warnings) == 2
    assert outcome.warnings[0].startswith("unable to make /run/a: something that is no folder is in its place; ")


def test_no_descriptor_is_left_open(root: Path) -> None:
    before = os.listdir("/proc/self/fd")
    (root / "run/link").symlink_to("/run")
    perform(entry("/run/link/a/b"), entry("/run/f", "f", content="x", uid=0), entry("/run/l", "L", content="x"))
    perform(entry("/run/link/a/b/none/of/it"), entry("/run/l/x"))
    with pytest.raises(NotPermitted):
        perform(entry("/run/f/x"))
    assert os.listdir("/proc/self/fd") == before


IN_NAMESPACE = """
import json, os, subprocess, sys
sys.path.insert(0, sys.argv[1])
sys.path += json.loads(sys.argv[3])
for command in json.loads(sys.argv[2]):
    subprocess.run(command, shell=True, check=True)
from pydrop.errors import PydropError
from pydrop.model import Start
from pydrop.steps import RunEntry, RuntimeStep
from pydrop.perform import runtime
def entry(path, source, **more):
    return RunEntry(kind="d", path=path, mode=0o755, uid=1000, gid=1000, exact=True, source=source, **more)
entries = [entry(path, source) for path, source in json.loads(sys.argv[4])]
start = Start(name="", arguments=(), environment=(), ignored=(), blocked=())
try:
    outcome = runtime.perform(RuntimeStep(words="", entries=tuple(entries)), start)
    print(json.dumps([outcome.words, outcome.warnings, sorted(os.listdir("/run"))]))
except PydropError as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""


def in_namespace(commands: list[str], entries: list[tuple[str, str]], *prefix: str) -> list[Any]:
    """Perform the entries in a mount namespace where `commands` were run; `prefix` runs the driver."""
    unshare = ["unshare", "--mount", *prefix, sys.executable, "-c", IN_NAMESPACE]
    words = [SRC, json.dumps(commands), json.dumps(sys.path), json.dumps(entries)]
    done = subprocess.run([*unshare, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: list[Any] = json.loads(done.stdout)
    return result


READ_ONLY = "mount -n -t tmpfs -o mode=755 tmpfs /run && touch /run/image && mount -n -o remount,ro /run"
NO_ADMIN = ("setpriv", "--bounding-set=-sys_admin")
MOUNTED_BEFORE = [
    "mount -n -t tmpfs tmpfs /run && mkdir /run/secrets",
    "mount -n -t tmpfs tmpfs /run/secrets && mount -n -o remount,ro /run",
]


def test_a_read_only_run_is_covered_by_a_tmpfs_where_that_is_allowed() -> None:
    words, warnings, names = in_namespace([READ_ONLY], [("/run/app", "PYDROP_RUN_DIRS")])
    assert words == "made right a tmpfs on /run, /run/app"
    assert (warnings, names) == ([], ["app"])


def test_a_tmpfs_of_ours_never_hides_what_a_runtime_mounted_below_run() -> None:
    words, warnings, names = in_namespace(MOUNTED_BEFORE, [("/run/app", "")])
    assert (words, names) == ("", ["secrets"])
    (warning,) = warnings
    assert warning == (
        "unable to make /run/app: the filesystem is read-only; "
        "add --tmpfs /run to docker run, or tmpfs: [/run] to the service in compose"
    )


def test_where_mounting_is_not_allowed_the_mount_option_is_named() -> None:
    script = f'{READ_ONLY} && exec {" ".join(NO_ADMIN)} "$@"'
    kind, message = in_namespace([], [("/run/app", "PYDROP_RUN_DIRS")], "sh", "-c", script, "sh")
    assert kind == "NotPermitted"
    assert message.startswith(
        "unable to make /run/app (PYDROP_RUN_DIRS): the filesystem is read-only; add --tmpfs /run "
    )


def test_a_read_only_folder_in_a_writable_run_is_no_reason_to_mount() -> None:
    commands = ["mount -n -t tmpfs -o mode=755 tmpfs /run && mount -n -t tmpfs -o ro tmpfs /mnt && ln -s /mnt /run/ro"]
    words, warnings, names = in_namespace(commands, [("/run/ro/a", ""), ("/run/b", "")])
    assert (words, names, len(warnings)) == ("made right /run/b", ["b", "ro"], 1)


def test_what_is_right_on_a_read_only_root_needs_nothing() -> None:
    right = "mount -n -t tmpfs tmpfs /run && mkdir /run/a && chown 1000:1000 /run/a && mount -n -o remount,ro /run"
    assert in_namespace([right], [("/run/a", "PYDROP_RUN_DIRS")]) == ["", [], ["a"]]


def test_a_missing_capability_is_named_with_the_line_that_gives_it() -> None:
    words, warnings, _ = in_namespace(
        ["mount -n -t tmpfs -o mode=755 tmpfs /run"], [("/run/a", "")], "setpriv", "--bounding-set=-chown"
    )
    assert "cap_add: [CHOWN, FOWNER, DAC_OVERRIDE]" in warnings[0]
    assert words == ""


# -- own ground ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/run/hooks", "d"),
        ("/run/link", "d"),
        *[(f"/run/{name}/new", kind) for name in ("hooks", "link") for kind in "df"],
    ],
)
def test_what_root_executes_from_is_given_by_no_setting(root: Path, path: str, kind: str) -> None:
    """It is asked of the descriptor that the way has led to, whatever the settings were asked before."""
    (root / "run/hooks").mkdir()
    (root / "run/link").symlink_to("hooks")
    before = snapshot(root)
    step = RuntimeStep(words="", entries=(entry(path, kind),), hooks_folder=str(root / "run/hooks"))
    with pytest.raises(NotPermitted, match="could become root at the next start"):
        runtime.perform(step, START)
    assert snapshot(root) == before


def test_the_images_own_words_are_obeyed_there_too(root: Path) -> None:
    """Who wrote a tmpfiles.d of the image is root; and a home that nobody named is a warning."""
    hooks = str(root / "run/hooks")
    declared = entry("/run/hooks", source="/usr/lib/tmpfiles.d/x.conf")
    home = entry("/run/hooks/home", source="", exact=False)
    outcome = runtime.perform(RuntimeStep(words="", entries=(declared, home), hooks_folder=hooks), START)
    assert look(root / "run/hooks") == (0o755, 1000, 1001)
    assert "lies in" in outcome.warnings[0] and not (root / "run/hooks/home").exists()
