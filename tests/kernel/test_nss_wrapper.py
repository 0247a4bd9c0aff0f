"""Where /etc cannot be written, nss_wrapper gets copies that nobody else can have written."""

import functools
import glob
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pydrop.errors import PydropError
from pydrop.model import Account, AccountChange, Group, Outcome, Start
from pydrop.perform import nss_wrapper
from pydrop.steps import AccountsStep
from tests.kernel.forked import forked

pytestmark = pytest.mark.quick

PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nnogroup:x:65534:\n"
LINE = "svc:*:1700:1700::/home/svc:/bin/sh\n"
LIBRARY = "/usr/lib/libnss_wrapper.so"
CHANGE = AccountChange(
    account=Account(name="svc", uid=1700, gid=1700, home="/home/svc", shell="/bin/sh"),
    group=Group(name="svc", gid=1700),
)


def perform(*environment: str) -> Outcome:
    start = Start(name="pydrop", arguments=(), environment=environment, ignored=(), blocked=())
    step = AccountsStep(words="", change=CHANGE, how="wrapper", library=LIBRARY)
    return nss_wrapper.perform(step, start)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An /etc, a /run and a /tmp of our own, where users may pass (pytest closes its own); and a umask in the way."""
    umask = os.umask(0o077)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        _fill(Path(folder), monkeypatch)
        yield Path(folder)
    os.umask(umask)


def _fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, mode in (("etc", 0o755), ("run", 0o755), ("tmp", 0o1777), ("shm", 0o1777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    for name in ("passwd", "group"):
        (tmp_path / "etc" / name).chmod(0o644)
    monkeypatch.setattr(nss_wrapper, "ETC", str(tmp_path / "etc"))
    real = nss_wrapper._places

    def places(start: Start) -> list[tuple[str, str, int]]:
        moved = {"/run": "run", "/tmp": "tmp", "/dev/shm": "shm"}
        return [(str(tmp_path / moved[p]) if p in moved else p, name, mode) for p, name, mode in real(start)]

    monkeypatch.setattr(nss_wrapper, "_places", places)


def as_user(uid: int, function: Callable[[], Outcome]) -> Outcome:
    def child() -> tuple[object, ...]:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        outcome = function()
        return outcome.changed, outcome.words, outcome.warnings, outcome.environment

    changed, words, warnings, environment = forked(child)
    return Outcome(changed=changed, words=words, warnings=warnings, environment=environment)


def look(path: Path) -> tuple[int, int]:
    return stat.S_IMODE(path.lstat().st_mode), path.lstat().st_uid


def environment_of(outcome: Outcome) -> dict[str, str]:
    """What is set; a variable that was to be taken away would have no value."""
    return {name: value for name, value in outcome.environment if value is not None}


def place_of(outcome: Outcome) -> str:
    return os.path.dirname(str(dict(outcome.environment)["NSS_WRAPPER_PASSWD"]))


def test_root_s_copies_are_root_s_and_for_everybody_to_read(world: Path) -> None:
    outcome = perform()
    place = world / "run/pydrop/nss"
    assert (place / "passwd").read_text() == PASSWD + LINE
    assert (place / "group").read_text() == GROUP + "svc:x:1700:\n"
    assert [look(path) for path in (place.parent, place, place / "passwd", place / "group")] == [
        (0o755, 0),
        (0o755, 0),
        (0o644, 0),
        (0o644, 0),
    ]
    assert outcome.changed == 2
    assert outcome.words == f"nss_wrapper names the user from {place}"
    assert dict(outcome.environment) == {
        "NSS_WRAPPER_PASSWD": f"{place}/passwd",
        "NSS_WRAPPER_GROUP": f"{place}/group",
        "LD_PRELOAD": LIBRARY,
    }
    assert sorted(os.listdir(place)) == ["group", "passwd"]
    assert (world / "etc/passwd").read_text() == PASSWD


def test_the_c_library_then_finds_the_user_and_the_image_s_own_accounts(world: Path) -> None:
    """With Debian's library, in the program's environment."""
    library = glob.glob("/usr/lib/*/libnss_wrapper.so")[0]
    environment = {name: str(value).replace(LIBRARY, library) for name, value in perform().environment}
    script = "import pwd, grp; print(pwd.getpwuid(1700).pw_name, grp.getgrnam('svc').gr_gid, pwd.getpwuid(0).pw_name)"
    python = os.path.realpath(sys.executable)  # a clone may lie where the user cannot enter
    command = [python, "-IS", "-c", script]
    said = subprocess.run(command, env=environment, user=1700, check=True, text=True, capture_output=True).stdout
    assert said == "svc 1700 root\n"


ODD = (
    "weird:x:abc:xyz:a number that is none:/:/bin/sh",
    "short:x:1300",
    "+@netgroup::::::",
    "# a comment: with colons",
    "",
    "huge:x:4294967296:1::/:/bin/sh",
)


def test_lines_that_are_no_entries_do_not_spoil_the_copies(world: Path) -> None:
    """The C library passes over them; nss_wrapper gives up the whole file."""
    (world / "etc/passwd").write_text("\n".join([*ODD, PASSWD]))
    (world / "etc/group").write_text("\n".join(["weird:x:abc:", "short:x", "+::", "# a comment", GROUP]))
    environment = environment_of(perform())
    environment["LD_PRELOAD"] = glob.glob("/usr/lib/*/libnss_wrapper.so")[0]
    asked = [["getent", "passwd", "1700"], ["getent", "passwd", "nobody"], ["getent", "group", "nogroup", "svc"]]
    found = [
        subprocess.run(words, env=environment, capture_output=True, text=True, check=False).stdout for words in asked
    ]
    assert found == [LINE, PASSWD.splitlines(True)[1], "nogroup:x:65534:\nsvc:x:1700:\n"]


def test_a_second_time_writes_nothing_but_sets_the_environment_all_the_same(world: Path) -> None:
    first = perform()
    second = perform()
    assert (second.changed, second.words, second.environment) == (0, "", first.environment)


PRELOADS = [
    ((), LIBRARY),
    (("LD_PRELOAD=",), LIBRARY),
    (("LD_PRELOAD=/lib/a.so",), f"/lib/a.so:{LIBRARY}"),
    (("LD_PRELOAD=/lib/a.so /lib/b.so",), f"/lib/a.so /lib/b.so:{LIBRARY}"),
    ((f"LD_PRELOAD={LIBRARY}",), LIBRARY),
    ((f"LD_PRELOAD=/lib/a.so {LIBRARY}:/lib/b.so",), f"/lib/a.so {LIBRARY}:/lib/b.so"),
    (("LD_PRELOADED=/lib/a.so", "XLD_PRELOAD=/lib/c.so"), LIBRARY),
    (("LD_PRELOAD=/lib/a.so", "LD_PRELOAD=/lib/b.so"), f"/lib/a.so:{LIBRARY}"),
]


@pytest.mark.parametrize(("environment", "expected"), PRELOADS)
def test_what_was_preloaded_already_stays(world: Path, environment: tuple[str, ...], expected: str) -> None:
    assert dict(perform(*environment).environment)["LD_PRELOAD"] == expected


def test_a_user_s_copies_are_its_own(world: Path) -> None:
    outcome = as_user(1700, perform)
    place = world / "tmp/pydrop-nss-1700"
    assert place_of(outcome) == str(place)
    assert look(place) == (0o700, 1700)
    assert (place / "passwd").read_text() == PASSWD + LINE


def test_a_session_s_runtime_folder_comes_first(world: Path) -> None:
    session = world / "session"
    session.mkdir()
    os.chown(session, 1700, 1700)
    assert place_of(as_user(1700, lambda: perform(f"XDG_RUNTIME_DIR={session}"))) == f"{session}/pydrop-nss-1700"
    for useless in ("relative", "", "/nowhere", str(world / "etc")):
        outcome = as_user(1700, functools.partial(perform, f"XDG_RUNTIME_DIR={useless}"))
        assert place_of(outcome) == f"{world}/tmp/pydrop-nss-1700"


def foreign(place: Path) -> None:
    place.mkdir()
    os.chown(place, 1500, 1500)


def open_to_all(place: Path) -> None:
    place.mkdir()
    os.chown(place, 1700, 1700)
    place.chmod(0o777)


def link(place: Path) -> None:
    elsewhere = place.parent.parent / "elsewhere"
    elsewhere.mkdir()
    os.chown(elsewhere, 1700, 1700)
    place.symlink_to(elsewhere)


def file(place: Path) -> None:
    place.touch()


@pytest.mark.parametrize("plant", [foreign, open_to_all, link, file])
def test_a_folder_that_somebody_planted_is_left_alone(world: Path, plant: Callable[[Path], None]) -> None:
    planted = world / "tmp/pydrop-nss-1700"
    plant(planted)
    outcome = as_user(1700, perform)
    assert place_of(outcome) == f"{world}/shm/pydrop-nss-1700"
    assert not planted.is_dir() or os.listdir(planted) == []


@pytest.mark.parametrize("plant", [foreign, open_to_all, link, file])
def test_root_too_writes_only_where_nobody_else_could(world: Path, plant: Callable[[Path], None]) -> None:
    plant(world / "run/pydrop")
    plant(world / "shm/pydrop-nss-0") if plant is not link else None
    outcome = perform()
    assert place_of(outcome) == str(world / ("shm" if plant is link else "tmp") / "pydrop-nss-0")


def test_a_parent_in_which_others_may_rename_is_not_used(world: Path) -> None:
    (world / "run").chmod(0o777)
    assert place_of(perform()) == f"{world}/shm/pydrop-nss-0"


def test_a_folder_that_a_kill_left_closed_is_opened_for_all_again(world: Path) -> None:
    (world / "run/pydrop").mkdir(0o700)
    (world / "run/pydrop/nss").mkdir(0o700)
    (world / "run/pydrop/nss/.passwd.new").write_text("half")
    perform()
    assert look(world / "run/pydrop") == look(world / "run/pydrop/nss") == (0o755, 0)
    assert sorted(os.listdir(world / "run/pydrop/nss")) == ["group", "passwd"]


def test_links_in_the_place_of_the_copies_are_not_followed(world: Path) -> None:
    place = world / "run/pydrop/nss"
    place.mkdir(parents=True)
    (world / "victim").write_text("precious")
    for name in ("passwd", ".passwd.new", "group", ".group.new"):
        (place / name).symlink_to(world / "victim")
    perform()
    assert (world / "victim").read_text() == "precious"
    assert (place / "passwd").read_text() == PASSWD + LINE
    assert not (place / "passwd").is_symlink()


def test_without_any_folder_to_write_it_is_a_warning_that_says_what_to_add(world: Path) -> None:
    for name in ("run", "tmp", "shm"):
        shutil.rmtree(world / name)
    outcome = perform()
    assert (outcome.changed, outcome.environment) == (0, ())
    assert "user 1700 has no name here" in outcome.warnings[0]
    assert "--tmpfs /run" in outcome.warnings[0]


def test_missing_account_files_are_empty_ones(world: Path) -> None:
    (world / "etc/passwd").unlink()
    (world / "etc/group").unlink()
    place = Path(place_of(perform()))
    assert (place / "passwd").read_text() == LINE
    assert (place / "group").read_text() == "svc:x:1700:\n"


def test_a_linked_passwd_is_copied_as_programs_see_it(world: Path) -> None:
    (world / "etc/passwd").rename(world / "store")
    (world / "etc/passwd").symlink_to(world / "store")
    assert (Path(place_of(perform())) / "passwd").read_text() == PASSWD + LINE


@pytest.mark.parametrize("kind", ["secret", "fifo", "folder"])
def test_what_not_everybody_may_read_is_not_copied_to_where_they_may(world: Path, kind: str) -> None:
    passwd = world / "etc/passwd"
    passwd.unlink()
    if kind == "secret":
        (world / "shadow").touch(0o640)
        passwd.symlink_to(world / "shadow")
    elif kind == "fifo":
        os.mkfifo(passwd)
        passwd.chmod(0o644)
    else:
        passwd.mkdir()
    with pytest.raises(PydropError, match=r"/etc/passwd"):
        perform()
    assert not (world / "run/pydrop").exists()


def test_no_descriptor_is_left_open(world: Path) -> None:
    before = os.listdir("/proc/self/fd")
    (world / "run/pydrop").touch()
    perform()
    assert os.listdir("/proc/self/fd") == before
