"""A volume whose place the program has replaced keeps no start from running, and gives nothing away."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pydrop.errors import PydropError, Untrusted
from pydrop.model import Volume
from pydrop.perform.ownership import folder, own, perform
from tests.kernel.test_ownership import GID, START, UID, apart, give, grow, mount, owner, owners, step

pytestmark = pytest.mark.quick

THIRD = 2000
POLICIES = ("mismatch", "on-root-mismatch", "top", "unless-writable")


def a_socket(path):
    server = socket.socket(socket.AF_UNIX)
    here = os.open(".", os.O_PATH)
    os.chdir(path.parent)  # a socket's path may have 107 bytes only
    server.bind(path.name)
    os.fchdir(here)
    os.close(here)
    server.close()


def a_private_folder(path):
    path.mkdir(0o700)
    grow(path, "secret")


REPLACED: dict[str, tuple[Callable[[Path], object], str]] = {  # what is in the volume's place -> words about it
    "file": (lambda path: path.write_text("x"), "it is a file"),
    "FIFO": (os.mkfifo, "it is a FIFO"),
    "socket": (a_socket, "it is a socket"),
    "device": (lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5)), "it is a device"),
    "disk": (lambda path: os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(7, 99)), "it is a device"),
    "private folder": (a_private_folder, "it is a private folder of root's (mode 0700)"),
}
FOLDERS = {  # who may rename in the folder above: owner, group, mode
    "the user's": (UID, GID, 0o755),
    "another's": (THIRD, THIRD, 0o755),
    "its group's": (0, GID, 0o775),
    "everybody's": (0, 0, 0o777),
}


@pytest.fixture(params=FOLDERS)
def above(tmp_path, request):
    uid, gid, mode = FOLDERS[request.param]
    path = tmp_path / "above"
    path.mkdir()
    os.chmod(path, mode)
    os.chown(path, uid, gid)
    return path


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users"
    path.mkdir()
    os.chown(path, UID, GID)
    return path


@pytest.mark.parametrize("what", REPLACED)
@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_no_volume_any_more_is_left_alone(above, what, policy):
    make, words = REPLACED[what]
    place = above / "volume"
    make(place)
    report = give(place, policy=policy, mode="a=rwX", hard_links=True)
    assert report.replaced == words
    assert (report.changed, owner(place)) == (0, (0, 0))
    assert set(owners(above).values()) == {(0, 0)}


@pytest.mark.parametrize("what", ["file", "FIFO"])
def test_it_is_left_alone_where_it_is_the_users_too(users, what):
    """What was a folder in the last run is a file now: that is told under every policy."""
    REPLACED[what][0](users / "volume")
    os.chown(users / "volume", UID, GID)
    for policy in POLICIES:
        assert give(users / "volume", policy=policy).replaced


@pytest.mark.parametrize("what", REPLACED)
def test_where_root_alone_could_put_it_it_is_a_volume(tmp_path, what):
    """A file that the image has, say. /tmp is everybody's, but what root has there is moved by nobody else."""
    place = tmp_path / "volume"
    REPLACED[what][0](place)
    give(place)
    assert owner(place) == (UID, GID)


@pytest.mark.parametrize("what", ["file", "private folder"])
def test_what_is_mounted_is_a_volume_wherever_it_is(users, tmp_path, what):
    REPLACED[what][0](tmp_path / "real")
    (users / "volume").touch() if what == "file" else (users / "volume").mkdir()

    def check():
        mount("--bind", tmp_path / "real", users / "volume")
        assert give(users / "volume").replaced == ""
        assert owner(tmp_path / "real") == (UID, GID)

    apart(check)


@pytest.mark.parametrize(("uid", "mode"), [(0, 0o750), (0, 0o755), (UID, 0o700), (THIRD, 0o700)])
def test_other_folders_below_the_users_own_are_volumes(users, uid, mode):
    (users / "volume").mkdir(mode)
    grow(users / "volume", "file")
    os.chown(users / "volume", uid, uid)
    assert give(users / "volume").replaced == ""
    assert owner(users / "volume") == owner(users / "volume/file") == (UID, GID)


def test_roots_private_folder_stays_roots_where_root_is_who_gets_it(users):
    a_private_folder(users / "volume")
    os.chown(users / "volume/secret", UID, GID)
    assert own(Volume(path=str(users / "volume")), 0, 0).replaced == ""
    assert owner(users / "volume/secret") == (0, 0)


def test_a_walk_that_is_killed_leaves_no_private_folder_of_roots(users, monkeypatch):
    """The next start would leave that alone for ever."""
    (users / "volume").mkdir(0o700)
    grow(users / "volume", "file", "inner/file")
    for path in ("volume", "volume/inner"):
        os.chown(users / path, THIRD, THIRD)
    taken = []
    monkeypatch.setattr(folder.Folder, "take", lambda self: taken.append(self.path("")))
    give(users / "volume")
    assert taken == []
    assert owner(users / "volume/file") == (UID, GID)


# -- what a start says ------------------------------------------------------------------------------


def plant(users, kind):
    """Put something in the way of the volume whose path is returned."""
    place = users / "inner/volume"
    if kind in REPLACED:
        (users / "inner").mkdir()
        REPLACED[kind][0](place)
    elif kind == "link":
        (users / "inner").mkdir()
        place.symlink_to("/etc")
    elif kind == "link on the way":
        (users / "inner").symlink_to("/etc")
    elif kind == "file on the way":
        (users / "inner").touch()
    elif kind == "way up":
        (users / "inner").mkdir()
        (users / "volume").mkdir()
        place = f"{users}/inner/../volume"
    return str(place)


SAID = {
    **{kind: f"alone: {words}" for kind, (_, words) in REPLACED.items()},
    "link": "leads through the symlink volume to /etc",
    "link on the way": "leads through the symlink inner to /etc",
    "file on the way": "Not a directory; a file is in the place of a folder on its way",
    "way up": "goes up again from a folder that others than root can move",
}


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("kind", SAID)
def test_a_replaced_volume_is_a_warning_and_the_others_are_owned(users, tmp_path, kind, create):
    replaced = Volume(path=plant(users, kind), create=create)
    other = Volume(path=str(grow(tmp_path / "other", "file")))
    outcome = perform(step(replaced, other), START)
    assert len(outcome.warnings) == 1
    assert SAID[kind] in outcome.warnings[0]
    assert replaced.path in outcome.warnings[0]
    assert owner(tmp_path / "other/file") == (UID, GID)
    assert owner("/etc") == (0, 0)


@pytest.mark.parametrize("kind", SAID)
def test_with_errors_fail_it_ends_the_start_after_the_others_were_owned(users, tmp_path, kind):
    replaced = Volume(path=plant(users, kind))
    other = Volume(path=str(grow(tmp_path / "other", "file")))
    with pytest.raises(PydropError) as caught:
        perform(step(replaced, other, errors="fail"), START)
    assert SAID[kind].partition(";")[0] in str(caught.value)
    assert owner(tmp_path / "other/file") == (UID, GID)


def test_a_link_to_own_ground_of_the_users_is_a_warning_and_roots_own_is_an_error(users, tmp_path):
    (users / "volume").symlink_to("/usr")
    (tmp_path / "roots").symlink_to("/usr")
    assert perform(step(Volume(path=str(users / "volume"))), START).warnings
    with pytest.raises(PydropError):
        perform(step(Volume(path=str(tmp_path / "roots"))), START)


def test_a_hard_link_of_an_account_file_is_no_volume(users, tmp_path, monkeypatch):
    """Whoever plants it must not end the next start by it, nor get it."""
    grow(tmp_path, "passwd")
    monkeypatch.setattr("pydrop.perform.ownership.volume_path.SYSTEM_FILES", (str(tmp_path / "passwd"),))
    os.link(tmp_path / "passwd", users / "volume")
    assert len(perform(step(Volume(path=str(users / "volume"))), START).warnings) == 1
    assert owner(tmp_path / "passwd") == (0, 0)


def test_by_hand_a_planted_link_is_an_error_before_anything_is_done(users):
    (users / "volume").symlink_to("/etc")
    with pytest.raises(Untrusted):
        give(users / "volume")


# -- files of third users with several names ---------------------------------------------------------


def linked(tmp_path, volume, uid):
    """A file of this user's outside, with a further name in the volume."""
    outside = tmp_path / "outside"
    outside.touch(0o600)
    os.chown(outside, uid, uid)
    (volume / "a").mkdir()
    os.link(outside, volume / "a/link")
    return outside


LINKED = [  # owner of the volume's top, of the file, more settings, whether the file is given
    (0, THIRD, {}, False),
    (UID, THIRD, {}, False),
    (0, 0, {}, False),
    (999, THIRD, {}, False),
    (999, 0, {}, False),
    (THIRD, 0, {}, False),
    (THIRD, THIRD, {}, True),  # the whole volume was that user's until now
    (0, THIRD, {"only_from": (THIRD, None)}, True),
    (0, THIRD, {"only_from": (THIRD, THIRD)}, True),
    (0, THIRD, {"only_from": (None, THIRD)}, False),
    (0, 0, {"only_from": (0, 0)}, False),
    (0, THIRD, {"former": (THIRD, THIRD)}, True),
    (0, THIRD, {"former": (None, THIRD)}, False),
    (0, THIRD, {"hard_links": True}, True),
    (0, 0, {"hard_links": True}, True),
    (0, UID, {}, True),  # its group is to change
]


@pytest.mark.parametrize(("top", "uid", "settings", "given"), LINKED)
@pytest.mark.parametrize("inner", [0, THIRD, 999])
@pytest.mark.parametrize("mode", [None, "u+rw"])
def test_whose_linked_file_is_given_away(tmp_path, top, uid, settings, given, inner, mode):
    volume = tmp_path / "volume"
    volume.mkdir()
    os.chown(volume, top, 5)
    outside = linked(tmp_path, volume, uid)
    os.chown(volume / "a", inner, inner)
    more = settings if "former" in settings else {"mode": mode, **settings}
    report = give(volume, **more)
    assert owner(outside) == ((UID, GID) if given else (uid, uid))
    assert report.linked.count == (0 if given else 1)


def test_the_former_owner_of_a_top_counts_only_where_nobody_else_can_put_it_there(users, tmp_path):
    (users / "volume").mkdir()
    os.chown(users / "volume", THIRD, THIRD)
    outside = linked(tmp_path, users / "volume", THIRD)
    assert give(users / "volume").linked.names == ["a/link"]
    assert owner(outside) == (THIRD, THIRD)


def test_a_third_users_file_linked_in_between_two_looks_is_not_given(tmp_path, monkeypatch):
    """Its name is gone again after the open: then it counts one name, the one outside."""
    volume = grow(tmp_path / "volume", "a/victim")
    os.chown(volume / "a", UID, GID)
    outside = grow(tmp_path, "outside") / "outside"
    (volume / "a/victim").unlink()
    os.link(outside, volume / "a/victim")
    os.chown(outside, UID, 999)  # as the first look sees it
    real = os.open

    def opening(path, flags, *more, **where):
        found = real(path, flags, *more, **where)
        if path == "victim":
            os.unlink(volume / "a/victim")
            os.chown(outside, THIRD, THIRD)
        return found

    monkeypatch.setattr("posix.open", opening)
    give(volume)
    assert owner(outside) == (THIRD, THIRD)


def test_it_is_told_with_the_line_that_allows_it(tmp_path):
    volume = tmp_path / "volume"
    volume.mkdir()
    linked(tmp_path, volume, THIRD)
    (warning,) = perform(step(Volume(path=str(volume)), errors="fail"), START).warnings
    assert "left 1 files of others in" in warning
    assert "a/link" in warning
    assert "PYDROP_CHOWN_HARD_LINKS=1" in warning
