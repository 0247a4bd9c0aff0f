"""The same words to tini, dumb-init and catatonit, to pydrop by the names of the first two, and to `pydrop --init`, in
one run. Where they differ, the row says what each does, and why pydrop does not do as the tool.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.throwaway import Throwaway
from tests.program.initmode import below, children, parent, status, until

from .inits import CHILD, ENVIRONMENT, IGNORING, INITS, PYTHON, Alive, Done, made, run

TOOLS = ("tini", "dumb-init")
STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
ALL = tuple(INITS)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Throwaway:
    place = made(tmp_path_factory.mktemp("inits"))
    for path, text in {"lost": "#!/no/such\n", "broken": "\x7fELF broken", "script": "exit 0\n"}.items():
        (place.folder / path).write_text(text)
        (place.folder / path).chmod(0o755)
    return place


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    while Alive.started:
        Alive.started.pop().kill()


def both(place: Throwaway, tool: str, *words: "str | bytes", **options: Any) -> "tuple[Done, Done]":
    """How the tool ends, and how pydrop by its name does."""
    return run(place, tool, *words, **options), run(place, f"our {tool}", *words, **options)


# -- exit codes ------------------------------------------------------------------------------------


FEW_OR_ALL = pytest.mark.parametrize("all_of_them", [False, pytest.param(True, marks=pytest.mark.soak)])
CODES = (0, 1, 2, 3, 42, 77, 100, 125, 126, 127, 128, 137, 143, 254, 255)
FEW_CODES = (0, 1, 127, 255)
DEADLY = (1, 2, 3, 4, 6, 8, 9, 11, 13, 14, 15, 24, 31, 34, 64)
FEW_DEADLY = (2, 9, 11, 64)


@FEW_OR_ALL
@pytest.mark.parametrize("init", ALL)
def test_the_exit_code_is_the_commands(init: str, all_of_them: bool, place: Throwaway) -> None:
    codes = CODES if all_of_them else FEW_CODES
    assert [run(place, init, "--", "sh", "-c", f"exit {code}").returncode for code in codes] == list(codes)


@FEW_OR_ALL
@pytest.mark.parametrize("init", ALL)
def test_death_by_a_signal_is_128_and_its_number(init: str, all_of_them: bool, place: Throwaway) -> None:
    numbers = DEADLY if all_of_them else FEW_DEADLY
    ended = [run(place, init, "--", "sh", "-c", f"kill -{number} $$").returncode for number in numbers]
    assert ended == [128 + number for number in numbers]


ONE_CODE = "dumb-init has 2 for a program that cannot be run, catatonit 1"
AS_A_SHELL = (
    "126 is 'cannot be executed', 127 'not there', as in a shell; tini has 1 for what is neither ENOENT nor EACCES"
)
TO_SH = "execvp(3) hands what the kernel takes for no program to sh; pydrop guesses no interpreter"
RUNS = {  # what cannot be run -> exit codes in the order of ALL, why they differ
    "nosuch": ((127, 127, 2, 2, 1, 127), ONE_CODE),
    "/no/such": ((127, 127, 2, 2, 1, 127), ONE_CODE),
    "": ((127, 127, 2, 2, 1, 127), ONE_CODE),
    "/mnt/lost": ((127, 127, 2, 2, 1, 127), ONE_CODE),
    "/etc": ((126, 126, 2, 2, 1, 126), ONE_CODE),
    "/etc/passwd": ((126, 126, 2, 2, 1, 126), ONE_CODE),
    "/etc/passwd/x": ((1, 127, 2, 2, 1, 127), AS_A_SHELL),
    "/mnt/broken": ((127, 126, 127, 2, 127, 126), TO_SH),
    "/mnt/script": ((0, 126, 0, 2, 0, 126), TO_SH),
}


LIKE_OTHERS = {"/no/such", "/mnt/lost", "/etc/passwd"}  # each has a row of the same codes beside it


@pytest.mark.parametrize("program", [pytest.param(p, marks=pytest.mark.soak if p in LIKE_OTHERS else ()) for p in RUNS])
def test_what_cannot_be_run_is_said_in_a_line_and_with_the_tools_code(program: str, place: Throwaway) -> None:
    codes, why = RUNS[program]
    done = [run(place, init, "--", program) for init in ALL]
    assert why and tuple([each.returncode for each in done]) == codes
    ours = [done[ALL.index(init)].stderr.decode() for init in ("our tini", "our dumb-init", "pydrop")]
    assert [line.partition(":")[0] for line in ours] == ["tini", "dumb-init", "pydrop"]
    assert all(line.count("\n") == 1 for line in ours)


# -- words -----------------------------------------------------------------------------------------

WORDS: "dict[str, list[tuple[str, ...]]]" = {
    "tini": [
        *[(), ("--",), ("-x", "true"), ("--nosuch", "true"), ("-h",), ("--version",)],
        *[("-s", "--version"), ("-e",), ("-e", "256", "true"), ("-p", "FOO", "true")],
        *[("-p", "TERM", "true"), ("true",), ("-e", "3", "--", "sh", "-c", "exit 3")],
        *[("-e", "3", "--", "sh", "-c", "exit 4")],
        *[("-e", "003", "--", "sh", "-c", "exit 3"), ("-e", "143", "--", "sh", "-c", "kill $$")],
        *[("echo", "--", "-n", "x"), ("-g", "-p", "SIGTERM", "-e", "1", "false")],
    ],
    "dumb-init": [
        *[(), ("--",), ("-x", "true"), ("--nosuch", "true"), ("-h",), ("--help",), ("-V",)],
        *[("--vers", "true"), ("-c", "true"), ("--single", "true"), ("sh", "-c", "exit 3"), ("-r",)],
        *[("-r", "x", "true"), ("-r", "32:3", "true"), ("-r", "15:3", "true")],
        *[("--rewrite=15:3", "true"), ("-r", "TERM:QUIT", "true"), ("-cr", "1:2", "true")],
        *[("echo", "--", "-n", "x")],
    ],
}


SPELLINGS: "dict[str, list[tuple[str, ...]]]" = {  # of what stands above; `make soak` asks these too
    "tini": [
        *[("-sh",), ("-l",), ("--version", "true"), ("-e", "x", "true"), ("-e", "-1", "true"), ("-p", "9", "true")],
        *[("-p",), ("-p", "SIGKILL", "--", "true"), ("-x", "-h"), ("-h", "-x"), ("--", "true"), ("-sg", "true")],
        *[("-e3", "-e", "4", "--", "sh", "-c", "exit 4"), ("-e", " 3", "--", "sh", "-c", "exit 3"), ("-", "true")],
        *[("--", "--", "true")],
    ],
    "dumb-init": [
        *[("--he",), ("--version",), ("--ver", "true"), ("-h", "-x"), ("-x", "-h"), ("--help=1",), ("true", "-h")],
        *[("--single-child", "true"), ("-c", "--", "true"), ("--rewrite",), ("-r", "15", "true")],
        *[("-r", "15:", "true"), ("-r", ":3", "true"), ("-r", "0:3", "true"), ("-r", "3:32", "true")],
        *[("-r", "-1:3", "true"), ("-r15:3", "true"), ("--rewrite", "15:0", "true"), ("-r", " 15:3", "true")],
        *[("-r", "9:1", "true"), ("--", "--", "true"), ("-", "true")],
    ],
}


def answer(done: Done) -> "tuple[int, bool, bool]":
    """(exit code, whether anything is on standard output, whether anything is on standard error)."""
    return done.returncode, bool(done.stdout), bool(done.stderr)


@pytest.mark.parametrize(("tool", "words"), [(tool, words) for tool in TOOLS for words in WORDS[tool]])
def test_words_are_answered_as_the_tool_does(tool: str, words: "tuple[str, ...]", place: Throwaway) -> None:
    """The same exit code, and on the same stream."""
    theirs, ours = both(place, tool, *words)
    assert answer(ours) == answer(theirs), (theirs, ours)


@pytest.mark.soak
@pytest.mark.parametrize("tool", TOOLS)
def test_so_are_other_spellings_of_them(tool: str, place: Throwaway) -> None:
    answers = {words: [answer(done) for done in both(place, tool, *words)] for words in SPELLINGS[tool]}
    assert {words: (theirs, ours) for words, (theirs, ours) in answers.items() if theirs != ours} == {}


BEHIND = "what stands behind the program is the program's; Debian's tini takes it (glibc's getopt), Alpine's does not"
STRICT = "a number is plain digits: what else is there is a slip, or a variable that is not set"
KILLED = "who or what killed the program (the kernel, for memory?) is said where nobody could guess it"
NAMED = "every signal that a process can have has its name"
OTHERS: "dict[tuple[str, tuple[str, ...]], tuple[object, object, str]]" = {
    ("tini", ("sh", "-c", "exit 3")): ((1, False, True), (3, False, False), BEHIND),
    ("tini", ("true", "-x")): ((1, False, True), (0, False, False), BEHIND),
    ("tini", ("echo", "x", "--", "-h")): ((0, True, False), (0, True, False), BEHIND),
    ("tini", ("-e", "", "true")): ((0, False, False), (1, False, True), STRICT),
    ("tini", ("-e", "+3", "true")): ((0, False, False), (1, False, True), STRICT),
    ("tini", ("-e", "137", "--", "sh", "-c", "kill -9 $$")): ((0, False, False), (0, False, True), KILLED),
    ("tini", ("-p", "SIGRTMIN+1", "true")): ((1, False, True), (0, False, False), NAMED),
    ("dumb-init", ("-r", "15:3x", "true")): ((0, False, False), (1, False, True), STRICT),
    ("dumb-init", ("-r", "1:2:3", "true")): ((0, False, False), (1, False, True), STRICT),
    ("dumb-init", ("-r", "15:+3", "true")): ((0, False, False), (1, False, True), STRICT),
}


@pytest.mark.parametrize(("tool", "words"), OTHERS)
def test_words_that_are_answered_otherwise_on_purpose(tool: str, words: "tuple[str, ...]", place: Throwaway) -> None:
    theirs, ours, why = OTHERS[tool, words]
    done = both(place, tool, *words)
    assert why and (answer(done[0]), answer(done[1])) == (theirs, ours)


def test_what_is_behind_the_program_is_handed_on(place: Throwaway) -> None:
    """But for a -- right behind it, which tini's help has there; dumb-init's has it not."""
    assert [each.stdout for each in both(place, "tini", "echo", "x", "--", "-h")] == [b"x -h\n", b"x -- -h\n"]
    assert [each.stdout for each in both(place, "tini", "echo", "--", "x")] == [b"x\n", b"x\n"]
    assert [each.stdout for each in both(place, "dumb-init", "echo", "--", "x")] == [b"-- x\n", b"-- x\n"]


@pytest.mark.parametrize(
    ("tool", "name", "value"),
    [
        *[("tini", "TINI_VERBOSITY", value) for value in ("0", "1", "", "x")],
        *[("tini", "TINI_SUBREAPER", ""), ("tini", "TINI_KILL_PROCESS_GROUP", "")],
        *[("dumb-init", "DUMB_INIT_DEBUG", value) for value in ("", "0", "1", "2")],
        *[("dumb-init", "DUMB_INIT_SETSID", value) for value in ("", "0", "1")],
    ],
)
def test_the_tools_variables_are_read_and_handed_on(tool: str, name: str, value: str, place: Throwaway) -> None:
    theirs, ours = both(place, tool, "--", "env", env=ENVIRONMENT | {name: value})
    assert ours.stdout == theirs.stdout
    assert answer(ours) == answer(theirs)


def test_a_verbosity_below_0_is_the_least(place: Throwaway) -> None:
    """To tini it is the most, by a sign that gets lost."""
    theirs, ours = both(place, "tini", "true", env=ENVIRONMENT | {"TINI_VERBOSITY": "-1"})
    assert theirs.stdout and not ours.stdout and not ours.stderr


def test_more_is_said_on_standard_error_alone(place: Throwaway) -> None:
    """tini's own words would stand among the program's output."""
    for words in (("-v",), ("-vvv",)):
        theirs, ours = both(place, "tini", *words, "--", "true")
        assert theirs.stdout and not ours.stdout and ours.stderr.startswith(b"tini: ")
    theirs, ours = both(place, "dumb-init", "-v", "true")
    assert theirs.stderr and not ours.stdout and ours.stderr.startswith(b"dumb-init: ")


def test_tini_names_what_it_reaps(place: Throwaway) -> None:
    """With -w, a line on standard error for each."""
    for done in both(place, "tini", "-w", "--", CHILD, "reaped", "3"):
        assert (done.returncode, done.stderr.count(b"\n")) == (5, 3)
    for done in both(place, "tini", "--", CHILD, "reaped", "3"):
        assert (done.returncode, done.stderr) == (5, b"")


# -- signals ---------------------------------------------------------------------------------------

MARK = 40  # is sent behind each signal, to see that nothing comes in between
SENT = [n for n in (*range(1, 32), *range(34, 65)) if n not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, MARK)]
FAULTS = (4, 5, 6, 7, 8, 11, 31)
LOST = {  # what does not come to the command; all else does, once
    "tini": {*FAULTS, 17, 21, 22},
    "catatonit": {*FAULTS, 17, 20, 21, 22},
    "dumb-init": {17},
    "our tini": set(),
    "our dumb-init": set(),
    "pydrop": set(),
}
WHY_LOST = "somebody sent it to the container, so it is the command's, also one that faults send or a SIGCHLD"


def seen(alive: Alive, number: int) -> list[int]:
    """What comes to the command where the init is sent a signal."""
    alive.send(number)
    alive.send(MARK)
    came: list[int] = []
    while (line := alive.line()) != str(MARK):
        came.append(int(line))
    return came


@pytest.mark.parametrize("init", ALL)
def test_each_signal_comes_to_the_command_once_or_is_lost_as_the_row_says(init: str, place: Throwaway) -> None:
    """A stop would stop dumb-init's command: below."""
    alive = Alive(place, init, "--", CHILD, "record")
    numbers = [n for n in SENT if n not in STOPS or "dumb-init" not in init]
    came = {number: seen(alive, number) for number in numbers}
    assert came == {number: [] if number in LOST[init] else [number] for number in numbers}
    os.kill(alive.pid, signal.SIGTERM)
    assert (alive.line(), alive.end()) == ("15", 77)


GROUPS = {  # init, options -> whether a signal comes to the whole group of the command
    ("tini", ()): False,
    ("tini", ("-g",)): True,
    ("dumb-init", ()): True,
    ("dumb-init", ("-c",)): False,
}


@pytest.mark.parametrize(("tool", "options"), GROUPS)
@pytest.mark.parametrize("ours", ["", "our "])
def test_signals_go_to_the_command_or_to_its_group(
    tool: str, options: "tuple[str, ...]", ours: str, place: Throwaway
) -> None:
    """The command ignores USR1, its child does not."""
    alive = Alive(place, ours + tool, *options, "--", CHILD, "group")
    alive.send(signal.SIGUSR1)
    if not GROUPS[tool, options]:
        os.kill(below(alive.pid)[1], signal.SIGUSR2)
    assert alive.end() == (110 if GROUPS[tool, options] else 112)


LEADS = {  # tool, options -> whether the command leads (a group, a session), as the tool has it and as ours
    ("tini", ()): ((True, False), (True, False), ""),
    ("dumb-init", ()): ((True, True), (True, True), ""),
    ("dumb-init", ("-c",)): (
        (False, False),
        (True, False),
        "a terminal's ^C would come twice: to the group, and passed on",
    ),
}


@pytest.mark.parametrize(("tool", "options"), LEADS)
def test_what_the_command_leads(tool: str, options: "tuple[str, ...]", place: Throwaway) -> None:
    theirs, ours, why = LEADS[tool, options]
    assert why or theirs == ours
    for init, expected in ((tool, theirs), (f"our {tool}", ours)):
        alive = Alive(place, init, *options, "--", CHILD, "asleep")
        pid = alive.command()
        assert (os.getpgid(pid) == pid, os.getsid(pid) == pid) == expected
        alive.kill()


@pytest.mark.parametrize("init", ["dumb-init", "our dumb-init"])
@pytest.mark.parametrize("options", [(), ("-c",)])
@pytest.mark.parametrize(
    ("rewrite", "sent", "came"), [("10:12", 10, [12]), ("1:0", 1, []), ("20:3", 20, [3]), ("2:30", 2, [30])]
)
def test_a_signal_is_rewritten(
    init: str, options: "tuple[str, ...]", rewrite: str, sent: int, came: list[int], place: Throwaway
) -> None:
    alive = Alive(place, init, *options, "-r", rewrite, "--", CHILD, "record")
    assert seen(alive, sent) == came


EATEN = "a stop that is sent to the container stops all that runs in it, until CONT; the tool loses it"
HALF = "the whole group is stopped, and the init with it where a shell waits for that; the tool stops the command alone"
PAUSES: dict[
    tuple[str, int], tuple[str, str, str]
] = {  # init, the signal -> states of init, command and its child: as PID 1, and below a shell
    **{(init, n): ("STT", "TTT", "") for init in ("dumb-init", "our dumb-init", "our tini", "pydrop") for n in STOPS},
    ("tini", signal.SIGTSTP): ("STS", "STS", HALF),
    ("tini", signal.SIGTTIN): ("SSS", "SSS", EATEN),
    ("tini", signal.SIGTTOU): ("SSS", "SSS", EATEN),
    **{("catatonit", n): ("SSS", "SSS", EATEN) for n in STOPS},
}


@pytest.mark.parametrize(("init", "number"), PAUSES)
def test_a_stop_and_a_cont(init: str, number: int, place: Throwaway) -> None:
    """PID 1 itself cannot be stopped."""
    for pid_1, expected in zip((True, False), PAUSES[init, number], strict=False):
        alive = Alive(place, init, "--", "sh", "-c", "sleep 30 & echo ready; wait", pid_1=pid_1)
        assert alive.has_below(2)
        for _ in range(2):
            alive.send(number)
            assert alive.state() == expected
            alive.send(signal.SIGCONT)
            assert alive.state() == "SSS"
        alive.kill()


ALONE = {"dumb-init": ("STS", "TTS"), "our dumb-init": ("STT", "TTT")}  # as HALF has it


@pytest.mark.parametrize("init", ALONE)
def test_a_stop_in_dumb_inits_single_child_mode(init: str, place: Throwaway) -> None:
    for pid_1, expected in zip((True, False), ALONE[init], strict=True):
        alive = Alive(place, init, "-c", "--", "sh", "-c", "sleep 30 & echo ready; wait", pid_1=pid_1)
        assert alive.has_below(2)
        alive.send(signal.SIGTSTP)
        assert alive.state() == expected
        alive.send(signal.SIGCONT)
        assert alive.state() == "SSS"


REWRITTEN = "who has another signal passed on for a stop wants no stop"


@pytest.mark.parametrize(("init", "state"), [("dumb-init", "TS"), ("our dumb-init", "SS")])
def test_what_stands_in_for_a_stop_stops_dumb_init_but_not_ours(init: str, state: str, place: Throwaway) -> None:
    alive = Alive(place, init, "-r", "20:10", "--", CHILD, "record", pid_1=False)
    alive.send(signal.SIGTSTP)
    assert alive.line() == "10"
    assert alive.state() == state


ENDS = "a stop is to end, so what is stopped is continued for it; the tools leave it pending until CONT"


@pytest.mark.parametrize("init", [init for init in ALL if init != "catatonit"])
def test_a_term_while_the_command_is_stopped(init: str, place: Throwaway) -> None:
    alive = Alive(place, init, "--", CHILD, "asleep")
    alive.send(signal.SIGTSTP)
    assert alive.state() == "ST"
    if init in TOOLS:
        alive.send(signal.SIGTERM)
        assert alive.state() == "ST"
    else:
        os.kill(alive.pid, signal.SIGTERM)
        assert alive.end() == 143


STUBBORN = "a stop has an end: after the stop timeout all is killed"


@pytest.mark.parametrize("init", ALL)
def test_a_command_that_ignores_term(init: str, place: Throwaway) -> None:
    """The tools have no timeout, the runtime has; pydrop has, and says so (STUBBORN)."""
    options = ("--stop-timeout", "200ms", "--log-level", "warn") if init == "pydrop" else ()
    alive = Alive(place, init, *options, "--", CHILD, "stubborn")
    alive.send(signal.SIGTERM)
    if init != "pydrop":
        assert alive.state() == "SS"
        os.kill(alive.command(), signal.SIGKILL)
    assert alive.end() == 137


# -- odd states at the start -----------------------------------------------------------------------

HANGS = {"tini", "catatonit"}  # SIGCHLD that comes ignored leaves them no child to wait for, and they never look


@pytest.mark.parametrize("init", ALL)
def test_a_sigchld_that_comes_ignored(init: str, place: Throwaway) -> None:
    before = (*PYTHON, IGNORING)
    if init not in HANGS:
        assert run(place, init, "--", "sh", "-c", "exit 3", before=before).returncode == 3
    else:
        alive = Alive(place, init, "--", "sh", "-c", "echo ready; exit 3", before=before)
        assert alive.has_below(0)
        assert (alive.state(), alive.process.poll()) == ("S", None)


CLOSED = {"<&-": "0", ">&-": "1", "2>&-": "2", "<&- >&- 2>&-": "012"}
TELL_CLOSED = "for n in 0 1 2; do [ -e /proc/$$/fd/$n ] || all=$all$n; done; echo closed:$all >/mnt/out; exit 5"
NO_STDIN = "tini ends with 1 where standard input is closed, since it asks it for its terminal's foreground; ours runs"


@pytest.mark.parametrize("redirections", CLOSED)
@pytest.mark.parametrize("tool", TOOLS)
def test_closed_streams_stay_closed_for_the_command(tool: str, redirections: str, place: Throwaway) -> None:
    out = place.folder / "out"
    for init in (tool, f"our {tool}"):
        out.write_text("")
        before = ("sh", "-c", f'exec "$@" {redirections}', "sh")
        done = run(place, init, "--", "sh", "-c", TELL_CLOSED, before=before)
        if init == "tini" and "<&-" in redirections:  # NO_STDIN
            assert (done.returncode, out.read_text()) == (1, "")
        else:
            assert done.returncode == 5
            assert out.read_text() == f"closed:{CLOSED[redirections]}\n"


ODD = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/root",
    "LD_PRELOAD": "",
    "PYTHONPATH": "/mnt",
    "LC_ALL": "C",
    "!": "!",
    "X": "\udcff y\nz",
    "TINI_VERBOSITY": "0",
}
LOOKS = {
    "environment": ("cat", "/proc/self/environ"),
    "arguments": ("cat", "/proc/self/cmdline", "/dev/null", "", "-", "\udcff \n", "--"),
    "working folder": ("readlink", "/proc/self/cwd"),
    "who, masks, capabilities": (
        *("grep", "-E", "^(Uid|Gid|Groups|Cap...|NoNewPrivs|Umask|Sig(Blk|Ign|Cgt)|Seccomp):", "/proc/self/status"),
    ),
    "limits": ("cat", "/proc/self/limits"),
    "descriptors": ("sh", "-c", "ls /proc/$$/fd"),
}


@pytest.mark.parametrize("looks", LOOKS)
@pytest.mark.parametrize("tool", TOOLS)
def test_the_command_finds_all_as_it_came(tool: str, looks: str, place: Throwaway) -> None:
    """Byte for byte as behind the tool."""
    before = ("sh", "-c", 'exec "$@" 5</etc/passwd 9>/mnt/nine', "sh")
    theirs, ours = both(place, tool, "--", *[os.fsencode(word) for word in LOOKS[looks]], env=ODD, before=before)
    assert ours.stdout == theirs.stdout and theirs.stdout
    assert ours.returncode == theirs.returncode


@pytest.mark.parametrize("init", ALL)
def test_what_pid_1_keeps_open(init: str, place: Throwaway) -> None:
    """Whoever waits for the end of an inherited pipe waits for the command alone, as catatonit has it too."""
    before = ("sh", "-c", 'exec "$@" 5</etc/passwd', "sh")

    def count() -> int:
        done = run(place, init, "--", "ls", "-l", "/proc/1/fd", "/proc/self/fd", before=before)
        return done.stdout.count(b"5 -> /etc/passwd\n")

    if init == "catatonit":  # it closes them when the command runs already, so the command may be there first
        assert until(lambda: count() == 1)
    else:
        assert count() == (2 if init in TOOLS else 1)


@pytest.mark.parametrize("init", [init for init in ALL if init != "pydrop"])
def test_the_log_of_the_container_can_be_written_through_pid_1(init: str, place: Throwaway) -> None:
    """`> /proc/1/fd/1`, as cron jobs and health checks do."""
    done = run(place, init, "--", "sh", "-c", "echo hello >/proc/1/fd/1; echo you >/proc/1/fd/2")
    assert (done.stdout, done.stderr) == (b"hello\n", b"you\n")


# -- what the command leaves behind ----------------------------------------------------------------

LEFT = {  # what is left -> who is still there when the init is gone, where that is not PID 1
    "in its group": ("sleep 30 & echo ready; read x", {"tini": True, "our tini": True, "catatonit": True}),
    "in a session": ("setsid sleep 30 & echo ready; read x", {init: True for init in ALL if init != "pydrop"}),
}
CLEARS = "pydrop --init ends what its command leaves behind; by a tool's name it leaves it alone, as the tool"


@pytest.mark.parametrize("init", ALL)
@pytest.mark.parametrize("kind", LEFT)
def test_what_the_command_leaves_behind_where_that_is_not_pid_1(init: str, kind: str, place: Throwaway) -> None:
    """dumb-init sends TERM to the command's group, and to nobody else."""
    script, stays = LEFT[kind]
    alive = Alive(place, init, "--", "sh", "-c", script.replace("read x", "kill -STOP $$"), pid_1=False)
    left = until(lambda: next((pid for pid in below(alive.pid) if is_sleep(pid)), None))
    assert isinstance(left, int)
    top = parent(alive.pid)
    os.kill(alive.command(), signal.SIGKILL)
    assert alive.line() == "ended with 137"
    expected = stays.get(init, False)
    assert until(lambda: (left in below(top) and is_sleep(left)) == expected)
    assert alive.process.poll() is None


def is_sleep(pid: int) -> bool:
    try:
        return status(pid)["Name"] == "sleep" and status(pid)["State"][0] != "Z"
    except (OSError, KeyError):
        return False


ADOPTS = {init: init not in ("tini", "dumb-init") for init in ALL}  # tini with -s, dumb-init never
WHY_ADOPTS = "an orphan is reaped, also where no init is above, without anybody having known of -s"


@pytest.mark.parametrize("init", ALL)
def test_whose_child_an_orphan_becomes_where_that_is_not_pid_1(init: str, place: Throwaway) -> None:
    alive = Alive(place, init, "--", CHILD, "daemon", pid_1=False)
    orphan = until(lambda: next((pid for pid in below(parent(alive.pid)) if name_of(pid) == "lingerer"), None))
    assert isinstance(orphan, int)
    # Its own parent is one of them, and takes a moment to end.
    assert until(lambda: parent(orphan) not in below(alive.pid))
    assert (parent(orphan) == alive.pid) == ADOPTS[init]


def name_of(pid: int) -> str:
    try:
        return status(pid)["Name"]
    except (OSError, KeyError):
        return ""


LAST_WORDS = (
    "what is left as PID 1 ends is told so, and has three seconds; the tools leave it to the kernel, which kills"
)
SAYS = {"our tini", "our dumb-init", "pydrop"}
THREE_SECONDS = pytest.mark.soak  # by a tool's name nobody can shorten the grace; tests/pure has it as a value


@pytest.mark.parametrize("init", ["tini", "our tini", "our dumb-init", "catatonit", "pydrop"])
def test_what_is_left_as_pid_1_ends_can_still_put_its_things_in_order(
    init: str, place: Throwaway, tmp_path: Path
) -> None:
    """A daemon that is asked to end (tini#180, tini#229, dumb-init#212)."""
    word = place.folder / "word"
    word.unlink(missing_ok=True)
    daemon = "trap 'echo in order >/mnt/word; exit' TERM; echo ready; while :; do read x </mnt/never; done"
    never = place.folder / "never"
    if not never.exists():
        os.mkfifo(never)
    alive = Alive(place, init, "--", "sh", "-c", f'setsid sh -c "{daemon}" & kill -STOP $$')
    os.kill(alive.command(), signal.SIGKILL)
    assert alive.end() == 137
    assert word.exists() == (init in SAYS)


@pytest.mark.parametrize("init", [pytest.param(i, marks=THREE_SECONDS if i.startswith("our ") else ()) for i in ALL])
def test_what_is_left_and_ignores_term_goes_with_pid_1(init: str, place: Throwaway) -> None:
    """At once with the tools, after three seconds with pydrop; a short grace here."""
    options = ("--kill-grace", "200ms") if init == "pydrop" else ()
    alive = Alive(place, init, *options, "--", CHILD, "daemon", "x")
    assert alive.end() == 6
    assert children(alive.process.pid) == []
