"""Supplementary groups: the account's own, those asked for, those the runtime granted, those of devices."""

from pydrop.accounts.lookup import free_group_name, group_numbered, group_or_error
from pydrop.model import Account, Device, Group

READ, WRITE = 4, 2
UNMAPPED = 65534  # how the kernel shows a group that the user namespace does not map, user_namespaces(7)


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


def device_groups(
    devices: tuple[Device, ...], uid: int, gids: set[int], known: list[Group]
) -> tuple[set[int], tuple[Group, ...], tuple[str, ...]]:
    """What opening every device takes: (gids to join, entries for gids that have no name, warnings)."""
    joined: set[int] = set()
    made: list[Group] = []
    warnings = []
    for device in devices:
        useful, warning = _way_in(device, uid, gids | joined)
        if useful:
            joined.add(device.gid)
            if group_numbered([*known, *made], device.gid) is None:
                made.append(Group(name=free_group_name([*known, *made], device.gid), gid=device.gid))
        if warning:
            warnings.append(warning)
    return joined, tuple(made), tuple(warnings)


def _way_in(device: Device, uid: int, gids: set[int]) -> tuple[bool, str]:
    """(whether joining the device's group helps, warning). One class of bits applies, path_resolution(7)."""
    member = device.mode >> 3 & (READ | WRITE)
    if uid == device.uid:
        have, gained = device.mode >> 6 & (READ | WRITE), 0
    elif device.gid in gids:
        have, gained = member, 0
    else:
        have = device.mode & (READ | WRITE)
        gained = member & ~have if member & READ else 0
    if not gained:
        return False, "" if have & READ else _closed(device, "its mode lets neither its group nor others read it")
    if device.gid == 0:
        return False, _closed(device, "it is open to root's group alone, which is not joined for a device")
    if device.gid == UNMAPPED:
        return False, _closed(device, "its group is not mapped into this container's user namespace")
    return True, ""


def _closed(device: Device, reason: str) -> str:
    owner = f"{device.uid}:{device.gid} {device.mode & 0o777:04o}"
    return (
        f"device {device.path} ({owner}) cannot be opened fully by the program: {reason}; "
        f"give it a group of its own on the host: chgrp video {device.path} && chmod g+rw {device.path}"
    )
