"""The drop: this process becomes the identity and nothing else; where a call fails or lies, nothing is run.

Each case drops in a child that begins as root with root's groups, and looks at /proc/self/status itself.
"""

import os
import posix
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pydrop import kernel
from pydrop.capabilities import bits, mask_of
from pydrop.errors import FAILED, BadDrop
from pydrop.model import Identity, Start
from pydrop.perform import privileges
from pydrop.steps import PrivilegesStep
from tests.kernel.forked import Raised, forked, status

pytestmark = [pytest.mark.quick, pytest.mark.python]

ROOTS_GROUPS = (0, 4, 24)
BOUNDING = int(status()["CapBnd"], 16)  # as this process has it, and all that it starts
SETGROUPS = os.setgroups  # the tests replace it, but each child begins with root's groups
BIND, RAW = mask_of(("net_bind_service",)), mask_of(("net_raw",))
START = Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=())
SOURCES = str(Path(__file__).parent.parent.parent / "src")


def step(uid: int = 1500, gid: int = 1600, groups: tuple[int, ...] = (44, 1600), **options: Any) -> PrivilegesStep:
    who = Identity(name="app", uid=uid, gid=gid, group="app", groups=groups, home="/", shell="", why="test")
    options = {"keep_caps": 0, "no_new_privs": True, "umask": None, "keep_root": uid == 0} | options
    return PrivilegesStep(words="dropped", identity=who, **options)


def dropped(asked: PrivilegesStep, prepare: "Callable[[], object]" = lambda: None) -> dict[str, str]:
    """/proc/self/status after the drop of a child that came with root's groups."""

    def drop() -> dict[str, str]:
        SETGROUPS(ROOTS_GROUPS)
        prepare()
        privileges.perform(asked, START)
        return status()

    found: dict[str, str] = forked(drop)
    return found


def refusal(asked: PrivilegesStep, prepare: "Callable[[], object]" = lambda: None) -> str:
    with pytest.raises(Raised) as caught:
        dropped(asked, prepare)
    assert caught.value.kind is BadDrop
    return str(caught.value)


def four(number: int) -> str:
    return "\t".join([str(number)] * 4)


def mask(capabilities: int) -> str:
    return f"{capabilities:016x}"


# -- what it becomes -------------------------------------------------------------------------------


def test_all_of_it_is_the_identitys() -> None:
    """Ids of all four kinds, exactly these groups, no capability in any set of the process's, no_new_privs."""
    found = dropped(step())
    assert (found["Uid"], found["Gid"], found["Groups"]) == (four(1500), four(1600), "44 1600")
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {mask(0)}
    assert found["NoNewPrivs"] == "1"


@pytest.mark.parametrize(("emptied", "expected"), [(False, BOUNDING), (True, 0)])
def test_the_bounding_set_is_as_it_came_or_empty(emptied: bool, expected: int) -> None:
    """As it came unless it is asked for; the five sets are empty then."""
    assert dropped(step(empty_bounding=emptied))["CapBnd"] == mask(expected)


def test_the_bounding_set_stays_without_setpcap() -> None:
    """cap_drop: ALL, cap_add: SETUID, SETGID: the set is what the runtime gave."""
    few = mask_of(("setuid", "setgid"))
    found = dropped(step(), lambda: kernel.set_capabilities(few, few, 0))
    assert found["CapBnd"] == mask(BOUNDING)
    assert "unable to give up root" in refusal(step(empty_bounding=True), lambda: kernel.set_capabilities(few, few, 0))


@pytest.mark.parametrize("groups", [(), (1600,), (7, 44, 1600), tuple(range(100, 400))])
def test_the_groups_are_these_and_no_other(groups: tuple[int, ...]) -> None:
    """None of root's is left, none is added, also where there are none or many."""
    assert dropped(step(groups=groups))["Groups"] == " ".join(map(str, groups))


@pytest.mark.parametrize(("uid", "gid"), [(1, 1), (65534, 65534), (4294967294, 4294967294), (1500, 0)])
def test_every_number_that_is_an_id_can_be_had(uid: int, gid: int) -> None:
    """From 1 to the last one; gid 0 where it was asked for (OpenShift)."""
    found = dropped(step(uid, gid, (gid,)))
    assert (found["Uid"], found["Gid"], found["Groups"]) == (four(uid), four(gid), str(gid))


@pytest.mark.parametrize("came", [0o022, 0o077])
@pytest.mark.parametrize(("umask", "expected"), [(None, None), (0, "0000"), (0o27, "0027"), (0o777, "0777")])
def test_the_umask_is_as_asked_or_as_it_came(came: int, umask: "int | None", expected: "str | None") -> None:
    """0 is a umask; None leaves what there was."""
    assert dropped(step(umask=umask), lambda: os.umask(came))["Umask"] == (expected or f"{came:04o}")


@pytest.mark.parametrize(("asked", "came", "expected"), [(True, False, "1"), (False, False, "0"), (False, True, "1")])
def test_no_new_privs_is_as_asked_or_as_it_came(asked: bool, came: bool, expected: str) -> None:
    """It cannot be taken back where the runtime has set it, and that is no failure."""
    prepare = kernel.set_no_new_privs if came else lambda: None
    assert dropped(step(no_new_privs=asked), prepare)["NoNewPrivs"] == expected


def test_it_says_what_it_did() -> None:
    """One change, in the words that the plan has."""
    assert forked(lambda: privileges.perform(step(), START).contents()) == (1, "dropped", (), ())


# -- capabilities that are kept --------------------------------------------------------------------


@pytest.mark.parametrize("kept", [BIND, BIND | RAW, 1 << 40])
def test_kept_capabilities_are_in_all_sets_and_no_other_is(kept: int) -> None:
    """Ambient too, or exec would take them away from an ordinary program."""
    found = dropped(step(keep_caps=kept))
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {mask(kept)}
    assert found["CapBnd"] == mask(BOUNDING)
    assert dropped(step(keep_caps=kept, empty_bounding=True))["CapBnd"] == mask(kept)


def test_kept_capabilities_need_no_setpcap() -> None:
    """What is permitted may be inherited, see capset(2)."""
    few = mask_of(("setuid", "setgid")) | BIND
    found = dropped(step(keep_caps=BIND), lambda: kernel.set_capabilities(few, few, 0))
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {mask(BIND)}


def test_kept_capabilities_are_the_programs_after_exec() -> None:
    """An ordinary program, with no capabilities on its file, can use them: it binds port 80 of loopback."""
    script = "; ".join(
        [
            "import os",
            f"privileges.perform(step(keep_caps={BIND}, empty_bounding=True), START)",
            "os.execv('/bin/grep', ['grep', 'Cap', '/proc/self/status'])",
        ]
    )
    shown = in_python(script)
    assert sorted(set(shown.split()[1::2])) == [mask(BIND)]
    assert shown.count("Cap") == 5


def test_without_kept_capabilities_the_program_has_none_after_exec() -> None:
    """Whatever the bounding set holds."""
    for emptied in (False, True):
        shown = caps_behind("/bin/grep", no_new_privs=False, empty_bounding=emptied)
        assert {shown[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {mask(0)}


def caps_behind(program: str, **options: Any) -> dict[str, str]:
    """The capability sets of `program`, a copy of grep, behind a drop. CalledProcessError where it does not start."""
    shown = in_python(
        f"import os; privileges.perform(step(**{options!r}), START); "
        f"os.execv({program!r}, ['grep', 'Cap', '/proc/self/status'])"
    ).split()
    return {name.rstrip(":"): value for name, value in zip(shown[::2], shown[1::2], strict=True)}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def granting(kind: str, folder: Path) -> str:
    """A grep that is set-uid root, or has capabilities of its own."""
    made = folder / "grep"
    shutil.copy("/bin/grep", made)
    if kind == "set-uid":
        made.chmod(0o4755)
    else:
        os.setxattr(made, "security.capability", struct.pack("<5I", 0x2000001, BIND, 0, 0, 0))
    return str(made)


GRANTED = {"set-uid": BOUNDING, "file capabilities": BIND}


@pytest.mark.parametrize("kind", GRANTED)
def test_without_no_new_privs_a_file_gives_what_it_is_to_give(kind: str, folder: Path) -> None:
    """As sudo and ping need it; and with no_new_privs the same file runs and gives nothing."""
    program = granting(kind, folder)
    assert caps_behind(program, no_new_privs=False)["CapEff"] == mask(GRANTED[kind])
    assert caps_behind(program)["CapPrm"] == mask(0)


def test_with_an_empty_bounding_set_a_set_uid_file_gives_no_capability(folder: Path) -> None:
    """Uid 0 with nothing in its hands; and a file with capabilities is refused by the kernel."""
    assert caps_behind(granting("set-uid", folder), no_new_privs=False, empty_bounding=True)["CapPrm"] == mask(0)
    program = granting("file capabilities", folder)
    with pytest.raises(subprocess.CalledProcessError):
        caps_behind(program, no_new_privs=False, empty_bounding=True)


def test_inherited_and_ambient_sets_that_came_are_cleared() -> None:
    """A runtime's ambient capabilities are not the program's unless it keeps them."""

    def ambient() -> None:
        everything = int(status()["CapPrm"], 16)
        kernel.set_capabilities(everything, everything, BIND | RAW)
        for number in bits(BIND | RAW):
            kernel.ambient_raiser()(number)

    found = dropped(step(), ambient)
    assert (found["CapAmb"], found["CapInh"]) == (mask(0), mask(0))
    assert dropped(step(keep_caps=RAW), ambient)["CapAmb"] == mask(RAW)


def test_a_step_that_keeps_the_inheritable_set_gives_up_ids_groups_and_what_is_permitted_alone() -> None:
    """As gosu does it: inheritable and bounding set stay, nothing is in effect, no_new_privs is not touched."""

    def inheriting() -> None:
        everything = int(status()["CapPrm"], 16)
        kernel.set_capabilities(everything, everything, BIND | RAW)
        kernel.ambient_raiser()(bits(RAW)[0])

    found = dropped(step(keep_inheritable=True, no_new_privs=False), inheriting)
    assert (found["CapInh"], found["CapBnd"], found["NoNewPrivs"]) == (mask(BIND | RAW), mask(BOUNDING), "0")
    assert {found[name] for name in ("CapPrm", "CapEff", "CapAmb")} == {mask(0)}
    assert (found["Uid"], found["Gid"], found["Groups"]) == (four(1500), four(1600), "44 1600")


def in_python(script: str) -> str:
    path = f"import sys; sys.path[:0] = {[SOURCES, str(Path(__file__).parent), *sys.path]!r}"
    prelude = f"{path}\nfrom test_privileges import *\n"
    return subprocess.run([sys.executable, "-c", prelude + script], check=True, capture_output=True, text=True).stdout


# -- no way back -----------------------------------------------------------------------------------


def test_no_call_leads_back() -> None:
    """Not to uid 0, not to gid 0, not to a group of root's, not to a capability."""

    def regained() -> "list[str]":
        SETGROUPS(ROOTS_GROUPS)
        privileges.perform(step(), START)
        ways: dict[str, Callable[[], object]] = {
            "setuid": lambda: os.setuid(0),
            "seteuid": lambda: os.seteuid(0),
            "setreuid": lambda: os.setreuid(0, 0),
            "setgid": lambda: os.setgid(0),
            "setregid": lambda: os.setregid(-1, 0),
            "setgroups": lambda: os.setgroups([0]),
            "capset": lambda: kernel.set_capabilities(1, 1, 0),
        }
        return [name for name, way in ways.items() if not _refused(way)]

    assert forked(regained) == []


def _refused(way: "Callable[[], object]") -> bool:
    try:
        way()
    except OSError:
        return True
    return False


@pytest.mark.parametrize("function", ["setresuid", "setuid", "seteuid", "setresgid", "setegid", "setgroups"])
def test_a_way_back_that_is_open_ends_it(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way is tried once the drop looks done, and its success is the failure."""
    real = getattr(os, function)

    def open_to_root(*ids: Any) -> None:
        if ids != ([0],) and any(ids):
            real(*ids)

    monkeypatch.setattr(posix, function, open_to_root)
    assert f"{function} could take it back" in refusal(step())


@pytest.mark.parametrize("name", ["setuid", "setgid"])
def test_a_capability_that_leads_back_to_root_is_never_kept(name: str) -> None:
    """The settings refuse it by name; if it came here all the same, the tries to come back succeed and end it."""
    assert "could take it back" in refusal(step(keep_caps=mask_of((name,))))


def test_a_capability_that_can_be_taken_again_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """capset that grants CAP_SETUID to a dropped process is a way back too."""
    real, calls = kernel.set_capabilities, iter([True, False])
    monkeypatch.setattr(kernel, "set_capabilities", lambda *sets: real(*sets) if next(calls) else None)
    assert "capset could take it back" in refusal(step())


# -- ids that are none -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [4294967295, 4294967296, -1, 2**64])
@pytest.mark.parametrize("place", ["uid", "gid", "groups"])
def test_a_number_that_means_unchanged_or_wraps_round_is_refused(place: str, number: int) -> None:
    """setresuid(-1) reports success and stays root; 4294967296 is 0 where it is cut off."""
    wrong: dict[str, Any] = {place: (44, number) if place == "groups" else number}
    asked = step(**wrong, keep_root=False)
    said = refusal(asked)
    assert f"{number} is no id that a process can have" in said


def test_root_by_accident_is_refused() -> None:
    """An identity of uid 0 without the word that root was asked for."""
    assert "asked to stay root" in refusal(step(0, 0, (0,), keep_root=False))


def test_a_refusal_comes_before_anything_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An impossible number does not leave half a drop."""

    def refused() -> dict[str, str]:
        before = status()
        with pytest.raises(BadDrop):
            privileges.perform(step(gid=4294967295), START)
        after = status()
        return {
            name: after[name]
            for name in after
            if name.startswith(("Cap", "Uid", "Gid", "Groups")) and after[name] != before[name]
        }

    assert forked(refused) == {}


# -- root that stays root --------------------------------------------------------------------------


def test_root_that_was_asked_for_stays_root_with_the_accounts_groups() -> None:
    """Its capabilities are the runtime's affair; its groups and gid are those of the account."""
    before = status()
    found = dropped(step(0, 1600, (44, 1600), umask=0o27))
    assert (found["Uid"], found["Gid"], found["Groups"]) == (four(0), four(1600), "44 1600")
    assert found["CapPrm"] == before["CapPrm"]
    assert (found["NoNewPrivs"], found["Umask"]) == ("1", "0027")


# -- without root ----------------------------------------------------------------------------------


def no_root(capabilities: int = 0) -> "Callable[[], None]":
    """As `docker run --user 1500:1600 --group-add 44` starts a process."""

    def become() -> None:
        if capabilities:
            kernel.keep_capabilities_over_setuid()
        os.setgroups([44])
        os.setresgid(1600, 1600, 1600)
        os.setresuid(1500, 1500, 1500)
        if capabilities:
            kernel.set_capabilities(capabilities, capabilities, capabilities)

    return become


def test_a_drop_to_what_is_held_already_needs_nothing() -> None:
    """No capability, no call on ids or groups: only what anybody may do."""
    found = dropped(step(groups=(44,)), no_root())
    assert (found["Uid"], found["Gid"], found["Groups"], found["NoNewPrivs"]) == (four(1500), four(1600), "44", "1")


def test_what_capabilities_it_came_with_are_given_up_or_kept_as_asked() -> None:
    """Those of keep-caps stay, into the ambient set; the others go."""
    assert dropped(step(groups=(44,)), no_root(BIND | RAW))["CapPrm"] == mask(0)
    assert dropped(step(groups=(44,), keep_caps=BIND), no_root(BIND | RAW))["CapAmb"] == mask(BIND)


def test_an_identity_that_is_not_held_is_refused() -> None:
    """The kernel's own refusal, in one line that says the command was not run."""
    said = refusal(step(uid=1501, groups=(44,)), no_root())
    assert "Operation not permitted" in said
    assert "the command was not run" in said


def test_a_saved_root_is_given_up() -> None:
    """A process that only lent root away (saved uid 0) could take it back: now it cannot."""

    def lent() -> None:
        os.setgroups([44])
        os.setresgid(0, 1600, 0)
        os.setresuid(0, 1500, 0)

    found = dropped(step(groups=(44,)), lent)
    assert (found["Uid"], found["Gid"]) == (four(1500), four(1600))


# -- calls that fail -------------------------------------------------------------------------------

FAILING = {
    "the bounding set": (kernel, "bounding_dropper", lambda *_: fail),
    "KEEPCAPS": (kernel, "keep_capabilities_over_setuid", None),
    "groups": (posix, "setgroups", None),
    "gids": (posix, "setresgid", None),
    "uids": (posix, "setresuid", None),
    "capability sets": (kernel, "set_capabilities", None),
    "ambient": (kernel, "ambient_raiser", lambda *_: fail),
    "no_new_privs": (kernel, "set_no_new_privs", None),
    "umask": (posix, "umask", None),
}


def fail(*_ids: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def lie(*_ids: object) -> int:
    """Reports success and does nothing, as a seccomp profile with errno 0 or strace's retval=0 does."""
    return 0


@pytest.mark.parametrize("call", FAILING)
@pytest.mark.parametrize(
    "error", [PermissionError(1, "Operation not permitted"), ValueError("odd"), OSError(11, "Try again")]
)
def test_a_call_that_fails_ends_it(call: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call of the drop, with each kind of failure: exit code 125, and one line with the reason."""
    place, name, maker = FAILING[call]

    def failing(*_ids: object) -> None:
        raise error

    monkeypatch.setattr(place, name, (lambda *_: failing) if maker else failing)
    said = refusal(step(keep_caps=BIND, umask=0o27, empty_bounding=True))
    assert "unable to give up root" in said
    assert str(error) in said


LIES = {
    "the bounding set": "bounding set should be",
    "KEEPCAPS": "Operation not permitted",  # capset cannot set what is gone
    "groups": "supplementary groups should be",
    "gids": "gids (real, effective, saved, filesystem) should be",
    "uids": "uids (real, effective, saved, filesystem) should be",
    "capability sets": "Operation not permitted",  # what is not inheritable cannot be ambient
    "ambient": "ambient capabilities should be",
    "no_new_privs": "no_new_privs should be",
    "umask": "umask should be",
}


@pytest.mark.parametrize("call", FAILING)
def test_a_call_that_lies_ends_it(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Success that is none is seen by reading everything back."""
    place, name, maker = FAILING[call]
    monkeypatch.setattr(place, name, (lambda *_: lie) if maker else lie)
    assert LIES[call] in refusal(step(keep_caps=BIND, umask=0o27, empty_bounding=True))


@pytest.mark.parametrize("call", [call for call in FAILING if call not in ("KEEPCAPS", "ambient")])
def test_a_call_that_lies_ends_it_without_kept_capabilities_too(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ordinary drop proves as much as the one that keeps something."""
    place, name, maker = FAILING[call]
    monkeypatch.setattr(place, name, (lambda *_: lie) if maker else lie)
    refusal(step(umask=0o27, empty_bounding=True))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("setresuid", lambda real: lambda *_: real(1501, 1501, 1501)),
        ("setresuid", lambda real: lambda r, e, _s: real(r, e, 0)),
        ("setresgid", lambda real: lambda *_: real(1601, 1601, 1601)),
        ("setresgid", lambda real: lambda r, e, _s: real(r, e, 0)),
        ("setgroups", lambda real: lambda groups: real([*groups, 0])),
        ("setgroups", lambda real: lambda groups: real(groups[:-1])),
        ("umask", lambda real: lambda _mask: real(0)),
    ],
)
def test_a_call_that_does_something_else_ends_it(name: str, wrong: "Any", monkeypatch: pytest.MonkeyPatch) -> None:
    """Another uid, a saved id that stays root's, a group too many or too few."""
    monkeypatch.setattr(posix, name, wrong(getattr(os, name)))
    refusal(step(umask=0o27))


def test_a_status_that_cannot_be_read_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proof, no program: also where /proc answers once and then no more."""
    real, calls = kernel.credentials, iter([True])

    def once(descriptor: int) -> "Any":
        if next(calls, False):
            return real(descriptor)
        raise KeyError("Uid")

    monkeypatch.setattr(kernel, "credentials", once)
    assert "unable to give up root" in refusal(step())


@pytest.mark.parametrize("function", ["getresuid", "getresgid"])
def test_two_witnesses_must_agree(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What /proc shows and what the calls return are both looked at."""
    monkeypatch.setattr(posix, function, lambda: (1500, 1500, 0))
    assert "the ids are" in refusal(step())


def test_the_failure_is_125() -> None:
    """The code that says pydrop itself failed and nothing was run."""
    assert BadDrop("x").code == FAILED == 125


def test_the_order_leaves_each_call_its_capability() -> None:
    """The bounding set, the groups, the gids, the uids, the sets, no_new_privs; then the tries to come back."""
    path = f"import sys; sys.path[:0] = {[SOURCES, str(Path(__file__).parent), *sys.path]!r}"
    script = (
        f"{path}\nfrom test_privileges import *\nSETGROUPS([4]); privileges.perform(step(empty_bounding=True), START)"
    )
    calls = "trace=prctl,capset,setgroups,setresgid,setresuid,setuid"
    command = ["strace", "-qq", "-e", calls, sys.executable, "-c", script]
    traced = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    changes = ("prctl(PR_CAPBSET_DROP", "prctl(PR_SET_NO_NEW_PRIVS", "capset", "setgroups(2", "setres", "setuid")
    made = [line for line in traced if line.startswith(changes)]
    good = [
        next(name for name in (*changes[:4], "setresgid", "setresuid") if line.startswith(name))
        for line in made
        if line.endswith("= 0")
    ]
    assert list(dict.fromkeys(good)) == [
        "prctl(PR_CAPBSET_DROP",
        "setgroups(2",
        "setresgid",
        "setresuid",
        "capset",
        "prctl(PR_SET_NO_NEW_PRIVS",
    ]
    assert good.count("prctl(PR_CAPBSET_DROP") == len(bits(BOUNDING))
    refused = made[made.index(next(line for line in made if line.startswith("prctl(PR_SET_NO_NEW_PRIVS"))) + 1 :]
    assert refused and all("EPERM" in line for line in refused)
