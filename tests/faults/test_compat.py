"""gosu, su-exec and s6-setuidgid by pydrop: whichever call fails or lies, the command never runs with more than asked.

Each call is hit alone and all of its kind together, as in test_drop. Allowed is: the command did not run, and one
line says so with the tool's own exit code; or it ran and is exactly who was asked for.
"""

import subprocess
from pathlib import Path

import pytest

from .test_drop import ALWAYS, CHANGES_IDENTITY, FAULTS, ONLY_READS
from .throwaway import PYDROP, Throwaway, Traced, strace

CODES = {"gosu": 1, "su-exec": 1, "s6-setuidgid": 111}
GROUPS = {"gosu": "50", "su-exec": "50 1000", "s6-setuidgid": "50 1000"}
CALLS = {
    "setgroups": "supplementary groups",
    "setresgid": "gids, and the tries to get gid 0 back",
    "setresuid": "uids, and the tries to get uid 0 back",
    "setuid": "a try to get uid 0 back",
    "capset": "permitted and effective set",
}
ROOTS_GROUPS = (0, 4, 24)
ALL_CAPABILITIES = next(
    line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd")
)
# The three are one code below the words: gosu has every fault, the others the two that differ most.
ROWS = [
    pytest.param(tool, call, fault, marks=() if tool == "gosu" or fault in ALWAYS else pytest.mark.soak)
    for tool in CODES
    for call in CALLS
    for fault in FAULTS
]

Done = subprocess.CompletedProcess[bytes]


def asked(tool: str) -> dict[str, str]:
    """The lines of /proc/self/status that say who was asked for; the bounding set is the tools' to leave alone."""
    none = "0" * 16
    four = "\t".join(["1000"] * 4)
    ids = {"Uid": four, "Gid": four, "Groups": GROUPS[tool], "NoNewPrivs": "0", "CapBnd": ALL_CAPABILITIES}
    return ids | {"CapInh": none, "CapPrm": none, "CapEff": none, "CapAmb": none}


def verdict(done: Done, tool: str) -> str:
    """What is wrong with how it ended; "" where nothing is."""
    said = done.stderr.decode(errors="replace")
    if not done.stdout:
        if done.returncode != CODES[tool]:
            return f"exit code {done.returncode}, not {CODES[tool]}: {said}"
        return "" if said.startswith(f"{tool}: ") and said.count("\n") == 1 else f"not one line of {tool}'s: {said}"
    fields = dict([line.split(":", 1) for line in done.stdout.decode().splitlines()])
    wrong = {name: fields[name].strip() for name, right in asked(tool).items() if fields[name].strip() != right}
    if wrong:
        return f"THE COMMAND RAN with {wrong}"
    return f"ran, but exit code {done.returncode}: {said}" if done.returncode or said else ""


def run(folder: Path, tool: str, *injections: str, spec: str = "app") -> "tuple[Done, Traced]":
    place = Throwaway(folder)
    link = folder / tool
    if not link.is_symlink():
        link.symlink_to(PYDROP)
    tracer = strace(folder / "trace", CHANGES_IDENTITY, *injections)
    words = (f"/mnt/{tool}", spec, "/bin/cat", "/proc/self/status")
    done = place.run(*words, env={"PATH": "/usr/bin:/bin"}, around=tracer, groups=ROOTS_GROUPS)
    return done, Traced(folder / "trace")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> "dict[str, list[tuple[str, int]]]":
    """tool -> (name of the call for strace, number) of each call of a run without faults that changes an identity."""
    found = {}
    for tool in CODES:
        done, traced = run(tmp_path_factory.mktemp("plain"), tool)
        assert verdict(done, tool) == "" and done.stdout, "a run without faults must succeed"
        found[tool] = [
            (name, number)
            for name, number, text in traced.numbered()
            if not name.startswith(("get", "capget")) and not text.startswith(ONLY_READS)
        ]
    return found


@pytest.mark.parametrize("tool", CODES)
def test_every_call_that_changes_identity_is_one_that_is_made_to_fail_here(tool, plain):
    """A new call in the drop must get its row; umask, prctl and the like are none of these tools' business."""
    assert {name for name, _ in plain[tool]} == set(CALLS)


@pytest.mark.parametrize(("tool", "call", "fault"), ROWS)
def test_the_command_never_runs_with_more_than_was_asked(tool, call, fault, plain, tmp_path):
    """Each call of the kind hit alone, then from the first to the last."""
    numbers = [number for name, number in plain[tool] if name == call]
    hits = [*map(str, numbers), f"{numbers[0]}..{numbers[-1]}"]
    judged = {}
    for when in hits:
        done, traced = run(tmp_path, tool, f"{call}:{FAULTS[fault]}:when={when}")
        judged[when] = verdict(done, tool) if "(INJECTED)" in traced.text else "the fault did not happen"
    assert judged == dict.fromkeys(hits, "")


@pytest.mark.quick
@pytest.mark.parametrize("tool", CODES)
@pytest.mark.parametrize("fault", FAULTS)
def test_nor_where_every_call_is_hit_at_once(tool, fault, plain, tmp_path):
    done, _ = run(tmp_path, tool, f"{','.join(sorted(CALLS))}:{FAULTS[fault]}")
    assert verdict(done, tool) == ""
    assert done.returncode == CODES[tool]


@pytest.mark.parametrize("call", ["getresuid", "getresgid"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_proof_that_cannot_be_read_is_no_proof(call, fault, tmp_path):
    done, traced = run(tmp_path, "gosu", f"{call}:{FAULTS[fault]}")
    assert "(INJECTED)" in traced.text
    assert verdict(done, "gosu") == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_root_that_was_asked_for_has_no_other_groups_than_root_has(fault, tmp_path):
    """`gosu root:staff` leaves groups 4 and 24 behind, or does not run."""
    for call in ("setgroups", "setresgid"):
        done, traced = run(tmp_path, "gosu", f"{call}:{FAULTS[fault]}", spec="root:staff")
        assert "(INJECTED)" in traced.text
        assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize("call", ["setgroups", "setresgid", "setresuid"])
@pytest.mark.parametrize(("signal", "number"), [("TERM", 15), ("INT", 2), ("HUP", 1), ("QUIT", 3)])
def test_a_signal_in_the_middle_ends_it_before_the_command(call, signal, number, tmp_path):
    """As it would end the tool: by that signal; as PID 1, to whom the signal alone does nothing, with 128+N."""
    done, _ = run(tmp_path, "gosu", f"{call}:signal={signal}:when=1")
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, b"", b"")
    tracer = strace(tmp_path / "trace", CHANGES_IDENTITY, f"{call}:signal={signal}:when=1")
    words = (*tracer, tmp_path / "gosu", "1500:1500", "/bin/echo", "ran")
    alone = subprocess.run(words, capture_output=True, check=False)
    assert (alone.returncode, alone.stdout, alone.stderr) == (-number, b"", b"")


def test_the_judge_sees_what_the_tool_itself_lets_through(tmp_path):
    """gosu believes a setuid that lies: if this harness saw nothing there, it would see nothing at all."""
    place = Throwaway(tmp_path)
    lie = strace(tmp_path / "trace", CHANGES_IDENTITY, "setuid:retval=0")
    words = ("/usr/sbin/gosu", "app", "/bin/cat", "/proc/self/status")
    done = place.run(*words, env={"PATH": "/usr/bin:/bin"}, around=lie, groups=ROOTS_GROUPS)
    assert "'Uid': '0\\t0\\t0\\t0'" in verdict(done, "gosu")
