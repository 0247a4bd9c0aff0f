"""The user can open /dev/stdout after the drop, and nothing that is not a stream changes hands."""

import os
import posix
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydrop.model import Outcome, Start
from pydrop.perform import streams
from pydrop.steps import StreamsStep

pytestmark = pytest.mark.quick

START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())
UID = 1234


@pytest.fixture(autouse=True)
def standard(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Descriptors 0, 1 and 2 are this test's own, and put back after it."""
    with capfd.disabled():
        kept = [os.dup(number) for number in range(3)]
        nothing = os.open("/dev/null", os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        yield
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(nothing)


def perform() -> Outcome:
    return streams.perform(StreamsStep(words="", uid=UID), START)


def as_user(path: str, flags: int = os.O_WRONLY) -> int:
    """errno of the user's own open of `path`, 0 where it succeeds."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(UID, UID, UID)
            os.setresuid(UID, UID, UID)
            os.open(path, flags | os.O_NOCTTY)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 255)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_user_can_open_a_pipe_by_its_name_only_afterwards() -> None:
    _reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.dup2(writer, 2)
    group = os.fstat(1).st_gid
    assert as_user("/proc/self/fd/1") != 0
    outcome = perform()
    assert as_user("/proc/self/fd/1") == as_user("/proc/self/fd/2") == 0
    assert os.fstat(1).st_gid == group
    assert outcome == Outcome(changed=1, words=f"/dev/stdout given to user {UID}")  # 2 is the same pipe


def test_the_user_can_open_a_terminal_whose_group_stays() -> None:
    _main, terminal = os.openpty()
    os.fchown(terminal, 0, 5)
    for number in range(3):
        os.dup2(terminal, number)
    assert perform().words == f"/dev/stdin given to user {UID}"
    assert (os.fstat(0).st_uid, os.fstat(0).st_gid) == (UID, 5)
    assert as_user(os.ttyname(0), os.O_RDWR) == 0


def test_a_socket_is_given() -> None:
    one, other = socket.socketpair()
    os.dup2(one.fileno(), 0)
    assert perform().changed == 1
    assert os.fstat(0).st_uid == UID
    assert os.fstat(other.fileno()).st_uid == 0


def test_a_file_stays_whose_it_is(tmp_path: Path) -> None:
    file = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    assert perform() == Outcome()
    assert os.fstat(file).st_uid == 0


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/full"])
def test_a_device_that_is_no_terminal_stays_whose_it_is(device: str) -> None:
    before = os.stat(device)
    os.dup2(os.open(device, os.O_RDWR), 1)
    assert perform() == Outcome()
    assert os.stat(device).st_uid == before.st_uid


def test_closed_descriptors_are_fine() -> None:
    for number in range(3):
        os.close(number)
    try:
        assert perform() == Outcome()
    finally:
        for number in range(3):
            assert os.open("/dev/null", os.O_RDWR) == number


def test_a_second_time_nothing_is_done() -> None:
    os.dup2(os.pipe()[1], 1)
    assert perform().changed == 1
    assert perform() == Outcome()


def refused(monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Perform where this root lacks the capability CHOWN, as with --cap-drop ALL."""

    def fchown(descriptor: int, uid: int, gid: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(posix, "fchown", fchown)
    return perform()


def test_what_stays_closed_to_the_user_is_one_warning_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    os.dup2(os.pipe()[1], 1)
    os.dup2(os.pipe()[1], 2)
    outcome = refused(monkeypatch)
    (warning,) = outcome.warnings
    assert warning.startswith(f"unable to give /dev/stdout and /dev/stderr to user {UID}: not permitted; ")
    assert "cap_add: [CHOWN]" in warning
    assert outcome.changed == 0


def test_what_nobody_in_the_user_namespace_owns_needs_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """CHOWN is there, and does not help."""
    os.dup2(os.pipe()[1], 1)
    os.fchown(1, streams.UNMAPPED, -1)
    (warning,) = refused(monkeypatch).warnings
    assert "nobody in this user namespace owns them" in warning
    assert "tty: true" in warning and "CHOWN" not in warning


def test_what_nobody_opens_by_name_or_everybody_may_is_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    os.dup2(os.pipe()[0], 0)
    one, _other = socket.socketpair()
    os.dup2(one.fileno(), 1)
    terminal = os.openpty()[1]
    os.fchmod(terminal, 0o622)
    os.dup2(terminal, 2)
    assert stat.S_IMODE(os.fstat(2).st_mode) == 0o622
    assert refused(monkeypatch) == Outcome()


def test_a_failure_that_means_something_else_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fchown(descriptor: int, uid: int, gid: int) -> None:
        raise OSError(5, "Input/output error")

    os.dup2(os.pipe()[1], 1)
    monkeypatch.setattr(posix, "fchown", fchown)
    with pytest.raises(OSError, match="Input/output"):
        perform()
