"""The installed `pydrop` with user hooks: each runs as the program does, before it, and may stop or prepare it."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway
from tests.program.test_hooks import COUNTED, ENV, GROUP, PASSWD, Done, add
from tests.program.test_second_time import STAYS, Container, ended, until

USER = "pydrop.user.d"
NOT_ROOT = ("setpriv", "--reuid=1234", "--regid=1234", "--clear-groups")
SHOW = "grep -E '^(Uid|Gid|Groups|Cap|NoNew|Umask|Sig[BI])' /proc/self/status; pwd; echo $HOME $USER; ls /proc/self/fd"


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    made = Throwaway(tmp_path, PASSWD, GROUP)
    (tmp_path / "data").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    return made


def start(place: Throwaway, *words: str, **env: str) -> Done:
    return place.run(PYDROP, *words, env=ENV | {"PYDROP_CHOWN": "/mnt/data"} | env, cwd="/mnt/data")


@pytest.mark.parametrize("around", [(), ("env", "PYDROP_INIT=1"), NOT_ROOT])
def test_a_user_hook_is_what_the_program_will_be(place: Throwaway, around: tuple[str, ...]) -> None:
    """Ids, groups, capabilities, umask, signals, working folder, HOME, and no descriptor of root's."""
    add(place, "pydrop.d", a="echo extra:x:105:app >>/etc/group")
    add(place, USER, a=f"({SHOW}) >/mnt/open/seen 2>/dev/null")
    env = ENV | {"PYDROP_UMASK": "027", "PYDROP_KEEP_CAPS": "" if around == NOT_ROOT else "net_bind_service"}
    env |= {"PYDROP_CHOWN": "/mnt/data"}
    done = place.run(*around, PYDROP, "sh", "-c", f"({SHOW}) 2>/dev/null", env=env, cwd="/mnt/data")
    assert done.returncode == 0, done
    hooks, program = (place.folder / "open/seen").read_text(), done.stdout.decode()
    assert hooks == program
    assert f"Uid:\t{1234 if around == NOT_ROOT else APP}\t" in hooks and "\n/mnt/data\n" in hooks


def test_they_run_after_the_volumes_in_order_with_the_command_and_add_to_the_environment(place: Throwaway) -> None:
    add(place, "pydrop.d", a='echo A=root >>"$PYDROP_ENV"')
    add(place, USER, a='echo "$0 $* $A" >>/mnt/data/seen; printf "A=user\\nB=\'x\\ny\'\\nGONE\\n" >>"$PYDROP_ENV"')
    add(place, USER, b='echo "$0 $* $A ${GONE-gone}" >>/mnt/data/seen')
    done = start(place, "sh", "-c", 'echo "$A $B ${GONE-gone} ${PYDROP_ENV-none}"', GONE="here")
    assert (done.returncode, done.stdout) == (0, b"user x\ny gone none\n"), done
    seen = (place.folder / "data/seen").read_text().splitlines()
    assert [line.split()[0] for line in seen] == ["/etc/pydrop.user.d/a", "/etc/pydrop.user.d/b"]
    assert seen[0].endswith(" root") and seen[1].endswith(" user gone")


def test_whose_they_are_does_not_matter(place: Throwaway) -> None:
    add(place, USER, a="id -u >/mnt/data/seen")
    for path in (place.folder / "etc/pydrop.user.d", place.folder / "etc/pydrop.user.d/a"):
        os.chown(path, 7, 7)
        path.chmod(0o777)
    assert start(place, "true").returncode == 0
    assert (place.folder / "data/seen").read_text() == "1500\n"


@pytest.mark.parametrize("around", [(), ("env", "PYDROP_INIT=1"), NOT_ROOT])
@pytest.mark.parametrize(("body", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)])
def test_one_that_fails_stops_the_start_with_its_code(
    place: Throwaway, around: tuple[str, ...], body: str, code: int
) -> None:
    add(place, USER, a=body, b="touch /mnt/open/never")
    done = place.run(*around, PYDROP, "touch", "/mnt/open/never", env=ENV)
    assert done.returncode == code, done
    assert b"the user hook /etc/pydrop.user.d/a " in done.stderr
    assert not (place.folder / "open/never").exists()


ODD = {
    "not for this user": (
        lambda path: path.chmod(0o700),
        "unable to run the user hook /etc/pydrop.user.d/a: Permission",
    ),
    "no interpreter": (
        lambda path: path.write_text("#!/no/sh\n"),
        "unable to run the user hook /etc/pydrop.user.d/a: ",
    ),
    "a bad line": (
        lambda path: path.write_text('#!/bin/sh\necho "my secret" >"$PYDROP_ENV"\n'),
        "line 1 that the user",
    ),
    "too much": (
        lambda path: path.write_text('#!/bin/sh\nhead -c 2000000 /dev/zero >"$PYDROP_ENV"\n'),
        "the user hook /etc/pydrop.user.d/a wrote more than",
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_one_that_cannot_run_is_an_error_with_its_name(place: Throwaway, case: str) -> None:
    add(place, USER, a="true")
    change, said = ODD[case]
    change(place.folder / "etc/pydrop.user.d/a")
    done = start(place, "true")
    assert done.returncode == 125
    assert said in done.stderr.decode() and b"secret" not in done.stderr
    assert done.stderr.count(b"pydrop: ") == 1


def test_one_without_any_execute_bit_is_warned_of(place: Throwaway) -> None:
    add(place, USER, a="touch /mnt/open/never")
    (place.folder / "etc/pydrop.user.d/a").chmod(0o644)
    for around in ((), NOT_ROOT):
        done = place.run(*around, PYDROP, "true", env=ENV)
        assert done.returncode == 0
        assert b"the hook /etc/pydrop.user.d/a is not run: it has no execute bit" in done.stderr
    assert not (place.folder / "open/never").exists()


def test_its_file_is_read_by_the_descriptor_and_by_no_name(place: Throwaway) -> None:
    """Whatever lies under the name by then: the folder is root's, so nothing else can."""
    (place.folder / "secret").write_text("A=secret\n")
    (place.folder / "secret").chmod(0o600)
    add(place, USER, a='ln -sf /mnt/secret "$PYDROP_ENV"; rm -f "$PYDROP_ENV"; echo B=1 >>"$PYDROP_ENV"; true')
    done = start(place, "sh", "-c", 'echo "${A-none} $B"')
    assert done.stdout == b"none 1\n", done
    assert not list((place.folder / "run/pydrop").glob("*env*"))


@pytest.mark.parametrize("around", [(), NOT_ROOT])
def test_pydrop_inside_a_user_hook_just_runs_the_command(place: Throwaway, around: tuple[str, ...]) -> None:
    add(place, USER, a="echo ran >>/mnt/open/count", b=f"pydrop id -u >/mnt/open/out; env -i {PYDROP} /bin/true")
    done = place.run(*around, PYDROP, "true", env=ENV)
    assert done.returncode == 0, done
    assert (place.folder / "open/count").read_text() == "ran\n"
    assert (place.folder / "open/out").read_text() == f"{1234 if around else APP}\n"


def test_so_it_is_where_the_program_is_root(place: Throwaway) -> None:
    add(place, "pydrop.d", a=COUNTED)
    add(place, USER, a="echo user >>/mnt/count; env -i $(command -v pydrop) /usr/bin/id -u >/mnt/out")
    done = start(place, "true", PUID="0")
    assert done.returncode == 0, done
    assert ((place.folder / "count").read_text(), (place.folder / "out").read_text()) == ("ran\nuser\n", "0\n")


@pytest.mark.parametrize("capabilities", ["+all", "-all,+setuid,+setgid,+chown,+fowner,+dac_override,+setpcap"])
@pytest.mark.parametrize("body", ["exec sleep 60", "trap '' TERM; while :; do :; done"])
def test_a_signal_is_passed_on_and_ends_the_start(tmp_path: Path, capabilities: str, body: str) -> None:
    """Also where root has no CAP_KILL, as with a hardened list of capabilities."""
    container = Container(tmp_path)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    add(container.place, USER, a=f"touch /mnt/open/begun; {body}")
    process = container.begin("setpriv", f"--bounding-set={capabilities}", PYDROP, "true")
    until((tmp_path / "open/begun").exists)
    begun = time.monotonic()
    os.kill(container.first_pid(), signal.SIGTERM)
    assert ended(process)[0] in (143, -signal.SIGTERM)
    assert time.monotonic() - begun < 2  # the limit is 0.1, on a machine that is quiet


def test_a_check_from_outside_without_root_runs_no_user_hook(tmp_path: Path) -> None:
    """docker exec in a container with --user: nothing can be left there, but it does not descend from PID 1."""
    container = Container(tmp_path)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    add(container.place, USER, a="echo ran >>/mnt/open/count; touch /mnt/open/begun; sleep 1")
    container.begin(*NOT_ROOT, PYDROP, "sleep", "600")
    until((tmp_path / "open/begun").exists)
    assert ended(container.exec(*NOT_ROOT, PYDROP, "id", "-u"))[:2] == (0, b"1234\n")
    assert (tmp_path / "open/count").read_text() == "ran\n"
    os.kill(container.first_pid(), signal.SIGKILL)
    ended(container.processes[0])


def test_each_has_its_row_in_the_plan_and_the_timeline(place: Throwaway) -> None:
    add(place, USER, a="true", b="true")
    planned = place.run(f"{PYDROP}ctl", "plan", "true", env=ENV)
    assert [b"user-hook" in line for line in planned.stdout.splitlines()].count(True) == 2
    assert start(place, "true").returncode == 0
    text = (place.folder / "run/pydrop/timeline").read_text()
    assert "ran /etc/pydrop.user.d/a as app" in text and "ran /etc/pydrop.user.d/b as app" in text


@pytest.mark.parametrize("who", [(), ("--user", "root"), ("--user", "other")])
def test_what_they_add_is_obeyed_by_nobody_but_the_programs_user(tmp_path: Path, who: tuple[str, ...]) -> None:
    """Root that comes by `exec` as itself would run the user's `ls`, or load the user's library."""
    container = Container(tmp_path)
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", APP, APP)
    add(container.place, "pydrop.d", a="echo ROOTS=1 >>$PYDROP_ENV")
    body = "printf '#!/bin/sh\\n/usr/bin/id -u\\n' >/mnt/data/ls; chmod 755 /mnt/data/ls; "
    add(container.place, USER, a=body + 'printf "PATH=/mnt/data:$PATH\\nLD_BIND_NOW=1\\n" >>"$PYDROP_ENV"')
    container.begin(PYDROP, *STAYS)
    try:
        container.runs()
        code, out, err = ended(container.exec(PYDROP, *who, "ls", "/mnt/etc/pydrop.d"))
        assert (code, out) == (0, b"a\n" if who else b"1500\n"), err
        _, out, _ = ended(container.exec(PYDROP, *who, "env"))
        assert b"ROOTS=1\n" in out and (b"LD_BIND_NOW" in out) == (not who)
    finally:
        os.kill(container.first_pid(), signal.SIGKILL)
        container.processes[0].communicate()
