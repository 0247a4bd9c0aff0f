"""Init mode: calls of either process's drop that fail or lie. The command never runs while PID 1 is more than was
asked, nor with more itself; and neither process waits for the other for ever.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from .test_drop import ALWAYS, CHANGES_IDENTITY, FAULTS, ROOTS_GROUPS, Starts, asked, verdict
from .throwaway import APP, PYDROP, Traced, strace

KINDS = ("prctl", "setgroups", "setresgid", "setresuid", "capset", "getresuid", "getresgid")
WHO = {"PID 1": (), "both": ("-f",)}  # strace alone sees PID 1, with -f its children too


class InitStarts(Starts):
    """As Starts, with --init. The command shows itself and PID 1; its umask is no matter of PID 1's."""

    def started(
        self, follow: "tuple[str, ...]", *injections: str
    ) -> "tuple[subprocess.CompletedProcess[bytes], Traced]":
        place = self.free.get()
        shutil.rmtree(place.folder / "run/pydrop", ignore_errors=True)
        log = place.folder / "trace"
        environment = {"PUID": str(APP), "PGID": str(APP), "PYDROP_UMASK": "027", "PYDROP_LOG_LEVEL": "error"}
        environment |= {"PYDROP_KILL_GRACE": "100ms"}  # strace is left behind, and as root it is not PID 1's to end
        tracer = strace(log, CHANGES_IDENTITY, *injections)
        tracer = (tracer[0], *follow, *tracer[1:])
        words = (PYDROP, "--init", "cat", "/proc/1/status", "/proc/self/status")
        try:
            return place.run(*words, env=environment, around=tracer, groups=ROOTS_GROUPS), Traced(log)
        finally:
            self.free.put(place)


def judged(result: "subprocess.CompletedProcess[bytes]") -> str:
    """What is wrong, with the command or with PID 1; "" where nothing is."""
    halves = result.stdout.split(b"Name:")[1:]
    if not halves:
        return verdict(result, asked("none"))
    assert len(halves) == 2
    wanted = asked("none"), asked("none")
    wanted[0]["Umask"] = "0022"
    ends = [subprocess.CompletedProcess((), result.returncode, b"Name:" + half, result.stderr) for half in halves]
    return "; ".join(filter(None, [verdict(end, right) for end, right in zip(ends, wanted, strict=True)]))


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> InitStarts:
    return InitStarts(tmp_path_factory.mktemp("init"))


@pytest.mark.parametrize("who", WHO)
def test_without_faults_both_are_who_was_asked_for(who: str, starts: InitStarts) -> None:
    result, _ = starts.started(WHO[who])
    assert result.stdout and judged(result) == ""


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("fault", [pytest.param(f, marks=() if f in ALWAYS else pytest.mark.soak) for f in FAULTS])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs_with_more_than_was_asked(kind: str, fault: str, who: str, starts: InitStarts) -> None:
    """All calls of the kind at once; each alone is hit in the tests of the drop, which is the same code."""
    result, traced = starts.started(WHO[who], f"{kind}:{FAULTS[fault]}")
    assert "(INJECTED)" in traced.text, "the fault did not happen"
    assert judged(result) == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_pid_1s_own_drop_is_hit_alone(fault: str, starts: InitStarts) -> None:
    """Its setresuid fails or lies while the command's does not: the command must wait for one that never comes."""
    result, _ = starts.started((), f"setresuid:{FAULTS[fault]}:when=1")
    assert (result.returncode, result.stdout) == (125, b"")
    assert judged(result) == ""


@pytest.mark.parametrize("call", ["marshal", "fork"])
def test_a_start_that_cannot_fork_is_one_line(call: str, tmp_path: Path, starts: InitStarts) -> None:
    """The limit of processes is reached, or the descriptors are all used."""
    place = starts.free.get()
    limit = {"fork": "--nproc=1:1", "marshal": "--nofile=4:4"}[call]
    try:
        nobody = ("setpriv", "--reuid=4321", "--regid=4321", "--clear-groups")
        result = place.run(*nobody, "prlimit", limit, PYDROP, "--init", "true", env={"PATH": "/usr/bin:/bin"})
    finally:
        starts.free.put(place)
    assert result.returncode == 125
    assert result.stderr.startswith(b"pydrop: ") and result.stderr.count(b"\n") == 1
