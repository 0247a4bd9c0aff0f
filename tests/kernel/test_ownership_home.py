"""The home of an account that gets other numbers: what was the account's stays its own, and nothing else moves."""

import os
import stat
from errno import EROFS
from typing import Any

import pytest

from pydrop.errors import PydropError
from pydrop.model import Volume
from pydrop.perform.ownership import own, volume_path
from pydrop.perform.ownership import walk as engine
from pydrop.perform.ownership.home_folder import perform
from pydrop.planning import home_step as planning
from pydrop.steps import HomeStep
from tests.kernel.test_ownership import START, apart, grow, mount, owner, owners

pytestmark = pytest.mark.quick

UID, GID = 1500, 1600
OLD_UID, OLD_GID = 999, 998


@pytest.fixture
def home(tmp_path):
    """The account's, with a folder of its own in it."""
    top = grow(tmp_path / "home", "file", "inner/file")
    for path in (top, top / "file", top / "inner", top / "inner/file"):
        os.chown(path, OLD_UID, OLD_GID)
    return top


def renumber(path, former: "tuple[int | None, int | None]" = (OLD_UID, OLD_GID), uid=UID, gid=GID, **volume: Any):
    return own(Volume(path=str(path), former=former, **volume), uid, gid)


def step(path, errors="warn", **volume: Any) -> HomeStep:
    asked = Volume(path=str(path), former=(OLD_UID, OLD_GID), **volume)
    fields: dict[str, Any] = {"kind": "home", "words": "", "name": "app", "volume": asked, "groups": ()}
    return HomeStep(uid=UID, gid=GID, errors=errors, **fields)


# -- whose is what afterwards ------------------------------------------------------------------------

BOTH = (OLD_UID, OLD_GID)
OWNERS = [  # former, owner before, owner afterwards
    pytest.param(BOTH, (OLD_UID, OLD_GID), (UID, GID), id="the account's"),
    pytest.param(BOTH, (OLD_UID, 100), (UID, 100), id="the account's, with another group: keeps it"),
    pytest.param(BOTH, (OLD_UID, 0), (UID, 0), id="the account's, with root's group: keeps it"),
    pytest.param(BOTH, (33, OLD_GID), (33, GID), id="another's, with the account's group: keeps its user"),
    pytest.param(BOTH, (0, OLD_GID), (0, GID), id="root's, with the account's group: stays root's"),
    pytest.param(BOTH, (33, 33), (33, 33), id="another's"),
    pytest.param(BOTH, (0, 0), (0, 0), id="root's"),
    pytest.param(BOTH, (UID, GID), (UID, GID), id="right already"),
    pytest.param(BOTH, (UID, OLD_GID), (UID, GID), id="half of it right already"),
    pytest.param(BOTH, (OLD_GID, OLD_UID), (OLD_GID, OLD_UID), id="the same numbers the other way round"),
    pytest.param(BOTH, (4294967294, OLD_GID), (4294967294, GID), id="the greatest number"),
    pytest.param((OLD_UID, None), (OLD_UID, OLD_GID), (UID, OLD_GID), id="the user alone"),
    pytest.param((OLD_UID, None), (33, OLD_GID), (33, OLD_GID), id="the user alone, of another's"),
    pytest.param((None, OLD_GID), (OLD_UID, OLD_GID), (OLD_UID, GID), id="the group alone"),
    pytest.param((None, OLD_GID), (OLD_UID, 33), (OLD_UID, 33), id="the group alone, of another group's"),
]


@pytest.mark.parametrize(("former", "before", "after"), OWNERS)
def test_each_number_is_replaced_by_itself(tmp_path, former, before, after) -> None:
    """As usermod does it, and unlike chown --from, which takes both numbers or none; in whatever folder."""
    for of, folder_owner in (("root's", (0, 0)), ("the account's", (OLD_UID, OLD_GID))):
        for kind in ("file", "folder", "symlink", "the top"):
            where = tmp_path / f"{kind} in {of}"
            top, outside = where / "home", where / "outside"
            entry = planted(top, outside, kind)
            os.chown(top, *folder_owner)
            os.chown(entry, *before, follow_symlinks=False)
            renumber(top, former)
            assert (kind, of, owner(entry), owner(outside)) == (kind, of, after, (0, 0))


def planted(top, outside, kind):
    """What is made in a new home: a file, a folder, a symlink to `outside`, or the home itself."""
    top.mkdir(parents=True)
    outside.mkdir()
    entry = top if kind == "the top" else top / "entry"
    if kind == "symlink":
        entry.symlink_to(outside)
    elif kind == "file":
        entry.touch()
    elif kind == "folder":
        entry.mkdir()
    return entry


def test_many_entries_in_a_row_each_get_what_is_theirs(home) -> None:
    """After one that was wrong the engine takes a shorter way to the next: that one must look as closely."""
    whose = [(OLD_UID, OLD_GID), (33, 33), (OLD_UID, 100), (0, 0), (33, OLD_GID)]
    for number in range(200):
        (home / str(number)).touch()
        os.chown(home / str(number), *whose[number % 5])
    renumber(home)
    expected = [(UID, GID), (33, 33), (UID, 100), (0, 0), (33, GID)]
    assert [owner(home / str(number)) for number in range(200)] == expected * 40


def test_a_second_time_changes_nothing(home) -> None:
    """And says nothing."""
    assert renumber(home).changed == 4
    again = renumber(home)
    assert (again.changed, again.silent, again.looked_at) == (0, True, 4)


# -- the ways of the engine hold -------------------------------------------------------------------


def test_a_link_is_changed_itself_and_never_followed(home, tmp_path) -> None:
    """Whatever it leads to, also where that had the former numbers."""
    outside = grow(tmp_path / "outside", "file")
    for path in (outside, outside / "file"):
        os.chown(path, OLD_UID, OLD_GID)
    for name, target in (("folder", outside), ("file-link", outside / "file"), ("gone", "/nowhere")):
        (home / name).symlink_to(target)
        os.chown(home / name, OLD_UID, OLD_GID, follow_symlinks=False)
    renumber(home)
    assert set(owners(home).values()) == {(UID, GID)}
    assert {owner(outside), owner(outside / "file")} == {(OLD_UID, OLD_GID)}


def test_a_hard_link_of_root_s_is_left_alone_and_told(home, tmp_path) -> None:
    """A file of root's with the account's group may be one of the system's, linked in."""
    secret = tmp_path / "secret"
    secret.touch()
    os.chown(secret, 0, OLD_GID)
    (home / "linked").hardlink_to(secret)
    done = perform(step(home), START)
    assert owner(secret) == (0, OLD_GID)
    (warning,) = done.warnings
    assert "linked" in warning and "other names" in warning


def test_other_mounts_below_are_not_entered(home) -> None:
    """A volume in the home is the person's to name."""
    (home / "mounted").mkdir()

    def inside() -> None:
        mount("-t", "tmpfs", "-o", f"uid={OLD_UID},gid={OLD_GID}", "tmpfs", home / "mounted")
        grow(home / "mounted", "file")
        os.chown(home / "mounted/file", OLD_UID, OLD_GID)
        renumber(home)
        assert {owner(home / "mounted"), owner(home / "mounted/file")} == {(OLD_UID, OLD_GID)}
        assert owner(home / "inner/file") == (UID, GID)

    apart(inside)


def test_set_uid_bits_go_and_other_bits_stay(home) -> None:
    """A program that was set-uid for the former number is none for the new one."""
    (home / "file").chmod(0o6755)
    (home / "inner").chmod(0o700)
    renumber(home)
    assert stat.S_IMODE((home / "file").stat().st_mode) == 0o755
    assert stat.S_IMODE((home / "inner").stat().st_mode) == 0o700


def test_the_top_is_changed_last(home, monkeypatch) -> None:
    """So a walk that was cut off is to be seen, and is taken up."""

    class Cut(BaseException):
        pass

    def cut_off(_walk, _folder) -> None:
        raise Cut

    monkeypatch.setattr(engine.Walk, "_go_on", cut_off)
    with pytest.raises(Cut):
        renumber(home)
    assert owner(home) == (OLD_UID, OLD_GID)
    monkeypatch.undo()
    renumber(home, policy="on-root-mismatch")
    assert set(owners(home).values()) | {owner(home)} == {(UID, GID)}


TOPS = [  # owner of the top, whether on-root-mismatch believes that all below is done
    pytest.param((UID, GID), True, id="the account's new numbers"),
    pytest.param((UID, 100), True, id="with another group, which it keeps"),
    pytest.param((OLD_UID, OLD_GID), False, id="the former numbers"),
    pytest.param((UID, OLD_GID), False, id="the former group"),
    pytest.param((0, 0), False, id="root's: never was the account's, so it says nothing"),
]


@pytest.mark.parametrize(("top", "believed"), TOPS)
def test_on_root_mismatch_believes_a_top_that_is_the_account_s_now(home, top, believed) -> None:
    """Nobody else has given it those numbers."""
    os.chown(home, *top)
    renumber(home, policy="on-root-mismatch")
    assert owner(home / "file") == ((OLD_UID, OLD_GID) if believed else (UID, GID))


def test_the_policy_top_changes_the_top_alone(home) -> None:
    renumber(home, policy="top")
    assert (owner(home), owner(home / "file")) == ((UID, GID), (OLD_UID, OLD_GID))


# -- what is told ----------------------------------------------------------------------------------


def test_what_was_done_is_said_in_words(home) -> None:
    """For the one line of a good start."""
    (home / "other").touch()
    done = perform(step(home), START)
    assert (done.changed, done.words) == (4, f"home {home}: 4 of 5 entries given to {UID}:{GID}")
    assert perform(step(home), START).words == ""


@pytest.mark.parametrize("errors", ["warn", "fail"])
@pytest.mark.parametrize("path", ["gone", "gone/deep", "home/file/below"])
def test_a_home_that_does_not_exist_is_nothing_to_speak_of(home, tmp_path, path, errors) -> None:
    """Many accounts have none; chown-errors=fail is about what cannot be changed."""
    done = perform(step(tmp_path / path, errors), START)
    assert (done.changed, done.words, done.warnings) == (0, "", ())
    assert not (tmp_path / "gone").exists()


def test_a_home_behind_a_link_that_others_could_have_made_is_a_warning(home, tmp_path) -> None:
    """Nobody named it as a volume, so the start goes on; nothing behind the link is changed."""
    link = tmp_path / "link"
    link.symlink_to(home)
    os.chown(link, 33, 33, follow_symlinks=False)
    done = perform(step(link), START)
    (warning,) = done.warnings
    assert f"the home {link} of app keeps its former owner" in warning
    assert "symlink link" in warning and "usermod -d" in warning
    assert (done.changed, owner(home)) == (0, (OLD_UID, OLD_GID))


def test_a_home_that_turns_out_to_be_the_system_s_is_a_warning(tmp_path) -> None:
    """By a link of root's: what it leads to counts."""
    link = tmp_path / "link"
    link.symlink_to("/usr")
    before = owner("/usr")
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        assert folder.stat().st_uid == 0
    (warning,) = perform(step(link), START).warnings
    assert "is /usr, part of the system" in warning
    assert owner("/usr") == before


def test_with_chown_errors_fail_such_a_home_ends_the_start(home, tmp_path) -> None:
    """Before the account files are changed, so that the next start comes back to it."""
    link = tmp_path / "link"
    link.symlink_to(home)
    os.chown(link, 33, 33, follow_symlinks=False)
    with pytest.raises(PydropError, match="keeps its former owner"):
        perform(step(link, "fail"), START)


@pytest.mark.parametrize("errors", ["warn", "fail"])
def test_a_home_on_a_read_only_root_is_told_with_what_helps(home, errors) -> None:
    """Not with :ro and PYDROP_CHOWN, of which nobody has spoken."""

    def inside() -> None:
        mount("--bind", home, home)
        mount("-o", "remount,bind,ro", home)
        if errors == "fail":
            with pytest.raises(PydropError, match=os.strerror(EROFS)):
                perform(step(home, errors), START)
            return
        (warning,) = perform(step(home), START).warnings
        assert f"{home} to {UID}:{GID}: {os.strerror(EROFS)}" in warning
        assert "tmpfs" in warning and "PYDROP_CHOWN" not in warning

    apart(inside)


def test_an_error_that_cuts_the_walk_off_ends_the_start(home, monkeypatch) -> None:
    """With the account files changed, the next start would not come back to what is left."""

    def cut_off(_walk, _folder) -> None:
        raise PydropError("a process was ended", "give the container more memory")

    monkeypatch.setattr(engine.Walk, "_go_on", cut_off)
    with pytest.raises(PydropError, match="a process was ended"):
        perform(step(home), START)


@pytest.mark.parametrize("system", volume_path.SYSTEM)
def test_planning_and_the_engine_agree_on_what_is_the_system_s(system) -> None:
    """What the engine refuses, planning does not even ask for: no warning for accounts that live nowhere."""
    assert system in planning.NO_HOMES
