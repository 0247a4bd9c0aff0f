"""The kernel's interfaces under their own names: credentials, capabilities, prctl, user namespaces, mounts.

The module is thin: each function is one question or one call, and raises OSError as the kernel reports it. What
Python's own modules lack comes from one of two modules that have the same functions: the one file has its own C for it,
the pip way python-prctl.
"""

import posix as os

from pydrop.distribution import ONE_FILE
from pydrop.process import Credentials, IdRange

if ONE_FILE:
    from pydrop.calls_built_in import (
        ambient_raiser,
        bounding_dropper,
        exact_exec,
        mount_tmpfs,
        prctl,
        set_capabilities,
        set_title,
    )
else:
    from pydrop.calls_by_libraries import (
        ambient_raiser,
        bounding_dropper,
        exact_exec,
        mount_tmpfs,
        prctl,
        set_capabilities,
        set_title,
    )

__all__ = ["ambient_raiser", "bounding_dropper", "exact_exec", "mount_tmpfs", "set_capabilities", "set_title"]
PAGE, MANY = 4096, 65536  # bytes of a /proc file to read at first, which mostly gets all of it, and from then on
FULL = 2048  # bytes; each page of a /proc file except the last holds at least so many
# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38


# -- reading --------------------------------------------------------------------------------------


def is_there(path: str) -> bool:
    """Whether something has this path, a link that leads nowhere too; False where this process cannot tell."""
    try:
        os.lstat(path)
    except OSError:
        return False
    return True


def open_status() -> int:
    """A descriptor of /proc/self/status (proc(5)). `credentials` reads it again and again, also after the drop."""
    return os.open("/proc/self/status", os.O_RDONLY)


def credentials(status: int) -> Credentials:
    """This process's present credentials, read anew through the descriptor `status`. KeyError where a field lacks."""
    text = _whole(status)
    return Credentials(
        uids=_four(_field(text, "Uid")),
        gids=_four(_field(text, "Gid")),
        groups=tuple([int(gid) for gid in _field(text, "Groups").split()]),
        inheritable=int(_field(text, "CapInh"), 16),
        permitted=int(_field(text, "CapPrm"), 16),
        effective=int(_field(text, "CapEff"), 16),
        bounding=int(_field(text, "CapBnd"), 16),
        ambient=int(_field(text, "CapAmb", "0"), 16),  # Linux 4.3
        no_new_privs=_field(text, "NoNewPrivs", "0").strip() == "1",  # Linux 4.10
        umask=int(_field(text, "Umask"), 8),  # Linux 4.7
    )


def _field(text: str, name: str, missing: str | None = None) -> str:
    """The value of one line of /proc/self/status; else `missing`, or KeyError where that is None.

    To split all 60 lines would take three times as long. The search begins at the end of the text: the first line is
    the process's name, which a program chooses, and may hold anything where the kernel does not escape it.
    """
    start = text.rfind(f"\n{name}:")
    if start < 0:
        if missing is None:
            raise KeyError(name)
        return missing
    start += len(name) + 2
    return text[start : text.index("\n", start)]


def _whole(descriptor: int) -> str:
    """The text of a /proc file, from its beginning.

    The kernel hands it out page by page, each filled with whole lines. A read at the end of the file, only to find it,
    would make the kernel write all of it anew; so a page that is less than `FULL` counts as the last."""
    parts: list[bytes] = []
    size, most = 0, PAGE
    while part := os.pread(descriptor, most, size):
        most = MANY
        parts.append(part)
        size += len(part)
        if len(part) < FULL:
            break
    return b"".join(parts).decode("ascii", "replace")


def _read(path: str) -> str:
    """The text of a small file of /proc, which is opened and closed here."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return _whole(descriptor)
    finally:
        os.close(descriptor)


def _four(field: str) -> tuple[int, int, int, int]:
    real, effective, saved, filesystem = [int(number) for number in field.split()]
    return real, effective, saved, filesystem


def id_map(name: str) -> tuple[IdRange, ...]:
    """The ranges of /proc/self/uid_map or gid_map (user_namespaces(7))."""
    lines = _read(f"/proc/self/{name}").splitlines()
    return tuple([IdRange(inside=int(a), outside=int(b), count=int(c)) for a, b, c in map(str.split, lines)])


def setgroups_allowed() -> bool:
    """Whether setgroups(2) may be called: not in a user namespace made without newgidmap (user_namespaces(7))."""
    try:
        return _read("/proc/self/setgroups").strip() != "deny"
    except FileNotFoundError:  # before Linux 3.19
        return True


# -- changing -------------------------------------------------------------------------------------


def keep_capabilities_over_setuid() -> None:
    """PR_SET_KEEPCAPS: the permitted set stays when the uids leave 0. exec clears this flag."""
    prctl(PR_SET_KEEPCAPS, 1)


def die_with_parent() -> None:
    """Have the kernel kill this process (SIGKILL) as soon as its parent has ended."""
    set_parent_death_signal(9)


def set_subreaper() -> None:
    """PR_SET_CHILD_SUBREAPER (Linux 3.4): orphans below this process become its children."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def set_undumpable() -> None:
    """PR_SET_DUMPABLE off: nobody without CAP_SYS_PTRACE may attach to this process or read its memory."""
    prctl(PR_SET_DUMPABLE, 0)


def set_parent_death_signal(number: int) -> None:
    """PR_SET_PDEATHSIG: the kernel sends this signal when the parent dies. A change of ids clears it."""
    prctl(PR_SET_PDEATHSIG, number)


def set_no_new_privs() -> None:
    """PR_SET_NO_NEW_PRIVS: exec grants nothing from now on, not even to set-uid programs."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
