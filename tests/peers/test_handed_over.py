"""What the program finds, from odd starting states, is what setpriv hands over: everything as it
came, apart from who it is, and HOME, USER and LOGNAME.

The probe is a static C program, so it sees the state as exec left it.
"""

import json
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, GROUP, PASSWD, PYDROP, Throwaway, compiled

from .states import STATES, State

HERE = Path(__file__).parent
GROUPS = f"50,{APP}"  # `staff` lists app
SETPRIV = (
    "/usr/bin/setpriv", f"--reuid={APP}", f"--regid={APP}", f"--groups={GROUPS}", "--inh-caps=-all",
    "--no-new-privs",
)  # fmt: skip
# Errors alone: a line on standard error would move the offset of a file there.
PYDROP_AS = (PYDROP, "--user", f"{APP}:{APP}", "--log-level", "error")

Found = dict[str, list[str]]


class Place(Throwaway):
    """With the probe in it, and with states.py, which waits for what is to be started there."""

    def __init__(self, folder: Path, passwd: bytes, group: bytes) -> None:
        super().__init__(folder, passwd, group)
        shutil.copy(compiled(HERE / "probe.c", "-static"), folder / "probe")
        inside = self.inside(f"{sys.base_prefix}/bin/python3", "-I", str(HERE / "states.py"))
        words = ["unshare", "--kill-child", *inside[1:]]
        self.states = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ends(self, *words: str) -> str:
        """How it ends: the exit code, as a text."""
        assert self.states.stdin and self.states.stdout
        print(json.dumps(words), file=self.states.stdin, flush=True)
        assert select.select([self.states.stdout], [], [], 30)[0], f"{words} does not end"
        return self.states.stdout.readline().strip()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    passwd = PASSWD.replace(b"app:x:1000:1000", b"app:x:1500:1500")
    group = GROUP.replace(b"app:x:1000", b"app:x:1500")
    place = Place(tmp_path_factory.mktemp("peers"), passwd, group)
    yield place
    place.states.kill()
    place.states.communicate()


def handed_over(place: Place, words: "tuple[str, ...]", state: str) -> Found:
    """What the probe found behind `words`, by name; what is there several times in its order."""
    if (words, state) not in known:
        known[words, state] = probed(place, words, state)
    return {name: list(values) for name, values in known[words, state].items()}


known: "dict[tuple[tuple[str, ...], str], Found]" = {}


def probed(place: Place, words: "tuple[str, ...]", state: str) -> Found:
    out = place.folder / "out"
    out.write_bytes(b"")
    out.chmod(0o666)
    (place.folder / "written").unlink(missing_ok=True)
    assert place.ends(state, "/mnt/out", *words) == "0"
    found: Found = {}
    for line in out.read_text().splitlines():
        name, _, value = line.partition("\t")
        value = re.sub(r"/dev/pts/\d+", "/dev/pts/N", value)
        found.setdefault(name, []).append(re.sub(r" tty 348\d\d ", " tty 348NN ", value))
    return found


def escaped(line: bytes) -> str:
    """As probe.c prints bytes."""
    return "".join([chr(c) if 32 <= c < 127 and c != 92 else f"\\x{c:02x}" for c in line])


def own_environment(state: State) -> "list[str]":
    """The whole of what pydrop changes: HOME where it is root's or none, USER and LOGNAME always.

    A name that is there keeps its place (its doubles go); a new one stands at the end."""
    came = list(state.environment)
    home = next((line[5:] for line in came if line.startswith(b"HOME=")), b"")
    ours = {b"USER": b"app", b"LOGNAME": b"app"}
    if home in (b"", b"/", b"/root"):
        ours = {b"HOME": b"/mnt/home"} | ours
    result, seen = [], set()
    for line in came:
        name = line.partition(b"=")[0]
        if name in ours and name in seen:
            continue
        seen.add(name)
        result.append(name + b"=" + ours[name] if name in ours else line)
    result += [name + b"=" + value for name, value in ours.items() if name not in seen]
    return [escaped(line) for line in result]


# On 3.13 it runs in a container, whose cgroup may have no time for real-time processes: SCHED_RR is refused there
ON_EACH_PYTHON = [pytest.param(state, marks=[pytest.mark.python] * (state != "SCHED_RR")) for state in STATES]


@pytest.mark.parametrize("state", ON_EACH_PYTHON)
def test_the_program_finds_what_setpriv_would_hand_over(state, place):
    ours = handed_over(place, PYDROP_AS, state)
    theirs = handed_over(place, SETPRIV, state)
    assert ours.pop("environment", []) == own_environment(STATES[state])
    assert theirs.pop("environment", []) == [escaped(line) for line in STATES[state].environment]
    assert ours == theirs


# By that name nothing but ids and groups is given up, and with numbers the environment is left alone, whole.
S6_SETUIDGID = ("/mnt/s6-setuidgid", f"{APP}:{APP}")
IDS_ALONE = ("/usr/bin/setpriv", f"--reuid={APP}", f"--regid={APP}", f"--groups={APP}")


# What differs by that name, and what a drop that is made otherwise could touch; `make soak` has every state.
TELLING = {
    "nothing odd", "no locale at all", "LC_ALL=C", "HOME, USER and LOGNAME are root's", "values that are no UTF-8",
    "variables that are there twice", "a variable without =", "PYTHON variables", "names like the launcher's disguise",
    "variables of the dynamic linker and of glibc", "arguments that are no UTF-8", "all signals ignored and blocked",
    "signals that are blocked and have come", "umask 077", "descriptors above 2", "0, 1 and 2 are closed",
    "no_new_privs already", "inheritable and ambient capabilities", "little address space",
}  # fmt: skip


@pytest.mark.parametrize("state", [pytest.param(s, marks=() if s in TELLING else pytest.mark.soak) for s in STATES])
def test_by_the_name_of_s6_setuidgid_everything_else_is_as_it_came(state, place):
    link = place.folder / "s6-setuidgid"
    if not link.is_symlink():
        link.symlink_to(PYDROP)
    assert handed_over(place, S6_SETUIDGID, state) == handed_over(place, IDS_ALONE, state)


# A drop ends these (prctl(2), capabilities(7)), by whomever: what their rows show is that pydrop's does.
ENDED = {"a death signal", "no_new_privs already", "inheritable and ambient capabilities"}


def test_the_probe_sees_each_of_the_states(place):
    """A state that changed nothing, or nothing that the probe prints, would make its row worthless."""
    usual = handed_over(place, SETPRIV, "nothing odd")
    unseen = {state for state in STATES if handed_over(place, SETPRIV, state) == usual}
    assert unseen == {"nothing odd", *ENDED}
