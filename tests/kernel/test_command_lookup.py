"""What stands against executing a file is seen before it is tried, and the kernel, asked live, agrees."""

import errno
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pydrop.command_lookup import find, look
from tests.kernel.forked import forked

pytestmark = [pytest.mark.quick, pytest.mark.python]

RAW, BIND = 1 << 13, 1 << 10


def script(first: str) -> "Callable[[Path], None]":
    return file(f"{first}\necho hello\n".encode())


def file(content: bytes, mode: int = 0o755) -> "Callable[[Path], None]":
    def make(path: Path) -> None:
        path.write_bytes(content)
        path.chmod(mode)

    return make


def elf(machine: int, loader: bytes = b"") -> bytes:
    """A 64-bit little-endian program of this machine number, whose one program header names `loader`."""
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    named = loader + b"\0"
    return head + struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(named), len(named), 1) + named


OURS = {"x86_64": 62, "aarch64": 183}[os.uname().machine]
OTHER = 83  # AVR: for others a machine may have a qemu-user, which its kernel then starts
CASES: "dict[str, tuple[Callable[[Path], object], int, str, int]]" = {  # how made, errno of exec, words, exit code
    "a directory": (Path.mkdir, errno.EACCES, "is a directory", 126),
    "a FIFO": (os.mkfifo, errno.EACCES, "is a FIFO", 126),
    "a socket": (
        lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
        errno.EACCES,
        "is a socket",
        126,
    ),
    "a device": (lambda path: os.mknod(path, 0o20777, os.makedev(1, 3)), errno.EACCES, "is a device", 126),
    "a link to a directory": (lambda path: path.symlink_to("/usr"), errno.EACCES, "is a directory", 126),
    "no execute bit": (file(b"#!/bin/sh\n", 0o644), errno.EACCES, "has no execute bit", 126),
    "a link into nothing": (lambda path: path.symlink_to("/nowhere/x"), errno.ENOENT, "a link to /nowhere/x", 127),
    "a link in a circle": (lambda path: path.symlink_to(path.name), errno.ELOOP, "leads in a circle", 126),
    "a missing interpreter": (script("#!/no/such/sh"), errno.ENOENT, "is not: /no/such/sh", 127),
    "an interpreter with a CR": (script("#!/bin/sh\r"), errno.ENOENT, "with a CR at the line's end", 127),
    "an interpreter that is a directory": (script("#!/usr"), errno.EACCES, "names /usr, and /usr is a directory", 126),
    "an interpreter without x": (script("#!/etc/passwd -x"), errno.EACCES, "/etc/passwd has no execute bit", 126),
    "no interpreter named": (script("#! "), errno.ENOEXEC, "names no program in its first line", 126),
    "a text": (script("echo hello"), errno.ENOEXEC, "is a text without a #! line", 126),
    "nothing in it": (file(b""), errno.ENOEXEC, "is empty", 126),
    "no program": (file(b"\x89PNG\0\0\0"), errno.ENOEXEC, "is no program", 126),
    "another processor": (file(elf(OTHER)), errno.ENOEXEC, "another processor", 126),
    "a loader of another C library": (file(elf(OURS, b"/lib/ld-no.so")), errno.ENOENT, "is not: /lib/ld-no.so", 127),
}


def executed(path: Path) -> int:
    """The errno of execve(2)."""

    def attempt() -> int:
        try:
            os.execv(path, ["x"])
        except OSError as error:
            return error.errno or 0

    found: int = forked(attempt)
    return found


@pytest.mark.parametrize("case", CASES)
def test_it_is_told_by_its_reason_and_the_kernel_refuses_it(case: str, tmp_path: Path) -> None:
    make, number, words, code = CASES[case]
    path = tmp_path / "cmd"
    make(path)
    found = look(str(path))
    assert found is not None
    assert (words in found.problem, found.code, bool(found.remedy)) == (True, code, True), found
    assert str(path) in found.problem
    assert executed(path) == number


def test_what_a_setting_of_the_kernels_could_run_is_not_certain(tmp_path: Path) -> None:
    """binfmt_misc has interpreters for texts, pictures and other processors."""
    uncertain = ("a text", "no program", "another processor")
    for case in CASES:
        path = tmp_path / case.replace(" ", "-")
        CASES[case][0](path)
        found = look(str(path))
        assert found is not None and found.certain == (case not in uncertain), case


FINE: "dict[str, Callable[[Path], object]]" = {
    "a program": lambda path: shutil.copy("/bin/true", path),
    "a script": script("#!/bin/sh"),
    "a script with a blank and an argument": script("#! /bin/sh -e"),
    "a script with a tab": script("#!\t/bin/sh\t-e"),
    "a script of a script": lambda path: (script("#!/bin/sh")(path.with_name("a")), script(f"#!{path}a")(path)),
    "a link to one": lambda path: path.symlink_to("/bin/true"),
    "one that nobody may read": lambda path: [shutil.copy("/bin/true", path), os.chmod(path, 0o111)],  # type: ignore[func-returns-value] # made, not kept
}


@pytest.mark.parametrize("case", FINE)
def test_nothing_stands_against_what_runs(case: str, tmp_path: Path) -> None:
    path = tmp_path / "cmd"
    FINE[case](path)
    if case == "a script of a script":
        script("#!/bin/sh")(tmp_path / "cmda")
    found = look(str(path))
    assert found is not None
    assert (found.problem, found.capabilities) == ("", 0)


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("x", "file/x", "a\0b"):
        assert look(f"{tmp_path}/{name}") is None
    assert find([]) is None


def test_the_search_goes_on_behind_a_refusal(tmp_path: Path) -> None:
    """As execvp(3)'s; where nothing comes, the first refusal is told."""
    for name in "abc":
        (tmp_path / name).mkdir()
    (tmp_path / "a/cmd").mkdir()
    script("#!/nowhere")(tmp_path / "b/cmd")
    paths = [f"{tmp_path}/{name}/cmd" for name in "abc"]
    found = find(paths)
    assert found is not None and found.problem.endswith("/a/cmd is a directory")
    shutil.copy("/bin/true", tmp_path / "c/cmd")
    found = find(paths)
    assert found is not None and (found.path, found.problem) == (paths[2], "")


def attribute(permitted: int, effective: bool = True, version: int = 2) -> bytes:
    head = struct.pack("<5I", version << 24 | effective, permitted & 0xFFFFFFFF, 0, permitted >> 32, 0)
    return head + (struct.pack("<I", 1000) if version == 3 else b"")


ATTRIBUTES: "dict[str, tuple[bytes, int]]" = {
    "one": (attribute(RAW), RAW),
    "two, one of them in the upper half": (attribute(RAW | 1 << 39), RAW | 1 << 39),
    "permitted alone: such a program asks for them itself": (attribute(RAW, effective=False), 0),
}


@pytest.mark.parametrize("case", ATTRIBUTES)
def test_capabilities_of_a_file_are_those_without_which_the_kernel_refuses_it(case: str, tmp_path: Path) -> None:
    content, expected = ATTRIBUTES[case]
    path = tmp_path / "cmd"
    shutil.copy("/bin/true", path)
    os.setxattr(path, "security.capability", content)
    found = look(str(path))
    assert found is not None and found.capabilities == expected
    without = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", str(path)]
    done = subprocess.run(without, check=False, capture_output=True)
    assert (done.returncode == 0) == (expected == 0)  # the kernel's own answer


def test_an_interpreters_capabilities_count_for_its_script(tmp_path: Path) -> None:
    shutil.copy("/bin/sh", tmp_path / "shell")
    os.setxattr(tmp_path / "shell", "security.capability", attribute(RAW))
    script(f"#!{tmp_path}/shell")(tmp_path / "cmd")
    found = look(str(tmp_path / "cmd"))
    assert found is not None
    assert (found.path, found.owner, found.capabilities) == (f"{tmp_path}/cmd", f"{tmp_path}/shell", RAW)


MOUNTS = {"noexec": ("lies on a mount that is noexec", 0), "nosuid": ("", 0), "exec": ("", RAW)}


@pytest.mark.parametrize("option", MOUNTS)
def test_the_mount_is_looked_at(option: str, tmp_path: Path) -> None:
    """noexec keeps everything from running, nosuid takes the capabilities away, and with them the refusal."""
    words = f"""
import os, shutil, sys
sys.path[:0] = {sys.path!r}
from pydrop.command_lookup import look
shutil.copy("/bin/true", "{tmp_path}/cmd")
os.setxattr("{tmp_path}/cmd", "security.capability", {attribute(RAW)!r})
found = look("{tmp_path}/cmd")
print(found.capabilities, found.problem)
"""
    mount = f'mount -t tmpfs -o {option} none {tmp_path} && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", mount, "sh", sys.executable, "-c", words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    problem, capabilities = MOUNTS[option]
    number, _, said = done.stdout.strip().partition(" ")
    assert int(number) == capabilities
    assert said.endswith(problem) and bool(said) == bool(problem)


def test_a_fifo_does_not_keep_it_waiting_and_a_device_is_not_opened(tmp_path: Path) -> None:
    """Root looks at what the program's user may have put there."""
    os.mkfifo(tmp_path / "fifo", 0o777)
    log = tmp_path / "log"
    words = f"import sys; sys.path[:0] = {sys.path!r}; from pydrop.command_lookup import look; look('{tmp_path}/fifo')"
    trace = ["strace", "-qq", "-e", "trace=openat,open", "-o", str(log), sys.executable, "-c", words]
    subprocess.run(trace, check=True, timeout=10)
    assert all("O_PATH" in line for line in log.read_text().splitlines() if "fifo" in line)
