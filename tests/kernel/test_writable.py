"""Whether the user can write is asked by a process that none of the user's own processes can stop, end or trace."""

import ctypes
import os
import posix
import signal
import time
from pathlib import Path

import pytest

from pydrop import asked_as_user
from pydrop.perform.ownership import volume_path, writable
from tests.kernel.forked import forked

pytestmark = pytest.mark.quick

UID, GID = 71234, 71235  # nobody's else on this machine: the attackers send their signals to all that this user has
PTRACE_SEIZE = 0x4206


@pytest.fixture
def place(tmp_path: Path) -> volume_path.OpenVolume:
    (tmp_path / "volume").mkdir()
    os.chown(tmp_path / "volume", UID, GID)
    return volume_path.opened(str(tmp_path / "volume"), create=False)


def attackers(attack):
    """Two processes of the user's that attack without pause; a function that ends them."""
    pids = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setresgid(GID, GID, GID)
                os.setresuid(UID, UID, UID)
                os.setpgid(0, 0)
                while True:
                    attack()
            finally:
                os._exit(1)
        pids.append(pid)

    def end():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    return end


def send(number):
    def attack():
        try:
            os.kill(-1, number)
        except ProcessLookupError:
            pass

    return attack


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM])
def test_no_signal_of_the_users_reaches_who_asks(place, number):
    end = attackers(send(number))
    try:
        assert [writable.can_write(place, UID, GID, ()) for _ in range(80)] == [True] * 80
    finally:
        end()


@pytest.fixture
def asking(place, monkeypatch):
    """A process that has the user's rights and asks, for as long as the test wants: its pid."""
    reading, writing = os.pipe()

    def slow(*_words, **_more):
        os.read(reading, 1)
        return True

    monkeypatch.setattr(posix, "access", slow)
    child = os.fork()
    if child == 0:
        asked_as_user._answer((UID, GID, ()), (".",), lambda name: posix.access(name, 7), writing)
    yield child
    os.write(writing, b"xx")  # it asks whether it may ask, and then
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)


def as_the_user(function):
    def become():
        os.setgroups([])
        os.setresgid(GID, GID, GID)
        os.setresuid(UID, UID, UID)
        return function()

    return forked(become)


def has_the_users_rights(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return f"Uid:\t0\t{UID}\t0\t{UID}\n" in status and "CapEff:\t0000000000000000\n" in status


def test_it_cannot_be_traced_or_looked_into(asking):
    while not has_the_users_rights(asking):
        time.sleep(0.001)

    def look():
        traced = ctypes.CDLL(None).ptrace(PTRACE_SEIZE, asking, 0, 0)
        try:
            os.listdir(f"/proc/{asking}/fd")
        except PermissionError:
            return traced, "closed"
        return traced, "open"

    assert as_the_user(look) == (-1, "closed")


def test_an_answer_that_does_not_come_is_not_waited_for(place, monkeypatch):
    """As on a server that is dead: the process is killed, and nothing is left of it."""
    monkeypatch.setattr(writable, "PATIENCE", 0.2)
    monkeypatch.setattr(posix, "access", lambda *_, **__: time.sleep(60))
    began = time.monotonic()
    assert writable.can_write(place, UID, GID, ()) is None
    assert time.monotonic() - began < 3
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_one_that_root_has_stopped_is_not_waited_for_either(place, monkeypatch):
    monkeypatch.setattr(writable, "PATIENCE", 0.2)
    monkeypatch.setattr(posix, "access", lambda *_, **__: os.kill(os.getpid(), signal.SIGSTOP))
    assert writable.can_write(place, UID, GID, ()) is None


@pytest.mark.parametrize(("mode", "groups", "can"), [(0o700, (), False), (0o770, (GID,), True), (0o707, (), True)])
def test_a_file_is_asked_for_with_the_users_rights_alone(tmp_path, mode, groups, can):
    tmp_path.chmod(0o755)
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", 0, GID)
    os.chmod(tmp_path / "file", mode)
    place = volume_path.opened(str(tmp_path / "file"), create=False)
    assert writable.can_write(place, UID, 5, groups) is can
