"""Decides which groups the program must join to open its devices, and to connect to its sockets."""

from pydrop.accounts.lookup import free_group_name, group_numbered
from pydrop.model import Device, Group

READ, WRITE = 4, 2
KIND, SOCKET = 0o170000, 0o140000  # of st_mode, inode(7)
UNMAPPED = 65534  # the gid that the kernel shows for a group outside the user namespace's map, user_namespaces(7)


def device_groups(
    devices: tuple[Device, ...], uid: int, gids: set[int], known: list[Group]
) -> tuple[set[int], tuple[Group, ...], tuple[str, ...]]:
    """Returns what opening every device needs: (gids to join, new entries for gids without a name, warnings)."""
    joined: set[int] = set()
    new_groups: list[Group] = []
    warnings = []
    for device in devices:
        useful, warning = _joining_helps(device, uid, gids | joined)
        if useful:
            joined.add(device.gid)
            if group_numbered([*known, *new_groups], device.gid) is None:
                new_groups.append(Group(name=free_group_name([*known, *new_groups], device.gid), gid=device.gid))
        if warning:
            warnings.append(warning)
    return joined, tuple(new_groups), tuple(warnings)


def _joining_helps(device: Device, uid: int, gids: set[int]) -> tuple[bool, str]:
    """Returns (whether joining the device's group helps, warning).

    The kernel applies only one class of mode bits: the owner's, the group's or the others' (path_resolution(7)).
    connect(2) asks for write permission alone, unix(7)."""
    need, wanted, verb = (WRITE, WRITE, "write") if _is_socket(device) else (READ, READ | WRITE, "read")
    member = device.mode >> 3 & wanted
    if uid == device.uid:
        have, gained = device.mode >> 6 & wanted, 0
    elif device.gid in gids:
        have, gained = member, 0
    else:
        have = device.mode & wanted
        gained = member & ~have if member & need else 0
    if not gained:
        return False, "" if have & need else _warning(device, f"its mode lets neither its group nor others {verb} it")
    if device.gid == 0:
        return False, _warning(device, "it is open to root's group alone, which is not joined for a device")
    if device.gid == UNMAPPED:
        return False, _warning(device, "its group is not mapped into this container's user namespace")
    return True, ""


def _is_socket(device: Device) -> bool:
    return device.mode & KIND == SOCKET


def _warning(device: Device, reason: str) -> str:
    owner = f"{device.uid}:{device.gid} {device.mode & 0o777:04o}"
    if device.gid == UNMAPPED:
        remedy = f"let everybody open it on the host: chmod o+rw {device.path}"
    else:
        group = "docker" if _is_socket(device) else "video"
        remedy = f"give it a group of its own on the host: chgrp {group} {device.path} && chmod g+rw {device.path}"
    if device.gid == 0 and _is_socket(device) and device.mode >> 3 & WRITE:
        remedy += "; or, where the host has no such group (Docker Desktop), join root's group: PYDROP_GROUPS=0"
    return f"device {device.path} ({owner}) cannot be opened fully by the program: {reason}; {remedy}"
