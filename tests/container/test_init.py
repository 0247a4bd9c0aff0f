"""Init mode in real containers: as PID 1, started in every way that containers are, stopped, and under a terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from functools import partial

import pytest

from tests.container.engine import PODMAN, Container, run_words, until

INIT = {"PYDROP_INIT": "1", "PUID": "1500", "PGID": "1500"}
LOOK = "cat /proc/1/status /proc/self/status | grep -E '^(Name|Uid|CapPrm|CapEff|NoNewPrivs)'"
WHO = ["sh", "-c", f"{LOOK}; tr '\\0' ' ' </proc/1/cmdline"]


def is_up(same: Container) -> bool:
    """Its program has said so, behind its traps."""
    return "up" in same.logs().stdout


def test_nothing_in_the_container_is_root_while_the_command_runs(run):
    """Neither the command nor PID 1, and neither has a capability or a way back."""
    seen = run(env=INIT, command=WHO)
    assert seen.code == 0, str(seen)
    assert re.findall(r"Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", seen.stdout) == [("1500",) * 4] * 2
    assert set(re.findall(r"Cap\w+:\s+(\w+)", seen.stdout)) == {"0" * 16}
    assert re.findall(r"NoNewPrivs:\s+(\d)", seen.stdout) == ["1", "1"]
    assert "pydrop: init of sh" in seen.stdout


def test_a_good_start_and_a_good_stop_are_one_line(container):
    same = container(env=INIT, command=["sh", "-c", "trap 'exit 0' TERM; echo up; sleep 1000 & wait"])
    until(partial(is_up, same))
    assert same.stop() == 0
    assert len(same.logs().stderr.splitlines()) == 1, str(same.logs())


def test_pid_1s_own_output_is_closed_to_the_program(container):
    """`>/proc/1/fd/1`, as many a cron job does: an error, not a line that is lost. (docs/init.md)"""
    for env, code in ((INIT, 2), ({"PUID": "1500"}, 0)):
        same = container(env=env, command=["sh", "-c", "echo up; sleep 1000"])
        until(partial(is_up, same))
        assert same.exec("pydrop", "sh", "-c", "echo hello >/proc/1/fd/1").code == code
        assert ("hello" in same.logs().stdout) == (code == 0)


@pytest.mark.parametrize(
    ("options", "env"),
    [
        (("--user", "12345:0"), {"PYDROP_INIT": "1"}),
        (("--user", "1500:1500"), INIT),
        (("--read-only",), INIT),
        (("--read-only", "--tmpfs=/run:rw,noexec"), INIT),
        (("--security-opt=no-new-privileges",), INIT),
        (("--cap-drop=ALL", "--cap-add=SETUID", "--cap-add=SETGID", "--cap-add=CHOWN"), INIT),
        (("--uidmap=0:100000:65536", "--gidmap=0:100000:65536"), INIT),
        (("--init",), INIT),  # then pydrop is not PID 1
        (("--pid=host",), INIT),
        (("--group-add=44",), INIT),
    ],
)
def test_it_starts_wherever_a_container_starts_and_has_the_true_exit_code(run, options, env):
    """s6-overlay's users fell over each of these."""
    assert run(*options, env=env, command=["sh", "-c", "exit 42"]).code == 42
    assert run(*options, env=env, command=["sh", "-c", "kill -9 $$"]).code == 137


def test_a_stop_is_passed_on_and_what_ignores_it_is_killed_in_time(container):
    """Before podman's own patience of ten seconds ends."""
    same = container(
        env={**INIT, "PYDROP_STOP_TIMEOUT": "500ms"}, command=["sh", "-c", "trap '' TERM; echo up; sleep 1000"]
    )
    until(partial(is_up, same))
    began = time.monotonic()
    assert same.stop() == 137
    assert time.monotonic() - began < 5
    assert re.search(r"killed sh \(pid \d+\), sleep \(pid \d+\): the stop timeout is over", same.logs().stderr)


def test_orphans_of_execs_and_of_the_command_are_reaped(container):
    """A zombie would be in /proc as long as the container runs."""
    same = container(env=INIT, command=["sh", "-c", "(sleep 0.1 &) ; exec sleep 1000"])
    done = same.exec(
        "sh", "-c", "for n in $(seq 200); do (sleep 0.01 &); done; sleep 0.5; grep -l '^State:.Z' /proc/[0-9]*/status"
    )
    assert done.stdout == ""


@pytest.mark.parametrize("times", [2])
def test_the_same_container_is_started_again(container, times):
    same = container(env=INIT, command=["sh", "-c", "id -u; exit 3"])
    for _ in range(times):
        assert same.wait() == 3
        same.start()
    assert same.wait() == 3
    assert set(same.logs().stdout.split()) == {"1500"}


def test_exec_joins_the_user_and_a_signal_reaches_the_command_alone(container):
    same = container(
        env=INIT, command=["sh", "-c", "trap 'echo got; exit 9' USR1; echo up; while :; do sleep 0.05; done"]
    )
    until(partial(is_up, same))
    assert same.exec("pydrop", "id", "-u").stdout == "1500\n"
    os.kill(same.pid(), signal.SIGUSR1)
    assert same.wait() == 9


def test_an_image_that_runs_out_of_memory_says_so(container):
    """The kernel's KILL is told from others by the cgroup's counter."""
    eat = ["python3", "-c", "kept = []\nwhile True: kept.append(bytearray(1 << 20))"]
    same = container("--memory=96m", env=INIT, command=eat)
    assert same.wait() == 137
    assert "was killed by the kernel, because the container has no more memory" in same.logs().stderr


def test_a_shell_on_the_containers_terminal_has_job_control(image, idfile):
    """`podman run -it IMAGE bash`: no complaint, Ctrl-C and Ctrl-Z are the shell's jobs', and its exit code is true."""
    own, theirs = pty.openpty()
    words = run_words(image, ["bash", "--norc", "-i"], ("--rm", "-it", idfile()), INIT)
    process = subprocess.Popen([PODMAN, *words], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    sent = ""

    def shows(pattern: str) -> None:
        nonlocal sent
        end = time.monotonic() + 20
        while not re.search(pattern, sent):
            assert time.monotonic() < end, sent
            if select.select([own], [], [], 0.1)[0]:
                sent += os.read(own, 4096).decode()
        sent = sent[re.search(pattern, sent).end() :]  # type: ignore[union-attr] # it was found

    shows(r"\$ ")
    os.write(own, b"tty; sleep 77\n")
    shows(r"/dev/pts/0")
    time.sleep(0.3)
    os.write(own, b"\x1a")
    shows(r"Stopped\s+sleep 77")
    os.write(own, b"fg\n")
    shows(r"sleep 77\s")
    time.sleep(0.3)
    os.write(own, b"\x03")
    shows(r"\$ ")
    os.write(own, b"echo code=$?; exit 6\n")
    shows(r"code=130")
    assert process.wait(20) == 6
    os.close(own)
