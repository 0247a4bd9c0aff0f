"""Init mode again and again, also while others want the processors: no start, no stop and no exit code goes wrong."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.throwaway import Throwaway
from tests.program.initmode import CHILD, Running, made, until

LATEST = 0.5  # seconds after its start, in which a stop may come; about what a start takes in a crowd
WHILE_ROOT_WORKS = "pydrop: warning: stopped by SIGTERM before the command was run; the next start goes on from here"
MOMENTS = [  # what a stop may come to
    ("at some moment", 77),  # to the command, which ends itself with this code
    ("at some moment", 128 + signal.SIGTERM),  # to the command, before it has had its say about signals
    ("at some moment", 128 + signal.SIGTERM, WHILE_ROOT_WORKS),
]


@pytest.fixture
def load() -> "Iterator[None]":
    """Two busy processes for each processor."""
    busy = [sys.executable, "-I", "-S", "-c", "while True: pass"]
    hogs = [subprocess.Popen(busy) for _ in range(2 * len(os.sched_getaffinity(0)))]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()


def stopped_when_ready(place: Throwaway, pid_1: bool) -> "tuple[str, int, list[str]]":
    running = Running(place, CHILD, "record", pid_1=pid_1)
    assert running.line() == "ready"
    return ("when ready", *running.stop())


def stopped_at_some_moment(place: Throwaway, pid_1: bool, moment: float) -> "tuple[str, int, list[str]]":
    running = Running(place, CHILD, "record", pid_1=pid_1)
    until(running.holds_signals)
    time.sleep(moment)
    return ("at some moment", *running.stop())


def ended_by_itself(place: Throwaway, pid_1: bool) -> "tuple[str, int, list[str]]":
    """Once it was seen to run, which takes a while in this crowd: `end` closes the standard input that it waits for."""
    words = f"read -r _; sleep 0.02 & {CHILD} orphans 3; exit 7"
    running = Running(place, "sh", "-c", words, pid_1=pid_1, stdin=subprocess.PIPE)
    return ("by itself", *running.end())


def rounds(place: Throwaway, count: int, at_once: int) -> None:
    """As PID 1 and as a job, one after the other: a stop of what is ready, a stop at any moment, an end by itself."""
    chance = random.Random(4)

    def round_(number: int) -> "tuple[str, int, list[str]]":
        pid_1 = number % 2 == 0
        if number % 3 == 0:
            return stopped_when_ready(place, pid_1)
        if number % 3 == 1:
            return stopped_at_some_moment(place, pid_1, LATEST * chance.random() ** 3)  # most come early
        return ended_by_itself(place, pid_1)

    with ThreadPoolExecutor(at_once) as pool:
        ends = Counter((kind, code, *said) for kind, code, said in pool.map(round_, range(count)))
    kinds = [("when ready", 77), ("by itself", 7), *MOMENTS]
    assert ends.keys() <= set(kinds) and ends.total() == count, ends
    assert ends[MOMENTS[0]] and ends[MOMENTS[2]], ends


def test_some_rounds_end_as_they_should(tmp_path: Path) -> None:
    rounds(made(tmp_path), 48, at_once=2)


@pytest.mark.soak
@pytest.mark.usefixtures("load")
def test_a_thousand_rounds_under_load_end_as_they_should(tmp_path: Path) -> None:
    rounds(made(tmp_path), 1000, at_once=4)
