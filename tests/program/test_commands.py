"""Commands that cannot be executed, by the installed program: the exit code, the words, and nothing was changed."""

import os
import resource
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.throwaway import PASSWD, PYDROP, Throwaway

RAW = 1 << 13
ENV = {"PUID": "1500", "PATH": "/mnt/bin:/usr/bin:/bin"}


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    made = Throwaway(tmp_path)
    (tmp_path / "bin").mkdir()
    return made


def text(content: str, mode: int = 0o755) -> "Callable[[Path], None]":
    def make(path: Path) -> None:
        path.write_text(content)
        path.chmod(mode)

    return make


def with_capability(path: Path) -> None:
    shutil.copy("/bin/true", path)
    os.setxattr(path, "security.capability", struct.pack("<5I", 0x2000001, RAW, 0, 0, 0))


BEFORE: "dict[str, tuple[Callable[[Path], object], int, str]]" = {  # how it is made -> exit code, words
    "a directory": (Path.mkdir, 126, "/mnt/bin/cmd is a directory"),
    "a FIFO": (os.mkfifo, 126, "is a FIFO"),
    "a socket": (lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), 126, "is a socket"),
    "no execute bit": (text("#!/bin/sh\n", 0o644), 126, "has no execute bit; chmod a+rx"),
    "a missing interpreter": (text("#!/no/bash\n"), 127, "names is not: /no/bash"),
    "not there": (lambda path: None, 127, "cmd was not found in PATH=/mnt/bin:"),
    "a link into nothing": (lambda path: path.symlink_to("/no"), 127, "is a link to /no, which is not there"),
}


@pytest.mark.quick
@pytest.mark.parametrize("case", BEFORE)
def test_it_is_told_before_anything_is_changed(place: Throwaway, case: str) -> None:
    make, code, words = BEFORE[case]
    make(place.folder / "bin/cmd")
    done = place.run(PYDROP, "cmd", env=ENV)
    said = done.stderr.decode()
    assert (done.returncode, said.count("\n")) == (code, 1), said
    assert said.startswith("pydrop: unable to run the command: ") and words in said
    assert (place.folder / "etc/passwd").read_bytes() == PASSWD
    assert [path.name for path in (place.folder / "run/pydrop").glob("*")] == ["lock"]  # which says who makes the start


BY_EXEC: "dict[str, tuple[Callable[[Path], object], int, str]]" = {
    "a text without #!": (text("echo hello\n"), 126, "is a text without a #! line; begin the script with"),
    "a picture": (lambda path: (path.write_bytes(b"\x89PNG\0"), path.chmod(0o755)), 126, "is no program"),  # type: ignore[func-returns-value] # made, not kept
    "the user may not": (text("#!/bin/sh\n", 0o744), 126, "unable to run /mnt/bin/cmd: Permission denied"),
}


@pytest.mark.parametrize("case", BY_EXEC)
def test_what_exec_alone_can_tell_is_told_then(place: Throwaway, case: str) -> None:
    make, code, words = BY_EXEC[case]
    make(place.folder / "bin/cmd")
    done = place.run(PYDROP, "cmd", env=ENV | {"PYDROP_LOG_LEVEL": "error"})
    said = done.stderr.decode()
    assert (done.returncode, said.count("\n")) == (code, 1), said
    assert words in said


def largest(words: int = 0, step: int = 16384) -> int:
    """How many words a program may be given under LITTLE_STACK."""
    while step:
        try:
            subprocess.run(["/bin/true", *["x"] * (words + step)], env=SMALL, check=True, preexec_fn=little_stack)
            words += step
        except OSError:
            step //= 2
    return words


def little_stack() -> None:
    """execve(2) takes a quarter of this, or 128 KiB."""
    resource.setrlimit(resource.RLIMIT_STACK, (512 * 1024,) * 2)


SMALL = {"PYDROP_USER": "root", "PYDROP_LOG_LEVEL": "error"}


@pytest.mark.pip
def test_too_many_arguments_are_126() -> None:
    """pydrop itself could be started, but what it has to start could not: the interpreter gets more words than it."""
    for init in ((), ("--init",)):
        words = [PYDROP, *init, "/bin/true", *["x"] * (largest() - 40)]
        done = subprocess.run(words, env=SMALL, capture_output=True, check=False, preexec_fn=little_stack)
        said = done.stderr.decode()
        assert (done.returncode, said.count("\n")) == (126, 1), said
        assert "unable to run the command: Argument list too long; the kernel takes 131070 bytes for one" in said


def test_secrets_that_are_too_long_for_a_start_are_126(place: Throwaway) -> None:
    """In both ways, since only the command gets them."""
    (place.folder / "big").write_text("x" * 100_000)
    env = SMALL | {"PATH": "/usr/bin:/bin", "FILE__A": "/mnt/big", "FILE__B": "/mnt/big"}
    for init in ((), ("--init",)):
        done = place.run("prlimit", f"--stack={512 * 1024}", PYDROP, *init, "true", env=env)
        assert (done.returncode, done.stderr.count(b"\n")) == (126, 1), done
        assert b"the kernel takes 128 KiB for one of them" in done.stderr


def test_a_hook_may_install_the_command(place: Throwaway) -> None:
    hooks = place.folder / "etc/pydrop.d"
    hooks.mkdir()
    text("#!/bin/sh\ncp /bin/true /mnt/bin/cmd\n")(hooks / "10")
    assert place.run(PYDROP, "cmd", env=ENV).returncode == 0
    text("#!/bin/sh\nrm /mnt/bin/cmd\n")(hooks / "10")
    done = place.run(PYDROP, "cmd", env=ENV)
    assert (done.returncode, b"not found in PATH" in done.stderr) == (127, True)


WITHOUT = "setpriv --bounding-set=-net_raw --inh-caps=-net_raw "


@pytest.mark.parametrize(
    ("options", "before", "code", "words"),
    [
        ("", "", 0, ""),
        (
            "--bounding-set=empty",
            "",
            126,
            "--bounding-set asks for an empty one: leave that out, or add them to keep-caps",
        ),
        ("--bounding-set=empty --keep-caps=net_raw", "", 0, ""),
        ("", WITHOUT, 126, "cap_add: [NET_RAW]"),
    ],
)
def test_a_file_with_capabilities_starts_where_it_can(
    place: Throwaway, options: str, before: str, code: int, words: str
) -> None:
    with_capability(place.folder / "bin/cmd")
    run = f"exec {before}{PYDROP} {options} cmd"
    done = place.run("sh", "-c", run, env=ENV | {"PYDROP_LOG_LEVEL": "error"})
    said = done.stderr.decode()
    assert (done.returncode, words in said, "seccomp" in said) == (code, True, False), said
    assert (place.folder / "etc/passwd").read_bytes() == PASSWD or code == 0


def test_a_file_with_capabilities_starts_behind_a_script(place: Throwaway) -> None:
    with_capability(place.folder / "bin/cmd")
    text("#!/bin/sh\ncmd && echo behind\n")(place.folder / "bin/script")
    assert place.run(PYDROP, "script", env=ENV).stdout == b"behind\n"
    refused = place.run(PYDROP, "--bounding-set=empty", "script", env=ENV)
    assert refused.stdout == b""
    found = place.run(PYDROP, "--bounding-set=empty", f"{PYDROP}ctl", "verify", "--bounding-set=empty", env=ENV)
    assert b"/mnt/bin/cmd (NET_RAW)" in found.stdout


def test_what_stays_undecided_goes_by_the_tools_own_codes(place: Throwaway) -> None:
    """A folder as the command of a compatibility name: 126 of pydrop's, or the tool's own."""
    (place.folder / "bin/cmd").mkdir()
    (place.folder / "bin/gosu").symlink_to(PYDROP)
    done = place.run("/mnt/bin/gosu", "1500", "cmd", env=ENV)
    assert b"/mnt/bin/cmd is a directory" in done.stderr
    assert done.returncode == 1
