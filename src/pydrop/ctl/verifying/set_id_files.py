"""Finds the files whose execution gives the caller other rights: set-uid, set-gid, or capabilities of their own.

privilege_checks searches for them as the program's user or, as root, for that user; by names, and only reading. The
search enters no mount that grants nothing (nosuid), none of the kernel's own, and follows no links.
"""

import os
import stat
import time

from pydrop import asked_as_user
from pydrop.capabilities import of_file
from pydrop.ctl import mount_list
from pydrop.model import Credentials, Identity, Value
from pydrop.planning.mounts_step import few

SEARCH_TIME = 20.0  # seconds
XATTR = "security.capability"


# Names that such files usually have: in a folder that may be entered and not listed, names are all that a user has.
USUAL = (
    *("su", "sudo", "doas", "passwd", "chsh", "chfn", "newgrp", "gpasswd", "mount", "umount", "ping", "ping6"),
    *("pkexec", "bash", "sh", "dash", "busybox", "python3", "perl", "find", "env", "cp", "fusermount", "fusermount3"),
    *("expiry", "chage", "wall", "ssh-agent", "crontab", "at", "unix_chkpwd", "suexec", "traceroute"),
)
USUAL_FOLDERS = ("", "bin/", "sbin/", "usr/bin/", "usr/sbin/")


class Grants:
    """The files found, the folders that may be entered and not listed, and whether the search was complete in time."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.closed: list[str] = []
        self.looked_at = 0
        self.complete = True

    def words(self) -> str:
        return few(self.files)


class Searcher(Value):
    """Whose gain counts. `who` is None where the search runs as that user; root searches for another, whom it names."""

    who: Identity | None
    uid: int
    groups: frozenset[int]
    bounding: int


def as_this(held: Credentials) -> Searcher:
    """A search by a process with these credentials, for itself."""
    return Searcher(who=None, uid=held.uids[1], groups=frozenset((*held.gids, *held.groups)), bounding=held.bounding)


def for_user(who: Identity, bounding: int) -> Searcher:
    """A search by root, who lists every folder, for the program's user."""
    return Searcher(who=who, uid=who.uid, groups=frozenset((who.gid, *who.groups)), bounding=bounding)


def within_reach(searcher: Searcher) -> Grants:
    """The files that this user may execute and gain from. Takes SEARCH_TIME at most."""
    table = mount_list.mounted()
    closed = {mount.point for mount in table if mount_list.is_kernels(mount) or "nosuid" in mount.options}
    tops = [mount.point for mount in table if mount.point not in closed]
    found, deadline = Grants(), time.monotonic() + SEARCH_TIME
    seen = {mount.point for mount in table}
    for top in tops:
        if os.path.isfile(top):  # a mount may be a single file
            found.looked_at += 1
            found.files += [top] if _gains(top, os.lstat(top), searcher) else []
        elif not _walk(top, seen - {top}, searcher, found, deadline):
            found.complete = False
            break
    found.files = _executable(found.files, searcher)
    return found


def _executable(files: list[str], searcher: Searcher) -> list[str]:
    """Those that the user may execute, every folder on the way included: the kernel is asked as that user."""
    if searcher.who is None:
        return [path for path in files if _may_execute(path)]
    answers = asked_as_user.answers(asked_as_user.rights_of(searcher.who), tuple(files), _may_execute)
    return [path for path, answer in zip(files, answers, strict=False) if answer]


def _may_execute(path: str) -> int:
    return int(os.access(path, os.X_OK, effective_ids=True, follow_symlinks=False))


def _walk(top: str, others: set[str], searcher: Searcher, found: Grants, deadline: float) -> bool:
    """Look at everything below a mount but the other mounts. False where the time ran out."""
    todo = [top]
    while todo:
        folder = todo.pop()
        try:
            entries = os.scandir(folder)
        except OSError:  # closed to this user, or gone
            _guess(folder, searcher, found)
            continue
        with entries:
            for entry in entries:  # one by one: a folder may have a million
                if time.monotonic() > deadline:
                    return False
                found.looked_at += 1
                if entry.path not in others and _is_folder(entry, searcher, found):
                    todo.append(entry.path)
    return True


def _is_folder(entry: "os.DirEntry[str]", searcher: Searcher, found: Grants) -> bool:
    """Whether an entry is a folder. A file from which the user gains is noted."""
    try:
        if entry.is_dir(follow_symlinks=False):
            return True
        if _gains(entry.path, entry.stat(follow_symlinks=False), searcher):
            found.files.append(entry.path)
    except OSError:  # gone meanwhile
        pass
    return False


def _guess(folder: str, searcher: Searcher, found: Grants) -> None:
    """Of a folder that may be entered and not listed, note it, and look for files of usual names."""
    if not _may_execute(folder):
        return
    found.closed.append(folder)
    for path in [f"{folder}/{inner}{name}" for inner in USUAL_FOLDERS for name in USUAL]:
        try:
            if _gains(path, os.lstat(path), searcher):
                found.files.append(path)
        except OSError:
            continue


def _gains(path: str, status: os.stat_result, searcher: Searcher) -> bool:
    """Whether the user gains from executing it, where that is allowed."""
    mode = status.st_mode
    if not (stat.S_ISREG(mode) and mode & 0o111):
        return False
    uid = bool(mode & stat.S_ISUID) and status.st_uid != searcher.uid
    # without the group's x bit, set-gid means mandatory locking, see inode(7)
    gid = mode & (stat.S_ISGID | stat.S_IXGRP) == stat.S_ISGID | stat.S_IXGRP
    gid = gid and status.st_gid not in searcher.groups
    return bool(uid or gid or _capabilities(path) & searcher.bounding)


def _capabilities(path: str) -> int:
    """The bit mask of the file's permitted capabilities."""
    try:
        return of_file(os.getxattr(path, XATTR, follow_symlinks=False))[0]
    except OSError:
        return 0
