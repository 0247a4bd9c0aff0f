"""Which entry of group(5) the program's gid gets: the one that has it, else the account's own, else a new one."""

from pydrop.accounts.lookup import account_named, free_group_name, group_named, group_numbered
from pydrop.model import Account, Group

LAST_SHARED = 100  # `users`; distributions fix the meaning of the groups up to it (Debian's base-passwd)
NOBODYS = (65533, 65534)  # nogroup and nobody


def group_entry(gid: int, name: str, asked: str | None, known: list[Account], known_groups: list[Group]) -> Group:
    """The group that `gid` must be for the account `name`; `asked` is the group that `user` names.

    A number that is taken is simply used. Else the account's own group takes it, as ``groupmod -o -g``
    does it; a group that others use too is left alone, and a new one is made.
    """
    taken = group_numbered(known_groups, gid)
    if taken is not None:
        return taken
    for own in _candidates(name, asked, known, known_groups):
        if own is not None and _belongs_to(own, name, known):
            return Group(name=own.name, gid=gid, members=own.members)
    from pydrop.accounts.forgery import is_fit

    for made in (asked, name):
        if made is not None and group_named(known_groups, made) is None and (made == asked or is_fit(made)):
            return Group(name=made, gid=gid)
    return Group(name=free_group_name(known_groups, gid), gid=gid)


def _candidates(name: str, asked: str | None, known: list[Account], known_groups: list[Group]) -> list[Group | None]:
    """The groups that could be the account's own, likeliest first."""
    wanted = group_named(known_groups, asked) if asked is not None else None
    if asked is not None and wanted is None:
        return []
    former = account_named(known, name)
    primary = group_numbered(known_groups, former.gid) if former else None
    return [wanted, primary, group_named(known_groups, name)]


def _belongs_to(group: Group, name: str, known: list[Account]) -> bool:
    """Whether nobody but the account `name` uses the group."""
    if group.gid == 0 or any(account.gid == group.gid and account.name != name for account in known):
        return False
    if group.name == name:
        return True
    return group.gid > LAST_SHARED and group.gid not in NOBODYS and not set(group.members) - {name}
