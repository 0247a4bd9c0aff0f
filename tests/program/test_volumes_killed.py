"""Starts that are killed, or asked to end, at any moment of the walk through a large volume.

Whatever the moment: no process of the start lives on, a top folder that is the user's says that all below is, modes are
what they were, and the next start completes the work. `make soak` tries more moments, in larger trees.
"""

import os
import random
import signal
import statistics
import time
from collections.abc import Callable

import pytest

from tests.faults.throwaway import APP, Throwaway
from tests.program.volumes import GROUP, OLD, PASSWD, Moment, Start, Tree, apart, undisturbed, until

POLICIES = [
    {"PYDROP_CHOWN_POLICY": "mismatch"},
    {"PYDROP_CHOWN_POLICY": "on-root-mismatch"},
    {"PYDROP_CHOWN_POLICY": "unless-writable"},
    {"PYDROP_CHOWN": ""},  # only-from, in the settings file below
]
SETTINGS = f"""\
[[volume]]
path = "/mnt/volume"
only-from = "{OLD}:{OLD}"
"""


def prepared(folder, entries, settings=""):
    place = Throwaway(folder, PASSWD, GROUP)
    (folder / "etc/pydrop.toml").write_text(settings)
    (folder / "volume").mkdir()
    tree = Tree(folder / "volume", entries // 100)
    tree.ruin()
    return place, tree


def completed(place, tree, env, why):
    """What must be true after a start that ended early, and after the next."""
    if tree.top_is_right():
        assert tree.wrong() == 0, f"the top says that all is done: {why}"
    with Start(place, env) as again:
        code, said = again.ended()
    assert code == 0, said + why
    assert tree.wrong() == 0, why
    assert tree.all_modes() == tree.modes, why
    tree.ruin()


def gone(start, why):
    """No process of it lives on; what was sent SIGKILL may take a moment on a busy machine.

    One that we froze as it was being forked, before it could ask to die with its parent, looks for that parent when it
    wakes up, and ends; it gets no time for any work.
    """
    last = time.monotonic() + 2
    while start.family() and time.monotonic() < last:
        pass
    start.everyone(signal.SIGCONT)
    last = time.monotonic() + 0.1
    while start.family():
        assert time.monotonic() < last, f"{start.family()} live on: {why}"


def is_given(path: str) -> Callable[[], bool]:
    return lambda: os.lstat(path).st_uid == APP


def freeze_the_others(start):
    """Stop whoever works for it: then nobody ends but by being killed."""
    for pid in start.family():
        if pid != start.main:
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                pass


FEW = pytest.param(12_000, 2, id="few")


@pytest.mark.parametrize(("entries", "kills"), [FEW, pytest.param(50_000, 5, id="many", marks=pytest.mark.soak)])
@pytest.mark.parametrize("env", POLICIES, ids=["mismatch", "on-root-mismatch", "unless-writable", "only-from"])
def test_after_a_kill_nobody_lives_on_and_the_next_start_completes(tmp_path, env, entries, kills):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)

    def check():
        settings = SETTINGS if env == POLICIES[-1] else ""
        place, tree = prepared(tmp_path, entries, settings)
        longest = undisturbed(place, tree, env)
        tree.ruin()
        hits = 0
        while hits < kills:
            moment = Moment(tree, chance, longest)
            why = f" (killed {moment}, seed {seed})"
            with Start(place, env) as start:
                moment.wait(start)
                if hits % 2 == 0:  # else those that it leaves behind might just have come to their end
                    freeze_the_others(start)
                start.process.kill()
                start.process.wait()
                gone(start, why)
                hits += start.process.returncode == -signal.SIGKILL
                completed(place, tree, env, why)

    apart(tmp_path, check)


@pytest.mark.parametrize(("entries", "kills"), [FEW, pytest.param(50_000, 4, id="many", marks=pytest.mark.soak)])
def test_a_kill_of_any_of_its_processes_is_noticed(tmp_path, entries, kills):
    """As by the kernel when memory is short: what that one had to do is done by the others or by the next start."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)

    def check():
        place, tree = prepared(tmp_path, entries)
        for _ in range(kills):
            some_file_is_given = is_given(tree.somewhere(chance))
            with Start(place) as start:
                until(start.begun, start)
                until(some_file_is_given, start)
                family = start.family()
                others = [pid for pid in family if pid != start.main]
                victim = chance.choice(others or family or [0])
                why = f" (killed {victim} of {family}, main {start.main}, seed {seed})"
                if victim:
                    try:
                        os.kill(victim, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                code, said = start.ended()
                gone(start, why)
            assert code in (0, 125, -signal.SIGKILL), said + why
            if code == 0:
                assert tree.wrong() == 0, said + why
            completed(place, tree, {}, why)

    apart(tmp_path, check)


@pytest.mark.parametrize(
    ("entries", "signals"),
    [pytest.param(40_000, 3, id="few"), pytest.param(300_000, 5, id="many", marks=pytest.mark.soak)],
)
@pytest.mark.parametrize("pid1", [True, False], ids=["as PID 1", "as a process"])
def test_a_signal_ends_a_walk_at_once_and_the_next_start_completes(tmp_path, pid1, entries, signals):
    """One start after the other is ended, each further on than the one before."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)

    def check():
        place, tree = prepared(tmp_path, entries)
        late = []
        numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM][:signals]
        while numbers:
            moment = Moment(tree, chance, entries / 1e6)
            why = f" ({numbers[0].name} {moment}, seed {seed})"
            with Start(place, pid1=pid1) as start:
                moment.wait(start)
                began = time.monotonic()
                start.signal(numbers[0])
                assert start.over(20), why
                seconds = time.monotonic() - began
                gone(start, why)
                code, said = start.ended()
            assert tree.wrong() == 0 or not tree.top_is_right(), why
            if code == 0:  # it was too late
                tree.ruin()
                continue
            assert code == 128 + numbers.pop(0), said + why
            assert seconds < 1, why
            late.append(seconds)
        completed(place, tree, {}, f" (seed {seed})")
        milliseconds = [round(seconds * 1000) for seconds in (statistics.median(late), max(late))]
        print(f"gone after {milliseconds[0]} ms in the median, {milliseconds[1]} ms at worst")
        assert milliseconds[0] < 100

    apart(tmp_path, check)
