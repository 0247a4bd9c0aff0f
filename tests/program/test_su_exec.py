"""pydrop called su-exec, as a process. There is no su-exec here to compare with: what must be true stands in tables."""

import subprocess
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway

pytestmark = pytest.mark.quick

SHOW = ("sh", "-c", 'grep -E "^(Uid|Gid|Groups|CapEff|NoNewPrivs):" /proc/self/status; echo "HOME:\t$HOME"')
ENV = {"PATH": "/usr/bin:/bin", "HOME": "/root"}


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    (tmp_path / "su-exec").symlink_to(PYDROP)
    return Throwaway(tmp_path)


def su_exec(place: Throwaway, *words: str) -> "subprocess.CompletedProcess[bytes]":
    """From root's groups 0, 4 and 24."""
    return place.run("/mnt/su-exec", *words, env=ENV, groups=(0, 4, 24))


WHO = {  # user-spec -> uid, gid, groups, HOME
    "app": ("1000", "1000", "50 1000", "/mnt/home"),
    "1000": ("1000", "1000", "50 1000", "/mnt/home"),
    "app:": ("1000", "1000", "50 1000", "/mnt/home"),
    "app:staff": ("1000", "50", "50", "/mnt/home"),
    "1000:7": ("1000", "7", "7", "/mnt/home"),
    "7777": ("7777", "7777", "7777", "/"),
    "7777:7777": ("7777", "7777", "7777", "/"),
    "root": ("0", "0", "0 4 24", "/root"),
    "0": ("0", "0", "0 4 24", "/root"),
    "root:staff": ("0", "50", "50", "/root"),
}


@pytest.mark.parametrize("spec", WHO)
def test_the_command_is_who_was_asked_for(spec: str, place: Throwaway) -> None:
    """All four ids of each kind, just these groups, HOME from passwd, no capability but root's, and no no_new_privs."""
    done = su_exec(place, spec, *SHOW)
    assert (done.returncode, done.stderr) == (0, b"")
    found = dict([line.split(":\t", 1) for line in done.stdout.decode().splitlines()])
    uid, gid, groups, home = WHO[spec]
    assert (found["Uid"], found["Gid"]) == ("\t".join([uid] * 4), "\t".join([gid] * 4))
    assert (found["Groups"].strip(), found["HOME"], found["NoNewPrivs"]) == (groups, home, "0")
    assert (int(found["CapEff"], 16) == 0) == (uid != "0")


@pytest.mark.parametrize("words", [(), ("app",), ("--help",)])
def test_too_few_words_are_answered_on_standard_output_with_0(words: "tuple[str, ...]", place: Throwaway) -> None:
    """As su-exec does."""
    done = su_exec(place, *words)
    assert (done.returncode, done.stdout.count(b"\n"), done.stderr) == (0, 1, b"")
    assert done.stdout.startswith(b"Usage: su-exec ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nosuch", "true"), "no account 'nosuch'"),
        (("app:nosuch", "true"), "no group 'nosuch'"),
        (("", "true"), "names no user"),
        (("4294967296", "true"), "no id that a process can have"),
        (("weird", "true"), "no account 'weird'"),
        (("app", "nosuch"), "nosuch was not found"),
        (("app", "/etc"), "unable to run the command: /etc is a directory"),
        (("app", ""), "its name is empty"),
    ],
)
def test_every_failure_is_one_line_and_1(words: "tuple[str, ...]", said: str, place: Throwaway) -> None:
    """su-exec has one code for all; the line begins with its name."""
    done = su_exec(place, *words)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert done.stderr.startswith(b"su-exec: ") and said in done.stderr.decode()


def test_the_commands_own_code_is_handed_on(place: Throwaway) -> None:
    assert su_exec(place, "app", "sh", "-c", "exit 3").returncode == 3
