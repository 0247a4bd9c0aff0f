"""Several containers that share a volume and start together: one works, the others wait, look, and find all right."""

import fcntl
import os
import signal
import subprocess

import pytest

from tests.faults.throwaway import APP, Throwaway
from tests.program.volumes import GROUP, OLD, PASSWD, Start, Tree, apart, given, until


def containers(folder, count):
    """Places for as many containers, each with account files and a /run of its own, and the path of what they share."""
    places = [Throwaway(folder / str(number), PASSWD, GROUP) for number in range(count)]
    for place in places:
        (place.folder / "volume").mkdir()
    (folder / "shared").mkdir()
    return places, folder / "shared"


def opened(starts, folder):
    """Those of the starts that have the folder open by now: at work on it, or waiting for it."""
    identity = os.stat(folder)
    return [start for start in starts if any(_has_open(pid, identity) for pid in start.family())]


def _has_open(pid, identity):
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for name in names:
        try:
            info = os.stat(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if (info.st_dev, info.st_ino) == (identity.st_dev, identity.st_ino):
            return True
    return False


def end_well(starts):
    """How many entries each of them gave."""
    ends = [start.ended() for start in starts]
    assert [code for code, _ in ends] == [0] * len(ends), ends
    return [given(said) for _, said in ends]


class Together:
    """Starts that end with the block, whatever happens in it."""

    def __init__(self):
        self.starts = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for start in self.starts:
            start.__exit__()

    def begin(self, place, shared, **more):
        self.starts.append(Start(place, pid1=True, share=shared, **more))
        return self.starts[-1]


@pytest.mark.parametrize("policy", ["mismatch", "on-root-mismatch", "unless-writable"])
def test_of_eight_that_start_at_once_one_changes_everything(tmp_path, policy):
    def check():
        places, shared = containers(tmp_path, 8)
        tree = Tree(shared, 300)
        tree.ruin()
        gate, opening = os.pipe()
        with Together() as together:
            for place in places:
                together.begin(place, shared, gate=gate, env={"PYDROP_CHOWN_POLICY": policy})
            os.close(gate)
            os.close(opening)
            gave = end_well(together.starts)
        assert sorted(gave) == [0] * 7 + [tree.entries]
        assert (tree.wrong(), tree.all_modes()) == (0, tree.modes)

    apart(tmp_path, check)


def at_work(together, place, shared, tree):
    """A start that has begun to change the volume."""
    first = together.begin(place, shared)
    paths = [f"{tree.top}/{folder}/0" for folder in tree.folders]
    until(lambda: any(os.lstat(path).st_uid == APP for path in paths), first)
    assert not first.over()
    return first


def test_when_the_one_at_work_is_killed_another_goes_on(tmp_path):
    def check():
        places, shared = containers(tmp_path, 4)
        tree = Tree(shared, 600)
        tree.ruin()
        with Together() as together:
            first = at_work(together, places[0], shared, tree)
            first.everyone(signal.SIGSTOP)
            others = [together.begin(place, shared) for place in places[1:]]
            until(lambda: len(opened(others, shared)) == len(others))
            first.signal(signal.SIGKILL)
            os.kill(first.process.pid, signal.SIGCONT)  # unshare, which tells how its PID 1 ended
            code, said = first.ended()
            assert code != 0, said
            gave = sorted(end_well(others))
        assert gave[:-1] == [0] * (len(others) - 1)
        assert 0 < gave[-1] <= tree.entries
        assert (tree.wrong(), tree.all_modes()) == (0, tree.modes)

    apart(tmp_path, check)


def changed(tree):
    return tree.entries - tree.wrong()


def test_while_the_one_at_work_is_stopped_the_others_wait_and_a_signal_ends_them(tmp_path):
    """Frozen, as by `docker pause`: nobody knows what it will do next, so nobody else touches the volume."""

    def check():
        places, shared = containers(tmp_path, 4)
        tree = Tree(shared, 600)
        tree.ruin()
        with Together() as together:
            first = at_work(together, places[0], shared, tree)
            first.everyone(signal.SIGSTOP)
            until(lambda: all(state(pid) == "T" for pid in first.family()))
            before = changed(tree)
            others = [together.begin(place, shared) for place in places[1:]]
            until(lambda: len(opened(others, shared)) == len(others))
            for waiting, number in zip(others, (signal.SIGTERM, signal.SIGINT), strict=False):
                waiting.signal(number)
                assert waiting.over(1)
                assert waiting.ended()[0] == 128 + number
            assert not others[-1].over()
            assert changed(tree) == before
            first.everyone(signal.SIGCONT)
            assert end_well([first, others[-1]]) == [tree.entries, 0]
        assert (tree.wrong(), tree.all_modes()) == (0, tree.modes)

    apart(tmp_path, check)


def state(pid):
    """As proc(5) has it; "T" for what is gone, too."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "T"


def test_a_start_that_has_nothing_to_walk_asks_nobody(tmp_path):
    """With on-root-mismatch a restart is one look, whoever holds the lock."""

    def check():
        (place,), shared = containers(tmp_path, 1)
        os.chown(shared, APP, APP)
        top = os.open(shared, os.O_RDONLY)
        fcntl.flock(top, fcntl.LOCK_EX)
        with Together() as together:
            start = together.begin(place, shared, env={"PYDROP_CHOWN_POLICY": "on-root-mismatch"})
            assert start.over(10)
            assert end_well([start]) == [0]

    apart(tmp_path, check)


def test_the_lock_is_not_handed_over_to_the_program(tmp_path):
    """It would hold up every start after this one for as long as the program runs."""

    def check():
        places, shared = containers(tmp_path, 2)
        Tree(shared, 40).ruin()
        with Together() as together:
            running = together.begin(places[0], shared, command=("sleep", "60"))
            until(lambda: command_line(running.main) == b"sleep", running)
            later = together.begin(places[1], shared)
            assert later.over(10)
            assert end_well([later]) == [0]
            assert not running.over()

    apart(tmp_path, check)


def command_line(pid):
    """What it runs; b"" for nobody."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().partition(b"\0")[0]
    except OSError:
        return b""


# -- filesystems without locks ----------------------------------------------------------------------


def without_locks(error):
    return (
        "strace",
        "-f",
        "--seccomp-bpf",
        "-o",
        "/mnt/trace",
        "-e",
        "trace=flock",
        "-e",
        f"inject=flock:error={error}",
    )


@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EIO"])
def test_where_there_are_no_locks_each_works_alone_and_correctly(tmp_path, error):
    """Two at once, of which neither can lock; the account files' lock is of another kind (fcntl)."""

    def check():
        places, shared = containers(tmp_path, 2)
        tree = Tree(shared, 40)
        tree.ruin()
        with Together() as together:
            for place in places:
                together.begin(place, shared, around=without_locks(error))
            ends = [start.ended() for start in together.starts]
        assert [code for code, _ in ends] == [0, 0], ends
        assert not any("warning" in said.replace("warning: app (1500:1500) cannot enter", "") for _, said in ends), ends
        assert sum(given(said) for _, said in ends) >= tree.entries
        assert (tree.wrong(), tree.all_modes()) == (0, tree.modes)
        assert all("INJECTED" in (place.folder / "trace").read_text() for place in places), "no lock was asked for"

    apart(tmp_path, check)


EXCHANGE = """
import ctypes, os
os.setgroups(()); os.setresgid({0}, {0}, {0}); os.setresuid({0}, {0}, {0})
assert ctypes.CDLL(None).renameat2({1}, b'victim', {1}, b'bait', 2) == 0
"""


@pytest.mark.parametrize("before", [0, OLD])
def test_what_another_gave_away_meanwhile_is_not_changed_by_its_name(tmp_path, before):
    """Without locks: one container is slow; another one comes, is done, and starts its program, which is an attacker's.

    In what was a folder of root's a moment ago it can now put a hard link to a file of root's where the slow one,
    which has looked already, is about to change a file.
    """

    def check():
        places, shared = containers(tmp_path, 2)
        folder, secret = shared / "folder", tmp_path / "secret"
        folder.mkdir()
        for path in (folder / "victim", secret):
            path.touch()
        for path in (shared, folder, folder / "victim"):
            os.chown(path, before, before)
        os.link(secret, folder / "bait")
        descriptor = os.open(folder, os.O_PATH)
        with Together() as together:
            late = ("-e", "trace=flock,fchownat", "-e", "inject=fchownat:delay_enter=3000000:when=1")
            slow = together.begin(places[0], shared, around=(*without_locks("ENOLCK"), *late))
            trace = places[0].folder / "trace"
            until(lambda: trace.exists() and "fchownat(" in trace.read_text(), slow)
            fast = together.begin(places[1], shared, around=without_locks("ENOLCK"))
            assert end_well([fast])[0] >= 2
            attack = EXCHANGE.format(APP, descriptor)
            subprocess.run(["python3", "-I", "-S", "-c", attack], pass_fds=(descriptor,), check=True)
            assert not slow.over(), "this machine is too slow to show anything"
            end_well([slow])
        assert os.stat(secret).st_uid == 0

    apart(tmp_path, check)
