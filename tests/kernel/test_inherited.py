"""What a start was given, before Python changed any of it: arguments, environment, signals.

Each child is a bare interpreter, exec'd with exactly the strings and signal states that the test says.
"""

import io
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from pydrop import inherited
from pydrop.errors import Interrupted
from pydrop.model import Start
from tests.kernel.forked import ended, forked

pytestmark = [pytest.mark.quick, pytest.mark.python]

SOURCES = str(Path(__file__).parent.parent.parent / "src")
HELD = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT]
SHOW = f"""
import sys
sys.path.insert(0, {SOURCES!r})
from pydrop import inherited
start = inherited.%s(sys.argv)
import json
print(json.dumps({{name: getattr(start, name) for name in start.fields}}))
"""
NOTHING = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())


def taken(
    how: str, words: "list[str | bytes]", environment: "list[bytes]", prepare: "object" = None
) -> "dict[str, object]":
    """The Start that a process makes which is exec'd with `words` behind -c and with these very environment strings."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(writing, 1)
            if prepare:
                prepare()  # type: ignore[operator]
            arguments = [os.fsencode(word) for word in [sys.executable, "-I", "-S", "-c", SHOW % how, *words]]
            execve(os.fsencode(sys.executable), arguments, environment)
        finally:
            os._exit(99)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    found: dict[str, object] = json.loads(text)
    return found


def execve(path: bytes, arguments: "list[bytes]", environment: "list[bytes]") -> None:
    """execve(2) as it is, for environments that no os.execve would pass on."""
    import ctypes

    argv = (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
    envp = (ctypes.c_char_p * (len(environment) + 1))(*environment, None)
    ctypes.CDLL(None).execve(path, argv, envp)


# -- words -----------------------------------------------------------------------------------------


def test_the_name_and_the_arguments_come_whole() -> None:
    """argv[0], empty arguments, ones that look like Python's options, and bytes that are no UTF-8."""
    start = taken("from_launcher", ["--:----:7", "/usr/bin/gosu", "", "-c", "--help", b"\xff\xfe", "a b"], [])
    assert start["name"] == "/usr/bin/gosu"
    assert start["arguments"] == ["", "-c", "--help", "\udcff\udcfe", "a b"]


@pytest.mark.parametrize(
    ("state", "ignored", "blocked"),
    [
        ("--:----:7", [], []),
        ("P-:----:7", [signal.SIGPIPE], []),
        ("-X:----:7", [signal.SIGXFSZ], []),
        ("PX:TIHQ:7", [signal.SIGPIPE, signal.SIGXFSZ], HELD),
        ("--:T---:7", [], [signal.SIGTERM]),
        ("--:-I--:7", [], [signal.SIGINT]),
        ("--:--H-:7", [], [signal.SIGHUP]),
        ("--:---Q:7", [], [signal.SIGQUIT]),
    ],
)
def test_the_launchers_word_says_what_came_ignored_and_blocked(
    state: str, ignored: list[int], blocked: list[int]
) -> None:
    """Each letter stands for one signal, in the order that launcher.c writes them."""
    start = taken("from_launcher", [state, "pydrop"], [])
    assert (start["ignored"], start["blocked"]) == ([int(s) for s in ignored], [int(s) for s in blocked])


# -- environment -----------------------------------------------------------------------------------

ODD = [
    b"B=2",
    b"A=1",
    b"A=again",
    b"no equals sign",
    b"=no name",
    b"",
    b"E=",
    b"X=a=b",
    b"BYTES=\xff\x80",
    b"!=!",
    b"N=a\nb",
]


def test_the_launchers_disguise_is_taken_off_and_nothing_else() -> None:
    """Order, doubles, strings without a name or a `=`, and every byte survive; what Python added is not there."""
    start = taken("from_launcher", ["--:----:7", "pydrop"], [b"!" + line for line in ODD])
    assert start["environment"] == [os.fsdecode(line) for line in ODD]


def test_a_disguised_variable_reaches_no_library() -> None:
    """`!LC_ALL` is nobody's locale and `!PYTHONPATH` nobody's path: Python's own view shows them disguised."""
    start = taken("from_launcher", ["--:----:7", "pydrop"], [b"!LC_ALL=de_DE@euro", b"!LD_PRELOAD=/nothing.so"])
    assert start["environment"] == ["LC_ALL=de_DE@euro", "LD_PRELOAD=/nothing.so"]


def test_without_a_launcher_the_environment_is_as_the_kernel_has_it() -> None:
    """Python adds LC_CTYPE in a C locale, loses doubles, and strings without `=`; /proc/self/environ has it right."""
    start = taken("without_launcher", ["x"], ODD)
    assert start["environment"] == [os.fsdecode(line) for line in ODD]


def test_an_empty_environment_is_empty() -> None:
    """No string, not one empty string."""
    assert taken("without_launcher", [], [])["environment"] == []
    assert taken("from_launcher", ["--:----:7", "pydrop"], [])["environment"] == []


def test_a_long_environment_is_read_to_its_end() -> None:
    """More than a page, more than a pipe: up to what execve allows."""
    lines = [f"V{number}={'x' * 1000}".encode() for number in range(500)]
    assert len(taken("without_launcher", [], lines)["environment"]) == 500  # type: ignore[arg-type] # what JSON gave is a list


# -- signals ---------------------------------------------------------------------------------------


def test_without_a_launcher_what_came_blocked_is_told() -> None:
    """The mask is looked at in the moment in which it is changed."""
    start = taken("without_launcher", [], [], lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP]))
    assert start["blocked"] == [int(signal.SIGHUP)]


@pytest.mark.parametrize("number", HELD)
def test_a_signal_interrupts(number: int) -> None:
    """Each of the four raises Interrupted that says which."""

    def interrupted() -> int:
        inherited.interruptible(NOTHING)
        try:
            os.kill(os.getpid(), number)
        except Interrupted as stop:
            return stop.signum
        return 0

    assert forked(interrupted) == number


@pytest.mark.parametrize("number", HELD)
def test_a_signal_that_came_before_is_not_lost(number: int) -> None:
    """launcher.c blocks the four so that one that comes while Python starts is pending, and interrupts now."""

    def interrupted() -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
        os.kill(os.getpid(), number)
        try:
            inherited.interruptible(NOTHING)
        except Interrupted as stop:
            return stop.signum
        return 0

    assert forked(interrupted) == number


def test_no_except_clause_of_a_step_swallows_it() -> None:
    """Interrupted is no Exception."""
    assert not issubclass(Interrupted, Exception)


def test_a_second_signal_does_not_break_into_the_cleaning_up() -> None:
    """People press Ctrl-C twice, and runtimes send TERM and then HUP."""

    def cleaned_up() -> "tuple[list[str], int]":
        inherited.interruptible(NOTHING)
        done = []
        try:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGINT)
                done.append("cleaned up")
        except Interrupted as stop:
            return done, stop.signum
        return done, 0

    assert forked(cleaned_up) == (["cleaned up"], signal.SIGTERM)


def what_python_prints() -> "Callable[[], str]":
    """Gives what comes to standard error from here on, without what pytest has put in its way."""
    sys.stderr, sys.unraisablehook = io.StringIO(), sys.__unraisablehook__
    return sys.stderr.getvalue


def test_a_signal_that_was_lost_is_raised_again() -> None:
    """Python prints and drops what is raised in a weak reference's callback; between two steps it is asked for. And
    what it would print is no line for people."""

    def obeyed() -> "tuple[list[int], str]":
        printed = what_python_prints()
        inherited.interruptible(NOTHING)
        inherited.require_uninterrupted()
        found = []

        class Thing:
            pass

        thing = Thing()
        callback = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGHUP))
        del thing
        assert callback() is None
        try:
            inherited.require_uninterrupted()
        except Interrupted as stop:
            found.append(stop.signum)
        return found, printed()

    assert forked(obeyed) == ([signal.SIGHUP], "")


def test_what_else_python_cannot_raise_is_printed_as_ever() -> None:
    """It tells of a bug."""

    def told() -> str:
        printed = what_python_prints()
        inherited.interruptible(NOTHING)

        class Thing:
            def __del__(self) -> None:
                raise ValueError("odd")

        Thing()
        return printed()

    assert "ValueError: odd" in forked(told)


def test_a_signal_while_the_end_is_told_ends_it_without_a_word() -> None:
    """A standard error that nobody empties holds the start up; a signal then ends it with 128+N, not a traceback."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for size in (4096, 1):
        with suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * size)
    os.set_blocking(writing, True)
    script = f"import sys; sys.path[:0] = {[SOURCES, *sys.path]!r}; from pydrop import called_as, inherited; "
    script += "called_as.begin(inherited.from_launcher(sys.argv))"
    child = subprocess.Popen(
        [sys.executable, "-c", script, "--:----:7", "pydrop", "--nonsense"], stderr=writing, env={}
    )
    os.close(writing)
    deadline = time.monotonic() + 10
    while "pipe_write" not in Path(f"/proc/{child.pid}/wchan").read_text():  # asleep in the write of its error
        assert time.monotonic() < deadline and child.poll() is None
    child.terminate()
    assert child.wait(10) == 128 + signal.SIGTERM
    with os.fdopen(reading, "rb") as pipe:
        assert set(pipe.read()) == {ord("x")}


@pytest.mark.parametrize("number", HELD)
def test_a_signal_that_came_ignored_stays_ignored(number: int) -> None:
    """nohup's HUP, and a shell's background INT and QUIT."""

    def start() -> None:
        signal.signal(number, signal.SIG_IGN)
        inherited.interruptible(NOTHING)
        os.kill(os.getpid(), number)

    assert ended(start) == 0


@pytest.mark.parametrize("number", HELD)
def test_a_signal_that_came_blocked_stays_blocked(number: int) -> None:
    """It waits for the program, as it would have without pydrop."""

    def pending() -> "set[int]":
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
        inherited.interruptible(Start(name="", arguments=(), environment=(), ignored=(), blocked=(number,)))
        os.kill(os.getpid(), number)
        return {int(s) for s in signal.sigpending()}

    assert forked(pending) == {number}


def test_a_whole_start_by_the_launcher_is_the_same_as_by_hand(tmp_path: Path) -> None:
    """launcher.c, compiled from the tree, hands over words and environment that `from_launcher` undoes exactly."""
    launcher = tmp_path / "bin" / "pydrop"
    launcher.parent.mkdir()
    source = Path(SOURCES).parent / "launcher" / "launcher.c"
    shown = (SHOW % "from_launcher").strip().replace("\n", ";")
    text = source.read_text()
    begin, end = text.index("static const char PROGRAM[]"), text.index("__attribute__((noreturn)) static void fail")
    script = json.dumps("import sys;sys.argv.pop(1);" + shown)
    boot = f"static const char PROGRAM[] = {script};\n\n"
    (tmp_path / "launcher.c").write_text(text[:begin] + boot + text[end:])
    subprocess.run(["cc", "-static", "-o", str(launcher), str(tmp_path / "launcher.c")], check=True)
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    result = subprocess.run(
        [launcher, "--", "", "x y"], check=True, capture_output=True, env={"A": "1", "PYTHONHOME": "/no"}
    )
    start = json.loads(result.stdout)
    assert start["arguments"] == ["--", "", "x y"]
    assert sorted(start["environment"]) == ["A=1", "PYTHONHOME=/no"]
    assert start["name"] == str(launcher)
    assert start["blocked"] == []
