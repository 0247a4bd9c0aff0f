"""How long commands take and how large they get, each run once in turn: A B C A B C …

All are started the same way (witness.c: vfork, exec, wait), so that what the harness adds is the same for all; and
since they alternate, a machine that slows down slows all.
"""

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Command:
    """What is measured: the words as a person would type them, and what is started.

    `environment` is all that it gets. `reset` is called before each run, and is not timed; `check` after the first,
    to raise Failed where the command did not do its job. Only each `every`th round runs it.
    """

    shown: str
    words: list[str]
    environment: dict[str, str]
    reset: Callable[[], None] = lambda: None
    check: Callable[[], None] = lambda: None
    every: int = 1
    checked: bool = False
    seconds: list[float] = field(default_factory=list)
    memory: int = 0  # bytes that its largest process held, the most of all runs
    processes: int = 0  # that it started, itself included, the most of all runs

    witness: ClassVar[str] = ""  # the program that starts and measures all of them

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


class Failed(Exception):
    """A command ended with something else than 0, or did not do its job: its figure would mean nothing."""


def alternate(commands: list[Command], rounds: int, warm: int = 0) -> None:
    """Run each command in turn, `rounds` times after `warm` that do not count."""
    quiet = os.open(os.devnull, os.O_RDWR)
    try:
        for number in range(-warm, rounds):
            for command in commands:
                if number % command.every == 0:
                    _run(command, quiet, counts=number >= 0)
    finally:
        os.close(quiet)


def _run(command: Command, quiet: int, counts: bool) -> None:
    command.reset()
    seconds, memory, processes = once(command, quiet)
    if not command.checked:
        command.check()
        command.checked = True
    if counts:
        command.seconds.append(seconds)
        command.memory = max(command.memory, memory)
        command.processes = max(command.processes, processes)


def once(command: Command, stream: int) -> tuple[float, int, int]:
    """Run it: seconds, bytes of its largest process, and how many processes it started."""
    reading, writing = os.pipe()
    streams = [(os.POSIX_SPAWN_DUP2, stream, number) for number in (0, 1, 2)]
    streams.append((os.POSIX_SPAWN_DUP2, writing, 3))
    child = os.posix_spawn(command.witness, ["witness", *command.words], command.environment, file_actions=streams)
    os.close(writing)
    with open(reading, encoding="ascii") as line:
        figures = [int(word) for word in line.read().split()]
    os.waitpid(child, 0)
    if not figures:
        raise Failed(f"`{command.shown}` could not be started")
    nanoseconds, kibibytes, processes, status = figures
    if status != 0:
        raise Failed(f"`{command.shown}` ended with {os.waitstatus_to_exitcode(status)}")
    return nanoseconds / 1e9, kibibytes * 1024, processes
