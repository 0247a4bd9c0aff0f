"""Checks what was dropped: the capabilities, the bounding set and every way back to root; and what that depends on."""

import os
from collections.abc import Callable

from pydrop.capabilities import bits, mask_of, names_of
from pydrop.ctl.verifying import set_id_files
from pydrop.ctl.verifying.check_result import Check, fail, ok, skip, warn
from pydrop.ctl.verifying.identity_checks import AS_ROOT, BEHIND
from pydrop.ctl.verifying.subject import Subject
from pydrop.perform.privileges import ways_back
from pydrop.planning.mounts_step import few

ASKED = "root was asked for"


def checks(subject: Subject) -> list[Check]:
    reach = _set_uid(subject)
    return [
        _capabilities(subject),
        _bounding(subject, reach.verdict in ("fail", "warn")),
        _no_new_privs(subject),
        _no_way_back(subject),
        reach,
        _umask(subject),
    ]


def _capabilities(subject: Subject) -> Check:
    name, held, keep = "capabilities", subject.held, mask_of(subject.settings.keep_caps)
    if subject.root_was_asked_for:
        return skip(name, ASKED)
    sets = {
        "permitted": held.permitted,
        "effective": held.effective,
        "inheritable": held.inheritable,
        "ambient": held.ambient,
    }
    surplus: dict[int, list[str]] = {}
    for which, mask in sets.items():
        if mask & ~keep:
            surplus.setdefault(mask & ~keep, []).append(which)
    if surplus:
        shown = "; ".join([f"{', '.join(which)} {_few(mask)}" for mask, which in surplus.items()])
        return fail(name, f"not given up: {shown}", BEHIND)
    missing = keep & ~held.effective
    if missing:
        return fail(
            name,
            f"{subject.asked('keep-caps')} asks for {_few(missing)}, which this process does not hold",
            "start the container as root with it: cap_add in compose, --cap-add in docker run, and no user:",
        )
    return ok(name, f"only {_few(keep)}" if keep else "none")


def _few(mask: int) -> str:
    names = names_of(mask)
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:4])} and {len(names) - 4} more"


def _bounding(subject: Subject, reachable: bool) -> Check:
    """The bounding set: the capabilities that a set-uid program or a file's capabilities could bring back."""
    name, keep = "bounding set", mask_of(subject.settings.keep_caps)
    surplus = subject.held.bounding & ~keep
    if subject.is_root or subject.root_was_asked_for:
        return skip(name, ASKED if subject.root_was_asked_for else AS_ROOT)
    if not surplus:
        return ok(name, "empty" if not keep else f"only {_few(keep)}")
    found = f"{len(bits(surplus))} capabilities are in it ({_few(surplus)})"
    if subject.settings.bounding_set == "empty":
        return fail(name, f"{found}, though {subject.asked('bounding-set')} asks for an empty one", BEHIND)
    if subject.held.no_new_privs:
        return ok(name, f"{found}, out of reach since no_new_privs is on")
    remedy = "leave no-new-privs on; or set bounding-set=empty, or drop them: cap_drop: [ALL] in compose"
    if reachable:
        return fail(name, f"{found}, and a program within reach can take them, since no_new_privs is off", remedy)
    return warn(name, f"{found}, out of reach only because no file within reach gives them", remedy)


def _no_new_privs(subject: Subject) -> Check:
    name, on = "no_new_privs", subject.held.no_new_privs
    source = subject.asked("no-new-privs")
    if on and not subject.settings.no_new_privs:
        found = f"on, by the runtime, though {source} asks for programs that gain by it (sudo, ping)"
        return warn(name, found, "leave out no-new-privileges in security_opt, or leave no-new-privs on")
    if on:
        return ok(name, "on")
    if subject.settings.no_new_privs:
        return fail(name, "off: a set-uid program may still become root", BEHIND)
    return ok(name, f"off, as {source} asks")


def _no_way_back(subject: Subject) -> Check:
    name = "no way back"
    if subject.is_root:
        reason = "this is root: there is nothing to come back to"
        return skip(name, ASKED) if subject.root_was_asked_for else fail(name, reason, BEHIND)
    keep = mask_of(subject.settings.keep_caps)
    ways = ways_back(keep, subject.held.inheritable, subject.held.gids[1])
    if 0 in subject.groups:  # gid 0 is held, which has a check of its own
        ways = [(way, call) for way, call in ways if way not in ("setgroups", "setresgid", "setegid")]
    open_ways = [way for way, call in ways if _works(call)]
    if open_ways:
        return fail(name, f"{', '.join(open_ways)} could make it root again", BEHIND)
    return ok(name, f"{', '.join([way for way, _ in ways])} are refused")


def _works(call: Callable[[], None]) -> bool:
    """Whether the call succeeds. A child process makes it, so that this process does not change."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            call()
            code = 0
        except (OSError, ValueError):
            pass
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _set_uid(subject: Subject) -> Check:
    name, wanted = "set-uid files", subject.wanted
    if subject.is_root and (wanted is None or wanted.uid == 0):
        return skip(name, "this is root, which needs none")
    if subject.held.no_new_privs or (subject.is_root and subject.settings.no_new_privs):
        return skip(name, "no_new_privs is on, so no file grants anything")
    searcher = set_id_files.as_this(subject.held)
    if subject.is_root and wanted is not None:
        searcher = set_id_files.for_user(wanted, subject.held.bounding)
    return _judged(name, set_id_files.within_reach(searcher))


def _judged(name: str, found: set_id_files.Grants) -> Check:
    if found.files:
        return fail(
            name,
            f"{found.words()}; with no_new_privs off each makes its caller somebody else",
            "leave no-new-privs on, or take the bits away in the Dockerfile: RUN chmod a-s FILE, setcap -r FILE",
        )
    if not found.complete:
        return warn(
            name,
            f"none among {found.looked_at} entries, when {set_id_files.SEARCH_TIME:.0f} seconds were over",
            "leave no-new-privs on; large volumes can be mounted nosuid",
        )
    if found.closed:
        return warn(
            name,
            f"none among {found.looked_at} entries; this user can enter {few(found.closed)} and not list it, so a "
            "file in there was looked for by a few names alone",
            "have root look: docker run --rm --entrypoint pydropctl IMAGE verify; or leave no-new-privs on",
        )
    return ok(name, f"none among {found.looked_at} entries")


def _umask(subject: Subject) -> Check:
    held, asked = subject.held.umask, subject.settings.umask
    if asked is None:
        return ok("umask", f"{held:03o}; nobody asked for one")
    source = subject.asked("umask")
    if held != asked:
        return fail("umask", f"{held:03o}, but {source} asks for {asked:03o}", BEHIND)
    return ok("umask", f"{held:03o} ({source})")
