"""Init mode beside tini and dumb-init: what an init holds and does while its command runs, and how fast it passes on.

Each init runs the same command (prompted.c, or sleep), started alike; they are asked in turn.
"""

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from commands import ASKED, PLAIN, python, true
from programs import compiled, found
from results import AtMost, Figures, Result, Row, Verdict
from rooms import Room
from timing import Command, Failed

REST = 10.0  # seconds in which an init is to do nothing
ORPHANS = 10_000
MOST = 200  # signals sent to each
STOPS = 60


def inits(room: Room) -> dict[str, list[str]]:
    """As a person would call them: the words before the command."""
    return {
        "pydrop --init": [room.pydrop, "--init", "--log-level=error"],
        "tini -s": [found("tini"), "-s", "--"],
        "dumb-init": [found("dumb-init")],
    }


def start(room: Room) -> Result:
    """From the start of PID 1 to its end, around a command that ends at once."""
    shown, words = "PUID=1500 PGID=1500 pydrop --init true", [room.pydrop, "--init", "true"]
    ours = Command(shown, words, PLAIN | ASKED, room.forget)
    peers = [Command(f"{name} true", [*words, "true"], PLAIN) for name, words in list(inits(room).items())[1:]]
    target = AtMost(1, 1.7, "at most 1.7 times as long as Python itself")
    title = "init mode around a command that ends at once"
    return Result("init-start", title, [ours, python(room), *peers, true()], [target])


def reap(room: Room) -> Result:
    """Orphans by the thousand, all of which come to the init."""
    program, count = compiled("prompted", room.folder), room.share(ORPHANS)
    commands = [
        Command(f"{name} orphans {count}", [*words, program, "orphans", str(count)], PLAIN | ASKED, room.forget)
        for name, words in inits(room).items()
    ]
    return Result("init-reap", f"{count:,} orphans are reaped", commands)


def memory(room: Room, _rounds: int) -> Figures:
    """Private dirty memory at rest: what each container costs that is there."""
    bare = [room.python, "-I", "-S", "-c", "import time; time.sleep(60)"]
    rows = [("python3 -I -S, asleep", _held(bare, PLAIN))]
    for name, words in inits(room).items():
        rows.append((f"{name} sleep 60", _held([*words, found("sleep"), "60"], PLAIN | ASKED, room.forget)))
    bare_one, ours, *peers = rows
    ratio = ours[1] / bare_one[1]
    met = Verdict("at most 1.25 times a bare Python that sleeps", f"{ratio:.2f} times", ratio <= 1.25)
    shown = [Row(name, f"{held} KiB", f"{ours[1] / held:.2f} times it") for name, held in (bare_one, *peers)]
    title = "private dirty memory of the init while its command sleeps"
    return Figures("init-memory", title, [Row(ours[0], f"{ours[1]} KiB"), *shown], [met])


def _held(words: list[str], environment: dict[str, str], reset: Callable[[], None] = lambda: None) -> int:
    """KiB, when it has come to rest."""
    with _running(words, environment, reset) as (pid, _):
        _rest(pid)
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Private_Dirty:"))


def wakeups(room: Room, rounds: int) -> Figures:
    """How often each is woken while nothing happens."""
    seconds = REST if rounds > 10 else 0.5
    rows = []
    for name, words in inits(room).items():
        with _running([*words, found("sleep"), "60"], PLAIN | ASKED, room.forget) as (pid, _):
            _rest(pid)
            before = _switches(pid)
            time.sleep(seconds)
            rows.append((name, _switches(pid) - before))
    met = Verdict("no wake-up", f"{rows[0][1]} were", rows[0][1] == 0)
    title = f"wake-ups in {seconds:g} s in which nothing happens"
    return Figures("init-rest", title, [Row(name, str(count)) for name, count in rows], [met])


def _switches(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)


def _rest(pid: int) -> None:
    """Until it has done nothing for a while: its start is over. One that never rests is measured as it is."""
    before, quiet, end = -1, 0, time.monotonic() + 2
    while quiet < 4 and time.monotonic() < end:
        time.sleep(0.05)
        now = _switches(pid)
        quiet, before = (quiet + 1 if now == before else 0), now


def signals(room: Room, rounds: int) -> Figures:
    """From kill(2) on the init until the command has the signal."""
    program, taken = compiled("prompted", room.folder), {name: [] for name in inits(room)}
    with _all(room, program) as running:
        for _ in range(min(MOST, rounds * 2)):
            for name, (pid, reading) in running.items():
                began = time.monotonic_ns()
                os.kill(pid, signal.SIGUSR1)
                taken[name].append(_stamp(reading) - began)
                time.sleep(0.002)
    return _timed("init-signal", "from a signal to the init until its command has it", taken, "under 1 ms", 1e6)


def stops(room: Room, rounds: int) -> Figures:
    """From the end of a command that ends at once on TERM until the init is gone too."""
    program, taken = compiled("prompted", room.folder), {name: [] for name in inits(room)}
    for _ in range(min(STOPS, rounds)):
        for name, words in inits(room).items():
            with _running([*words, program], PLAIN | ASKED, room.forget) as (pid, reading):
                _stamp(reading)
                os.kill(pid, signal.SIGTERM)
                ended = _stamp(reading)
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
                taken[name].append(time.monotonic_ns() - ended)
    return _timed("init-stop", "from the command's own end until the init is gone", taken, "within 20 ms", 20e6)


def _timed(name: str, title: str, taken: dict[str, list[int]], words: str, most: float) -> Figures:
    """Medians in nanoseconds, pydrop's first."""
    medians = {peer: statistics.median(times) for peer, times in taken.items()}
    ours = next(iter(medians.values()))
    rows = [
        Row(peer, f"{median / 1e6:.3f} ms", "" if n == 0 else f"{ours / median:.2f} times it", len(taken[peer]))
        for n, (peer, median) in enumerate(medians.items())
    ]
    return Figures(name, title, rows, [Verdict(words, f"{ours / 1e6:.3f} ms in the median", ours < most)])


@contextmanager
def _all(room: Room, program: str) -> Iterator[dict[str, tuple[int, int]]]:
    """Every init at once, each around its own command, which is prepared."""
    managers = {name: _running([*words, program], PLAIN | ASKED, room.forget) for name, words in inits(room).items()}
    running = {}
    try:
        for name, manager in managers.items():
            running[name] = manager.__enter__()
            _stamp(running[name][1])
        yield running
    finally:
        for name in running:
            managers[name].__exit__(None, None, None)


@contextmanager
def _running(
    words: list[str], environment: dict[str, str], reset: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, int]]:
    """(pid, what its command writes to descriptor 3 comes here); ended afterwards."""
    reset()
    reading, writing = os.pipe()
    quiet = os.open(os.devnull, os.O_RDWR)
    streams = [(os.POSIX_SPAWN_DUP2, quiet, number) for number in (0, 1, 2)]
    pid = os.posix_spawn(words[0], words, environment, file_actions=[*streams, (os.POSIX_SPAWN_DUP2, writing, 3)])
    os.close(writing)
    os.close(quiet)
    try:
        yield pid, reading
    finally:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        os.waitpid(pid, 0)
        os.close(reading)


def _stamp(reading: int) -> int:
    """The next time that the command writes."""
    content = os.read(reading, 8)
    if len(content) < 8:
        raise Failed("the command of an init ended before it was asked to")
    return int.from_bytes(content, "little")
