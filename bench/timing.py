"""How long commands take, each run once in turn: A B C A B C …

All are started the same way from this one process (posix_spawn, then wait4), so that what the
harness adds is the same for all; and since they alternate, a machine that slows down slows all.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

WARM_UP = 3  # rounds that do not count


@dataclass
class Command:
    """What is measured: the words as a person would type them, and what is started.

    `environment` is all that it gets. `reset` is called before each run, and is not timed.
    """

    shown: str
    words: list[str]
    environment: dict[str, str]
    reset: Callable[[], None] = lambda: None
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


class Failed(Exception):
    """A command ended with something else than 0: its figure would mean nothing."""


def alternate(commands: list[Command], rounds: int) -> None:
    """Run each command in turn, `rounds` times; the seconds of each run go into its list."""
    quiet = os.open(os.devnull, os.O_RDWR)
    try:
        for number in range(WARM_UP + rounds if rounds > WARM_UP else rounds):
            for command in commands:
                command.reset()
                took = once(command, quiet)
                if number >= WARM_UP or rounds <= WARM_UP:
                    command.seconds.append(took)
    finally:
        os.close(quiet)


def once(command: Command, stream: int) -> float:
    """The seconds from just before the start to just after the end."""
    streams = [(os.POSIX_SPAWN_DUP2, stream, number) for number in (0, 1, 2)]
    began = time.perf_counter_ns()
    child = os.posix_spawn(command.words[0], command.words, command.environment, file_actions=streams)
    _, status, _ = os.wait4(child, 0)
    took = time.perf_counter_ns() - began
    if status != 0:
        raise Failed(f"`{command.shown}` ended with {os.waitstatus_to_exitcode(status)}")
    return took / 1e9
