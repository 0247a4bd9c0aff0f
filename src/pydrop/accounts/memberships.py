"""Supplementary groups: the account's own, those asked for, those the runtime granted."""

from pydrop.accounts.lookup import group_or_error
from pydrop.model import Account, Group


def memberships(name: str, known: list[Group]) -> set[int]:
    """The gids of the groups that list `name`: initgroups(3) without the primary one."""
    return {group.gid for group in known if name in group.members}


def asked_groups(asked: tuple[str | int, ...], source: str, known: list[Group]) -> set[int]:
    """The gids of the `groups` setting. BadSetting for a name that is not in /etc/group; 0 only if it says so."""
    gids = set()
    for one in asked:
        if isinstance(one, int):
            gids.add(one)
        else:
            gids.add(group_or_error(one, source, known).gid)
    return gids


def granted_groups(held: tuple[int, ...], known: list[Account], known_groups: list[Group]) -> set[int]:
    """Those of the `held` gids that the runtime granted: root's own membership does not explain them.

    A runtime gives root the groups that list it in the image's /etc/group, and these are not the
    program's. Every account of uid 0 counts as root. Never 0.
    """
    roots = [account for account in known if account.uid == 0]
    own = {0} | {account.gid for account in roots}
    for name in {"root"} | {account.name for account in roots}:
        own |= memberships(name, known_groups)
    return set(held) - own
