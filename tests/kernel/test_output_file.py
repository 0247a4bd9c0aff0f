"""A file that pydropctl writes as root, where somebody else may write, leads root nowhere and spoils nobody's."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pydrop.ctl import output_file
from pydrop.ctl.bundling.bundle_folder import Tree
from pydrop.errors import PydropError, Untrusted
from tests.kernel.forked import forked

pytestmark = pytest.mark.quick

USER = 1500


@pytest.fixture(params=[(USER, 0o755), (0, 0o1777), (0, 0o777), (0, 0o755)], ids=["user's", "sticky", "open", "root's"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    os.chown(path, request.param[0], request.param[0])
    path.chmod(request.param[1])
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("root's")
    return path


def test_a_new_file_is_written_with_the_modes_of_one(folder: Path) -> None:
    umask = os.umask(0o027)
    output_file.write(str(folder / "new.svg"), b"content")
    os.umask(umask)
    assert os.listdir(folder) == ["new.svg"]
    assert (folder / "new.svg").read_bytes() == b"content"
    assert stat.S_IMODE((folder / "new.svg").stat().st_mode) == 0o640


def test_an_own_file_is_replaced(folder: Path) -> None:
    (folder / "old.svg").write_text("a longer text than the new one")
    output_file.write(str(folder / "old.svg"), b"content")
    assert (folder / "old.svg").read_bytes() == b"content"
    assert os.listdir(folder) == ["old.svg"]


def others(path: Path) -> None:
    path.write_text("another's")
    os.chown(path, USER, USER)


PLANTS: dict[str, Callable[[Path, Path], object]] = {
    "link": lambda path, secret: path.symlink_to(secret),
    "link to nowhere": lambda path, secret: path.symlink_to(secret.with_name("new")),
    "hard link": lambda path, secret: os.link(secret, path),
    "another's file": lambda path, _: others(path),
    "FIFO": lambda path, _: os.mkfifo(path),
    "device": lambda path, _: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5)),
    "socket": lambda path, _: os.mknod(path, stat.S_IFSOCK | 0o600),
    "folder": lambda path, _: path.mkdir(),
}


@pytest.mark.parametrize("what", PLANTS)
def test_what_was_planted_is_neither_followed_nor_replaced(folder: Path, secret: Path, what: str) -> None:
    PLANTS[what](folder / "x.svg", secret)
    before = os.lstat(folder / "x.svg")
    with pytest.raises(PydropError, match="is not a plain file of user 0"):
        output_file.write(str(folder / "x.svg"), b"content")
    after = os.lstat(folder / "x.svg")
    assert (before.st_ino, before.st_size, before.st_uid) == (after.st_ino, after.st_size, after.st_uid)
    assert secret.read_text() == "root's"
    assert os.listdir(folder) == ["x.svg"]
    assert not secret.with_name("new").exists()


@pytest.mark.parametrize("path", ["way/x.svg", "way/inner/x.svg", "inner/../x.svg"])
def test_the_way_leads_through_nothing_of_anothers(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside/inner").mkdir(parents=True)
    users = tmp_path / "users"
    (users / "inner").mkdir(parents=True)
    (users / "way").symlink_to("../outside")
    os.chown(users, USER, USER)
    with pytest.raises(Untrusted, match="others than root could have made"):
        output_file.write(f"{users}/{path}", b"content")
    assert [name for _, _, files in os.walk(tmp_path) for name in files] == []


def test_a_link_of_roots_alone_is_followed_and_paths_may_be_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    for path in ("link/a", "./b", "c", "real/../d"):
        output_file.write(path, b"content")
    assert sorted(os.listdir(tmp_path)) == ["b", "c", "d", "link", "real"]
    assert os.listdir(tmp_path / "real") == ["a"]


@pytest.mark.parametrize("path", ["", "/", "x/", "x/.", ".."])
def test_what_names_no_file_is_refused(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PydropError):
        output_file.write(path, b"content")


def test_nothing_is_left_where_there_is_no_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int, _content: bytes) -> int:
        raise OSError(28, "No space left on device")

    (folder / "x").write_text("old")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        output_file.write(str(folder / "x"), b"content")
    assert os.listdir(folder) == ["x"]
    assert (folder / "x").read_text() == "old"


def test_without_root_a_fifo_is_not_waited_for_either(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.mkdir()
    os.mkfifo(users / "x")
    for path in (users, users / "x"):
        os.chown(path, USER, USER)

    def as_the_user() -> str:
        os.chdir(users)
        os.setuid(USER)
        with pytest.raises(PydropError) as error:
            output_file.write("x", b"content")
        output_file.write("y", b"content")
        return str(error.value)

    assert "is not a plain file of user 1500" in forked(as_the_user)
    assert (users / "y").read_bytes() == b"content"


@pytest.mark.parametrize("place", ["opt", "opt/inner", "opt/inner/file"])
@pytest.mark.parametrize("what", ["link", "link to a folder", "file"])
def test_a_bundle_follows_and_replaces_nothing(tmp_path: Path, place: str, what: str) -> None:
    """The user has planted it in DIR, after it was found empty."""
    (tmp_path / "outside").mkdir()
    bundle = tmp_path / "users/bundle"
    (bundle / place).parent.mkdir(parents=True)
    if what == "file":
        (bundle / place).write_text("another's")
    else:
        (bundle / place).symlink_to(tmp_path / ("outside" if "folder" in what else "outside/new"))
    os.chown(tmp_path / "users", USER, USER)
    tree = Tree(str(bundle))
    with pytest.raises(OSError, match=r"File exists|Not a directory|Too many levels"):
        tree.write(b"content", "/opt/inner/file")
    tree.close()
    assert os.listdir(tmp_path / "outside") == []


def test_a_bundle_is_not_laid_where_a_link_of_anothers_leads(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "users").mkdir()
    (tmp_path / "users/bundle").symlink_to("../outside")
    os.chown(tmp_path / "users", USER, USER)
    with pytest.raises(Untrusted):
        Tree(f"{tmp_path}/users/bundle/new")
    assert os.listdir(tmp_path / "outside") == []


def test_folders_of_a_bundle_have_their_modes_whatever_the_umask(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    tree = Tree(str(tmp_path / "new/bundle"))
    tree.write(b"content", "/opt//inner/file")
    tree.link("../file", "/opt/inner/link")
    tree.close()
    os.umask(umask)
    bundle = tmp_path / "new/bundle"
    modes = [stat.S_IMODE((bundle / path).stat().st_mode) for path in ("opt", "opt/inner", "opt/inner/file")]
    assert modes == [0o755, 0o755, 0o644]
    assert (bundle / "opt/inner/link").readlink() == Path("../file")
