"""Finds the files whose execution gives the caller other rights: set-uid, set-gid, or capabilities of their own.

privilege_checks searches for them as the program's user, by names, and only reads. The search enters no mount that
grants nothing (nosuid), none of the kernel's own, and follows no links.
"""

import os
import stat
import time

from pydrop.capabilities import of_file
from pydrop.ctl import mount_list
from pydrop.model import Credentials
from pydrop.report import escaped

SEARCH_TIME = 20.0  # seconds
SHOWN = 3  # files that a message names
XATTR = "security.capability"


class Grants:
    """The files found, and whether the search was complete in time."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.looked_at = 0
        self.complete = True

    def words(self) -> str:
        names = ", ".join([escaped(path) for path in self.files[:SHOWN]])
        more = f" and {len(self.files) - SHOWN} more" if len(self.files) > SHOWN else ""
        return f"{names}{more}"


def within_reach(held: Credentials) -> Grants:
    """The files that a process with these credentials may execute and gain from. Takes SEARCH_TIME at most."""
    table = mount_list.mounted()
    closed = {mount.point for mount in table if mount_list.is_kernels(mount) or "nosuid" in mount.options}
    tops = [mount.point for mount in table if mount.point not in closed]
    found, deadline = Grants(), time.monotonic() + SEARCH_TIME
    seen = {mount.point for mount in table}
    for top in tops:
        if os.path.isfile(top):  # a mount may be a single file
            found.looked_at += 1
            found.files += [top] if _gains(top, os.lstat(top), held) else []
        elif not _walk(top, seen - {top}, held, found, deadline):
            found.complete = False
            break
    return found


def _walk(top: str, others: set[str], held: Credentials, found: Grants, deadline: float) -> bool:
    """Look at everything below a mount but the other mounts. False where the time ran out."""
    todo = [top]
    while todo:
        folder = todo.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:  # closed to this user, and so out of reach; or gone
            continue
        for entry in entries:
            if time.monotonic() > deadline:
                return False
            found.looked_at += 1
            if entry.path in others:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                elif _gains(entry.path, entry.stat(follow_symlinks=False), held):
                    found.files.append(entry.path)
            except OSError:  # gone meanwhile
                continue
    return True


def _gains(path: str, status: os.stat_result, held: Credentials) -> bool:
    """Whether a process with these credentials gains from executing it."""
    mode = status.st_mode
    if not (stat.S_ISREG(mode) and mode & 0o111):
        return False
    uid = bool(mode & stat.S_ISUID) and status.st_uid != held.uids[1]
    # without the group's x bit, set-gid means mandatory locking, see inode(7)
    gid = mode & (stat.S_ISGID | stat.S_IXGRP) == stat.S_ISGID | stat.S_IXGRP
    gid = gid and status.st_gid not in (*held.gids, *held.groups)
    if not (uid or gid or _capabilities(path) & held.bounding):
        return False
    return os.access(path, os.X_OK, effective_ids=True, follow_symlinks=False)


def _capabilities(path: str) -> int:
    """The bit mask of the file's permitted capabilities."""
    try:
        return of_file(os.getxattr(path, XATTR, follow_symlinks=False))[0]
    except OSError:
        return 0
