"""The program's supplementary groups: the account's own, those that settings name, those that the runtime granted."""

from pydrop.accounts.lookup import group_or_error
from pydrop.model import Account, Group


def memberships(name: str, known: list[Group]) -> set[int]:
    """The gids of the groups that list `name`: the groups of initgroups(3) without the primary one."""
    return {group.gid for group in known if name in group.members}


def asked_groups(asked: tuple[str | int, ...], source: str, known: list[Group]) -> set[int]:
    """The gids of the `groups` setting; gid 0 only where the setting names it.

    Raises BadSetting for a name that is not in /etc/group."""
    numbers = {group.name: group.gid for group in reversed(known)} if asked else {}  # the first of a name counts
    gids = set()
    for entry in asked:
        if isinstance(entry, int):
            gids.add(entry)
        elif entry in numbers:
            gids.add(numbers[entry])
        else:
            gids.add(group_or_error(entry, source, known).gid)
    return gids


def granted_groups(held: tuple[int, ...], known: list[Account], known_groups: list[Group]) -> set[int]:
    """The `held` gids that the runtime granted: those that root's own memberships do not explain.

    A runtime also gives root the groups that list root in the image's /etc/group, and these are not meant for the
    program. Every account of uid 0 counts as root. Gid 0 is never granted.
    """
    roots = [account for account in known if account.uid == 0]
    roots_gids = {0} | {account.gid for account in roots}
    for name in {"root"} | {account.name for account in roots}:
        roots_gids |= memberships(name, known_groups)
    return set(held) - roots_gids
