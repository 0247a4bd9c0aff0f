"""Init mode as a process: what signals come to, as PID 1 and below another one."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway
from tests.program.initmode import CHILD, ENV, Running, children, made, private_dirty, status, until

CATCHABLE = [n for n in (*range(1, 32), *range(34, 65)) if n not in (signal.SIGKILL, signal.SIGSTOP)]
PASSED_ALONE = [n for n in CATCHABLE if n not in (signal.SIGTERM, signal.SIGCHLD)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Throwaway:
    return made(tmp_path_factory.mktemp("init"))


@pytest.mark.python
@pytest.mark.parametrize("pid_1", [True, False])
def test_every_signal_that_can_be_caught_comes_to_the_command_once_and_in_order(place: Throwaway, pid_1: bool) -> None:
    """The realtime ones too; and TERM, the last, ends it."""
    running = Running(place, CHILD, "record", pid_1=pid_1)
    assert running.line() == "ready"
    for number in [*PASSED_ALONE, signal.SIGTERM]:
        running.send(number)
        assert running.line() == str(int(number))
    assert running.end() == (77, [])


def test_a_storm_of_signals_loses_none_that_the_kernel_queues(place: Throwaway) -> None:
    """10,000 realtime signals, each counted; PID 1 does not grow."""
    running = Running(place, CHILD, "record")
    assert running.line() == "ready"
    before = private_dirty(running.pid)
    sent: Counter[int] = Counter()
    got: Counter[int] = Counter()
    for round_ in range(100):
        for number in [34 + (round_ + n) % 31 for n in range(100)]:
            running.send(number)
            sent[number] += 1
        while sum(got.values()) < sum(sent.values()):
            got[int(running.line())] += 1
    assert got == sent and sum(got.values()) == 10_000
    assert private_dirty(running.pid) - before <= 64
    assert running.stop() == (77, [])


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_thousands_of_orphans_leave_no_zombie_and_no_memory(place: Throwaway, count: int) -> None:
    """Each is reaped at once, and the command's own exit code is not lost among theirs."""
    small = Running(place, CHILD, "orphans", "10")
    assert small.end() == (5, [])
    running = Running(place, "sh", "-c", f"{CHILD} orphans {count}; echo $?; exec {CHILD} record")
    assert running.line() == "5"
    assert running.line() == "ready"
    assert until(lambda: len(children(running.pid)) == 1)
    assert private_dirty(running.pid) < 4096
    assert running.stop() == (77, [])


FIRST_MOMENT = """
import _signal, os, sys, time
blocked, delay, words = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
if os.fork() == 0:
    def cmdline(pid):
        with open(f'/proc/{pid}/cmdline') as file:
            return file.read()
    while cmdline(1) == cmdline('self'):  # a C library may block all for its own fork, before PID 1 is pydrop
        pass
    while 'SigBlk:\\tfffffffffffbfeff' not in open('/proc/1/status').read():
        if cmdline(1).startswith('pydrop: init'):  # on a busy machine that moment can be missed
            break
    time.sleep(delay)
    os.kill(1, 10)
    os.kill(1, 35)
    os._exit(0)
if blocked:
    _signal.pthread_sigmask(_signal.SIG_BLOCK, [10, 35])
os.execve(words[0], words, {ENV!r})
"""


def at_first(place: Throwaway, milliseconds: float, blocked: bool, *command: str) -> "list[str | bytes]":
    """The words for a PID 1 that is sent USR1 and RTMIN+1 so long after it could block signals."""
    sender = FIRST_MOMENT.replace("{ENV!r}", repr(ENV))
    python = (sys.executable, "-I", "-S", "-c", sender, str(int(blocked)), str(milliseconds / 1000))
    return place.inside(*python, PYDROP, "--init", *command)


@pytest.mark.python
@pytest.mark.parametrize("milliseconds", [0, 0.3, 0.6, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30])
def test_no_signal_is_lost_before_the_command_exists(place: Throwaway, milliseconds: float) -> None:
    """One that comes while PID 1 has only begun waits until the command is there, and comes once. (In the very first
    moment, before it can block any, the kernel itself drops what comes to a PID 1.)"""
    with subprocess.Popen(at_first(place, milliseconds, True, CHILD, "record"), stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert [process.stdout.readline() for _ in range(3)] == [b"ready\n", b"10\n", b"35\n"]
        os.kill(children(process.pid)[0], signal.SIGTERM)
        assert process.stdout.read() == b"15\n"
        assert process.wait(10) == 77


@pytest.mark.parametrize("milliseconds", [0, 0.5, 1, 3, 5])
def test_a_command_that_is_not_prepared_for_it_ends_by_such_a_signal(place: Throwaway, milliseconds: float) -> None:
    """As it would have without us."""
    done = subprocess.run(at_first(place, milliseconds, False, "sleep", "30"), timeout=20, check=False)
    assert done.returncode == 128 + signal.SIGUSR1


@pytest.mark.python
@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT"])
def test_a_stop_while_root_works_ends_the_start_within_a_tenth_of_a_second(place: Throwaway, name: str) -> None:
    """A hook is passed the signal; the command is never run; nothing is left."""
    hook, begun = place.folder / "etc/pydrop.d/10-slow", place.folder / "begun"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n: >/mnt/begun\nexec sleep 30\n")
    hook.chmod(0o755)
    number = signal.Signals[f"SIG{name}"]
    try:
        running = Running(place, CHILD, "record")
        assert until(begun.exists)
        code, said = running.stop(number)
    finally:
        hook.unlink()
        begun.unlink()
    assert code == 128 + number
    assert len(said) == 1 and f"SIG{name} before the command was run" in said[0]


def test_a_signal_that_came_ignored_stays_ignored_for_the_command(place: Throwaway) -> None:
    """As nohup has it: HUP comes to nothing, in the start and after."""
    running = Running(place, "sh", "-c", "grep SigIgn /proc/self/status; echo ready; exec sleep 30", around=("nohup",))
    assert int(running.line().split()[1], 16) & 1
    assert running.line() == "ready"
    running.send(signal.SIGHUP)
    assert running.stop()[0] == 143


@pytest.mark.parametrize(
    ("options", "sent", "came"),
    [
        (("--rewrite", "USR1:USR2"), signal.SIGUSR1, signal.SIGUSR2),
        (("--rewrite=USR2:RTMIN+2",), signal.SIGUSR2, 36),
        (("--stop-signal", "QUIT"), signal.SIGTERM, signal.SIGQUIT),
        (("--rewrite", "INT:QUIT,TERM:HUP"), signal.SIGTERM, signal.SIGHUP),
    ],
)
def test_another_signal_is_passed_on_where_that_is_asked(
    place: Throwaway, options: "tuple[str, ...]", sent: int, came: int
) -> None:
    running = Running(place, *options, CHILD, "record")
    assert running.line() == "ready"
    running.send(sent)
    assert running.line() == str(int(came))
    os.kill(running.command(), signal.SIGTERM)
    assert running.end()[0] == 77


def test_a_signal_can_be_swallowed(place: Throwaway) -> None:
    running = Running(place, "--rewrite", "HUP:0", CHILD, "record")
    assert running.line() == "ready"
    running.send(signal.SIGHUP)
    running.send(signal.SIGUSR1)
    assert running.line() == str(int(signal.SIGUSR1))
    assert running.stop()[0] == 77


@pytest.mark.parametrize("group", [False, True])
def test_signal_group_signals_the_commands_children_too(place: Throwaway, group: bool) -> None:
    """The command ignores USR1, its child dies of it, where it gets it."""
    running = Running(place, *(("--signal-group",) if group else ()), CHILD, "group")
    assert running.line() == "ready"
    running.send(signal.SIGUSR1)
    if group:
        assert running.end()[0] == 110
    else:
        os.kill(until(lambda: children(running.command()))[0], signal.SIGUSR2)
        assert running.end()[0] == 112


@pytest.mark.parametrize("pid_1", [True, False])
@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU])
def test_a_stop_signal_stops_the_tree_and_cont_continues_it(place: Throwaway, number: int, pid_1: bool) -> None:
    """Also what the command has started, and pydrop itself where a shell is above it."""
    running = Running(place, "sh", "-c", "sleep 30 & echo ready; wait", pid_1=pid_1, start_new_session=True)
    assert running.line() == "ready"
    tree = [running.command(), *until(lambda: children(running.command()))]
    for _ in range(2):
        running.send(number)
        assert until(lambda: all(status(pid)["State"][0] == "T" for pid in tree + [running.pid] * (not pid_1)))
        running.send(signal.SIGCONT)
        assert until(lambda: all(status(pid)["State"][0] == "S" for pid in tree))
    assert running.stop()[0] == 143


def test_a_stop_while_it_is_stopped_ends_it(place: Throwaway) -> None:
    """A process that is stopped sees no TERM until it is continued."""
    running = Running(place, "sleep", "30")
    child = running.command()
    assert until(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes())
    running.send(signal.SIGTSTP)
    assert until(lambda: status(child)["State"][0] == "T")
    assert running.stop() == (143, [])


def test_pdeathsig_comes_when_the_parent_dies(place: Throwaway) -> None:
    """It is passed on like any other."""
    around = ("sh", "-c", '"$@" & sleep 30', "sh")
    running = Running(place, "--pdeathsig", "USR1", CHILD, "record", pid_1=False, around=around)
    assert running.line() == "ready"
    parent = int(status(running.pid)["PPid"])
    os.kill(parent, signal.SIGKILL)
    assert running.line() == str(int(signal.SIGUSR1))
    os.kill(running.pid, signal.SIGTERM)
    assert running.line() == "15"
