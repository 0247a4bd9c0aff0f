"""`pydropctl completion SHELL` makes real shells complete both commands; docs/completion.md."""

import re
import subprocess
from pathlib import Path

import pytest

from pydrop.ctl.main import SUBCOMMANDS
from pydrop.model import CHOWN_POLICIES
from pydrop.settings.table import ROWS
from tests.faults.throwaway import ONE_FILE, PYDROP

BIN = PYDROP.rpartition("/")[0]
ENV = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
# What TAB does in bash: the words, the number of the one at the cursor, and the function that is registered.
BASH = """
source "$1"; shift
compopt() { echo "compopt $1 $2"; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
[[ $(complete -p "$1") =~ -F\\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def printed(shell: str) -> str:
    done = subprocess.run(
        [f"{BIN}/pydropctl", "completion", shell], capture_output=True, text=True, env=ENV, check=True
    )
    return done.stdout


@pytest.fixture(scope="module", params=["bash", "fish"])
def offers(request, tmp_path_factory):
    """What the shell offers for a line; a blank at its end begins a new word."""
    script = tmp_path_factory.mktemp("completion") / "script"
    script.write_text(printed(request.param))

    def bash(line: str) -> "list[str]":
        words = [*line.split(" ")] if "=" not in line else re.split(r" |(?==)|(?<==)", line)
        return run(["bash", "--norc", "-c", BASH, "bash", str(script), *words]).splitlines()

    def fish(line: str) -> "list[str]":
        said = run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"])
        return [row.partition("\t")[0] for row in said.splitlines()]

    def run(words: "list[str]") -> str:
        done = subprocess.run(words, capture_output=True, text=True, env=ENV, check=False, timeout=20, cwd="/etc")
        assert done.stderr == ""
        return done.stdout

    return {"bash": bash, "fish": fish}[request.param]


ROWS_OF_OFFERS = [
    ("pydropctl ", sorted(set(SUBCOMMANDS) - {"bundle"} if ONE_FILE else SUBCOMMANDS)),
    ("pydropctl ch", ["check", "chown"]),
    ("pydropctl chown --pol", ["--policy"]),
    ("pydropctl chown --policy ", sorted(set(CHOWN_POLICIES) - {"idmap"})),
    ("pydropctl chown --errors w", ["warn"]),
    ("pydropctl install g", ["gosu"]),
    ("pydropctl completion ", ["bash", "fish", "zsh"]),
    ("pydropctl plan --chown-p", ["--chown-policy"]),
    ("pydropctl plan --chown-policy o", ["on-root-mismatch"]),
    ("pydropctl verify --str", ["--strict"]),
    ("pydropctl plan --umask 022 ls --js", []),
    ("pydrop --chown-", ["--chown-errors", "--chown-hard-links", "--chown-policy"]),
    ("pydrop --chown-policy ", sorted(CHOWN_POLICIES)),
    ("pydrop --umask 022 --log-format ", ["json", "text"]),
    ("pydrop --no-new-privs --log-level i", ["info"]),
    ("pydrop --init --vers", ["--version"]),
    ("pydrop --umask 022 setpri", ["setpriv"]),
    ("pydrop -- setpri", ["setpriv"]),
]


@pytest.mark.parametrize(("line", "words"), ROWS_OF_OFFERS)
def test_a_shell_offers_what_can_come_next(offers, line, words):
    assert sorted(set(offers(line))) == [word for word in words if word] or (offers(line) == [""] and not words)


@pytest.mark.parametrize("line", ["pydrop ls --", "pydrop -- ls --", "pydrop --init ls --chown-"])
def test_behind_the_command_nothing_of_pydrops_is_offered(offers, line):
    assert [word for word in offers(line) if word.startswith("--")] == []


def test_every_option_is_offered(offers):
    expected = {f"--{row.name}" for row in ROWS if row.option and row.form != "-"} | {"--help", "--version"}
    assert set(offers("pydrop --")) == expected
    assert expected - {"--version"} <= set(offers("pydropctl plan --"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pydrop --log-level=", "error warn info debug"),
        ("pydrop --log-format=t", "text"),
        ("pydrop --umask=022 setpri", "setpriv"),
    ],
)
def test_bash_completes_values_behind_an_equals_sign(line, words, tmp_path):
    script = tmp_path / "script"
    script.write_text(printed("bash"))
    parts = re.split(r" |(?==)|(?<==)", line)
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", script, *[part for part in parts if part or part == parts[-1]]],
        capture_output=True,
        text=True,
        env=ENV,
        check=True,
    )
    assert done.stdout.split() == words.split()


@pytest.mark.parametrize("line", ["pydropctl check ", "pydropctl timeline --svg ", "pydrop --home ", "pydrop ls "])
def test_paths_are_the_shells_own_affair(line, tmp_path):
    script = tmp_path / "script"
    script.write_text(printed("bash"))
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", script, *line.split(" ")],
        capture_output=True,
        text=True,
        env=ENV,
        check=True,
    )
    assert done.stdout.split("\n")[0] == "compopt -o default"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_is_one_that_its_shell_can_read(shell, tmp_path):
    script = tmp_path / "script"
    script.write_text(printed(shell))
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, env=ENV, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_zsh_knows_both_commands_and_takes_every_option(tmp_path):
    """What _arguments is given, each as one word; whoever asks for `pydrop -`TAB goes by these."""
    script = tmp_path / "script"
    script.write_text(printed("zsh"))
    ask = f"autoload -U compinit; compinit -D; source {script}; print -r $_comps[pydrop] $_comps[pydropctl]"
    ask += "; _arguments() { print -rl -- $@ }; _pydrop"
    done = subprocess.run(["zsh", "-fc", ask], capture_output=True, text=True, env=ENV, check=False)
    names, _, *specs = done.stdout.splitlines()
    assert (names, done.stderr) == ("_pydrop _pydropctl_completion", "")
    assert r"--chown-policy=[policy of the volumes that name none]:POLICY:(mismatch on-root-mismatch" in done.stdout
    assert len([spec for spec in specs if spec.startswith("--")]) == len(
        [r for r in ROWS if r.option and r.form != "-"]
    )


def test_printing_a_script_runs_no_other_program(tmp_path):
    """click's own way would run the `bash` of the PATH: it is switched off."""
    planted = tmp_path / "bash"
    planted.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    planted.chmod(0o755)
    for more, words in (({}, ["completion", "bash"]), ({"_PYDROPCTL_COMPLETE": "bash_source"}, ["--version"])):
        env = ENV | {"PATH": f"{tmp_path}:/usr/bin:/bin"} | more
        done = subprocess.run([f"{BIN}/pydropctl", *words], capture_output=True, text=True, env=env, check=True)
        assert not (tmp_path / "ran").exists()
    assert done.stdout.startswith("pydropctl ")


def test_an_unknown_shell_is_one_line_and_125():
    done = subprocess.run(
        [f"{BIN}/pydropctl", "completion", "tcsh"], capture_output=True, text=True, env=ENV, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (125, "", 1)


def test_the_page_names_the_lines_of_the_help():
    page = (Path(__file__).parent.parent.parent / "docs/completion.md").read_text().replace("\\|", "|")
    done = subprocess.run(
        [f"{BIN}/pydropctl", "completion", "--help"],
        capture_output=True,
        text=True,
        env=ENV | {"COLUMNS": "100"},
        check=True,
    )
    lines = re.findall(r"^  (?=.*pydropctl completion (?:bash|zsh|fish))(.*?)\s+# in (.*)$", done.stdout, re.M)
    assert len(lines) == 3
    for command, place in lines:
        assert command in page and place.split(",")[0] in page
