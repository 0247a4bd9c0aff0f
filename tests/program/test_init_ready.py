"""Init mode as a process: how a command says that it is ready, and who is told."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway
from tests.program.initmode import CHILD, ENV, Running, made, until

NOTIFY = "import socket,os,time,sys; s=socket.socket(1,2); a=os.environ['NOTIFY_SOCKET'].replace('@','\\0')\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Throwaway:
    return made(tmp_path_factory.mktemp("init"))


@pytest.fixture
def outer(place: Throwaway) -> "Iterator[socket.socket]":
    """What a service manager listens on."""
    path = place.folder / "notify"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(path))
    path.chmod(0o777)
    listening.settimeout(10)
    yield listening
    listening.close()
    path.unlink()


RUN = {"PYDROP_RUN_DIRS": "/run/app"}
FILE = ("--ready-file", "/run/app/ready")


def ready_file(place: Throwaway) -> Path:
    return place.folder / "run/app/ready"


def test_a_command_counts_as_ready_when_it_runs(place: Throwaway) -> None:
    """The ready file is there while it does, and is the user's."""
    running = Running(place, *FILE, "sleep", "30", env=RUN)
    assert until(ready_file(place).exists)
    assert ready_file(place).stat().st_uid == 1500
    assert running.stop()[0] == 143
    assert not ready_file(place).exists()


def test_the_ready_file_is_gone_as_soon_as_a_stop_begins(place: Throwaway) -> None:
    """A load balancer sends nobody there any more while the command is still finishing its work."""
    running = Running(place, *FILE, "--stop-timeout=5s", CHILD, "stubborn", env=RUN)
    assert running.line() == "ready"
    assert until(ready_file(place).exists)
    running.send(signal.SIGTERM)
    assert until(lambda: not ready_file(place).exists())
    os.kill(running.command(), signal.SIGKILL)
    assert running.end()[0] == 137


def test_a_ready_file_of_another_run_is_not_believed(place: Throwaway) -> None:
    """A container that was killed left it; a file that stays would say ready before the command is."""
    ready_file(place).parent.mkdir(exist_ok=True)
    ready_file(place).touch()
    running = Running(place, *FILE, "--ready=fd:5", "sleep", "30", env=RUN)
    assert until(lambda: not ready_file(place).exists())
    running.kill()


def test_a_ready_file_that_cannot_be_made_is_a_warning_with_a_remedy(place: Throwaway) -> None:
    running = Running(place, "--ready-file", "/etc/ready", CHILD, "record")
    assert running.line() == "ready"
    code, lines = running.stop()
    assert code == 77
    assert len(lines) == 1 and "unable to make the ready file /etc/ready: Permission denied; name one in" in lines[0]


@pytest.mark.python
@pytest.mark.parametrize("descriptor", ["3", "4", "9", "60"])
def test_a_line_on_a_descriptor_says_ready(place: Throwaway, descriptor: str) -> None:
    """s6's notification-fd: whatever number, and whatever pydrop itself has open."""
    running = Running(place, *FILE, f"--ready=fd:{descriptor}", CHILD, "ready", descriptor, env=RUN)
    assert running.line() == "ready"  # printed behind the line
    assert until(ready_file(place).exists)
    assert running.stop() == (77, [])


def test_it_is_not_ready_before_it_says_so(place: Throwaway) -> None:
    script = "while [ ! -e /mnt/go ]; do sleep 0.02; done; echo >&3; exec sleep 30"
    running = Running(place, *FILE, "--ready=fd:3", "sh", "-c", script, env=RUN)
    assert running.command()
    assert not ready_file(place).exists()
    (place.folder / "go").touch()
    assert until(ready_file(place).exists)
    assert running.stop()[0] == 143


def test_a_descriptor_that_is_in_use_is_refused(place: Throwaway) -> None:
    done = place.run("sh", "-c", f"exec 7</etc/passwd; exec {PYDROP} --init --ready=fd:7 true", env=ENV)
    assert done.returncode == 125
    assert b"descriptor 7, which ready=fd:7 names, is in use" in done.stderr and done.stderr.count(b"\n") == 1


def test_sd_notify_says_ready(place: Throwaway) -> None:
    """On a socket of pydrop's, under an abstract name: no folder is needed."""
    words = ("python3", "-I", "-c", NOTIFY + "s.sendto(b'STATUS=up\\nREADY=1', a); time.sleep(30)")
    running = Running(place, *FILE, "--ready", "notify", *words, env=RUN)
    assert until(ready_file(place).exists)
    assert running.stop()[0] == 143


def test_ready_and_stopping_are_passed_on_to_who_started_pydrop(place: Throwaway, outer: "socket.socket") -> None:
    """READY=1 when the command says so, its status, and STOPPING=1 when a stop begins."""
    words = ("python3", "-I", "-c", NOTIFY + "s.sendto(b'STATUS=up\\nMAINPID=1\\nREADY=1', a); time.sleep(30)")
    running = Running(place, "--ready", "notify", *words, env={"NOTIFY_SOCKET": "/mnt/notify"})
    assert {outer.recv(99), outer.recv(99)} == {b"STATUS=up", b"READY=1"}
    assert running.stop()[0] == 143
    assert outer.recv(99) == b"STOPPING=1"


STEERING = "MAINPID=1 FDSTORE=1 FDNAME=x NOTIFYACCESS=all WATCHDOG_USEC=1 WATCHDOG=trigger BARRIER=1 RELOADING=1 X_A=1"


@pytest.mark.parametrize("pid_1", [True, False])
def test_nothing_that_steers_the_containers_manager_is_passed_on(
    place: Throwaway, outer: "socket.socket", pid_1: bool
) -> None:
    """No such line, no message that is too long or holds a NUL, and no descriptor stays open in init."""
    say = NOTIFY + (
        f"for line in {STEERING!r}.split(): s.sendto(line.encode(), a)\n"
        "s.sendto(b'STATUS=long' + b'x' * 5000, a); s.sendto(b'STATUS=nul\\0\\nREADY=1', a)\n"
        "for _ in range(9): s.sendmsg([b'FDSTORE=1\\nSTATUS=fds'], [(1, 1, bytes(8))], 0, a)\n"
        "s.sendto(b'READY=1\\nSTATUS=last', a); print('said', flush=True); time.sleep(30)"
    )
    running = Running(
        place, "--ready", "notify", "python3", "-I", "-c", say, env={"NOTIFY_SOCKET": "/mnt/notify"}, pid_1=pid_1
    )
    assert running.line() == "said"
    came = [outer.recv(9999) for _ in range(11)]
    assert sorted(came) == sorted([*[b"STATUS=fds"] * 9, b"STATUS=last", b"READY=1"])
    kinds = [os.readlink(f"/proc/{running.pid}/fd/{name}") for name in os.listdir(f"/proc/{running.pid}/fd")]
    assert len(kinds) < 10, kinds
    assert running.stop()[0] == 143


def test_only_the_commands_own_tree_is_heard(place: Throwaway, outer: "socket.socket") -> None:
    """Where pydrop is not PID 1, any process of the same network reaches the socket."""
    say = NOTIFY + "print(os.environ['NOTIFY_SOCKET'], flush=True); time.sleep(30)"
    words = ("--ready", "notify", "python3", "-I", "-c", say)
    running = Running(place, *words, env={"NOTIFY_SOCKET": "/mnt/notify"}, pid_1=False)
    address = running.line().replace("@", "\0")
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    stranger.sendto(b"READY=1\nSTATUS=stranger", address)
    outer.settimeout(0.5)
    with pytest.raises(TimeoutError):
        outer.recv(99)
    assert running.stop()[0] == 143


def test_nor_is_a_process_of_the_same_container_that_is_none_of_the_commands(
    place: Throwaway, outer: "socket.socket"
) -> None:
    """It has a pid there, as what `docker exec` runs has, and still lives when init looks whose it is."""
    said = place.folder / "said"
    wait = "print(os.environ['NOTIFY_SOCKET'], flush=True)\nwhile not os.path.exists('/mnt/said'): time.sleep(0.01)\n"
    words = ("--ready", "notify", "python3", "-I", "-c", NOTIFY + wait + "s.sendto(b'STATUS=own', a); time.sleep(30)")
    running = Running(place, *words, env={"NOTIFY_SOCKET": "/mnt/notify"}, pid_1=False)
    send = NOTIFY + "s.sendto(b'READY=1\\nSTATUS=stranger', a); print(os.getpid(), flush=True); sys.stdin.read()"
    enter = ("nsenter", "-t", str(running.pid), "-m", "-p", "env", f"NOTIFY_SOCKET={running.line()}")
    stranger = subprocess.Popen([*enter, "python3", "-I", "-c", send], stdin=-1, stdout=-1)
    assert stranger.stdout and int(stranger.stdout.readline()) > 1
    said.touch()
    assert outer.recv(99) == b"STATUS=own"
    stranger.communicate()
    said.unlink()
    assert running.stop()[0] == 143


def test_pydrop_says_ready_itself_where_it_knows(place: Throwaway, outer: "socket.socket") -> None:
    running = Running(place, "--ready", "started", "sleep", "30", env={"NOTIFY_SOCKET": "/mnt/notify"})
    assert outer.recv(99) == b"READY=1"
    assert running.stop()[0] == 143
    assert outer.recv(99) == b"STOPPING=1"


def test_without_the_setting_the_socket_is_the_commands_alone(place: Throwaway, outer: "socket.socket") -> None:
    words = ("python3", "-I", "-c", NOTIFY + "s.sendto(b'READY=1\\nX=' + a.encode(), a)")
    done = place.run(PYDROP, "--init", *words, env={**ENV, "NOTIFY_SOCKET": "/mnt/notify"})
    assert done.returncode == 0
    assert outer.recv(99) == b"READY=1\nX=/mnt/notify"
    outer.setblocking(False)
    with pytest.raises(BlockingIOError):
        outer.recv(99)


def test_a_notify_socket_that_is_not_there_is_refused_with_a_remedy(place: Throwaway) -> None:
    done = place.run(PYDROP, "--init", "--ready=started", "true", env={**ENV, "NOTIFY_SOCKET": "/nowhere"})
    assert done.returncode == 125
    assert b"unable to reach NOTIFY_SOCKET=/nowhere: No such file or directory; leave it out" in done.stderr
    assert done.stderr.count(b"\n") == 1


# -- how init mode is asked for --------------------------------------------------------------------

SHOW = ("sh", "-c", "ps -o comm= -p 1; grep SigIgn /proc/self/status")


@pytest.mark.parametrize(
    ("words", "env", "file", "stays"),
    [
        (("--init",), {}, "", True),
        (("--user", "app", "--init=yes"), {}, "", True),
        ((), {"PYDROP_INIT": "1"}, "", True),
        ((), {}, "init = true\n", True),
        ((), {}, 'user = "app"\n  "init" = true\n', True),
        ((), {}, '"\\u0069nit" = true\n', True),  # no plain line
        (("--init=0",), {"PYDROP_INIT": "1"}, "", False),
        (("--init=no",), {}, "init = true\n", False),
        ((), {"PYDROP_INIT": "off"}, "", False),
        ((), {}, "init = false\n", False),
        ((), {"PYDROP_INIT": "0"}, "init = true\n", False),
        ((), {}, "# init\n", False),
        ((), {}, "", False),
    ],
)
def test_init_mode_is_asked_for_by_option_variable_or_file(
    place: Throwaway, words: "tuple[str, ...]", env: "dict[str, str]", file: str, stays: bool
) -> None:
    """Whether it is decided at first or by the settings; and a start that is none of init mode is as ever."""
    settings = place.folder / "etc/pydrop.toml"
    settings.write_text(file)
    try:
        done = place.run(PYDROP, *words, *SHOW, env={**ENV, **env}, around=("env", "--ignore-signal=PIPE"))
    finally:
        settings.unlink()
    name, ignored = done.stdout.decode().split("\n")[:2]
    assert done.returncode == 0, done
    assert (name != "sh") == stays
    assert int(ignored.split()[1], 16) & 0x7FFFFFFF == 1 << 12  # the bit above is 32's, the C library's own


def test_a_command_of_its_own_may_have_such_an_option(place: Throwaway) -> None:
    done = place.run(PYDROP, "--user", "app", "sh", "-c", 'ps -o comm= -p 1; echo "$1"', "sh", "--init", env=ENV)
    assert done.stdout == b"sh\n--init\n"


@pytest.mark.pip
@pytest.mark.python
def test_the_python_way_in_has_init_mode_too(place: Throwaway) -> None:
    """For images where the launcher cannot be used."""
    python = str(Path(PYDROP).parent / "python3")
    done = place.run(python, "-I", "-m", "pydrop", "--init", "sh", "-c", "id -u; exit 5", env=ENV)
    assert (done.returncode, done.stdout) == (5, b"1500\n")


def test_what_means_nothing_without_init_mode_is_warned_of(place: Throwaway) -> None:
    done = place.run(PYDROP, "--stop-timeout=5", "true", env={**ENV, "PYDROP_KILL_GRACE": "1s"})
    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == [
        "pydrop: warning: PYDROP_KILL_GRACE, --stop-timeout means nothing without init mode; add PYDROP_INIT=1 "
        "(or --init), or leave it out"
    ]


def test_a_second_pydrop_may_be_an_init_of_its_own(place: Throwaway) -> None:
    """`docker exec CONTAINER pydrop --init sh`: with the identity that the first one recorded."""
    first = Running(place, CHILD, "record", env={"PYDROP_UMASK": "027"})
    assert first.line() == "ready"
    enter = (
        "nsenter",
        f"--target={first.pid}",
        "--mount",
        "--pid",
        PYDROP,
        "--init",
        "sh",
        "-c",
        "id -u; umask; exit 3",
    )

    done = subprocess.run(enter, env={"PATH": "/usr/bin:/bin"}, capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (3, b"1500\n0027\n")
    assert first.stop()[0] == 77
