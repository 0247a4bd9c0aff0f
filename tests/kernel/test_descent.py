"""A process inside a hook finds what the start tells; nobody else does, and nobody can forge it."""

import os
import time

import pytest

from pydrop.descent import Descent
from pydrop.record import MEMORY as NAME
from pydrop.telling import NO_HOOK, STARTING, Telling, Told
from tests.kernel.forked import forked
from tests.pure.worlds import record

pytestmark = [pytest.mark.quick, pytest.mark.python]

TOLD = Told(record=record(), came=("A=1", "odd", "B=\udcff"), changes=(("A", None),), given={"PATH": "/bin"})


def found() -> Told | None:
    return Descent().told


@pytest.fixture
def telling():
    made = Telling()
    yield made
    made.close()


def test_a_child_is_told_where_it_is_the_hook_and_below_it(telling: Telling) -> None:
    telling.starting(TOLD)

    def hook() -> tuple[Told | None, Told | None]:
        telling.runs(os.getpid())
        return found(), forked(found)

    assert forked(hook) == (TOLD, TOLD)


def test_a_child_that_is_not_the_hook_is_told_nothing(telling: Telling) -> None:
    telling.starting(TOLD)
    for process in (NO_HOOK, os.getpid(), 1):
        telling.runs(process)
        assert forked(found) is None


def test_the_start_itself_is_not_inside(telling: Telling) -> None:
    telling.starting(TOLD)
    telling.runs(os.getpid())
    assert found() is None


def test_a_hook_that_is_faster_than_its_start_waits_until_it_is_named(telling: Telling) -> None:
    telling.starting(TOLD)

    def hook() -> bool:
        own = os.getpid()
        if os.fork() == 0:
            time.sleep(0.1)
            telling.runs(own)
            os._exit(0)
        return found() == TOLD

    assert forked(hook)
    telling.runs(STARTING)


def test_memory_of_another_user_tells_nothing() -> None:
    """Who may start root's pydrop (sudo) must not say whom it becomes."""

    def forger() -> int:
        os.seteuid(1500)
        forged = Telling()
        os.seteuid(0)
        forged.starting(TOLD)
        child = os.fork()
        if child == 0:
            forged.runs(os.getpid())
            os._exit(0 if found() is None else 7)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert forked(forger) == 0


def test_another_file_in_memory_is_none(telling: Telling) -> None:
    other = os.memfd_create(f"{NAME}-x")
    assert forked(found) is None
    os.close(other)
