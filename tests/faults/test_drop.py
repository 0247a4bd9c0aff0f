"""Calls of the drop that fail or lie: the command never runs with more than was asked.

Each call is hit alone and all of its kind together, with an error and with a lie (success, and
nothing done). Allowed is: the command did not run, and one line says so with exit code 125; or it
ran and is exactly who was asked for.
"""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from .throwaway import APP, GROUP, PASSWD, PYDROP, Throwaway, Traced, strace

FAULTS = {"EPERM": "error=EPERM", "EAGAIN": "error=EAGAIN", "EINVAL": "error=EINVAL", "a lie": "retval=0"}
# What changes who a process is or what it may do; `%creds` is every call on ids and capabilities.
CHANGES_IDENTITY = "%creds,prctl,umask,seccomp,unshare,setns,chroot,pivot_root,personality,keyctl"
ONLY_READS = ("PR_GET_", "PR_CAPBSET_READ", "PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET")

CALLS = {
    "setgroups": "supplementary groups",
    "setresgid": "gids, and the tries to get gid 0 back",
    "setresuid": "uids, and the tries to get uid 0 back",
    "setuid": "a try to get uid 0 back",
    "capset": "permitted, effective and inheritable set",
    "prctl PR_SET_NO_NEW_PRIVS": "no_new_privs",
    "umask": "the program's, and pydrop's own while it makes /run",
}
CALLS_OF_KEEP_CAPS = CALLS | {
    "prctl PR_SET_KEEPCAPS": "keeps the permitted set over setresuid",
    "prctl PR_CAP_AMBIENT": "the ambient set",
}
CALLS_OF_EMPTY = CALLS | {"prctl PR_CAPBSET_DROP": "the bounding set"}
EMPTY = "an empty bounding set"
ASKED: "dict[str, tuple[dict[str, str], dict[str, str]]]" = {  # -> (what is asked for, the calls of that drop)
    "none": ({}, CALLS),
    "net_bind_service": ({"PYDROP_KEEP_CAPS": "net_bind_service"}, CALLS_OF_KEEP_CAPS),
    EMPTY: ({"PYDROP_BOUNDING_SET": "empty"}, CALLS_OF_EMPTY),
}
BIT = 1 << 10  # CAP_NET_BIND_SERVICE, linux/capability.h
ROOTS_GROUPS = (0, 4, 24)
AS_CAME = next(  # the bounding set of this process, and so of what it starts
    line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd")
)

ALWAYS = ("EPERM", "a lie")  # other errors are other numbers on the same way through the code
MOST = 6  # calls of one kind that are hit alone; PR_CAPBSET_DROP is called for each of 41 capabilities


def row(keep: str, call: str, fault: str):
    marks = [pytest.mark.python] if (keep, fault) == ("none", "a lie") else []
    return pytest.param(keep, call, fault, marks=marks if fault in ALWAYS else [pytest.mark.soak])


ALL_ROWS = [("none", call, fault) for call in CALLS for fault in FAULTS]
ALL_ROWS += [("net_bind_service", call, fault) for call in CALLS_OF_KEEP_CAPS for fault in FAULTS]
ALL_ROWS += [(EMPTY, "prctl PR_CAPBSET_DROP", fault) for fault in FAULTS]
ROWS = [row(*words) for words in ALL_ROWS]


def asked(keep: str) -> dict[str, str]:
    """The lines of /proc/self/status that say who was asked for."""
    mask = f"{BIT if keep == 'net_bind_service' else 0:016x}"
    return {
        "Umask": "0027",
        "Uid": "\t".join([str(APP)] * 4),
        "Gid": "\t".join([str(APP)] * 4),
        "Groups": f"50 {APP}",
        "NoNewPrivs": "1",
        "CapInh": mask,
        "CapPrm": mask,
        "CapEff": mask,
        "CapBnd": mask if keep == EMPTY else AS_CAME,
        "CapAmb": mask,
    }


def found(status: bytes) -> dict[str, str]:
    fields = dict([line.split(":", 1) for line in status.decode().splitlines()])
    return {name: fields[name].strip() for name in asked("none")}


def verdict(result: "subprocess.CompletedProcess[bytes]", wanted: dict[str, str]) -> str:
    """What is wrong with how a start ended; "" where nothing is."""
    said = result.stderr.decode(errors="replace")
    if not result.stdout:
        if result.returncode != 125:
            return f"exit code {result.returncode}, not 125: {said}"
        one_line = said.startswith("pydrop: ") and said.count("\n") == 1 and said.endswith("\n")
        return "" if one_line else f"not one line of pydrop's: {said}"
    who = found(result.stdout)
    wrong = {name: value for name, value in who.items() if value != wanted[name]}
    if wrong:
        right = {name: wanted[name] for name in wrong}
        return f"THE COMMAND RAN with {wrong} in place of {right}"
    return f"ran, but exit code {result.returncode}: {said}" if result.returncode or said else ""


class Starts:
    """Starts under strace, two at a time, each in a folder that no other uses meanwhile."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.pool = ThreadPoolExecutor(workers)
        self.free: SimpleQueue[Throwaway] = SimpleQueue()
        for number in range(workers):
            passwd = PASSWD.replace(b"app:x:1000:1000", b"app:x:1500:1500")
            group = GROUP.replace(b"app:x:1000", b"app:x:1500")
            self.free.put(Throwaway(folder / str(number), passwd, group))

    def start(self, keep: str, *injections: str) -> "tuple[subprocess.CompletedProcess[bytes], Traced]":
        place = self.free.get()
        shutil.rmtree(place.folder / "run/pydrop", ignore_errors=True)
        log = place.folder / "trace"
        environment = {"PUID": str(APP), "PGID": str(APP), "PYDROP_UMASK": "027", "PYDROP_LOG_LEVEL": "error"}
        environment |= ASKED[keep][0]
        try:
            tracer = strace(log, CHANGES_IDENTITY, *injections)
            result = place.run(PYDROP, "cat", "/proc/self/status", env=environment, around=tracer, groups=ROOTS_GROUPS)
            return result, Traced(log)
        finally:
            self.free.put(place)

    def all(self, keep: str, injections: "list[str]") -> "dict[str, str]":
        """Injection -> verdict, where it is not good."""
        ended = self.pool.map(lambda injection: self.start(keep, injection), injections)
        judged = {}
        for injection, (result, traced) in zip(injections, ended, strict=True):
            judged[injection] = verdict(result, asked(keep))
            if "(INJECTED)" not in traced.text:
                judged[injection] = "the fault did not happen"
        return {injection: wrong for injection, wrong in judged.items() if wrong}


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Starts:
    return Starts(tmp_path_factory.mktemp("drop"))


@pytest.fixture(scope="module")
def plain(starts: Starts) -> "dict[str, list[tuple[str, str, int]]]":
    """keep -> (kind of call, its name for strace, number) of each call of a start without faults."""
    found_calls = {}
    for keep in ASKED:
        result, traced = starts.start(keep)
        assert verdict(result, asked(keep)) == "" and result.stdout, "a start without faults must succeed"
        found_calls[keep] = [
            (f"{name} {text[: text.index(',')]}" if name == "prctl" else name, name, number)
            for name, number, text in traced.numbered()
            if not name.startswith(("get", "capget")) and not text.startswith(ONLY_READS)
        ]
    return found_calls


@pytest.mark.quick
@pytest.mark.python
@pytest.mark.parametrize("keep", ASKED)
def test_every_call_that_changes_identity_is_one_that_is_made_to_fail_here(keep, plain):
    """A new call in the drop must get its row."""
    assert {kind for kind, _, _ in plain[keep]} == set(ASKED[keep][1])


def alone(calls: "list[tuple[str, str, int]]", kind: str, fault: str) -> list[str]:
    """The injections that hit one call of the kind each."""
    return [f"{name}:{FAULTS[fault]}:when={number}" for one, name, number in calls if one == kind]


def spread(injections: list[str]) -> list[str]:
    """The first, the last and some between."""
    return injections[:: -(-len(injections) // MOST)] + injections[-1:] if len(injections) > MOST else injections


@pytest.mark.parametrize(("keep", "kind", "fault"), ROWS)
def test_the_command_never_runs_with_more_than_was_asked(keep, kind, fault, starts, plain):
    """Calls of the kind hit alone, then from the first to the last."""
    hits = [(name, number) for one, name, number in plain[keep] if one == kind]
    together = f"{hits[0][0]}:{FAULTS[fault]}:when={hits[0][1]}..{hits[-1][1]}"
    assert starts.all(keep, [*spread(alone(plain[keep], kind, fault)), together]) == {}


@pytest.mark.soak
@pytest.mark.parametrize(("keep", "fault"), [(keep, fault) for keep in ASKED for fault in FAULTS])
def test_nor_where_any_other_single_call_is_hit(keep, fault, starts, plain):
    """Those that the spread leaves out."""
    found_kinds = {kind for kind, _, _ in plain[keep]}
    each = [alone(plain[keep], kind, fault) for kind in sorted(found_kinds)]
    left = [injection for one in each for injection in one if injection not in spread(one)]
    assert left or keep != EMPTY, "the spread leaves none out, so this test is not needed"
    assert starts.all(keep, left) == {}


@pytest.mark.quick
@pytest.mark.parametrize("keep", ASKED)
@pytest.mark.parametrize("fault", FAULTS)
def test_nor_where_every_call_is_hit_at_once(keep, fault, starts, plain):
    names = ",".join(sorted({name for _, name, _ in plain[keep]}))
    result, _ = starts.start(keep, f"{names}:{FAULTS[fault]}")
    assert verdict(result, asked(keep)) == ""
    assert result.returncode == 125


@pytest.mark.parametrize("call", ["getresuid", "getresgid"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_proof_that_cannot_be_read_is_no_proof(call, fault, starts):
    result, traced = starts.start("none", f"{call}:{FAULTS[fault]}")
    assert "(INJECTED)" in traced.text
    assert verdict(result, asked("none")) == ""


def test_the_judge_sees_what_a_program_lets_through_that_does_not_look(tmp_path):
    """setpriv believes a setresuid that lies: if this harness saw nothing there, it would see nothing at all."""
    place = Throwaway(tmp_path)
    words = ["setpriv", f"--reuid={APP}", f"--regid={APP}", "--groups=50,1500", "--no-new-privs"]
    lie = strace(place.folder / "trace", CHANGES_IDENTITY, "setresuid:retval=0")
    environment = {"PATH": os.environ["PATH"]}
    result = place.run(*words, "cat", "/proc/self/status", env=environment, around=lie, umask=0o027)
    assert "'Uid': '0\\t0\\t0\\t0'" in verdict(result, asked("none"))
