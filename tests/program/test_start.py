"""The installed `pydrop` as a process: its exit codes, its words, and what it says when all is well."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, ONE_FILE, PYDROP, Throwaway

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"
ENV = {"PATH": "/usr/bin:/bin", "PYDROP_HOME": "/mnt/made"}
GROUP = b"root:x:0:\nwww-data:x:33:\nvideo:x:44:\n"


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path, PASSWD, GROUP)


def lines_of(done: "subprocess.CompletedProcess[bytes]") -> list[str]:
    return done.stderr.decode().splitlines()


@pytest.mark.quick
@pytest.mark.python
@pytest.mark.parametrize(
    ("words", "env", "code", "said"),
    [
        pytest.param(("true",), {"PUID": "abc"}, 125, "PUID=abc", id="a word where a number belongs"),
        pytest.param(("true",), {"PUID": "4294967295"}, 125, "PUID=4294967295", id="the kernel's unchanged"),
        pytest.param(("true",), {"PYDROP_CHWON": "/x"}, 125, "did you mean PYDROP_CHOWN", id="a typo in a variable"),
        pytest.param(("--chwon", "/x", "true"), {}, 125, "--chown", id="a typo in an option"),
        pytest.param((), {}, 125, "there is no command", id="no command"),
        pytest.param(("true",), {"PYDROP_USER": "nobodyhere"}, 125, "nobodyhere", id="an unknown account"),
        pytest.param(("true",), {"PYDROP_CONFIG": "/nowhere.toml"}, 125, "/nowhere.toml", id="no settings file"),
        pytest.param(
            ("true",), {"PYDROP_OWNER_OF": "/nowhere"}, 125, "PYDROP_OWNER_OF=/nowhere", id="no such owner-of"
        ),
        pytest.param(("true",), {"PYDROP_OWNER_OF": "/etc"}, 0, "belongs to root", id="owner-of is root's"),
        pytest.param(("true",), {"PYDROP_HOOKS": "/nowhere"}, 125, "PYDROP_HOOKS=/nowhere", id="no hooks folder"),
        pytest.param(("true",), {"PYDROP_CHOWN": "/usr"}, 125, "/usr", id="a volume that is the system's"),
        pytest.param(("true",), {"FILE__X": "/nowhere"}, 125, "FILE__X", id="a secret that is not there"),
        pytest.param(("true",), {"PYDROP_INIT": "maybe"}, 125, "PYDROP_INIT=maybe", id="no yes or no"),
        pytest.param(("nosuchcommand",), {}, 127, "nosuchcommand was not found", id="command not found"),
        pytest.param(("/nosuch/command",), {}, 127, "/nosuch/command is not there", id="path not found"),
        pytest.param(("/etc/passwd",), {}, 126, "execute", id="not executable"),
        pytest.param(("/etc",), {}, 126, "/etc is a directory", id="a folder"),
        pytest.param(("false",), {}, 1, "starting false", id="the command's own code"),
    ],
)
def test_every_refusal_is_one_line_with_the_value_and_the_code(
    place: Throwaway, words: tuple[str, ...], env: dict[str, str], code: int, said: str
) -> None:
    """The exit code is 125 where pydrop fails, 126 and 127 as env(1) has them, else the command's own."""
    done = place.run(PYDROP, *words, env=ENV | env)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    said_lines = [line for line in lines_of(done) if said in line]
    assert len(said_lines) == 1, done.stderr
    assert all(line.startswith("pydrop: ") for line in lines_of(done))


@pytest.mark.quick
@pytest.mark.python
def test_a_good_start_is_one_line(place: Throwaway) -> None:
    """At info: who, what was changed, how long it took; and the second time that nothing was to change."""
    env = {**ENV, "PUID": str(APP)}
    first = place.run(PYDROP, "true", env=env)
    again = place.run(PYDROP, "true", env=env)
    assert first.returncode == again.returncode == 0
    assert re.fullmatch(
        r"pydrop: app 1500:1500 \(PUID\): .*made account app 1500:1500.*; starting true after \d+ ms\n",
        first.stderr.decode(),
    )
    assert "made account" not in again.stderr.decode()
    assert len(lines_of(again)) == 1


def test_nothing_is_said_at_error_level_when_all_is_well(place: Throwaway) -> None:
    done = place.run(PYDROP, "true", env={**ENV, "PYDROP_LOG_LEVEL": "error"})
    assert (done.returncode, done.stderr) == (0, b"")


def test_json_lines_have_a_time_a_level_and_a_message(place: Throwaway) -> None:
    env = {**ENV, "PYDROP_LOG_FORMAT": "json", "PUID": "0"}
    done = place.run(PYDROP, "true", env=env)
    spoken = [json.loads(line) for line in lines_of(done)]
    assert [line["level"] for line in spoken] == ["warn", "info"]
    assert all(set(line) == {"time", "level", "program", "message"} for line in spoken)


@pytest.mark.quick
@pytest.mark.python
def test_a_failure_after_the_drop_speaks_json_too(place: Throwaway) -> None:
    """Nothing is imported after the drop, so what the format needs is there before."""
    done = place.run(PYDROP, "nosuchcommand", env={**ENV, "PYDROP_LOG_FORMAT": "json"})
    assert done.returncode == 127
    assert json.loads(lines_of(done)[-1])["level"] == "error"


def test_what_a_stranger_named_cannot_command_the_terminal(place: Throwaway) -> None:
    """Control characters and bytes that are no UTF-8 are printed escaped."""
    done = place.run(PYDROP, b"no\x1b[31msuch\xff", env=ENV)
    assert done.returncode == 127
    assert b"\x1b" not in done.stderr and b"\xff" not in done.stderr
    assert b"\\x1b[31msuch\\xff" in done.stderr


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_go_to_standard_output(place: Throwaway, option: str) -> None:
    done = place.run(PYDROP, option, env={})
    assert done.returncode == 0
    assert done.stderr == b""
    assert (b"Usage: pydrop" if option == "--help" else b"pydrop 0.") in done.stdout


def test_root_is_said_to_be_root(place: Throwaway) -> None:
    """Asked for in so many words it is given, with a warning."""
    done = place.run(PYDROP, "id", "-u", env={**ENV, "PYDROP_USER": "root"})
    assert done.stdout == b"0\n"
    assert "runs as root, because" in lines_of(done)[0]


def test_what_is_done_before_a_failure_is_said(place: Throwaway) -> None:
    """After the first step that cannot be undone, a failure says what stays done."""
    done = place.run(PYDROP, "true", env={**ENV, "PUID": str(APP), "FILE__X": "/nowhere"})
    assert done.returncode == 125
    assert "(done before: " in lines_of(done)[-1] and "made account app" in lines_of(done)[-1]


@pytest.mark.python
def test_a_hook_s_addition_reaches_the_program_and_its_failure_ends_the_start(place: Throwaway) -> None:
    hooks = place.folder / "etc/pydrop.d"
    hooks.mkdir()
    hook = hooks / "10-add"
    hook.write_text('#!/bin/sh\necho "ADDED=$1" >>"$PYDROP_ENV"\n')
    hook.chmod(0o755)
    (hooks / "README").write_text("no hook\n")
    env = {**ENV, "PUID": str(APP)}
    done = place.run(PYDROP, "sh", "-c", 'echo "$ADDED"', env=env)
    assert done.stdout == b"sh\n"  # "$@" is the whole command, as a shell entrypoint has it
    hook.write_text("#!/bin/sh\nexit 7\n")
    failed = place.run(PYDROP, "true", env=env)
    assert failed.returncode == 7
    assert "/etc/pydrop.d/10-add" in lines_of(failed)[-1]


@pytest.mark.python
@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT"])
def test_a_signal_in_the_first_moment_is_not_lost(place: Throwaway, name: str) -> None:
    """As PID 1 too, where the kernel would drop it: the launcher holds it back until Python can act."""
    number = signal.Signals[f"SIG{name}"].value
    words = place.inside(sys.executable, "-I", "-S", "-c", SENDER, str(number), PYDROP, "sleep", "30")
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    assert done.returncode == 128 + number, done
    assert f"SIG{name}" in done.stderr.decode()


# As PID 1 of the namespaces: a child that sends the signal as soon as TERM is blocked there, or has a handler. fork(3)
# itself blocks all signals for a moment, so PID 1 must be another program by then.
SENDER = """
import os, sys, time
number, words = int(sys.argv[1]), sys.argv[2:]
named = lambda: open('/proc/1/cmdline', 'rb').read()
before = named()
if os.fork() == 0:
    while named() == before:
        pass
    while True:
        with open('/proc/1/status') as file:
            masks = [int(line.split()[1], 16) for line in file if line.startswith(('SigBlk', 'SigCgt'))]
        if (masks[0] | masks[1]) >> 14 & 1:
            os.kill(1, number)
            os._exit(0)
os.execve(words[0], words, {'PUID': '1500', 'PYDROP_HOME': '/mnt/made'})
"""


def test_without_root_it_runs_the_command_and_says_what_it_cannot(place: Throwaway) -> None:
    env = {**ENV, "PUID": str(APP), "PYDROP_CHOWN": "/mnt"}
    words = ("setpriv", "--reuid", "1234", "--regid", "0", "--clear-groups", PYDROP, "id", "-u")
    done = place.run(*words, env=env)
    assert (done.returncode, done.stdout) == (0, b"1234\n")
    refusal = [line for line in lines_of(done) if "cannot be had" in line]
    assert len(refusal) == 1 and "PUID, PYDROP_CHOWN" in refusal[0] and "--user" in refusal[0]


def test_it_refuses_to_run_where_others_can_write_its_code(tmp_path: Path) -> None:
    """An image whose `chown -R app /opt` took pydrop's own folder along would run app's code as root."""
    place = Throwaway(tmp_path, PASSWD, GROUP)
    copy = installed_anew(tmp_path / "opt")
    env = {**ENV, "PUID": str(APP)}
    assert place.run(f"{copy}/bin/pydrop", "true", env=env).returncode == 0
    for part in copy.glob("bin/pydrop" if ONE_FILE else "lib/python3*/site-packages"):
        subprocess.run(["chown", "-R", "1500", str(part)], check=True)
    done = place.run(f"{copy}/bin/pydrop", "true", env=env)
    assert done.returncode == 125
    assert "will not run as root from where somebody else can write" in lines_of(done)[0]
    (copy / "bin/gosu").symlink_to("pydrop")
    done = place.run(f"{copy}/bin/gosu", "root", "true", env=env)
    assert done.returncode == 1
    assert lines_of(done)[0].startswith("gosu: pydrop will not run as root from where somebody else can write")


def installed_anew(prefix: Path) -> Path:
    """A copy of pydrop's own files, and python-prctl's, without what else is installed beside them."""
    (prefix / "bin").mkdir(parents=True)
    if ONE_FILE:
        shutil.copy(PYDROP, prefix / "bin/pydrop")
        return prefix
    (prefix / "bin/python3").symlink_to(os.path.realpath(sys.executable))
    source = Path(sys.prefix)
    (packages,) = source.glob("lib/python3*/site-packages")
    (prefix / packages.relative_to(source)).mkdir(parents=True)
    own = [path for path in packages.iterdir() if path.name == "pydrop" or "prctl" in path.name]
    for path in (source / "bin/pydrop", source / "pyvenv.cfg", *own):
        subprocess.run(["cp", "-a", str(path), str(prefix / path.relative_to(source))], check=True)
    return prefix


@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_as_a_set_uid_file_it_refuses_to_run(tmp_path: Path, mode: int) -> None:
    """Else `pydrop --user root sh` would make root of whoever can start it."""
    place = Throwaway(tmp_path, PASSWD, GROUP)
    launcher = tmp_path / "opt/bin/pydrop"
    launcher.parent.mkdir(parents=True)
    launcher.write_bytes(Path(PYDROP).read_bytes())
    launcher.chmod(mode)
    words = ("setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups", str(launcher), "--user", "root", "id")
    done = place.run(*words, env=ENV)
    assert (done.returncode, done.stdout) == (125, b"")
    assert "set-uid" in lines_of(done)[0] and len(lines_of(done)) == 1


BROKEN: "dict[str, Callable[[bytes], bytes]]" = {
    "empty": lambda content: content[:16],
    "garbage": lambda content: content[:16] + b"garbage",
    "ends too soon": lambda content: content[:-100],
}


@pytest.mark.pip
@pytest.mark.python
@pytest.mark.parametrize("module", ["called_as", "entry", "trust", "perform/privileges"])
@pytest.mark.parametrize("content", BROKEN)
def test_a_compiled_file_that_is_broken_is_one_line(tmp_path: Path, content: str, module: str) -> None:
    """A traceback is for nobody."""
    place = Throwaway(tmp_path, PASSWD, GROUP)
    copy = installed_anew(tmp_path / "copy")
    folder, _, last = module.rpartition("/")
    (file,) = copy.glob(f"lib/python3*/site-packages/pydrop/{folder}/__pycache__/{last}.*.pyc")
    file.write_bytes(BROKEN[content](file.read_bytes()))
    os.utime(file)
    done = place.run("/mnt/copy/bin/pydrop", "true", env=ENV)
    assert done.returncode == 125, done
    assert len(lines_of(done)) == 1 and f"/{last}." in lines_of(done)[0]


# -- devices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("/dev/nosuch", "PYDROP_DEVICES names /dev/nosuch, which does not exist"),
        ("/mnt", "PYDROP_DEVICES names /mnt, which is no device or socket and holds none"),
        ("/etc/passwd", "PYDROP_DEVICES names /etc/passwd, which is no device or socket and holds none"),
    ],
)
def test_a_device_that_is_not_there_is_a_warning(place: Throwaway, root: bool, named: str, said: str) -> None:
    """However the container is started: an image names what it could use."""
    words = [PYDROP, "true"]
    if not root:
        words = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", *words]
    done = place.run(*words, env={**ENV, "PYDROP_DEVICES": named})
    assert done.returncode == 0
    assert said in done.stderr.decode()


def test_the_group_of_a_socket_is_joined(place: Throwaway) -> None:
    """By a path that leads through a link, as /var/run/docker.sock does."""
    bind = "import socket; socket.socket(socket.AF_UNIX).bind('/run/docker.sock')"
    plant = f'{sys.executable} -c "{bind}" && chown 0:993 /run/docker.sock && chmod 660 /run/docker.sock'
    script = f"{plant} && exec {PYDROP} id -G"
    done = place.run("sh", "-c", script, env={**ENV, "PYDROP_DEVICES": "/var/run/docker.sock", "PUID": "1500"})
    assert (done.returncode, done.stdout) == (0, b"1500 993\n")


# -- idmapped mounts -------------------------------------------------------------------------------


@pytest.mark.parametrize("init", ["0", "1"])
def test_the_policy_idmap_shows_a_volume_as_the_programs(place: Throwaway, init: str) -> None:
    """The program works in it; on the disk nothing changes, and a second start has nothing to do."""
    data = place.folder / "data"
    data.mkdir()
    os.chown(data, 7, 8)
    env = {**ENV, "PYDROP_CHOWN": "/mnt/data:idmap", "PUID": "1500", "PYDROP_CHOWN_ERRORS": "fail", "PYDROP_INIT": init}
    script = f"cd /mnt/data && {PYDROP} sh -c 'touch made && stat -c %u made' && {PYDROP} stat -c %u /mnt/data"
    done = place.run("sh", "-c", script, env=env)
    assert (done.returncode, done.stdout) == (0, b"1500\n1500\n"), done
    first, *_, second = [line for line in lines_of(done) if "starting" in line]
    assert "/mnt/data: 7:8 on the disk mapped to 1500:1500" in first and "/mnt/data" not in second.split("starting")[0]
    assert (data.stat().st_uid, (data / "made").stat().st_uid) == (7, 7)
