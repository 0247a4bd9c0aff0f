"""What is measured: each case is pydrop's command first, then its peers', which run in turn with it."""

import os
from dataclasses import dataclass

from rooms import OTHER, WANTED, Room
from timing import Command, Failed, alternate

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PLAIN = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}  # what the image of Docker's python gives
ASKED = {"PUID": str(WANTED), "PGID": str(WANTED)}
ENTRYPOINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "entrypoint.sh")
IDS = f"{WANTED}:{WANTED}"


@dataclass(frozen=True)
class Target:
    """How often pydrop's median may be the peer's at most; `peer` is its index among the case's commands."""

    peer: int
    most: float
    words: str


@dataclass(frozen=True)
class Rounds:
    """How often what takes milliseconds is run, and how often what takes seconds."""

    quick: int
    slow: int


@dataclass
class Result:
    """One case, measured. `met` is None where there is no target."""

    name: str
    title: str
    commands: list[Command]
    target: Target | None

    def ratio(self, peer: int) -> float:
        """How many times as long as that command's pydrop's median is."""
        return self.commands[0].median / self.commands[peer].median

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.ratio(self.target.peer) <= self.target.most


def measured(name: str, room: Room, rounds: Rounds) -> Result:
    """Run one case. Raises Failed where a command fails, or does not do its job."""
    result = CASES[name](room)
    alternate(result.commands, rounds.slow if name in SLOW else rounds.quick)
    return result


def start(room: Room) -> Result:
    """The first start of a container in which everything is right already."""
    room.named()
    return Result(
        "start",
        "a start with PUID and PGID and nothing to fix",
        [
            pydrop(room, {}, room.forget),
            Command("python3 -I -S -c pass", [room.python, "-I", "-S", "-c", "pass"], PLAIN),
            Command(f"gosu {IDS} true", [found("gosu"), IDS, "true"], PLAIN),
            setpriv(),
            Command("true", [found("true")], PLAIN),
        ],
        Target(1, 1.5, "at most 1.5 times as long"),
    )


def again(room: Room) -> Result:
    """`docker exec CONTAINER pydrop true`: the record of the first start is there."""
    room.named()
    bare = Command("python3 -I -S -c pass", [room.python, "-I", "-S", "-c", "pass"], PLAIN)
    return Result("again", "a second time in the same container", [pydrop(room, {}), bare], None)


def job(room: Room) -> Result:
    """What images do at a start, done by pydrop and by the shell."""
    both = {"DATA": room.small}
    ours = pydrop(room, {"PYDROP_CHOWN": room.small, "PYDROP_RUN_DIRS": "/run/app"}, room.reset)
    ours.shown = f"PYDROP_CHOWN={os.path.basename(room.small)} PYDROP_RUN_DIRS=/run/app {ours.shown}"
    shell = Command("bench/entrypoint.sh true", ["/bin/sh", ENTRYPOINT, "true"], PLAIN | ASKED | both, room.reset)
    for command in (ours, shell):
        alternate([command], 1)
        command.seconds.clear()
        if not room.job_is_done():
            raise Failed(f"`{command.shown}` did not do the whole job")
    title = "the whole job: account renumbered, 100 entries owned, /run made, drop"
    return Result("job", title, [ours, shell], Target(1, 1 / 3, "at least 3 times faster"))


def right(room: Room) -> Result:
    """A large volume in which nothing needs an owner."""
    return _volume(room, "right", f"a volume of {room.entries:,} entries, all owned rightly", WANTED)


def wrong(room: Room) -> Result:
    """A large volume in which everything needs one."""
    return _volume(room, "wrong", f"a volume of {room.entries:,} entries, all owned wrongly", OTHER)


def _volume(room: Room, name: str, title: str, owner: int) -> Result:
    room.named()
    volume = room.large_volume()

    def reset() -> None:
        room.large_owned(owner)

    ours = pydrop(room, {"PYDROP_CHOWN": volume}, reset)
    ours.shown = f"PYDROP_CHOWN={os.path.basename(volume)} {ours.shown}"
    recursive = Command(f"chown -R {IDS} large", [found("chown"), "-R", IDS, volume], PLAIN, reset)
    only = ["(", "!", "-user", str(WANTED), "-o", "!", "-group", str(WANTED), ")"]
    words = [found("find"), volume, *only, "-exec", "chown", "-h", IDS, "{}", "+"]
    said = f"find large ( ! -user {WANTED} -o ! -group {WANTED} ) -exec chown -h {IDS} {{}} +"
    picky = Command(said, words, PLAIN, reset)
    return Result(name, title, [ours, recursive, picky], None)


CASES = {"start": start, "again": again, "job": job, "right": right, "wrong": wrong}
NAMES = tuple(CASES)
SLOW = ("right", "wrong")


def pydrop(room: Room, settings: dict[str, str], reset=lambda: None) -> Command:  # type: ignore[no-untyped-def] # a default
    shown = f"PUID={WANTED} PGID={WANTED} pydrop true"
    return Command(shown, [room.pydrop, "true"], PLAIN | ASKED | settings, reset)


def setpriv() -> Command:
    options = ["--reuid", str(WANTED), "--regid", str(WANTED), "--clear-groups", "true"]
    return Command(f"setpriv {' '.join(options)}", [found("setpriv"), *options], PLAIN)


def found(name: str) -> str:
    """The program on the PATH that the commands get."""
    for folder in PATH.split(":"):
        if os.access(f"{folder}/{name}", os.X_OK):
            return f"{folder}/{name}"
    raise Failed(f"{name} is not on the PATH {PATH}")
