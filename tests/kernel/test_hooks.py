"""Root's hooks run in order, are root's alone, end with the start, and add to the environment."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pydrop import hook_environment
from pydrop.errors import HookFailed, Interrupted, Untrusted
from pydrop.model import Outcome, Start
from pydrop.perform import hooks
from pydrop.rootenv import DEFAULT_PATH
from pydrop.steps import HooksStep
from tests.pure import worlds

pytestmark = [pytest.mark.quick, pytest.mark.python]

SRC = str(Path(__file__).parents[2] / "src")
PATH = "PATH=/usr/bin:/bin"
Found = TypeVar("Found")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for /run/pydrop; not made yet."""
    monkeypatch.setattr(hook_environment, "PLACE", str(tmp_path / "pydrop"))
    return tmp_path / "pydrop"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "hooks"
    made.mkdir(mode=0o755)
    return made


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """No test leaves a descriptor, a changed mask or handler, or a file for $PYDROP_ENV behind."""

    def state() -> object:
        return (
            os.listdir("/proc/self/fd"),
            signal.pthread_sigmask(signal.SIG_BLOCK, ()),
            signal.getsignal(signal.SIGCHLD),
        )

    before = state()
    yield
    assert state() == before
    assert list(tmp_path.glob("pydrop/env*")) == []


def hook(folder: Path, body: str, name: str = "hook", interpreter: str = "#!/bin/sh\n") -> str:
    path = folder / name
    path.write_text(interpreter + body)
    path.chmod(0o755)
    return str(path)


def started(*environment: str, **fields: tuple[int, ...]) -> Start:
    given: dict[str, Any] = {"ignored": (), "blocked": ()} | fields
    return Start(name="pydrop", arguments=(), environment=(PATH, *environment), **given)


def perform(*paths: str, command: tuple[str, ...] = (), start: Start | None = None) -> Outcome:
    step = HooksStep(words="", hooks=paths, command=command, record=worlds.record())
    return hooks.perform(step, start or started())


# -- running --------------------------------------------------------------------------------------


def test_hooks_run_in_order_each_with_the_command_as_its_arguments(folder: Path, place: Path) -> None:
    out = folder / "out"
    both = [hook(folder, f'printf "%s|" "${{0##*/}}" "$#" "$@" >> {out}', name) for name in ("b", "a")]
    outcome = perform(*both, command=("run", "", "a b", "\udcff\n"))
    assert out.read_bytes() == b"b|4|run||a b|\xff\n|a|4|run||a b|\xff\n|"
    assert outcome == Outcome(changed=2, words=f"ran {both[0]}, {both[1]}")


def test_without_hooks_nothing_is_done(place: Path) -> None:
    assert perform() == Outcome()
    assert not place.exists()


def test_a_hook_has_the_environment_and_the_streams_of_the_start(
    folder: Path, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = hook(folder, 'echo "$A $B ${PYTHONPATH-unset}"; echo problem >&2')
    perform(script, start=started("A=1", "A=2", "=odd", "B=x=\udcff", "alone"))
    out, err = capfd.readouterr()
    assert (out, err) == ("1 x=\ufffd unset\n", "problem\n")


def test_a_hook_starts_in_the_root_folder_and_is_told_the_images_own(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working folder may be a volume: what lies there must not be found by a hook. The program gets it back."""
    monkeypatch.chdir(folder)
    perform(hook(folder, f'echo "$PWD $PYDROP_WORKDIR" > {folder}/out'))
    assert (folder / "out").read_text() == f"/ {folder}\n"
    assert Path.cwd() == folder
    with pytest.raises(HookFailed):
        perform(hook(folder, "exit 1", "failing"))
    assert Path.cwd() == folder


def test_a_working_folder_that_was_removed_has_no_name_and_is_the_programs_all_the_same(
    folder: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    inode = gone.stat().st_ino
    gone.rmdir()
    perform(hook(folder, f'echo "${{PYDROP_WORKDIR-none}}" > {folder}/out'))
    assert (folder / "out").read_text() == "none\n"
    assert os.stat(".").st_ino == inode
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("code", ["import json", "import sys, json, os"])
def test_a_module_in_the_working_folder_is_not_imported_by_a_hooks_python(
    folder: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """The plant bites where Python is started in that folder, and not in a hook."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "json.py").write_text(f"open('{data}/mark', 'w').close()\n")
    monkeypatch.chdir(data)
    command = f"{sys.executable} -c '{code}'"
    subprocess.run(command, shell=True, check=True)
    (data / "mark").unlink()
    perform(hook(folder, command))
    assert not (data / "mark").exists()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("#!{users}/sh\n", "({users} belongs to user 1500)"),
        ("#! {users}/sh -e\n", "is run by {users}/sh: "),
        ("#!/usr/bin/env {users}/sh\n", "is run by {users}/sh: "),
        ("#!/usr/bin/env -S A=1 {users}/sh -e\n", "is run by {users}/sh: "),
        ("#!{roots}/script\n", "is run by {users}/sh: "),  # whose own interpreter is the user's
        ("#!{roots}/link\n", "is run by {roots}/link: "),  # of root's, which leads to the user's
        ("#!bin/sh\n", "names the interpreter bin/sh, which is looked up in the working folder"),
    ],
)
def test_a_hook_whose_interpreter_is_the_users_is_refused(
    folder: Path, place: Path, tmp_path: Path, line: str, reason: str
) -> None:
    """Root would run what the user wrote, however trustworthy the hook is."""
    users, roots = tmp_path / "users", tmp_path / "roots"
    for path in (users, roots):
        path.mkdir(mode=0o755)
    (users / "sh").write_text(f"#!/bin/sh\ntouch {folder}/mark\n")
    (users / "sh").chmod(0o755)
    for path in (users / "sh", users):
        os.chown(path, 1500, 1500)
    (roots / "script").write_text(f"#!{users}/sh\n")
    (roots / "script").chmod(0o755)
    (roots / "link").symlink_to(users / "sh")
    names = {"users": users, "roots": roots}
    with pytest.raises(Untrusted) as error:
        perform(hook(folder, "", interpreter=line.format(**names)))
    assert reason.format(**names) in str(error.value)
    assert not (folder / "mark").exists()


@pytest.mark.parametrize("line", ["#!/bin/sh\n", "#!/usr/bin/env sh\n", "#! /usr/bin/env -S sh -e\n"])
def test_an_interpreter_of_roots_runs_the_hook(folder: Path, place: Path, line: str) -> None:
    perform(hook(folder, f"echo ran > {folder}/out\n", interpreter=line))
    assert (folder / "out").read_text() == "ran\n"


@pytest.mark.parametrize(("ignored", "blocked"), [((), ()), ((signal.SIGPIPE,), (signal.SIGTERM, signal.SIGHUP))])
def test_a_hook_gets_the_signals_as_the_start_got_them(
    folder: Path, place: Path, ignored: tuple[int, ...], blocked: tuple[int, ...]
) -> None:
    """CPython ignores PIPE and XFSZ, and TERM, CHLD and others are blocked while a hook is waited for."""
    script = hook(folder, f"exec grep ^Sig /proc/self/status > {folder}/out")
    before = signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR1, *blocked})
    try:
        perform(script, start=started(ignored=ignored, blocked=blocked))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    lines = dict(line.split(":") for line in (folder / "out").read_text().splitlines())
    glibcs_own = 0b11 << 31  # 32 and 33, which its posix_spawn leaves ignored, and its threads set anew
    assert int(lines["SigIgn"], 16) & ~glibcs_own == sum(1 << (number - 1) for number in ignored)
    assert int(lines["SigBlk"], 16) == sum(1 << (number - 1) for number in (signal.SIGUSR1, *blocked))


def test_a_child_signal_that_came_ignored_hides_no_failure(folder: Path, place: Path) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(HookFailed) as error:
            perform(hook(folder, "exit 4"))
        assert signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert error.value.code == 4


def test_children_that_are_not_ours_are_left_to_whoever_waits_for_them(folder: Path, place: Path) -> None:
    with subprocess.Popen(["sh", "-c", "exit 7"]) as stranger:
        os.waitid(os.P_PID, stranger.pid, os.WEXITED | os.WNOWAIT)
        perform(hook(folder, "exit 0"))
        assert stranger.wait() == 7


def test_a_hook_that_ignores_a_signal_is_gone_before_the_start_ends(folder: Path, place: Path) -> None:
    """Also where pydrop is not PID 1, whose end would take the hook along."""

    def interrupt(signum: int, _frame: object) -> None:
        raise Interrupted(signum)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with pytest.raises(Interrupted):
            perform(hook(folder, f"trap '' TERM; echo $$ > {folder}/pid; kill -TERM $PPID; while :; do :; done"))
    finally:
        signal.signal(signal.SIGTERM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


# -- failing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "how"),
    [
        ("exit 3", 3, "failed with exit code 3"),
        ("exit 255", 255, "failed with exit code 255"),
        ("kill -TERM $$", 143, "was ended by signal 15"),
        ("kill -KILL $$", 137, "was ended by signal 9"),
    ],
)
def test_a_hook_that_fails_stops_the_start_with_its_exit_code(
    folder: Path, place: Path, body: str, code: int, how: str
) -> None:
    bad, never = hook(folder, body, "bad"), hook(folder, f"touch {folder}/ran", "never")
    with pytest.raises(HookFailed) as error:
        perform(bad, never)
    assert error.value.code == code
    assert f"the hook {bad} {how}; " in str(error.value)
    assert not (folder / "ran").exists()


def test_what_cannot_be_executed_is_explained(folder: Path, place: Path) -> None:
    cases = {
        hook(folder, "echo", "no-shebang", interpreter=""): "#!/bin/sh",
        hook(folder, "echo", "windows", interpreter="#!/bin/sh\r\n"): "a CR there hides it",
        hook(folder, "echo", "no-interpreter", interpreter="#!/nowhere/sh\n"): "interpreter",
        str(folder / "missing"): "check that it is there",
    }
    Path(hook(folder, "echo", "not-executable")).chmod(0o644)
    cases[str(folder / "not-executable")] = "chmod a+x"
    for path, remedy in cases.items():
        with pytest.raises(HookFailed) as error:
            perform(path)
        assert str(error.value).startswith(f"unable to run the hook {path}: ")
        assert remedy in str(error.value)
        assert error.value.code == 125


def hostile(folder: Path, how: str) -> str:
    script = Path(hook(folder, f"touch {folder}/ran"))
    if how == "file of a user":
        os.chown(script, 1000, 0)
    elif how == "file for a group":
        script.chmod(0o775)
    elif how == "file for everybody":
        script.chmod(0o757)
    elif how == "folder for everybody":
        folder.chmod(0o777)
    elif how == "folder above for a group":
        folder.parent.chmod(0o770)
    elif how == "link to a user's file":
        os.chown(script, 1000, 0)
        (folder / "link").symlink_to(script)
        return str(folder / "link")
    elif how == "link of a user":
        folder.chmod(0o1777)
        (folder / "link").symlink_to(script)
        os.chown(folder / "link", 1000, 0, follow_symlinks=False)
        return str(folder / "link")
    return str(script)


HOSTILE = [
    "file of a user",
    "file for a group",
    "file for everybody",
    "folder for everybody",
    "folder above for a group",
    "link to a user's file",
    "link of a user",
]


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hook_that_somebody_else_could_have_made_is_refused(folder: Path, place: Path, how: str) -> None:
    with pytest.raises(Untrusted):
        perform(hostile(folder, how))
    assert not (folder / "ran").exists()


def test_a_link_of_root_s_to_a_hook_of_root_s_is_run(folder: Path, place: Path) -> None:
    (folder / "link").symlink_to(hook(folder, f"touch {folder}/ran"))
    perform(str(folder / "link"))
    assert (folder / "ran").exists()


# -- adding to the environment ----------------------------------------------------------------------


@pytest.fixture(params=["folder", "no place", "untrusted place"])
def somewhere(request: pytest.FixtureRequest, place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each place where $PYDROP_ENV can be; how its path begins."""
    if request.param == "no place":
        monkeypatch.setattr(hook_environment, "PLACE", "/proc/none/pydrop")
    elif request.param == "untrusted place":
        place.mkdir()
        place.chmod(0o777)
    return str(place) if request.param == "folder" else "/proc/"


def test_lines_are_added_and_later_hooks_see_them(folder: Path, somewhere: str) -> None:
    one = hook(folder, 'echo A=1 >> "$PYDROP_ENV"; (echo B=2; echo; printf "C=\\377 x=y \\nD=") >> "$PYDROP_ENV"', "1")
    two = hook(folder, f'cat "$PYDROP_ENV" > {folder}/seen; echo "A=$A$B" > "$PYDROP_ENV"', "2")
    outcome = perform(one, two, start=started("A=0"))
    assert outcome.environment == (("A", "12"), ("B", "2"), ("C", "\udcff x=y "), ("D", ""))
    assert (folder / "seen").read_text() == ""  # each hook has a file of its own


def test_the_file_is_root_s_alone_and_gone_at_the_end(folder: Path, somewhere: str) -> None:
    perform(hook(folder, f'stat -Lc "%a %u %n" "$PYDROP_ENV" > {folder}/out'))
    mode, uid, path = (folder / "out").read_text().split()
    assert path.startswith(somewhere)
    assert uid == "0"
    assert mode == "600" or somewhere == "/proc/"  # who may reach it there, /proc decides
    assert not os.path.lexists(path) or "/fd/" in path


def test_a_program_far_below_a_hook_can_write_it_too(folder: Path, somewhere: str) -> None:
    code = "import subprocess; subprocess.run(['sh', '-c', 'echo A=1 >> $PYDROP_ENV'], close_fds=True)"
    assert perform(hook(folder, f'{sys.executable} -c "{code}"')).environment == (("A", "1"),)


def test_a_file_put_in_its_place_counts_and_none_adds_nothing(folder: Path, place: Path) -> None:
    put = hook(folder, 'echo A=1 > "$PYDROP_ENV.new"; mv "$PYDROP_ENV.new" "$PYDROP_ENV"', "1")
    removed = hook(folder, 'rm "$PYDROP_ENV"', "2")
    assert perform(put, removed).environment == (("A", "1"),)


@pytest.mark.parametrize("made", [lambda p: p.write_text("A=stale"), lambda p: p.symlink_to("/etc/motd")])
def test_what_a_killed_start_left_is_replaced(folder: Path, place: Path, made: Callable[[Path], object]) -> None:
    place.mkdir(mode=0o755)
    made(place / f"env.{os.getpid()}")
    assert perform(hook(folder, f'echo B=1 >> "$PYDROP_ENV"; stat -c %a "$PYDROP_ENV" > {folder}/out')).environment == (
        ("B", "1"),
    )
    assert (folder / "out").read_text() == "600\n"


def test_what_a_hook_adds_for_the_program_makes_no_later_hook_run_the_users_code(folder: Path, place: Path) -> None:
    """The program gets it as it was said; a later hook only what the image's own environment could give it."""
    theirs = folder / "theirs"
    theirs.mkdir()
    (theirs / "ls").write_text("#!/bin/sh\ntouch $0.ran")
    (theirs / "ls").chmod(0o755)
    os.chown(theirs, 1500, 1500)
    said = {"PATH": f"{theirs}:/usr/bin:/bin", "HOME": str(theirs), "BASH_ENV": f"{theirs}/rc", "KEPT": str(theirs)}
    said |= {"LD_LIBRARY_PATH": f"{theirs}", "PYTHONPATH": str(theirs), "MY_CONFIG": f"{theirs}/config"}
    lines = "".join([f"{name}={value}\n" for name, value in said.items()])
    one = hook(folder, f"cat >> \"$PYDROP_ENV\" <<'E'\n{lines}E\n", "1")
    two = hook(folder, f"env > {folder}/seen; ls / >/dev/null", "2")
    outcome = perform(one, two)
    seen = dict(line.partition("=")[::2] for line in (folder / "seen").read_text().splitlines())
    assert dict(outcome.environment) == said
    assert (seen["PATH"], seen["HOME"], seen["KEPT"]) == ("/usr/bin:/bin", "/root", str(theirs))
    assert not {"LD_LIBRARY_PATH", "PYTHONPATH", "BASH_ENV", "MY_CONFIG"} & {*seen}
    assert not (theirs / "ls.ran").exists()


@pytest.mark.parametrize("left", ["mkfifo", "mkdir", "ln -s /etc/passwd"])
def test_what_is_no_file_at_pydrop_env_is_one_line(folder: Path, place: Path, left: str) -> None:
    script = hook(folder, f'rm "$PYDROP_ENV"; {left} "$PYDROP_ENV"')
    with pytest.raises(HookFailed) as error:
        perform(script)
    assert str(error.value).startswith(f"unable to read what the hook {script} left at $PYDROP_ENV: ")
    for path in place.glob("env.*"):
        path.rmdir()


def test_a_hook_after_one_that_unsets_path_has_the_usual_one(folder: Path, place: Path) -> None:
    one = hook(folder, 'echo PATH >> "$PYDROP_ENV"', "1")
    two = hook(folder, f'echo "$PATH" > {folder}/seen', "2", interpreter="#!/usr/bin/env sh\n")
    assert perform(one, two).environment == (("PATH", None),)
    assert (folder / "seen").read_text() == f"{DEFAULT_PATH}\n"


def test_a_name_alone_unsets_for_later_hooks_and_the_program(folder: Path, somewhere: str) -> None:
    one = hook(folder, 'printf "A\\nB=1\\nB\\n" >> "$PYDROP_ENV"', "1")
    two = hook(folder, f'echo "${{A-unset}} ${{B-unset}}" > {folder}/seen; echo B=2 >> "$PYDROP_ENV"', "2")
    outcome = perform(one, two, start=started("A=0"))
    assert outcome.environment == (("A", None), ("B", "2"))
    assert (folder / "seen").read_text() == "unset unset\n"


QUOTED: dict[str, tuple[bytes, dict[str, str | None]]] = {
    "one line": (b"A='x y'", {"A": "x y"}),
    "nothing": (b"A=''\nB=1", {"A": "", "B": "1"}),
    "several lines": (b"A='one\n\ntwo = 2\n'\nB=1\n", {"A": "one\n\ntwo = 2\n", "B": "1"}),
    "a quote inside": (rb"A='it'\''s'", {"A": "it's"}),
    "nothing but quotes": (rb"A=''\'''\'''", {"A": "''"}),
    "a quote on each line": (b"A=''\\''\n'\\'''\nB=1", {"A": "'\n'", "B": "1"}),
    "a backslash at the end": (b"A='x\\'", {"A": "x\\"}),
    "quotes that do not begin the value": (b"A=x'y'\nB=\"z\"", {"A": "x'y'", "B": '"z"'}),
    "what a shell would expand": (b"A='$(id) `id` $HOME'\nB=$HOME", {"A": "$(id) `id` $HOME", "B": "$HOME"}),
    "no UTF-8": (b"A='\xff'", {"A": "\udcff"}),
    "the last counts": (b"A=1\nA\nA='2'\nB=1\nB", {"A": "2", "B": None}),
}


@pytest.mark.parametrize("case", QUOTED)
def test_a_value_in_single_quotes_may_span_lines(case: str) -> None:
    content, expected = QUOTED[case]
    assert hook_environment.parsed(content, "the hook /h") == expected


def test_what_a_shell_quotes_is_what_the_program_gets(folder: Path, place: Path) -> None:
    """By sed, as the page about settings has it."""
    (folder / "text").write_text("it's\ntwo")
    body = rf"""value=$(sed "s/'/'\\\\''/g" {folder}/text); echo "A='$value'" >>"$PYDROP_ENV" """
    assert perform(hook(folder, body)).environment == (("A", "it's\ntwo"),)


ODD = [
    ("not-a-name", 1),
    ("1secret", 1),
    ("A=1\nmy secret", 2),
    ("\n\n=secret", 3),
    ("\n\n'secret'", 3),
    ("export A=secret", 1),
    ("export A='secret\nB=1'\n", 1),
    (" A=secret", 1),
    ("A =secret", 1),
    ("A=sec\0ret", 1),
    ("A='sec\0ret'", 1),
    ("# A=secret", 1),
    ("A='1\n2'\n#secret", 3),
]


@pytest.mark.parametrize(("text", "number"), ODD)
def test_a_line_that_sets_nothing_is_an_error_with_its_number_and_not_its_content(
    folder: Path, place: Path, text: str, number: int
) -> None:
    (folder / "text").write_text(text)
    script = hook(folder, f'cat {folder}/text > "$PYDROP_ENV"')
    with pytest.raises(HookFailed) as error:
        perform(script)
    assert str(error.value).startswith(f"line {number} that the hook {script} wrote to $PYDROP_ENV sets no variable; ")
    assert "secret" not in str(error.value)
    assert error.value.code == 125


@pytest.mark.parametrize(
    "text", ["A='secret", "A='secret\nB=1\n", "A='secret' \n", "A='secret'x", r"A='secret'\'", "A='a'secret'"]
)
def test_a_quote_that_does_not_end_is_an_error_that_shows_no_value(text: str) -> None:
    with pytest.raises(HookFailed) as error:
        hook_environment.parsed(b"B=1\n" + text.encode(), "the hook /h")
    assert str(error.value).startswith("line 2 that the hook /h wrote to $PYDROP_ENV begins a value in single quotes")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [b"A=" + b"x" * 131069, b"A='" + b"x" * 131069 + b"'", b"A=1\n" * (1 << 18) + b"A=1"],
    ids=["one line", "one value", "all lines"],
)
def test_more_than_an_environment_can_hold_is_refused(content: bytes) -> None:
    with pytest.raises(HookFailed):
        hook_environment.parsed(content, "/hook")
    assert list(hook_environment.parsed(b"A=" + b"x" * 131068, "/hook")) == ["A"]


@pytest.mark.parametrize("piece", [b"\n", rb"'\''", b"A\n", b"A=''\n", b"'"])
def test_a_whole_file_of_anything_is_read_at_once(piece: bytes) -> None:
    """One MiB of lines or of quotes takes no longer than its length asks."""
    content = (b"A='" + piece * (1 << 20))[: (1 << 20) - 2] + b"'\n"
    begun = time.process_time()  # of this process alone, whatever else the machine does
    for each in (content, content[3:], content[:-2]):
        try:
            hook_environment.parsed(each, "/hook")
        except HookFailed:
            pass
    assert time.process_time() - begun < 3


# -- who the program becomes ------------------------------------------------------------------------


def test_a_hook_is_told_who_the_program_becomes(folder: Path, place: Path) -> None:
    """Whatever the container's environment says."""
    script = hook(folder, f'echo "$PYDROP_UID $PYDROP_GID $PYDROP_USER $PYDROP_HOME $HOME" > {folder}/out')
    perform(script, start=started("PYDROP_USER=other", "PYDROP_HOME=/elsewhere", "PYDROP_UID=1", "HOME=/home/app"))
    assert (folder / "out").read_text() == "1500 1600 app /home/app /root\n"


# -- as PID 1 ---------------------------------------------------------------------------------------

DRIVER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from pydrop import hook_environment, inherited, running
from pydrop.errors import Interrupted, PydropError
from pydrop.model import Identity, Record, Start
from pydrop.steps import HooksStep
from pydrop.perform import hooks
from pydrop.rootenv import DEFAULT_PATH
hook_environment.PLACE = sys.argv[2]
running.PATIENCE = float(sys.argv[3]) or running.PATIENCE
start = Start(name="", arguments=(), environment=("PATH=/usr/bin:/bin",), ignored=(), blocked=())
who = Identity(name="app", uid=1500, gid=1600, group="app", groups=(1600,), home="/", shell="/bin/sh", why="PUID")
record = Record(instance="", identity=who, umask=None, keep_caps=(), no_new_privs=True, bounding_set="keep",
                environment=())
inherited.interruptible(start)
def stat(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()
code, said = 0, ""
try:
    said = hooks.perform(HooksStep(words="", hooks=tuple(sys.argv[4:]), command=(), record=record), start).words
except Interrupted as error:
    code = 128 + error.signum
except PydropError as error:
    code, said = error.code, str(error)
zombies = [pid for pid in os.listdir("/proc") if pid.isdigit() and stat(pid)[0] == "Z"]
print(json.dumps([os.getpid(), said, zombies, [p for p in os.listdir(sys.argv[2]) if p.startswith("env")]]))
sys.exit(code)
"""


class AsPid1:
    """The driver in a PID namespace of its own, `pid` as seen from here."""

    def __init__(self, place: Path, patience: float, *paths: str) -> None:
        words = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, "-IS", "-c", DRIVER]
        self.process = subprocess.Popen(
            [*words, SRC, str(place), str(patience), *paths], stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(until(lambda: children.read_text().split())[0])

    def end(self) -> tuple[int, list[object]]:
        """The exit code and what the driver said: its pid, words, zombies, files left."""
        out, _ = self.process.communicate(timeout=10)
        said: list[object] = json.loads(out)
        assert said[0] == 1
        return self.process.returncode, said[1:]


@pytest.fixture
def as_pid1(place: Path) -> Iterator[Callable[..., AsPid1]]:
    """Starts the driver with the hooks given; what still runs at the end of a test is killed.

    `patience` in seconds, for hooks that end by themselves on a machine that is busy; 0 is pydrop's own."""
    made: list[AsPid1] = []

    def start(*paths: str, patience: float = 0) -> AsPid1:
        made.append(AsPid1(place, patience, *paths))
        return made[-1]

    yield start
    for driver in made:
        with driver.process:
            driver.process.kill()


def until(condition: Callable[[], Found]) -> Found:
    """What the condition finds, as soon as it finds something."""
    end = time.monotonic() + 10
    while not (result := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)
    return result


IGNORING = "trap '' TERM INT HUP QUIT; : > {out}; while :; do :; done"
SLEEPING = ": > {out}; exec sleep 60"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("body", [SLEEPING, IGNORING], ids=["sleeping", "ignoring"])
def test_a_signal_ends_the_start_at_once_whatever_the_hook_does(
    folder: Path, as_pid1: Callable[..., AsPid1], signum: signal.Signals, body: str
) -> None:
    out = folder / "out"
    driver = as_pid1(hook(folder, body.format(out=out)), hook(folder, f"touch {folder}/ran", "next"))
    until(out.exists)
    begun = time.monotonic()
    os.kill(driver.pid, signum)
    code, (said, zombies, left) = driver.end()
    assert time.monotonic() - begun < 1  # the limit is 0.1, on a machine that is quiet
    assert (code, said, zombies, left) == (128 + signum, "", [], [])
    assert not (folder / "ran").exists()


def test_a_hook_is_passed_the_signal_and_waited_for(folder: Path, as_pid1: Callable[..., AsPid1]) -> None:
    body = f"trap 'echo bye > {folder}/bye; exit 0' INT; : > {folder}/out; while :; do sleep 0.01; done"
    driver = as_pid1(hook(folder, body), patience=5)
    until((folder / "out").exists)
    os.kill(driver.pid, signal.SIGINT)
    assert driver.end()[0] == 130
    assert (folder / "bye").read_text() == "bye\n"


def test_a_stopped_hook_gets_the_signal_too(folder: Path, as_pid1: Callable[..., AsPid1]) -> None:
    body = f"trap 'touch {folder}/bye; exit 0' TERM; : > {folder}/out; kill -STOP $$; sleep 60"
    driver = as_pid1(hook(folder, body), patience=5)
    until((folder / "out").exists)
    children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children")
    until(lambda: "(stopped)" in Path(f"/proc/{children.read_text().split()[0]}/status").read_text())
    os.kill(driver.pid, signal.SIGTERM)
    assert driver.end()[0] == 143
    assert (folder / "bye").exists()


@pytest.mark.parametrize("then", ["sleep 60", "exit 0", "exit 9"])
def test_a_signal_that_comes_while_a_hook_begins_or_ends_is_not_lost(
    folder: Path, as_pid1: Callable[..., AsPid1], then: str
) -> None:
    code, (_, zombies, left) = as_pid1(hook(folder, f"kill -TERM $PPID; {then}")).end()
    assert (code, zombies, left) == (143, [], [])


def test_orphans_of_hooks_are_reaped_while_another_runs_and_at_the_end(
    folder: Path, as_pid1: Callable[..., AsPid1]
) -> None:
    leaves = hook(folder, f"sleep 0.01 & echo $! > {folder}/orphan", "1")
    waits = hook(folder, f"while kill -0 $(cat {folder}/orphan) 2>/dev/null; do sleep 0.005; done", "2")
    code = "import os\nchild = os.fork() or os._exit(0)\nos.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)\n"
    last = hook(folder, code, "3", interpreter=f"#!{sys.executable} -IS\n")
    assert as_pid1(leaves, waits, last).end() == (0, [f"ran {leaves}, {waits}, {last}", [], []])


def test_an_orphan_s_end_is_not_taken_for_the_hook_s(folder: Path, as_pid1: Callable[..., AsPid1]) -> None:
    body = "(setsid sh -c 'exit 0' &); sleep 0.05; exit 6"
    code, (said, _, _) = as_pid1(hook(folder, body)).end()
    assert code == 6
    assert "failed with exit code 6" in str(said)


def test_a_hook_that_fails_leaves_no_file(folder: Path, as_pid1: Callable[..., AsPid1]) -> None:
    code, (_, _, left) = as_pid1(hook(folder, 'echo A=secret > "$PYDROP_ENV"; exit 1')).end()
    assert (code, left) == (1, [])
