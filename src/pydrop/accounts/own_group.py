"""Decides the group(5) entry for the program's gid: the one with that gid, else the account's own, else a new one."""

from pydrop.accounts.lookup import account_named, free_group_name, group_named, group_numbered
from pydrop.model import Account, Group

LAST_SHARED = 100  # the gid of `users`; distributions fix the meaning of all gids up to it (Debian's base-passwd)
NOBODYS = (65533, 65534)  # the gids of nogroup and nobody


def group_entry(gid: int, name: str, asked: str | None, known: list[Account], known_groups: list[Group]) -> Group:
    """The entry that gives `gid` a name, for the account `name`; `asked` is the group that `user` names.

    An entry that has the number already is used as it is. Else the account's own group gets the number, as
    ``groupmod -o -g`` does it. A group that other accounts use too is left alone, and a new group is created.
    """
    taken = group_numbered(known_groups, gid)
    if taken is not None:
        return taken
    for candidate in _candidates(name, asked, known, known_groups):
        if candidate is not None and _belongs_to(candidate, name, known):
            return Group(name=candidate.name, gid=gid, members=candidate.members)
    from pydrop.accounts.forgery import is_fit

    for wanted in (asked, name):
        if wanted is not None and group_named(known_groups, wanted) is None and (wanted == asked or is_fit(wanted)):
            return Group(name=wanted, gid=gid)
    return Group(name=free_group_name(known_groups, gid), gid=gid)


def _candidates(name: str, asked: str | None, known: list[Account], known_groups: list[Group]) -> list[Group | None]:
    """The groups that could be the account's own, the likeliest first; None for one that does not exist."""
    wanted = group_named(known_groups, asked) if asked is not None else None
    if asked is not None and wanted is None:
        return []
    former = account_named(known, name)
    primary = group_numbered(known_groups, former.gid) if former else None
    return [wanted, primary, group_named(known_groups, name)]


def _belongs_to(group: Group, name: str, known: list[Account]) -> bool:
    """Whether the group is the account's own: no other account uses it, and it is none that distributions share."""
    if group.gid == 0 or any(account.gid == group.gid and account.name != name for account in known):
        return False
    if group.name == name:
        return True
    return group.gid > LAST_SHARED and group.gid not in NOBODYS and not set(group.members) - {name}
