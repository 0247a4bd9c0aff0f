"""A folder of root's hooks that somebody else could empty is refused: a start must not lack a hook quietly."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway
from tests.program.test_hooks import COUNTED, ENV, add, place

__all__ = ["place"]

REFUSED = b"pydrop: the folder of root's hooks is not root's alone, so that one could be missing: "


def folder(place: Throwaway, name: str = "theirs/hooks") -> Path:
    made = place.folder / name
    made.mkdir(parents=True)
    made.chmod(0o755)
    return made


def linked(made: Path) -> None:
    made.rename(made.parent / "x")
    made.symlink_to("x")
    os.chown(made, APP, APP, follow_symlinks=False)


STATES: "dict[str, Callable[[Path], None]]" = {
    "it is the user's": lambda made: os.chown(made, APP, APP),
    "it lies in a folder of the user's": lambda made: os.chown(made.parent, APP, APP),
    "everybody may write it": lambda made: made.chmod(0o777),
    "it is a link of the user's": linked,
}


@pytest.mark.parametrize("empty", [True, False])
@pytest.mark.parametrize("state", STATES)
def test_a_folder_that_is_not_roots_alone(place: Throwaway, state: str, empty: bool) -> None:
    """Whatever is in it, since what is missing shows nowhere."""
    made = folder(place)
    if not empty:
        (made / "10-hook").write_text(f"#!/bin/sh\n{COUNTED}")
        (made / "10-hook").chmod(0o755)
    STATES[state](made)
    done = place.run(PYDROP, "touch", "/mnt/home/ran", env=ENV | {"PYDROP_HOOKS": "/mnt/theirs/hooks"})
    assert (done.returncode, done.stdout) == (125, b"")
    assert done.stderr.startswith(REFUSED)
    assert done.stderr.count(b"\n") == 1
    assert b"PYDROP_USER_HOOKS" in done.stderr
    assert not (place.folder / "count").exists()


def test_one_of_roots_is_taken_and_so_are_the_users_own(place: Throwaway) -> None:
    made = folder(place)
    (made / "10-hook").write_text(f"#!/bin/sh\n{COUNTED}")
    (made / "10-hook").chmod(0o755)
    users = folder(place, "users/hooks")
    os.chown(users, APP, APP)
    env = ENV | {"PYDROP_HOOKS": "/mnt/theirs/hooks", "PYDROP_USER_HOOKS": "/mnt/users/hooks"}
    assert place.run(PYDROP, "true", env=env).returncode == 0
    assert (place.folder / "count").read_text() == "ran\n"


@pytest.mark.parametrize("which", ["pydrop.d", "pydrop.user.d"])
def test_a_folder_of_too_many_files_is_refused_at_once(place: Throwaway, which: str) -> None:
    add(place, which, a="true")
    for number in range(1001):
        (place.folder / "etc" / which / f"{number}.txt").touch()
    began = time.monotonic()
    done = place.run(PYDROP, "true", env=ENV)
    assert (done.returncode, done.stderr.count(b"\n")) == (125, 1)
    assert b"holds more than 1000 files; name a folder of hooks alone" in done.stderr
    assert time.monotonic() - began < 4


def begun(place: Throwaway, state: str, **env: str) -> "tuple[int, str]":
    """A start whose user has brought the folder of user hooks into a state before."""
    made = place.folder / "users"
    made.mkdir()
    os.chown(made, APP, APP)
    user = f"setpriv --reuid={APP} --regid={APP} --clear-groups sh -c '{state}'"
    words = ("sh", "-c", f'cd /mnt/users; {user}; cd /; exec "$@"', "sh", PYDROP, "echo", "ran")
    done = place.run(*words, env=ENV | {"PYDROP_USER_HOOKS": "/mnt/users/hooks"} | env)
    assert (done.stdout, b"Traceback" in done.stderr) == (b"ran\n" if done.returncode == 0 else b"", False), done
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    "state",
    [
        *(
            "true",
            "mkfifo hooks",
            "touch hooks",
            "ln -s /dev/zero hooks",
            "ln -s /etc/shadow hooks",
            "ln -s hooks hooks",
        ),
        *("mkdir hooks; ln -s /nowhere hooks/10", "mkdir hooks; for n in $(seq 1001); do : >hooks/$n; done"),
    ],
)
def test_a_folder_of_user_hooks_that_the_user_replaced_keeps_no_start_from_running(
    place: Throwaway, state: str
) -> None:
    """Such hooks are the user's own to remove; that they are not run is said."""
    code, said = begun(place, state)
    assert code == 0, said
    assert "pydrop: warning: the user hooks are not run: " in said
    assert "others than root can replace it; put the folder back" in said


def test_one_that_root_alone_can_have_named_wrongly_is_an_error(place: Throwaway) -> None:
    code, said = begun(place, "true", PYDROP_USER_HOOKS="/mnt/hooks.d")
    assert code == 125
    assert "PYDROP_USER_HOOKS=/mnt/hooks.d is not there; make the folder, or leave it out" in said
