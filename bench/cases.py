"""What is measured: each case is pydrop's command first, then its peers', which run in turn with it."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import inits
import volumes
from commands import ASKED, PLAIN, gosu, pydrop, python, setpriv, true
from results import AtMost, Figures, Result
from rooms import Room
from timing import Command, Failed, alternate

ENTRYPOINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "entrypoint.sh")


@dataclass(frozen=True)
class Pace:
    """How often a case is run at most, of so many times what a person asked for, and how often before that without
    counting."""

    most: int
    warm: int
    times: int = 1

    def run(self, commands: list[Command], rounds: int) -> None:
        asked = min(rounds * self.times, self.most)
        alternate(commands, asked, self.warm if asked > self.warm else 0)


QUICK = Pace(1000, 3)  # what takes milliseconds
OFTEN = Pace(2000, 3, 16)  # a difference of two that do, a few milliseconds of twenty: half as often, it moves by 5 %
BRIEF = Pace(21, 2)  # tens of milliseconds
SOME = Pace(63, 2)  # the same, where the target is near
LONG = Pace(11, 1)  # a second or two
LONGER = Pace(5, 1)  # the same, where no target is judged
SEVERAL = Pace(5, 0)  # seconds, and more to put it back
TWICE = Pace(2, 0)  # the same, where no target is judged
LONGEST = Pace(1, 0)  # most of a minute


def measured(name: str, room: Room, rounds: int) -> Result | Figures:
    """Run one case. Raises Failed where a command fails, or does not do its job."""
    Command.witness = room.witness
    room.named()
    if name in OF_INITS:
        return OF_INITS[name](room, rounds)
    case, pace = CASES[name]
    result = case(room)
    pace.run(result.commands, rounds)
    return result


def start(room: Room) -> Result:
    """The first start of a container in which everything is right already."""
    return Result(
        "start",
        "a start with PUID and PGID and nothing to fix",
        [pydrop(room), python(room), gosu(), setpriv(), true()],
        [AtMost(1, 1.5, "at most 1.5 times as long as Python itself")],
    )


def again(room: Room) -> Result:
    """`docker exec CONTAINER pydrop true`: the record of the first start is there."""
    ours = pydrop(room)
    ours.reset = lambda: None
    return Result("again", "a second time in the same container", [ours, python(room)])


def job(room: Room) -> Result:
    """What images do at a start, done by pydrop and by the shell."""
    ours = pydrop(room, [room.small], PYDROP_RUN_DIRS="/run/app")
    words = ["/bin/sh", ENTRYPOINT, "true"]
    shell = Command("bench/entrypoint.sh true", words, PLAIN | ASKED | {"DATA": room.small})
    for command in (ours, shell):
        command.reset, command.check = room.reset, _job_checked(room, command)
    title = "the whole job: account renumbered, 100 entries owned, /run made, drop"
    return Result("job", title, [ours, shell], [AtMost(1, 1 / 3, "at least 3 times faster than the shell")])


def _job_checked(room: Room, command: Command) -> Callable[[], None]:
    def check() -> None:
        if not room.job_is_done():
            raise Failed(f"`{command.shown}` did not do the whole job")

    return check


CASES: dict[str, tuple[Callable[[Room], Result], Pace]] = {
    "start": (start, QUICK),
    "again": (again, QUICK),
    "job": (job, QUICK),
    "init-start": (inits.start, QUICK),
    "init-reap": (inits.reap, LONGER),
    "small-right": (volumes.small_right, OFTEN),
    "small-wrong": (volumes.small_wrong, OFTEN),
    "hundred-right": (volumes.hundred_right, SOME),
    "hundred-wrong": (volumes.hundred_wrong, SOME),
    "right": (volumes.right, LONG),
    "wrong": (volumes.wrong, LONG),
    "wrong-shared": (volumes.wrong_shared, TWICE),
    "wrong-group": (volumes.wrong_group, TWICE),
    "wide-right": (volumes.wide_right, SEVERAL),
    "wide-wrong": (volumes.wide_wrong, SEVERAL),
    "restart": (volumes.restart, OFTEN),
    "growth-right": (volumes.growth_right, BRIEF),
    "growth-wrong": (volumes.growth_wrong, BRIEF),
    "slow-right": (volumes.slow_right, LONGEST),
    "slow-wrong": (volumes.slow_wrong, LONGEST),
}
OF_INITS: dict[str, Callable[[Room, int], Figures]] = {
    "init-memory": inits.memory,
    "init-rest": inits.wakeups,
    "init-signal": inits.signals,
    "init-stop": inits.stops,
}
_INITS = list(CASES).index("init-reap") + 1  # what is measured of inits stands side by side
NAMES = (*list(CASES)[:_INITS], *OF_INITS, *list(CASES)[_INITS:])
