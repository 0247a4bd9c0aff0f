"""`pydropctl check`: what it prints about a settings file, and its exit code."""

import json
import os
import stat
import subprocess
import sys

import pytest
from click.testing import CliRunner

import pydrop
from pydrop.ctl import check
from pydrop.ctl.main import SUBCOMMANDS, main

pytestmark = [pytest.mark.quick, pytest.mark.python]

GOOD = 'user = "app"\n[[volume]]\npath = "/data"\n[[volume]]\npath = "/config"\n'
BAD = """\
# a comment with usr = 1
usr = "app"
groups = [
  "video",
  "my group",
]

"log-level" = "warning"

[[volume]]
path = "/data"
exclude = ['''
polcy = 1
''']
[[volume]]
polcy = "top"
path = "/x"
"""


@pytest.fixture
def folder(tmp_path_factory):
    """A folder that root trusts all the way up: pytest's own are in the sticky /tmp, root's and closed to others."""
    path = tmp_path_factory.mktemp("check")
    path.chmod(0o755)
    return path


def run(*words, **environment):
    environment = {"PYDROP_CONFIG": None, "NO_COLOR": None, **environment}
    return CliRunner().invoke(main, words, prog_name="pydropctl", env=environment)


def written(folder, text, mode=0o644):
    file = folder / "pydrop.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(mode)
    return str(file)


def test_a_good_file_is_said_to_be_good(folder):
    file = written(folder, GOOD)
    result = run("check", file)
    assert (result.output, result.exit_code) == (f"no problem in {file} (3 settings)\n", 0)


FILLED = """puid = "${USERMAP_UID:-}"
chown = ["${PGDATA:-/var/lib/postgresql/data}"]
init = "${SUPERVISE:-false}"
[[volume]]
path = "${CONFIG_DIR:-}"
"""


def test_texts_that_the_environment_fills_are_checked_filled(folder):
    file = written(folder, FILLED)
    for filling in ({}, {"USERMAP_UID": "1500", "PGDATA": "/data", "SUPERVISE": "1", "CONFIG_DIR": "/config"}):
        result = run("check", file, **filling)
        assert (result.output, result.exit_code) == (f"no problem in {file} (4 settings)\n", 0), filling
    result = run("check", file, PGDATA="/usr/bin", CONFIG_DIR="/etc")
    assert result.exit_code == 1
    assert f"{file}:2: the volume /usr/bin is part of the system" in result.output
    assert f"{file}:5: the volume /etc is part of the system" in result.output


@pytest.mark.parametrize(
    ("text", "words"), [("", "0 settings"), ('user = "x"', "1 setting"), ("volume = []", "0 settings")]
)
def test_settings_are_counted(folder, text, words):
    assert f"({words})" in run("check", written(folder, text)).output


def test_every_problem_is_shown_at_once_with_its_line_and_the_nearest_key(folder):
    file = written(folder, BAD)
    result = run("check", file)
    lines = result.output.splitlines()
    assert [line.removeprefix(file).split(":")[1] for line in lines] == ["2", "3", "8", "16"]
    for line, words in zip(lines, ["mean user?", "'my group'", "mean warn?", "mean policy?"], strict=True):
        assert words in line
    assert result.exit_code == 1


def test_as_json(folder):
    file = written(folder, 'usr = "app"\n')
    result = run("check", "--json", file)
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "file": file,
        "settings": 1,
        "problems": [
            {
                "problem": f"usr in {file} is not a setting",
                "remedy": "did you mean user?",
                "key": "usr",
                "nearest": "user",
                "line": 1,
                "column": 0,
            }
        ],
    }
    good = run("check", "--json", written(folder, GOOD))
    assert (json.loads(good.output)["problems"], good.exit_code) == ([], 0)


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ('user = "app"\nchown = [/data]\n', ":2:10: ", "not TOML: Invalid value"),
        ('user = "app', ":1: ", "not TOML: "),
        ("user\n", ":1:5: ", "not TOML: Expected '='"),
        ('user = "a"\nuser = "b"\n', ":2:11: ", "not TOML: "),
        (b'user = "a"\nhome = "\xff"\n', ":2: ", "not UTF-8"),
    ],
)
def test_what_is_no_toml_is_one_line_with_its_place(folder, text, place, reason):
    file = written(folder, text)
    result = run("check", file)
    assert result.output.startswith(f"{file}{place}")
    assert reason in result.output
    assert (result.output.count("\n"), result.exit_code) == (1, 1)


@pytest.mark.parametrize(
    ("mode", "owner", "words"),
    [
        (0o664, (0, 0), "may be written by group 0 (mode 0664)"),
        (0o646, (0, 0), "may be written by everybody (mode 0646)"),
        (0o644, (1000, 0), "belongs to user 1000"),
    ],
)
def test_a_file_that_root_would_not_obey_is_a_problem_beside_the_others(folder, mode, owner, words):
    file = written(folder, 'usr = "app"\n', mode)
    os.chown(file, *owner)
    result = run("check", file)
    assert result.output.startswith(f"{file}: not trusted, so that pydrop would refuse it: {file} {words}; ")
    assert "did you mean user?" in result.output
    assert result.exit_code == 1


def test_content_only_does_not_ask_whose_file_it_is(folder):
    file = written(folder, GOOD, 0o666)
    assert run("check", file).exit_code == 1
    assert run("check", "--content-only", file).exit_code == 0


def test_a_folder_that_somebody_else_can_write_is_a_problem(folder):
    file = written(folder, GOOD)
    folder.chmod(0o777)
    result = run("check", file)
    assert "can be replaced by somebody other than root" in result.output
    assert result.exit_code == 1


def test_a_file_that_is_not_there_is_a_problem(folder):
    result = run("check", str(folder / "none.toml"))
    assert str(result.exception).startswith(f"unable to read {folder}/none.toml: No such file or directory; name the")


def test_without_a_file_the_one_in_force_is_checked(folder):
    file = written(folder, GOOD)
    assert run("check", PYDROP_CONFIG=file).output == f"no problem in {file} (3 settings)\n"
    without = run("check")
    said = f"{without.output}{without.exception}"
    assert said.startswith(("unable to read /etc/pydrop.toml: ", "no problem in /etc/pydrop.toml"))


def test_a_relative_file_is_found_and_shown_as_it_was_named(folder, monkeypatch):
    written(folder, GOOD)
    monkeypatch.chdir(folder)
    assert run("check", "pydrop.toml").output == "no problem in pydrop.toml (3 settings)\n"


def test_nothing_printed_moves_a_terminal(folder):
    """Keys and values in a file are written by strangers."""
    result = run("check", written(folder, '"\\u0007x\\u001b" = 1\nlog-level = "\\u001b]0;x"\n'))
    assert all(character.isprintable() for character in result.output.replace("\n", ""))
    assert "\\x07x\\x1b" in result.output


def test_check_changes_nothing(folder):
    file = written(folder, BAD)
    before = os.stat(file)
    run("check", file)
    after = os.stat(file)
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert stat.S_IMODE(after.st_mode) == 0o644


@pytest.mark.parametrize(
    ("text", "where", "line"),
    [
        ("a = 1\nb = 2\n", ("b",), 2),
        ("\n\n  'b' = 2\n", ("b",), 3),
        ('"b" = 2\n', ("b",), 1),
        ("b.c = 2\n", ("b",), 1),
        ("x = '''\nb = 1\n'''\nb = 2\n", ("b",), 4),
        ('x = """b"""\nb = 2\n', ("b",), 2),
        ("[b.c]\nd = 1\n", ("b",), 1),
        ("[b]\nd = 1\n", ("b", "d"), 2),
        ("x = 1\n[[v]]\na = 1\n[[v]]\na = 1\n", ("v", 1, "a"), 5),
        ("x = 1\n[[v]]\na = 1\n[[v]]\nb = 1\n", ("v", 1), 4),
        ("x = 1\n[[ 'v' ]]\na = 1\n", ("v", 0, "a"), 3),
        ("x = 1\nv = [{ a = 1 }, { b = 2 }]\n", ("v", 1, "b"), 2),
        ("x = 1\n", ("nothing",), 0),
        ("x = 1\r\nb = 2\r\n", ("b",), 2),
    ],
)
def test_the_line_of_a_key_is_found(text, where, line):
    assert check.Lines(text).of(where) == line


def test_the_group_knows_its_version_and_subcommands():
    assert run("--version").output.startswith("pydropctl ")
    text = run("--help").output
    for name in SUBCOMMANDS:
        assert f"  {name} " in text


def test_an_unknown_subcommand_is_told_the_nearest():
    result = run("chekc")
    assert str(result.exception) == "there is no subcommand chekc; did you mean check?"


def started_by_the_launcher(*environment, words=("check",), before="pass"):
    """What `run` does with a start whose signals the launcher holds back, in a process of its own."""
    program = f"""
import sys, _signal
sys.path[:0] = {[os.path.dirname(os.path.dirname(pydrop.__file__)), *sys.path]!r}
from pydrop.ctl.main import main, run
from pydrop.model import Start
from pydrop.signals import ENDING
_signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)
{before}
try:
    run(Start(name="pydropctl", arguments={words!r}, environment={environment!r}, ignored=(), blocked=(ENDING[3],)))
finally:
    print(sorted(map(int, _signal.pthread_sigmask(_signal.SIG_BLOCK, []))))
"""
    command = [sys.executable, "-I", "-S", "-c", program]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={"X": "1"})


def test_the_launchers_environment_and_signals_are_put_back(folder):
    """Of doubles the first holds; a signal that came blocked stays so (QUIT is 3)."""
    file = written(folder, GOOD)
    done = started_by_the_launcher(f"PYDROP_CONFIG={file}", "PYDROP_CONFIG=/other", "broken", "=odd")
    assert done.stdout == f"no problem in {file} (3 settings)\n[3]\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_is_one_line_and_125():
    done = started_by_the_launcher("PYDROP_CONFIG=here.toml")
    assert done.stderr.startswith("pydrop: PYDROP_CONFIG=here.toml is not an absolute path; ")
    assert (done.stderr.count("\n"), done.returncode) == (1, 125)


@pytest.mark.parametrize(
    ("bug", "code", "said"),
    [
        ("RuntimeError('oops')", 125, "pydrop: pydropctl itself failed: RuntimeError: oops; report it\n"),
        ("KeyboardInterrupt", 130, ""),
    ],
)
def test_neither_a_bug_nor_ctrl_c_is_a_traceback(bug, code, said):
    done = started_by_the_launcher(before=f"def main_(**_): raise {bug}\nmain.main = main_")
    assert (done.returncode, done.stderr) == (code, said)
