"""What the program has left where a start looks neither ends the next start, nor makes it wait or read without end."""

import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pydrop import checked_reads, inspection, mountinfo, record
from pydrop.ctl.timing import timeline_reader
from pydrop.errors import BadSetting, PydropError
from pydrop.inspection import earlier_start, settings_file, tmpfiles_glance
from pydrop.perform import nss_wrapper
from tests.kernel.forked import forked
from tests.kernel.test_inspection import settings, start

pytestmark = pytest.mark.quick

SECONDS, MEMORY = 4, 1 << 29
DECLARED = "d /run/app 0755 root root -\n"


def bounded(function: Callable[[], Any]) -> Any:
    """What the function returns in a child that may take so long and so much; else Died or Raised."""

    def limited() -> Any:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.alarm(SECONDS)
        return function()

    return forked(limited)


def a_sparse_file(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def a_crowd(path: Path) -> None:
    path.mkdir()
    for number in range(20):
        (path / f"{number}.conf").symlink_to("/dev/zero")


PLANTS: dict[str, Callable[[Path], object]] = {
    "FIFO": os.mkfifo,
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "device": lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5)),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "folder": Path.mkdir,
    "folder of links": a_crowd,
    "file": lambda path: path.write_text(DECLARED),
    "file without end": a_sparse_file,
    "link to nowhere": lambda path: path.symlink_to("/nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "place"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The user's tmpfiles.d, and the image's, which declares something."""
    users, images = tmp_path / "run/tmpfiles.d", tmp_path / "lib/tmpfiles.d"
    users.parent.mkdir()
    images.mkdir(parents=True)
    (images / "x.conf").write_text(DECLARED)
    monkeypatch.setattr("pydrop.tmpfiles.FOLDERS", (str(users), str(images)))
    return users, images


def names() -> list[str]:
    return [Path(path).name for path, _ in inspection._declared()]


@pytest.mark.parametrize("owner", [0, 1500])
@pytest.mark.parametrize("what", PLANTS)
def test_whatever_is_in_the_place_of_a_tmpfiles_folder(folders: tuple[Path, Path], what: str, owner: int) -> None:
    users, _ = folders
    PLANTS[what](users)
    os.chown(users, owner, owner, follow_symlinks=False)
    os.chown(users.parent, 1500, 1500)
    assert bounded(names) == ["x.conf"]


@pytest.mark.parametrize("folder_owner", [0, 1500])
@pytest.mark.parametrize("what", PLANTS)
def test_whatever_is_in_the_place_of_a_tmpfiles_file(folders: tuple[Path, Path], what: str, folder_owner: int) -> None:
    """Also in a folder that was given back to root since."""
    users, _ = folders
    users.mkdir()
    PLANTS[what](users / "planted.conf")
    os.chown(users / "planted.conf", 1500, 1500, follow_symlinks=False)
    os.chown(users, folder_owner, folder_owner)
    assert bounded(names) == ["x.conf"]


@pytest.mark.parametrize("what", PLANTS)
def test_a_link_of_the_images_into_a_place_of_the_users(folders: tuple[Path, Path], what: str, tmp_path: Path) -> None:
    _, images = folders
    (tmp_path / "users").mkdir()
    os.chown(tmp_path / "users", 1500, 1500)
    PLANTS[what](tmp_path / "users/planted")
    (images / "linked.conf").symlink_to(tmp_path / "users/planted")
    assert bounded(names) == ["x.conf"]


def test_a_link_is_never_opened_at_a_glance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To open a device can be enough to wake it."""
    (tmp_path / "linked.conf").symlink_to("/dev/zero")
    (tmp_path / "masked.conf").symlink_to("/dev/null")
    opened: list[int] = []

    def reading(file: int, _most: int) -> bytes:
        opened.append(file)
        return b""

    monkeypatch.setattr(checked_reads, "whole", reading)
    assert tmpfiles_glance.may_mention_run(str(tmp_path))
    (tmp_path / "linked.conf").unlink()
    assert not tmpfiles_glance.may_mention_run(str(tmp_path))
    assert opened == []


@pytest.mark.parametrize("what", [what for what in PLANTS if what != "file"])
def test_whatever_is_in_the_place_of_a_settings_file(place: Path, what: str) -> None:
    """A person named it: that is an error, in time."""
    PLANTS[what](place)

    def read() -> str:
        with pytest.raises(PydropError) as error:
            settings_file.read(str(place))
        return str(error.value)

    assert str(place) in bounded(read)
    os.chown(place, 1500, 1500, follow_symlinks=False)
    os.chown(place.parent, 1500, 1500)
    os.chmod(place.parent.parent, 0o755)

    def as_the_user() -> str:
        os.setuid(1500)
        return read()

    assert str(place) in bounded(as_the_user)


@pytest.mark.parametrize("what", PLANTS)
def test_whatever_is_in_the_place_of_the_record(place: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mkdir()
    PLANTS[what](place / record.NAME)
    monkeypatch.setattr(record, "PLACES", (str(place),))
    assert bounded(lambda: earlier_start.record_left(2)) is None


@pytest.mark.parametrize("as_root", [True, False])
@pytest.mark.parametrize("what", PLANTS)
def test_whatever_is_in_the_place_of_the_timeline(place: Path, what: str, as_root: bool) -> None:
    PLANTS[what](place)

    def read() -> str:
        if not as_root:
            os.setuid(1500)
        with pytest.raises(timeline_reader.NotLeft) as error:
            timeline_reader.left_in(str(place))
        return str(error.value)

    assert bounded(read)


@pytest.mark.parametrize("what", PLANTS)
def test_whatever_is_in_the_place_of_an_account_file(place: Path, what: str) -> None:
    PLANTS[what](place)

    def read() -> str:
        try:
            return checked_reads.text(str(place))
        except PydropError as error:
            return str(error)

    expected = {"file": DECLARED, "link to nowhere": ""}
    assert bounded(read) == expected[what] if what in expected else str(place) in bounded(read)


@pytest.mark.parametrize("what", PLANTS)
def test_whatever_is_in_the_place_of_a_copy_for_nss_wrapper(place: Path, what: str) -> None:
    """A start without root finds what its own program has left in /tmp."""
    place.mkdir()
    PLANTS[what](place / "passwd")

    def write() -> bool:
        folder = os.open(place, os.O_RDONLY)
        try:
            return nss_wrapper._write_copy(folder, "passwd", "text")
        except OSError:  # a folder is not replaced by a file: the next place is taken
            return what.startswith("folder")

    assert bounded(write)
    assert what.startswith("folder") or (place / "passwd").read_text() == "text"


@pytest.mark.parametrize(("size", "fits"), [(0, True), (1, True), (1000, True), (1001, False), (1 << 40, False)])
def test_a_file_is_read_as_far_as_it_may_be_long(place: Path, size: int, fits: bool) -> None:
    place.touch()
    os.truncate(place, size)
    file = os.open(place, os.O_RDONLY)
    os.lseek(file, 0, os.SEEK_END)
    try:
        if fits:
            assert checked_reads.whole(file, 1000) == bytes(size)
        else:
            with pytest.raises(OSError, match="larger than 1000 bytes"):
                checked_reads.whole(file, 1000)
    finally:
        os.close(file)


def test_a_start_looks_past_all_of_it(folders: tuple[Path, Path]) -> None:
    """The whole look, as `plan` and `doctor` take it too."""
    users, _ = folders
    a_crowd(users)
    os.mkfifo(users / "fifo.conf")
    os.mkdir(users / "folder.conf")
    facts = bounded(lambda: len(inspection.look(settings(), start()).tmpfiles))
    assert facts == 1


def test_the_settings_file_has_a_largest_size(place: Path) -> None:
    place.write_text("# " + "x" * (1 << 20))
    with pytest.raises(BadSetting, match="larger than"):
        settings_file.read(str(place))


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/proc/self", "/proc/self/fd"])
def test_only_a_regular_file_is_read(path: str) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="no regular file"):
            checked_reads.whole(file, 1000)
    finally:
        os.close(file)


def test_a_process_whose_top_is_no_mount_is_told_from_all_others(tmp_path: Path) -> None:
    """chroot(2): mountinfo has no line for /. Two such processes are no sign of one container."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.chroot(tmp_path)
        os.write(writing, b"x")
        signal.pause()
    os.read(reading, 1)
    try:
        assert all(row[mountinfo.POINT] != b"/" for row in mountinfo.of(f"{child}"))
        assert earlier_start._root_mount(child) == b""
        assert earlier_start._root_mount(os.getpid()) != b""
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)
