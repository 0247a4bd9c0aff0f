"""Performs PrivilegesStep, the drop: this process becomes the identity and nothing else, and verifies that.

The order of the calls has reasons. The bounding set comes first where it is emptied, while CAP_SETPCAP is held. The
groups come before the gids, and both before the uids, since each needs a capability that is lost with uid 0. After that
the capabilities that the program keeps are raised again. no_new_privs comes last, when nothing is left to gain. Then
everything is read back from the kernel, an attempt to become root again must fail, and everything is read back once
more: a call that reports success is not believed.

By default the bounding set stays as it came. With no_new_privs no exec gains anything from it. But the kernel refuses
to execute a file that has a capability which the set lacks (EPERM), also behind a shell script.

The compatibility names that drop privileges come here too, by steps that drop less: gosu and its like leave the
inheritable set as it came, and no_new_privs unset.
"""

import posix as os

from pydrop import kernel
from pydrop.capabilities import bits, mask_of
from pydrop.errors import BadDrop
from pydrop.process import MAX_ID, Credentials, Outcome, PrivilegesStep, Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SETUID = mask_of(("setuid",))


def perform(step: PrivilegesStep, _start: Start) -> Outcome:
    """Drop for good. Raises BadDrop where a call fails, or where a value read back from the kernel is wrong."""
    _refuse_unchanged(step)
    status = kernel.open_status()
    before = kernel.credentials(status)
    drop_bounding = kernel.bounding_dropper(_bounding_to_drop(step, before))
    raise_ambient = kernel.ambient_raiser() if _inherited(step) and not step.keep_root else None
    # ---- the drop: from here on nothing is imported, nothing opened, and a failure ends in 125 ----
    try:
        if step.keep_root:
            _stay_root(step, before)
        else:
            _give_up(step, before, drop_bounding, raise_ambient)
        _prove(step, before, status)
        if not step.keep_root:
            _try_to_regain(step, before)
            _prove(step, before, status)
    except (OSError, ValueError, KeyError) as error:
        raise BadDrop(f"unable to give up root: {error}", ADVICE) from error
    os.close(status)
    return Outcome(changed=1, words=step.words)


ADVICE = "the command was not run; allow SETUID and SETGID (cap_add), and look for a seccomp profile"


def _refuse_unchanged(step: PrivilegesStep) -> None:
    """Raise BadDrop for an id that means "unchanged" to setresuid(2) or that wraps round, and for uid 0 unasked.

    The settings were checked before. This check stands beside the calls, so that no such id can reach them."""
    identity = step.identity
    for number in (identity.uid, identity.gid, *identity.groups):
        if not 0 <= number <= MAX_ID:
            raise BadDrop(f"{number} is no id that a process can have", f"use one from 0 to {MAX_ID}")
    if identity.uid == 0 and not step.keep_root:
        raise BadDrop("the drop was asked to stay root", "name root in so many words: user=root")


def _give_up(
    step: PrivilegesStep,
    before: Credentials,
    drop_bounding: "Callable[[int], None]",
    raise_ambient: "Callable[[int], None] | None",
) -> None:
    """Drop everything that the step does not keep. The module's docstring explains the order of the calls."""
    identity = step.identity
    for number in bits(_bounding_to_drop(step, before)):
        drop_bounding(number)
    if step.keep_caps:
        kernel.keep_capabilities_over_setuid()
    _set_groups_and_gids(step, before)
    if before.uids != (identity.uid,) * 4:
        os.setresuid(identity.uid, identity.uid, identity.uid)
    kernel.set_capabilities(step.keep_caps, step.keep_caps, _inheritable(step, before))
    if raise_ambient:
        for number in bits(_inherited(step)):
            raise_ambient(number)
    _finish(step)


def _stay_root(step: PrivilegesStep, before: Credentials) -> None:
    """Root was asked for: the capabilities of the runtime stay, but the groups and gids become the account's."""
    _set_groups_and_gids(step, before)
    if before.uids != (0,) * 4:
        os.setresuid(0, 0, 0)
    _finish(step)


def _set_groups_and_gids(step: PrivilegesStep, before: Credentials) -> None:
    """Call the kernel only for a change: a call needs a capability, and a start without root has none."""
    identity = step.identity
    if _sorted(before.groups) != _sorted(identity.groups):
        os.setgroups(list(identity.groups))
    if before.gids != (identity.gid,) * 4:
        os.setresgid(identity.gid, identity.gid, identity.gid)


def _finish(step: PrivilegesStep) -> None:
    if step.no_new_privs:
        kernel.set_no_new_privs()
    if step.umask is not None:
        os.umask(step.umask)


def _inherited(step: PrivilegesStep) -> int:
    """The kept capabilities (bit mask) that are the program's after exec too."""
    return step.keep_caps if step.inherits else 0


def _bounding_to_drop(step: PrivilegesStep, before: Credentials) -> int:
    """The capabilities (bit mask) that leave the bounding set. Each of them needs CAP_SETPCAP."""
    return before.bounding & ~step.keep_caps if step.empty_bounding else 0


def _inheritable(step: PrivilegesStep, before: Credentials) -> int:
    return before.inheritable if step.keep_inheritable else _inherited(step)


def _prove(step: PrivilegesStep, before: Credentials, status: int) -> None:
    """Read everything back from the kernel. Raises BadDrop that names the first wrong value."""
    identity, now = step.identity, kernel.credentials(status)
    wanted: list[tuple[str, object, object]] = [
        ("uids (real, effective, saved, filesystem)", now.uids, (identity.uid,) * 4),
        ("gids (real, effective, saved, filesystem)", now.gids, (identity.gid,) * 4),
        ("supplementary groups", _sorted(now.groups), _sorted(identity.groups)),
        ("umask", now.umask, before.umask if step.umask is None else step.umask),
        ("no_new_privs", now.no_new_privs, step.no_new_privs or before.no_new_privs),
    ]
    if not step.keep_root:
        keep = step.keep_caps
        wanted += [
            ("permitted capabilities", now.permitted, keep),
            ("effective capabilities", now.effective, keep),
            ("inheritable capabilities", now.inheritable, _inheritable(step, before)),
            ("ambient capabilities", now.ambient, _inherited(step)),
            ("bounding set", now.bounding, before.bounding & ~_bounding_to_drop(step, before)),
        ]
    for name, actual, expected in wanted:
        if actual != expected:
            raise BadDrop(f"unable to give up root: {name} should be {expected} and are {actual}", ADVICE)
    if os.getresuid() != (identity.uid,) * 3 or os.getresgid() != (identity.gid,) * 3:
        raise BadDrop(f"unable to give up root: the ids are {os.getresuid()} and {os.getresgid()}", ADVICE)


def _try_to_regain(step: PrivilegesStep, before: Credentials) -> None:
    """Raise BadDrop unless every way back to uid 0 fails, and to gid 0 where the identity does not hold that."""
    for name, way in ways_back(step.keep_caps, _inheritable(step, before), step.identity.gid):
        try:
            way()
        except OSError:
            continue
        raise BadDrop(f"unable to give up root: {name} could take it back", ADVICE)


def ways_back(keep_caps: int, inheritable: int, gid: int) -> "list[tuple[str, Callable[[], None]]]":
    """The calls, by name, that would make a process that keeps `keep_caps` root again.

    After a drop each of them must fail with OSError; `pydropctl verify` tries them as well."""
    with_setuid = keep_caps | SETUID  # no setting lets a program keep CAP_SETUID
    ways: list[tuple[str, Callable[[], None]]] = [
        ("capset", lambda: kernel.set_capabilities(with_setuid, with_setuid, inheritable)),
        ("setgroups", lambda: os.setgroups([0])),
        ("setresuid", lambda: os.setresuid(0, 0, 0)),
        ("setuid", lambda: os.setuid(0)),
        ("seteuid", lambda: os.seteuid(0)),
    ]
    if gid != 0:
        ways += [("setresgid", lambda: os.setresgid(0, 0, 0)), ("setegid", lambda: os.setegid(0))]
    return ways


def _sorted(groups: tuple[int, ...]) -> list[int]:
    return sorted(set(groups))
