#!/usr/bin/python3
"""Run this project's checks and tests in lanes beside each other, and say how each step ended and how long it took.

Usage: tools/lanes.py check    what is checked at every step of the work, in less than a minute
       tools/lanes.py test     everything that must hold

The exit code is 0 where all steps held.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (".venv/bin/python", "-m", "pytest", "-q")
SLOWEST = "--durations=10"
PURE, KERNEL, CONTAINER = ("tests/pure", "tests/shape"), ("tests/kernel", "tests/fuzz"), ("tests/container",)
GIVING_WAY = ("nice", "-n", "10")
NOT_BY_PIP = (SLOWEST, "-m", "not pip and not soak")
ON_THE_FILE = ("env", f"PYDROP_UNDER_TEST={ROOT}/dist/pydrop")

Process = subprocess.Popen[bytes]


class Step:
    """A command, and what came of it. Where `behind` is given, it waits for that step of another lane to hold."""

    def __init__(self, name: str, *command: str, behind: "Step | None" = None) -> None:
        self.name, self.command, self.behind = name, command, behind
        self.seconds, self.code, self.said = 0.0, -1, ""
        self.over = threading.Event()

    def may_run(self) -> bool:
        if self.behind:
            self.behind.over.wait()
        return self.behind is None or self.behind.held

    def run(self, out: "IO[bytes] | None", running: "set[Process]") -> None:
        """In a process group of its own, so that all of it can be ended."""
        began = time.monotonic()
        with subprocess.Popen(
            self.command, cwd=ROOT, stdout=out, stderr=out and subprocess.STDOUT, process_group=0
        ) as process:
            running.add(process)
            self.code = process.wait()
        self.seconds = time.monotonic() - began

    @property
    def held(self) -> bool:
        return self.code == 0

    def __str__(self) -> str:
        ended = "held" if self.held else "not run" if self.code < 0 else f"FAILED with exit code {self.code}"
        return f"{self.name}: {ended}, {self.seconds:.0f} s"


class Lanes:
    """Lists of steps. Those of one lane run one after the other, also where one fails. What the steps of the first lane
    say is seen at once, and what others say when they are over."""

    def __init__(self, *lanes: "list[Step]") -> None:
        self.lanes = lanes
        self.running: set[Process] = set()

    def run(self) -> None:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self.end)
        threads = [threading.Thread(target=self.run_lane, args=(lane,)) for lane in self.lanes[1:]]
        for thread in threads:
            thread.start()
        for step in self.lanes[0]:
            if step.may_run():
                step.run(None, self.running)
            step.over.set()
        for thread in threads:
            thread.join()

    def run_lane(self, lane: "list[Step]") -> None:
        for step in lane:
            try:
                if step.may_run():
                    with tempfile.TemporaryFile() as said:
                        step.run(said, self.running)
                        said.seek(0)
                        step.said = said.read().decode(errors="replace")
                    if step.said:
                        say(f"\n--- {step.name} ---\n{step.said}")
            finally:
                step.over.set()

    def end(self, number: int, _: object) -> None:
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        os._exit(128 + number)

    def verdict(self, words: str) -> int:
        """Says what held; the exit code."""
        steps = [step for lane in self.lanes for step in lane]
        say("\n" + "\n".join(map(str, steps)) + f"\n{words}")
        return 0 if all(step.held for step in steps) else 1


def say(words: str) -> None:
    print(words, flush=True)


def check() -> int:
    began = time.monotonic()
    quick = Step("quick tests", *PYTEST, "-m", "quick and not soak", *ignored(*PURE))
    others = [Step("lint", "tools/lint"), Step("tests/pure and tests/shape", *PYTEST, *PURE)]
    lanes = Lanes([quick], others)
    lanes.run()
    return lanes.verdict(f"make check: {time.monotonic() - began:.0f} s")


def test() -> int:
    """Programs are tested as the one file; by pip those that depend on the way, and on the version of Python.

    Missing images are made while the first lane tests what needs none. The second lane has one processor, so that the
    other is free for the first, which measures times. What the third does gives way to both, which wait now and then.

    The pure tests, and the sources as trees, are a process of their own: a fork takes the longer the more it copies."""
    images = Step("images", *GIVING_WAY, "tools/images.py", "--all")
    onefile = Step("the one file", ".venv/bin/python", "onefile/make.py")
    elsewhere = ignored(*PURE, *KERNEL, *CONTAINER)
    first = [
        Step("tests of the kernel, on Debian's Python, 3.11", *PYTEST, SLOWEST, *KERNEL),
        Step(
            "tests of programs, on the one file",
            *ON_THE_FILE,
            *PYTEST,
            SLOWEST,
            *NOT_BY_PIP,
            *elsewhere,
            behind=onefile,
        ),
        Step("tests of programs by pip, 3.11", *PYTEST, SLOWEST, "-m", "(pip or python) and not soak", *elsewhere),
    ]
    second = [
        Step("tests with containers", *one_processor(), *PYTEST, SLOWEST, *CONTAINER, behind=images),
    ]
    third = [
        Step("lint", *GIVING_WAY, "tools/lint"),
        Step("tests/pure and tests/shape", *GIVING_WAY, *PYTEST, SLOWEST, *PURE),
        Step("tests on Python 3.13", "tools/test-python", "3.13", behind=images),
        Step("short tests on Python 3.14", "tools/test-python", "3.14", "--short", behind=images),
    ]
    lanes = Lanes(first, second, [onefile, images], third)
    lanes.run()
    took = max(sum(step.seconds for step in lane) for lane in (first, second, third))
    built = f"images were built in {images.seconds:.0f} s" if images.said else "all images were there"
    return lanes.verdict(f"make test: the tests took {took:.0f} s, the longest of three lanes; {built}")


def ignored(*folders: str) -> "list[str]":
    return [f"--ignore={folder}" for folder in folders]


def one_processor() -> "tuple[str, ...]":
    """Words that keep a command, and all that it starts, on the last processor."""
    return ("taskset", "--cpu-list", str(max(os.sched_getaffinity(0))))


if __name__ == "__main__":
    raise SystemExit({"check": check, "test": test}[sys.argv[1]]())
