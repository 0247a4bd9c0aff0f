"""A volume that is named by itself below another one: the walk above leaves it out, and its own policy holds."""

import os
import threading
from typing import Any

import pytest

from pydrop.model import Volume
from pydrop.perform.ownership import home_folder, other_volumes, own, perform, volume_path
from pydrop.perform.ownership import walk as engine
from pydrop.steps import HomeStep
from tests.kernel.test_ownership import GID, START, UID, apart, grow, mount, owner, owners, step

pytestmark = pytest.mark.quick

GIVEN, ROOTS = (UID, GID), (0, 0)


@pytest.fixture
def data(tmp_path):
    return grow(tmp_path / "data", "file", "sub/file", "sub/inner/file", "z/file")


def volume(path, policy="mismatch", **fields):
    return Volume(path=str(path), policy=policy, **fields)


def start(*volumes, errors="warn"):
    return perform(step(*volumes, errors=errors), START)


@pytest.mark.parametrize("policy", ["never", "top", "on-root-mismatch"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("above", [{}, {"mode": "u=rwX,g=rX"}, {"only_from": (0, 0)}, {"exclude": ("x",)}])
def test_its_own_policy_holds(data, policy, first, above):
    """Whether it is named before or after the one above, and whatever else is asked of that one."""
    if policy == "on-root-mismatch":
        os.chown(data / "sub", *GIVEN)  # so that there is nothing to do
    volumes = [volume(data, **above), volume(data / "sub", policy)]
    start(*(volumes if first else reversed(volumes)))
    below = {path: found for path, found in owners(data).items() if path.startswith("sub/")}
    assert set(below.values()) == {ROOTS} and len(below) == 3
    assert owner(data / "sub") == (ROOTS if policy == "never" else GIVEN)
    assert {owner(data), owner(data / "file"), owner(data / "z/file")} == {GIVEN}


def test_under_top_alone_and_under_a_mismatch_at_the_root(data):
    start(volume(data, "on-root-mismatch"), volume(data / "sub", "never"))
    assert owner(data / "z/file") == GIVEN and owner(data / "sub") == ROOTS


def test_one_that_is_walked_too_gets_all_that_is_its_own(data):
    start(volume(data), volume(data / "sub"))
    assert set(owners(data).values()) == {GIVEN}


def test_several_levels(data):
    """/data, /data/sub:never, /data/sub/inner: each as it says."""
    start(volume(data), volume(data / "sub", "never"), volume(data / "sub/inner"))
    assert [owner(data / path) for path in ("sub", "sub/file", "sub/inner", "sub/inner/file")] == [
        *(ROOTS, ROOTS, GIVEN, GIVEN)
    ]


def test_deep_below_folders_that_are_given(data):
    grow(data, "a/b/c/d/file")
    start(volume(data), volume(data / "a/b/c/d", "never"))
    assert owner(data / "a/b/c") == GIVEN
    assert owner(data / "a/b/c/d") == owner(data / "a/b/c/d/file") == ROOTS


@pytest.mark.parametrize("parent", [ROOTS, (1234, 1234)])
def test_a_single_file(data, parent):
    """Where names can be trusted, in a folder that is taken from its owner, and by a descriptor."""
    grow(data, "z/kept", "z/other")
    os.chown(data / "z", *parent)
    start(volume(data), volume(data / "z/kept", "never"))
    assert owner(data / "z/kept") == ROOTS and owner(data / "z/other") == owner(data / "z") == GIVEN


def test_a_single_file_in_a_folder_that_others_write(data):
    grow(data, "z/kept", "z/other")
    os.chmod(data / "z", 0o777)
    start(volume(data), volume(data / "z/kept", "never"))
    assert owner(data / "z/kept") == ROOTS and owner(data / "z/other") == GIVEN


def test_by_a_link_of_roots(data, tmp_path):
    """The walk meets the folder under its own name."""
    (tmp_path / "link").symlink_to("data/sub")
    (tmp_path / "way").symlink_to(data)
    start(volume(data), volume(tmp_path / "link", "never"), volume(tmp_path / "way/z", "never"))
    assert owner(data / "sub") == owner(data / "sub/file") == owner(data / "z/file") == ROOTS
    assert owner(data / "file") == GIVEN


def test_the_volume_above_by_a_link_of_roots(data, tmp_path):
    (tmp_path / "way").symlink_to(data)
    start(volume(tmp_path / "way"), volume(data / "sub", "never"))
    assert owner(data / "sub/file") == ROOTS and owner(data / "file") == GIVEN


def test_by_a_bind_mount_elsewhere(data, tmp_path):
    """The very folder is seen at two places."""
    (tmp_path / "other").mkdir()

    def bound():
        mount("--bind", data / "sub", tmp_path / "other")
        start(volume(data), volume(tmp_path / "other", "never"))
        assert owner(data / "sub") == owner(data / "sub/file") == ROOTS
        assert owner(data / "file") == GIVEN

    apart(bound)


def test_a_mount_below_a_volume_that_is_walked_across_mounts(data):
    """Below it everything else is walked."""

    def mounted():
        for name in ("m", "n"):
            (data / name).mkdir()
            mount("-t", "tmpfs", "none", data / name)
            grow(data / name, "file")
        start(volume(data, across_mounts=True), volume(data / "m", "never"))
        assert owner(data / "m") == owner(data / "m/file") == ROOTS
        assert owner(data / "n") == owner(data / "n/file") == GIVEN

    apart(mounted)


def test_a_mount_below_that_is_a_volume_is_not_told_of_as_left_alone(data):
    def mounted():
        (data / "m").mkdir()
        mount("-t", "tmpfs", "none", data / "m")
        assert "mounts below" not in start(volume(data), volume(data / "m")).words
        assert owner(data / "m") == GIVEN

    apart(mounted)


def test_one_that_is_not_there_hides_nothing(data):
    """And one that is made at its own turn is left out of a walk that comes after that."""
    start(volume(data), volume(data / "gone", "never"), volume(data / "file/x", "never"))
    assert owner(data / "file") == owner(data / "sub/file") == GIVEN
    made = data / "z/made"
    start(volume(data), volume(made, "top", create=True), volume(data / "z", "on-root-mismatch"))
    assert owner(made) == GIVEN


def test_one_that_was_made_between_two_walks_is_left_out_of_the_second(data, tmp_path):
    grow(tmp_path / "first", "file")
    made = data / "z/made"
    os.chown(data, *GIVEN)
    around = volume_path.Surroundings(others=(str(tmp_path / "first"), str(made), str(data)))
    own(volume(tmp_path / "first"), UID, GID, around=around)
    grow(made, "file")
    own(volume(data), UID, GID, around=around)
    around.close()
    assert owner(made) == owner(made / "file") == ROOTS and owner(data / "z") == GIVEN


def test_a_users_link_in_its_place_protects_nothing_and_leads_nowhere(data, tmp_path):
    """The link is the user's own and is changed itself."""
    grow(tmp_path / "outside", "file")
    os.chown(data, *GIVEN)
    (data / "planted").symlink_to(tmp_path / "outside")
    own(volume(data), UID, GID, around=volume_path.Surroundings(others=(str(data), str(data / "planted"))))
    assert owner(tmp_path / "outside") == ROOTS and owner(data / "planted") == GIVEN


def test_the_same_folder_named_twice_is_not_below_itself(data, tmp_path):
    (tmp_path / "alias").symlink_to(data)
    start(volume(data), volume(tmp_path / "alias"))
    assert owner(data) == owner(data / "sub/file") == GIVEN


def test_renamed_while_root_walks(data, monkeypatch):
    """It is known by what it is: another name that the user gives it in the middle of a walk does not expose it."""
    os.chown(data, *GIVEN)
    go_on = engine.Walk._go_on

    def renaming(walk, folder):
        if (data / "sub").exists():
            os.rename(data / "sub", data / "z/moved")
        go_on(walk, folder)

    monkeypatch.setattr(engine.Walk, "_go_on", renaming)
    start(volume(data), volume(data / "sub", "never"))
    assert owner(data / "z/moved") == owner(data / "z/moved/file") == owner(data / "z/moved/inner/file") == ROOTS
    assert owner(data / "z/file") == GIVEN


def test_renamed_all_the_time(data):
    """By somebody who owns the folder above, as fast as can be."""
    grow(data, *[f"many/{number}/file" for number in range(300)])
    os.chown(data, *GIVEN)
    stop = threading.Event()

    def renaming():
        while not stop.is_set():
            os.rename(data / "sub", data / "many/7/moved")
            os.rename(data / "many/7/moved", data / "sub")

    attacker = threading.Thread(target=renaming)
    around = volume_path.Surroundings(others=(str(data), str(data / "sub")))
    other_volumes.tops(around, str(data), os.stat(data))
    attacker.start()
    try:
        for _ in range(5):
            own(volume(data), UID, GID, around=around)
    finally:
        stop.set()
        attacker.join()
        around.close()
    assert owner(data / "sub") == owner(data / "sub/file") == ROOTS


def test_walked_by_several_processes(data, monkeypatch):
    """Each worker knows what is left out."""
    monkeypatch.setattr(engine, "ALONE", -1.0)
    monkeypatch.setattr(engine, "LOOK", -1.0)
    grow(data, *[f"many/{number}/{name}" for number in range(200) for name in ("kept/file", "given", "single")])
    kept = [volume(data / f"many/{number}/{name}", "never") for number in range(200) for name in ("kept", "single")]
    start(volume(data), *kept)
    found = {path: who for path, who in owners(data / "many").items() if "/" in path}
    assert {who for path, who in found.items() if "kept" in path or "single" in path} == {ROOTS}
    assert {who for path, who in found.items() if "given" in path} == {GIVEN}


def test_it_holds_no_descriptor_afterwards(data):
    before = sorted(os.listdir("/proc/self/fd"))
    start(volume(data), volume(data / "sub", "never"), volume(data / "z"))
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_volume_below_a_home_folder(tmp_path):
    """Of an account that gets other numbers."""
    home = grow(tmp_path / "home", "file", "media/file", "single")
    for path in (home, home / "file", home / "media", home / "media/file", home / "single"):
        os.chown(path, 999, 999)
    walked = volume(home, former=(999, 999))
    others = (str(home / "media"), str(home / "single"))
    fields: dict[str, Any] = {"kind": "home", "words": "", "name": "app", "groups": (), "errors": "warn"}
    home_folder.perform(HomeStep(volume=walked, uid=UID, gid=GID, others=others, **fields), START)
    assert {owner(home / "media"), owner(home / "media/file"), owner(home / "single")} == {(999, 999)}
    assert owner(home) == owner(home / "file") == GIVEN
