"""A run-dir whose place the program has replaced keeps no start from running; what root's image has wrong does."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pydrop import kernel
from pydrop.errors import NotPermitted
from pydrop.model import Outcome
from tests.kernel.forked import forked
from tests.kernel.test_runtime import entry, look, perform, root, snapshot

pytestmark = pytest.mark.quick

__all__ = ["root"]  # the fixture

CHOWN, DAC_OVERRIDE, FOWNER = 0, 1, 3  # capability(7)


def a_private_folder(path: Path) -> None:
    path.mkdir(0o700)


PLANTS: dict[str, Callable[[Path], object]] = {
    "file": Path.touch,
    "FIFO": os.mkfifo,
    "socket": lambda path: os.mknod(path, stat.S_IFSOCK | 0o600),
    "device": lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5)),
    "link to a folder": lambda path: path.symlink_to("/etc"),
    "link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "link to nowhere": lambda path: path.symlink_to("/nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to a long way": lambda path: path.symlink_to("/".join(["x" * 200] * 20)),
    "private folder of root's": a_private_folder,
}


@pytest.mark.parametrize("asked", ["/run/app/x", "/run/app/x/y", "/run/app/x/y/z"])
@pytest.mark.parametrize(
    ("what", "owner"),
    [(what, owner) for what in PLANTS for owner in ((0,) if "private" in what else (0, 1000, 2000))],
)
def test_what_is_in_the_way_in_the_users_folder_is_left_and_warned_of(
    root: Path, what: str, asked: str, owner: int
) -> None:
    """Whoever it belongs to: what is root's can have been moved there, or linked."""
    (root / "etc").mkdir()
    (root / "run/app").mkdir()
    os.chown(root / "run/app", 1000, 1000)
    PLANTS[what](root / "run/app/x")
    os.chown(root / "run/app/x", owner, owner, follow_symlinks=False)
    before = snapshot(root / "run/app"), snapshot(root / "etc")
    outcome = perform(entry(asked), entry("/run/other"))
    assert len(outcome.warnings) == 1
    assert outcome.warnings[0].startswith(f"unable to make {asked}: ")
    assert (snapshot(root / "run/app"), snapshot(root / "etc")) == before
    assert look(root / "run/other") == (0o755, 1000, 1001)


@pytest.mark.parametrize("what", [what for what in PLANTS if "link" not in what and "private" not in what])
def test_what_root_alone_can_have_put_there_is_a_mistake_of_the_image(root: Path, what: str) -> None:
    PLANTS[what](root / "run/x")
    for asked in ("/run/x", "/run/x/y"):
        with pytest.raises(NotPermitted, match=f"^unable to make {asked}"):
            perform(entry(asked))


@pytest.mark.parametrize("what", ["file", "FIFO", "link to nowhere"])
def test_what_is_somebody_elses_in_a_folder_of_roots_is_no_mistake_of_the_image(root: Path, what: str) -> None:
    """/run was everybody's once: a tmpfs of docker's is, until a start."""
    PLANTS[what](root / "run/x")
    os.chown(root / "run/x", 1000, 1000, follow_symlinks=False)
    for asked in ("/run/x", "/run/x/y"):
        assert len(perform(entry(asked)).warnings) == 1


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o775])
def test_where_others_may_write_a_file_of_roots_may_be_a_further_name(root: Path, mode: int) -> None:
    (root / "tmp").mkdir()
    (root / "tmp").chmod(mode)
    (root / "tmp/x").touch()
    assert len(perform(entry("/tmp/x")).warnings) == 1


def test_a_private_folder_of_roots_in_a_sticky_folder_is_where_root_put_it(root: Path) -> None:
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "tmp/x").mkdir(0o700)
    (root / "tmp/y").mkdir(0o700)
    perform(entry("/tmp/x"), entry("/tmp/y/z"))
    assert look(root / "tmp/x") == look(root / "tmp/y/z") == (0o755, 1000, 1001)


@pytest.mark.parametrize(("uid", "mode"), [(0, 0o775), (0, 0o777), (2000, 0o755)])
def test_a_private_folder_of_roots_that_others_may_have_moved_is_not_given_away(
    root: Path, uid: int, mode: int
) -> None:
    (root / "run/app").mkdir()
    os.chown(root / "run/app", uid, 1000)
    (root / "run/app").chmod(mode)
    (root / "run/app/x").mkdir(0o700)
    (root / "run/app/in").mkdir(0o755)
    (root / "run/app/in/x").mkdir(0o700)
    for asked in ("/run/app/x", "/run/app/x/y", "/run/app/in/x"):
        (warning,) = perform(entry(asked)).warnings
        assert warning.startswith(f"unable to make {asked}: ")
    assert look(root / "run/app/x") == look(root / "run/app/in/x") == (0o700, 0, 0)
    assert os.listdir(root / "run/app/x") == []


def without(*capabilities: int) -> None:
    """Give up these, and all that could get them back."""
    kept = (1 << 40) - 1
    for number in capabilities:
        kept &= ~(1 << number)
    file = kernel.open_status()
    kept &= kernel.credentials(file).effective
    os.close(file)
    kernel.set_capabilities(kept, kept, 0)


def test_a_folder_that_the_user_has_closed_is_warned_of_where_root_may_not_look_in(root: Path) -> None:
    """With cap_drop: ALL and without DAC_OVERRIDE."""
    (root / "run/app/inner").mkdir(parents=True)
    os.chown(root / "run/app/inner", 1000, 1000)
    os.chown(root / "run/app", 1000, 1000)
    (root / "run/app").chmod(0)

    def start() -> Outcome:
        without(DAC_OVERRIDE, 2)  # and DAC_READ_SEARCH
        return perform(entry("/run/app/inner/x"), entry("/run/other"))

    (warning,) = forked(lambda: start().warnings)
    assert "root may not write there" in warning
    assert look(root / "run/other") == (0o755, 1000, 1001)


def test_a_mode_that_the_user_has_changed_is_warned_of_where_root_may_not_change_it(root: Path) -> None:
    """With cap_drop: ALL and without FOWNER. A folder that root cannot give to the user stays an error."""
    (root / "run/app").mkdir()
    os.chown(root / "run/app", 1000, 1001)
    (root / "run/app").chmod(0o700)

    def start() -> Outcome:
        without(FOWNER, CHOWN)
        return perform(entry("/run/app"))

    assert len(forked(lambda: start().warnings)) == 1
    (root / "run/new").mkdir()
    (root / "run/new").chmod(0o700)

    def first() -> str:
        without(FOWNER, CHOWN)
        with pytest.raises(NotPermitted) as error:
            perform(entry("/run/new"))
        return str(error.value)

    assert "a capability is missing" in forked(first)
