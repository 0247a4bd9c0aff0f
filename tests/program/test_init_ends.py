"""Init mode as a process: how commands end, what they leave behind, and what pydrop ends with."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway
from tests.program.initmode import CHILD, ENV, Running, made, status, until

BOTH = pytest.mark.parametrize("pid_1", [True, False])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Throwaway:
    return made(tmp_path_factory.mktemp("init"))


def ended(
    place: Throwaway, *words: str, pid_1: bool = True, env: "dict[str, str] | None" = None
) -> "tuple[int, list[str]]":
    """The exit code and the lines of a start that ends by itself."""
    around = ("sh", "-c", '"$@"; exit $?', "sh") if not pid_1 else ()
    done = place.run(*around, PYDROP, "--init", *words, env=ENV | (env or {}))
    return done.returncode, done.stderr.decode().splitlines()


# -- exit codes ------------------------------------------------------------------------------------

EACH = """
for code in {codes}; do {pydrop} --init sh -c "exit $code"; [ $? = $code ] || echo "code $code: $?"; done
for number in {signals}; do
    {pydrop} --init sh -c "kill -$number \\$\\$; sleep 5"; [ $? = $((128 + number)) ] || echo "signal $number: $?"
done
"""
NOT_ENDING = (17, 18, 19, 20, 21, 22, 23, 28, 32, 33)  # ignored or stopping; glibc's own
SIGNALS = [number for number in range(1, 65) if number not in NOT_ENDING]
# Shells, pydrop itself and signals give a meaning to codes; of signals the realtime ones are all alike.
TELLING = (0, 1, 2, 3, 7, 99, 124, 125, 126, 127, 128, 129, 137, 143, 192, 193, 254, 255)
UNLIKE = [number for number in SIGNALS if number <= 35 or number == 64]


@pytest.mark.parametrize(
    ("codes", "signals"),
    [
        pytest.param(TELLING, UNLIKE, marks=pytest.mark.python, id="the telling ones"),
        pytest.param(range(256), SIGNALS, marks=pytest.mark.soak, id="all"),
    ],
)
def test_every_exit_code_and_every_signal_is_what_pydrop_ends_with(
    place: Throwaway, codes: "Sequence[int]", signals: "Sequence[int]"
) -> None:
    """0 to 255, and 128 and the number of each signal that ends a process."""
    script = EACH.format(pydrop=PYDROP, codes=" ".join(map(str, codes)), signals=" ".join(map(str, signals)))
    done = place.run("sh", "-c", script, env={**ENV, "PYDROP_LOG_LEVEL": "error"})
    assert (done.returncode, done.stdout) == (0, b"")


@BOTH
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("nosuch", 127, "nosuch was not found in PATH="),
        ("/no/such", 127, "/no/such is not there"),
        ("/etc/passwd", 126, "unable to run the command: /etc/passwd has no execute bit"),
        ("/etc", 126, "unable to run the command: /etc is a directory"),
    ],
)
def test_a_command_that_cannot_be_run_is_127_or_126(
    place: Throwaway, command: str, code: int, said: str, pid_1: bool
) -> None:
    assert ended(place, command, pid_1=pid_1, env={"PYDROP_LOG_LEVEL": "error"})[0] == code
    lines = ended(place, command, pid_1=pid_1)[1]
    assert len(lines) == 1 and said in lines[0]


@pytest.mark.quick
@pytest.mark.python
@pytest.mark.parametrize("words", [("--exit-code", "143:0"), ("--exit-code=7:1,143:0",)])
def test_an_exit_code_can_be_mapped(place: Throwaway, words: "tuple[str, ...]") -> None:
    """143 is TERM's, and fine for many programs; pydrop's own failures stay as they are."""
    running = Running(place, *words, "sleep", "30")
    running.command()
    assert running.stop() == (0, [])
    assert ended(place, "--exit-code", "127:0", "nosuch")[0] == 127


@pytest.mark.quick
@pytest.mark.python
def test_a_refusal_in_init_mode_is_one_line_too(place: Throwaway) -> None:
    refused: list[tuple[tuple[str, ...], dict[str, str]]]
    refused = [(("--stop-signal", "TREM", "true"), {}), (("true",), {"PUID": "abc"}), ((), {})]
    for words, env in refused:
        code, lines = ended(place, *words, env=env)
        assert code == 125 and len(lines) == 1 and lines[0].startswith("pydrop: ")


def test_a_death_that_nobody_asked_for_is_named(place: Throwaway) -> None:
    """The exit code alone says little to a person; TERM and INT are everyday's."""
    code, lines = ended(place, "sh", "-c", "kill -SEGV $$")
    assert (code, lines) == (139, ["pydrop: warning: sh was ended by SIGSEGV, which pydrop did not send"])
    assert ended(place, "sh", "-c", "kill -INT $$") == (130, [])


# -- what is left behind ---------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.python
@BOTH
def test_what_the_command_leaves_behind_is_ended_with_it(place: Throwaway, pid_1: bool) -> None:
    """Also a daemon in a session of its own; it is PID 1's child by then, or the subreaper's."""
    began = time.monotonic()
    assert ended(place, CHILD, "daemon", pid_1=pid_1) == (6, [])
    assert time.monotonic() - began < 2


@BOTH
def test_what_does_not_end_is_killed_after_the_grace_and_named(place: Throwaway, pid_1: bool) -> None:
    code, lines = ended(place, "--kill-grace", "300ms", CHILD, "daemon", "x", pid_1=pid_1)
    assert code == 6
    assert len(lines) == 1
    assert re.fullmatch(
        r"pydrop: warning: killed lingerer \(pid \d+\): the command is gone and left this behind", lines[0]
    )


def test_nothing_is_left_below_a_subreaper(place: Throwaway) -> None:
    """Where the PID namespace goes on, the processes would too."""
    script = f"{PYDROP} --init --kill-grace 100ms {CHILD} daemon x; ps -e -o comm= | grep -c lingerer"
    done = place.run("sh", "-c", script, env={**ENV, "PYDROP_LOG_LEVEL": "error"})
    assert done.stdout.split()[-1] == b"0"


# -- stopping --------------------------------------------------------------------------------------


@BOTH
def test_a_command_that_ignores_the_stop_is_killed_after_the_timeout_and_named(place: Throwaway, pid_1: bool) -> None:
    running = Running(place, "--stop-timeout", "300ms", CHILD, "stubborn", pid_1=pid_1)
    assert running.line() == "ready"
    began = time.monotonic()
    code, lines = running.stop()
    assert 0.3 <= time.monotonic() - began < 3
    assert code == 137
    assert len(lines) == 1
    assert re.fullmatch(r"pydrop: warning: killed child \(pid \d+\): the stop timeout is over", lines[0])


def test_a_stop_takes_as_long_as_the_command_takes(place: Throwaway) -> None:
    """No sleep of its own: a command that ends at once is a stop that ends at once."""
    running = Running(place, CHILD, "record")
    assert running.line() == "ready"
    began = time.monotonic()
    assert running.stop() == (77, [])
    assert time.monotonic() - began < 0.5


def test_what_is_left_during_a_stop_has_no_more_time_than_the_stop(place: Throwaway) -> None:
    """One budget: the grace of 3 s counts only as far as the stop timeout goes."""
    script = f"trap 'exit 0' TERM; {CHILD} daemon x >/dev/null; echo ready; sleep 30 & wait"
    running = Running(place, "--stop-timeout", "500ms", "sh", "-c", script)
    assert running.line() == "ready"
    began = time.monotonic()
    code, lines = running.stop()
    assert time.monotonic() - began < 2.5
    assert code == 0 and "killed lingerer" in lines[0]


# -- odd states ------------------------------------------------------------------------------------


@BOTH
def test_sigchld_inherited_ignored_does_not_lose_the_exit_code(place: Throwaway, pid_1: bool) -> None:
    """And the command still finds it ignored, as it came."""
    script = "import signal, os, sys; signal.signal(17, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
    around = (*(() if pid_1 else ("sh", "-c", '"$@"; exit $?', "sh")), "python3", "-I", "-c", script)
    done = place.run(*around, PYDROP, "--init", "sh", "-c", "exit 9", env=ENV)
    assert done.returncode == 9
    done = place.run(*around, PYDROP, "--init", "grep", "SigIgn", "/proc/self/status", env=ENV)
    assert int(done.stdout.split()[1], 16) >> 16 & 1


@pytest.mark.python
@pytest.mark.parametrize(("closed", "code"), [("0<&-", 1), ("1>&-", 2), ("2>&-", 4), ("0<&- 1>&- 2>&-", 7), ("", 0)])
def test_closed_streams_stay_closed_for_the_command(place: Throwaway, closed: str, code: int) -> None:
    """One bit a stream that the command finds closed; nothing of ours has taken its number."""
    look = "c=0; for n in 0,1 1,2 2,4; do [ -e /proc/$$/fd/${n%,*} ] || c=$((c + ${n#*,})); done; exit $c"
    done = place.run("sh", "-c", f'exec "$@" {closed}', "sh", PYDROP, "--init", "sh", "-c", look, env=ENV)
    assert done.returncode == code


def test_pid_1_holds_nothing_of_what_the_command_inherits(place: Throwaway) -> None:
    """Whoever reads the other end of a pipe, or wants to unmount the working folder, waits for the command alone. What
    it keeps is standard error, for what it has to say."""
    reading, writing = os.pipe()
    running = Running(place, CHILD, "asleep", pass_fds=(writing,))
    assert running.line() == "ready"
    assert until(lambda: "pipe:" not in "".join([link for name, link in held(running.pid).items() if name != "2"]))
    links = held(running.pid)
    assert links.pop("0") == links.pop("1") == "/dev/null"
    assert links.pop("2").startswith("pipe:[")
    assert all("memory" in link for link in links.values())  # the cgroup's counter
    assert os.readlink(f"/proc/{running.pid}/cwd") == "/"
    os.close(reading)
    os.close(writing)


def held(pid: int) -> "dict[str, str]":
    """What each descriptor of a process leads to."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[name] = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def test_the_command_finds_its_own_descriptors_and_no_more(place: Throwaway) -> None:
    """Nothing of what the two processes say to each other is inherited."""
    done = place.run("sh", "-c", f"exec 7</etc/passwd; exec {PYDROP} --init ls /proc/self/fd", env=ENV)
    assert done.stdout.split() == [b"0", b"1", b"2", b"3", b"7"]  # 3 is the folder that ls reads


# -- who is root -----------------------------------------------------------------------------------

CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")


@pytest.mark.python
@BOTH
def test_pid_1_is_the_user_too_and_keeps_nothing(place: Throwaway, pid_1: bool) -> None:
    """All ids, groups and capabilities; and it cannot gain any."""
    running = Running(place, CHILD, "asleep", pid_1=pid_1)
    assert running.line() == "ready"
    ours, theirs = status(running.pid), status(running.command())
    for name in ("Uid", "Gid", "Groups", *CAPABILITY_SETS, "CapBnd", "NoNewPrivs"):
        assert ours[name] == theirs[name]
    assert ours["Uid"].split() == ["1500"] * 4
    assert {ours[name] for name in CAPABILITY_SETS} == {"0" * 16}
    assert (ours["CapBnd"], ours["NoNewPrivs"]) == (status(os.getpid())["CapBnd"], "1")


@BOTH
def test_pid_1_empties_its_bounding_set_where_the_program_does(place: Throwaway, pid_1: bool) -> None:
    running = Running(place, "--bounding-set=empty", CHILD, "asleep", pid_1=pid_1)
    assert running.line() == "ready"
    assert (status(running.pid)["CapBnd"], status(running.command())["CapBnd"]) == ("0" * 16,) * 2


def test_the_program_cannot_look_into_pid_1(place: Throwaway) -> None:
    """They are the same user, so that PID 1 has to be undumpable: else its memory could be read and changed."""
    look = "for f in environ mem maps exe fd/1; do cat /proc/1/$f >/dev/null 2>&1 && echo $f; done; echo done"
    done = place.run(PYDROP, "--init", "sh", "-c", look, env={**ENV, "SECRET": "x"})
    assert done.stdout == b"done\n"


def test_a_command_whose_name_is_no_utf_8_is_looked_after_too(place: Throwaway) -> None:
    """PID 1's title names it, as far as that can be printed."""
    odd = place.folder / os.fsdecode(b"odd\xff")
    odd.write_bytes((place.folder / "child").read_bytes())
    odd.chmod(0o755)
    done = place.run(PYDROP, "--init", b"/mnt/odd\xff", "orphans", "1", env=ENV)
    assert (done.returncode, done.stderr) == (5, b"")


def test_a_ready_file_that_root_would_make_for_the_user_is_refused(place: Throwaway) -> None:
    """In a folder of the user's, a link on the way would lead root elsewhere."""
    code, lines = ended(place, "--keep-root", "--ready-file=/run/app/ready", "true")
    assert code == 125
    assert len(lines) == 1 and "--keep-root and --ready-file cannot both be had" in lines[0]


def test_keep_root_keeps_pid_1_root_and_the_command_not(place: Throwaway) -> None:
    running = Running(place, "--keep-root", CHILD, "asleep")
    assert running.line() == "ready"
    assert status(running.pid)["Uid"].split() == ["0"] * 4
    assert status(running.command())["Uid"].split() == ["1500"] * 4
    assert running.stop()[0] == 143


def test_a_capability_that_the_program_keeps_is_not_pid_1s(place: Throwaway) -> None:
    running = Running(place, "--keep-caps", "net_bind_service", CHILD, "asleep")
    assert running.line() == "ready"
    assert int(status(running.command())["CapEff"], 16) == 1 << 10
    assert int(status(running.pid)["CapPrm"], 16) == 0


@pytest.mark.parametrize("no_new_privs", [True, False])
def test_a_command_that_becomes_root_by_a_set_uid_file_can_be_stopped(place: Throwaway, no_new_privs: bool) -> None:
    """no_new_privs lets it not; without, PID 1 has kept CAP_KILL, which signals to another user need."""
    program = place.folder / "suid"
    program.write_bytes((place.folder / "child").read_bytes())
    program.chmod(0o4755)
    running = Running(place, f"--no-new-privs={str(no_new_privs).lower()}", "/mnt/suid", "root")
    assert running.line() == ("-1 1500" if no_new_privs else "0 0")
    assert int(status(running.pid)["CapPrm"], 16) == (0 if no_new_privs else 1 << 5)
    assert running.stop() == (143, [])


def test_without_root_it_is_an_init_too(place: Throwaway) -> None:
    words = ("setpriv", "--reuid=1234", "--regid=0", "--clear-groups", PYDROP, "--init", "sh", "-c", "id -u; exit 3")
    done = place.run(*words, env={"PATH": "/usr/bin:/bin", "PYDROP_LOG_LEVEL": "error"})
    assert (done.returncode, done.stdout) == (3, b"1234\n")


def test_root_that_was_asked_for_is_root(place: Throwaway) -> None:
    done = place.run(PYDROP, "--init", "id", "-u", env={**ENV, "PUID": "0", "PYDROP_LOG_LEVEL": "error"})
    assert (done.returncode, done.stdout) == (0, b"0\n")


# -- memory ----------------------------------------------------------------------------------------


@pytest.fixture
def small_cgroup() -> "Iterator[list[str]]":
    """Words that run what follows where there is little memory."""
    old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    if old.is_dir():
        group, limit, swap = old / f"pydrop-{os.getpid()}", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"
    else:
        group, limit, swap = new / f"pydrop-{os.getpid()}", "memory.max", "memory.swap.max"
    group.mkdir(exist_ok=True)
    (group / limit).write_text(str(48 << 20))
    if (group / swap).exists():
        (group / swap).write_text(str(48 << 20) if old.is_dir() else "0")
    yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
    until(lambda: _removed(group))


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True


def test_a_command_that_the_kernel_kills_for_memory_is_said_to_be(place: Throwaway, small_cgroup: "list[str]") -> None:
    """137 alone could be anybody's KILL."""
    words = place.inside("env", "-i", *[f"{n}={v}" for n, v in ENV.items()], PYDROP, "--init", CHILD, "eat")
    done = subprocess.run([*small_cgroup, *words], capture_output=True, timeout=60, check=False)
    assert done.returncode == 137
    assert b"killed by the kernel, because the container has no more memory; give it more" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_another_kill_is_not_said_to_be_for_memory(place: Throwaway) -> None:
    running = Running(place, "sleep", "30")
    os.kill(running.command(), signal.SIGKILL)
    assert running.end() == (137, ["pydrop: warning: sleep was ended by SIGKILL, which pydrop did not send"])


def test_oom_score_adj_is_the_commands(place: Throwaway) -> None:
    """PID 1 is not the one to be killed."""
    done = place.run(
        PYDROP,
        "--init",
        "--oom-score-adj=500",
        "sh",
        "-c",
        "cat /proc/self/oom_score_adj /proc/1/oom_score_adj",
        env=ENV,
    )
    assert done.stdout == b"500\n0\n"


def test_oom_score_adj_that_cannot_be_had_is_refused_with_a_remedy(place: Throwaway) -> None:
    words = ("setpriv", "--reuid=1234", "--clear-groups", "--regid=1", "--bounding-set=-sys_resource", PYDROP)
    done = place.run(*words, "--oom-score-adj=-5", "true", env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 125
    assert b"unable to set oom_score_adj to -5: Permission denied; have the runtime set it" in done.stderr
