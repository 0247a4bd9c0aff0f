"""A signal for a user hook, where root lacks CAP_KILL and a child that became the user has to send it."""

import os
import signal
import time

import pytest

from pydrop import user_hooks
from pydrop.model import Start
from pydrop.perform import privileges
from tests.kernel.forked import forked

pytestmark = [pytest.mark.quick, pytest.mark.python]

START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())
HOOK = 4_000_000  # a pid that no process has


class Step:
    drop = None


def refused(*_: object) -> None:
    raise PermissionError


def send(monkeypatch: pytest.MonkeyPatch, in_child: "object") -> float:
    """How long it takes, in seconds, where the child does this in place of the drop."""
    real = os.kill
    monkeypatch.setattr(os, "kill", lambda pid, number: refused() if pid == HOOK else real(pid, number))
    monkeypatch.setattr(privileges, "perform", in_child)
    began = time.monotonic()
    user_hooks._send(Step(), START, HOOK, signal.SIGTERM)  # type: ignore[arg-type] # it has all that is asked of it
    return time.monotonic() - began


def test_a_full_limit_of_processes_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", full)
    assert send(monkeypatch, refused) < 1


def test_a_child_that_the_hook_stops_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """kill(-1, STOP) of the user's reaches it as soon as it is theirs."""

    def stopped(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def sent() -> float:
        took = send(monkeypatch, stopped)
        os.killpg(0, signal.SIGKILL) if took > 1 else os.kill(_child(), signal.SIGKILL)
        return took

    assert forked(sent) < 1


def _child() -> int:
    with open(f"/proc/self/task/{os.getpid()}/children") as children:
        return int(children.read().split()[0])
