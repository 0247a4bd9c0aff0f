"""Linux capabilities (capabilities(7)) by name and number, and sets of them as bit masks.

Pure tables: `kernel` reads and changes the capabilities of this process.
"""

CAPABILITIES = (  # in the order of linux/capability.h, so that the index is the capability's number
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable "
    "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot "
    "sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease "
    "audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read "
    "perfmon bpf checkpoint_restore"
).split()


def mask_of(names: tuple[str, ...]) -> int:
    """The bit mask of capability names (lower case, without ``CAP_``). KeyError names an unknown capability."""
    mask = 0
    for name in names:
        if name not in CAPABILITIES:
            raise KeyError(name)
        mask |= 1 << CAPABILITIES.index(name)
    return mask


def names_of(mask: int) -> list[str]:
    """The names of a mask's capabilities, as --cap-add takes them; ``CAP_N`` for a number that has no name here."""
    return [CAPABILITIES[n].upper() if n < len(CAPABILITIES) else f"CAP_{n}" for n in bits(mask)]


def bits(mask: int) -> list[int]:
    """The numbers of the set bits, lowest first."""
    return [number for number in range(mask.bit_length()) if mask >> number & 1]


def of_file(attribute: bytes) -> tuple[int, bool, bool]:
    """What the attribute security.capability (struct vfs_cap_data) says.

    Returns the permitted capabilities (bit mask); whether they take effect at exec; and whether they count in another
    user namespace alone, for which the kernel shows the third form of the attribute."""
    head = int.from_bytes(attribute[:4], "little")
    lower, upper = attribute[4:8], attribute[12:16] if len(attribute) >= 20 else b""
    permitted = int.from_bytes(lower, "little") | int.from_bytes(upper, "little") << 32
    return permitted, bool(head & 1), head >> 24 == 3
