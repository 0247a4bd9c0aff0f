"""What the program does in one run does not keep the next start from running, nor `plan` and `doctor` from answers."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway

CTL = f"{PYDROP}ctl"
VOLUMES = "/mnt/data:/mnt/data/volume:/mnt/data/a/b"
RUN_DIRS = "/run/app:/run/app/one:/run/app/deep/er"
ENV = {
    "PATH": "/usr/bin:/bin",
    "PUID": str(APP),
    "PGID": str(APP),
    "PYDROP_CHOWN": VOLUMES,
    "PYDROP_RUN_DIRS": RUN_DIRS,
}
REPLACE = """\
cd /mnt/data && rm -rf volume a && cd /run/app && rmdir one && mv deep old && cd / || exit 3
for name in /mnt/data/volume /mnt/data/a /run/app/one /run/app/deep; do {plant} || exit 4; done
"""
PLANTS = {
    "a file": "echo x > $name",
    "a link to the system": "ln -s /etc $name",
    "a link to /dev/zero": "ln -s /dev/zero $name",
    "a link to itself": "ln -s $name $name",
    "a FIFO": "mkfifo $name",
    "nothing": ":",
}


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    found = Throwaway(tmp_path)
    for name in ("data/volume", "data/a/b"):
        (tmp_path / name).mkdir(parents=True)
    return found


def pydrop(place: Throwaway, *words: str, env: "dict[str, str]" = ENV) -> str:
    """What a start says that runs its command to the end."""
    done = place.run(PYDROP, *words, env=env)
    said = done.stderr.decode()
    assert done.returncode == 0, said
    assert "itself failed" not in said
    assert "Traceback" not in said
    return said


@pytest.mark.quick
@pytest.mark.parametrize("what", PLANTS)
def test_a_start_after_the_program_has_replaced_its_places(place: Throwaway, what: str) -> None:
    pydrop(place, "sh", "-c", REPLACE.format(plant=PLANTS[what]))
    etc = os.stat(place.folder / "etc")
    said = pydrop(place, "true")
    assert (etc.st_uid, etc.st_mode) == (0, os.stat(place.folder / "etc").st_mode)
    assert "/mnt/data/volume" in said
    assert "/mnt/data/a/b" in said
    if what == "nothing":
        assert os.stat(place.folder / "run/app/deep/er").st_uid == APP
    else:
        assert "unable to make /run/app/one" in said
        assert "/run/app/deep/er" in said


@pytest.mark.parametrize("what", PLANTS)
def test_plan_and_doctor_answer_there(place: Throwaway, what: str) -> None:
    pydrop(place, "sh", "-c", REPLACE.format(plant=PLANTS[what]))
    for words in (("plan", "--json", "true"), ("doctor", "--json", "true")):
        done = place.run(CTL, *words, env=ENV)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
    whys = [change["why"] for change in found["changes"]]
    assert found["works"]
    if what != "nothing":
        assert any("/mnt/data/volume" in why for why in whys)
        assert any("/run/app/one" in why for why in whys)


def test_with_errors_fail_start_and_doctor_name_the_volume(place: Throwaway) -> None:
    env = ENV | {"PYDROP_CHOWN_ERRORS": "fail"}
    pydrop(place, "sh", "-c", REPLACE.format(plant=PLANTS["a file"]))
    started = place.run(PYDROP, "true", env=env)
    assert started.returncode == 125
    assert b"left the volume /mnt/data/volume alone: it is a file" in started.stderr
    found = json.loads(place.run(CTL, "doctor", "--json", "true", env=env).stdout)
    assert "/mnt/data/volume alone: it is a file" in found["error"]


def a_device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))


TMPFILES: dict[str, Callable[[Path], object]] = {
    "a file": Path.touch,
    "a FIFO": os.mkfifo,
    "/dev/zero": a_device,
    "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a link to /proc": lambda path: path.symlink_to("/proc/self/fd"),
}


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("what", TMPFILES)
def test_a_start_plan_and_doctor_where_run_was_everybodys(place: Throwaway, what: str, inside: bool) -> None:
    run = place.folder / "run"
    run.chmod(0o1777)
    planted = run / "tmpfiles.d"
    if inside:
        planted.mkdir()
        (planted / "folder.conf").mkdir()
        os.chown(planted, APP, APP)
        planted /= "x.conf"
    TMPFILES[what](planted)
    os.chown(planted, APP, APP, follow_symlinks=False)
    (run / "pydrop").symlink_to("/etc")
    os.chown(run / "pydrop", APP, APP, follow_symlinks=False)
    for words in (("plan", "true"), ("doctor", "true"), ("timeline",), ("verify",)):
        done = place.run(CTL, *words, env=ENV)
        assert b"itself failed" not in done.stderr, done.stderr
        assert done.returncode in (0, 1), done.stderr
    pydrop(place, "true")
    assert not (place.folder / "etc/record").exists()
    assert not (place.folder / "etc/timeline").exists()


STOPPED = f"""\
setpriv --reuid {APP} --regid {APP} --clear-groups sh -c 'while :; do kill -STOP -1; done' 2>/dev/null &
for turn in 1 2 3; do {CTL} doctor --json true > /dev/null || exit 1; done
kill -KILL $!
"""


def test_doctor_comes_to_its_end_while_the_user_stops_all_that_it_may(place: Throwaway) -> None:
    """A start does so up to its drop: then it is one of the user's processes itself."""
    env = ENV | {"PYDROP_CHOWN": "/mnt/data", "PYDROP_CHOWN_POLICY": "unless-writable"}
    done = place.run("sh", "-c", STOPPED, env=env)
    assert done.returncode == 0, done.stderr


def test_a_timeline_is_not_drawn_over_what_a_link_of_the_users_names(place: Throwaway) -> None:
    (place.folder / "etc/precious").write_text("root's")
    script = f"""\
setpriv --reuid {APP} --regid {APP} --clear-groups sh -c \
    'ln -s /etc/precious /mnt/data/link && mkfifo /mnt/data/fifo' || exit 9
for name in link fifo; do
    {CTL} timeline --svg /mnt/data/$name; echo "$name $?"
done
{CTL} timeline --svg /mnt/data/new && grep -c '<svg' /mnt/data/new
"""
    pydrop(place, "true")
    done = place.run("sh", "-c", script, env=ENV)
    assert done.stdout.decode() == "link 125\nfifo 125\n1\n", done.stderr
    assert (place.folder / "etc/precious").read_text() == "root's"
