"""A start whose account gets other numbers takes the account's home folder along, and no later start does it again."""

import json
import os
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway, strace

pytestmark = pytest.mark.quick

ENV = {"PATH": "/usr/bin:/bin", "PUID": str(APP), "PGID": str(APP)}
FORMER = 1000  # of app, whose home is /mnt/home
OWNERS = {  # entry of the home -> (owner in the image, owner after the start)
    "": ((FORMER, FORMER), (APP, APP)),
    "file": ((FORMER, FORMER), (APP, APP)),
    "inner": ((FORMER, FORMER), (APP, APP)),
    "inner/shared": ((FORMER, 100), (APP, 100)),
    "inner/link": ((FORMER, FORMER), (APP, APP)),
    "inner/others": ((33, 33), (33, 33)),
    "inner/config": ((0, FORMER), (0, APP)),
    "root": ((0, 0), (0, 0)),
}
BEFORE = {entry: before for entry, (before, _) in OWNERS.items()}
AFTER = {entry: after for entry, (_, after) in OWNERS.items()}


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    """A container whose account has a home with something in it."""
    place = Throwaway(tmp_path)
    home = tmp_path / "home"
    (home / "inner").mkdir()
    (home / "inner/link").symlink_to("/etc/passwd")
    for entry, owner in BEFORE.items():
        if not os.path.lexists(home / entry):
            (home / entry).touch()
        os.chown(home / entry, *owner, follow_symlinks=False)
    return place


def owners(place: Throwaway) -> dict[str, tuple[int, int]]:
    found = {entry: (place.folder / "home" / entry).lstat() for entry in OWNERS}
    return {entry: (status.st_uid, status.st_gid) for entry, status in found.items()}


def numbers_of_app(place: Throwaway) -> list[bytes]:
    lines = (place.folder / "etc/passwd").read_bytes().splitlines()
    return next(line.split(b":")[2:4] for line in lines if line.startswith(b"app:"))


def planned(place: Throwaway, **env: str) -> list[str]:
    """The words of the home's step, if there is one."""
    steps = json.loads(place.run(f"{PYDROP}ctl", "plan", "--json", "true", env=ENV | env).stdout)["steps"]
    return [step["words"] for step in steps if step["kind"] == "home"]


def test_the_plan_shows_it_with_its_reason_and_changes_nothing(place: Throwaway) -> None:
    table = place.run(f"{PYDROP}ctl", "plan", "true", env=ENV).stdout.decode().splitlines()
    (row,) = [line for line in table if line.split()[1] == "home"]
    assert "home /mnt/home: what belonged to 1000:1000 belongs to 1500:1500" in row
    assert row.endswith("PUID, PGID")
    assert owners(place) == BEFORE


def test_a_start_performs_it_says_so_and_never_again(place: Throwaway) -> None:
    """What was others' stays theirs; the second start has no such step at all."""
    first = place.run(PYDROP, "true", env=ENV)
    assert first.returncode == 0
    assert owners(place) == AFTER
    (line,) = first.stderr.decode().splitlines()
    assert "home /mnt/home: 6 of 8 entries given to 1500:1500; gave account app 1500:1500 instead of 1000:1000" in line
    assert planned(place) == []
    again = place.run(PYDROP, "true", env=ENV)
    assert (again.returncode, b"home" in again.stderr) == (0, False)
    assert owners(place) == AFTER


def test_the_program_can_use_a_home_that_nobody_else_may_enter(place: Throwaway) -> None:
    """What it is for: mode 0700 and other numbers left a program without its home."""
    (place.folder / "home").chmod(0o700)
    done = place.run(PYDROP, "sh", "-c", 'cd && echo made >"$HOME/made" && cat made', env=ENV)
    assert (done.returncode, done.stdout) == (0, b"made\n")


def test_killed_between_the_home_and_the_account_files_nothing_is_forgotten(place: Throwaway, tmp_path: Path) -> None:
    """The account files are changed when the home is done, and until then they know what is to be done."""
    log = tmp_path / "trace"
    around = strace(log, "rename,renameat,renameat2", *["rename,renameat,renameat2:signal=KILL:when=1"])
    killed = place.run(PYDROP, "true", env=ENV, around=around)
    assert killed.returncode != 0
    assert ".group.pydrop" in log.read_text()
    assert (owners(place), numbers_of_app(place)) == (AFTER, [b"1000", b"1000"])
    assert planned(place) == ["home /mnt/home: what belonged to 1000:1000 belongs to 1500:1500"]
    assert place.run(PYDROP, "true", env=ENV).returncode == 0
    assert (owners(place), numbers_of_app(place)) == (AFTER, [b"1500", b"1500"])


READ_ONLY = 'mount -o remount,bind,ro /etc && exec "$@"'


def test_where_the_account_files_cannot_be_written_the_home_is_taken_along_too(place: Throwaway) -> None:
    """The user has the new numbers, however it gets its name; a later start looks again and finds nothing to do."""
    words = ("sh", "-c", READ_ONLY, "read-only", PYDROP, "true")
    assert place.run(*words, env=ENV).returncode == 0
    assert (owners(place), numbers_of_app(place)) == (AFTER, [b"1000", b"1000"])
    again = place.run(*words, env=ENV | {"PYDROP_LOG_LEVEL": "debug"})
    assert "home /mnt/home: what belonged to 1000:1000 belongs to 1500:1500: so already" in again.stderr.decode()


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"PYDROP_CHOWN_POLICY": "never"}, id="never"),
        pytest.param({"PYDROP_CHOWN": "/mnt/home:never"}, id="never, of the home as a volume"),
        pytest.param({"PYDROP_USER": "root", "PUID": "", "PGID": ""}, id="root"),
        pytest.param({"PUID": "1000", "PGID": "1000"}, id="the same numbers"),
    ],
)
def test_a_home_that_is_not_to_be_touched_is_not(place: Throwaway, env: dict[str, str]) -> None:
    assert planned(place, **env) == []
    assert place.run(PYDROP, "true", env=ENV | env).returncode == 0
    assert owners(place) == BEFORE


def test_a_home_that_is_a_volume_is_owned_as_that(place: Throwaway) -> None:
    """All of it is the user's then: the person has said so."""
    assert place.run(PYDROP, "true", env=ENV | {"PYDROP_CHOWN": "/mnt/home"}).returncode == 0
    assert set(owners(place).values()) == {(APP, APP)}


def test_a_home_behind_a_planted_link_is_a_warning_and_the_start_goes_on(place: Throwaway) -> None:
    """Whoever could write /mnt has made it; nothing behind it moves."""
    passwd = place.folder / "etc/passwd"
    passwd.write_bytes(passwd.read_bytes().replace(b":/mnt/home:", b":/mnt/planted:"))
    (place.folder / "planted").symlink_to("/etc")
    os.chown(place.folder / "planted", 33, 33, follow_symlinks=False)
    etc = (place.folder / "etc").stat().st_uid
    done = place.run(PYDROP, "true", env=ENV)
    assert done.returncode == 0
    (warning,) = [line for line in done.stderr.decode().splitlines() if "warning" in line]
    assert "the home /mnt/planted of app keeps its former owner" in warning
    assert (place.folder / "etc").stat().st_uid == etc == 0
