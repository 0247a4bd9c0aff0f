"""Finds what is more dangerous than root in the container: ways to the host that a runtime has left open.

Each is looked at as the program's user: a way that this user cannot take is none. doctor and verify show the results.
What cannot be told from inside for sure (the host's network, say) is not told.
"""

import os
import stat
from collections.abc import Callable

from pydrop import accounts, asked_as_user, checked_reads
from pydrop.capabilities import mask_of, names_of
from pydrop.ctl import runtime_sockets
from pydrop.ctl.mount_list import Mount, is_kernels
from pydrop.model import Identity, Settings, Value
from pydrop.planning.mounts_step import few

MOST = 2000  # mounts, and entries of /dev, that are looked at
HOSTS_PIDS, HOSTS_USERS = "pid:[4026531836]", "user:[4026531837]"  # the namespaces that the kernel boots with
MEMORY = (os.makedev(1, 1), os.makedev(1, 2), os.makedev(1, 4))  # /dev/mem, /dev/kmem, /dev/port
KNOBS = (  # by each of them the kernel runs a program of the writer's choice as root of the host
    *("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/fs/binfmt_misc/register"),
    *("/proc/sysrq-trigger", "/sys/kernel/uevent_helper"),
)
STRONG = mask_of(("sys_admin", "sys_module", "sys_rawio", "dac_read_search"))
STRONG_AMONG_ALL = mask_of(("sys_ptrace",))  # where the processes of the host are in sight
HOSTS_TOPS = ("/", "/@", "/@rootfs", "/root")  # what mountinfo shows as the root of a bind mount of the host's /
SECRETS = ("etc/shadow", "etc/gshadow")  # in there; everybody may read the rest


class Reach(Value):
    """`name` is the row's. `found` is "" where there is no such way. `remedy` says what to do."""

    name: str
    found: str
    remedy: str = ""
    asked: str = ""  # the setting that asks for it


class Looker(Value):
    """Who looks: `who` None is this process itself, else root that looks as the program's user `who`."""

    who: Identity | None
    settings: Settings | None
    environment: tuple[str, ...]
    mounts: tuple[Mount, ...]
    capabilities: int  # those that the program has

    def can(self, paths: list[str], ask: Callable[[str], int]) -> list[str]:
        """Those of the paths of which `ask`, called as the user, says 1."""
        found = asked_as_user.answers(asked_as_user.rights_of(self.who), tuple(paths), ask)
        return [path for path, answer in zip(paths, found, strict=False) if answer == 1]

    def source(self, setting: str) -> str:
        return self.settings.sources.get(setting, "") if self.settings else ""


def ways(looker: Looker) -> list[Reach]:
    """Every kind of way, in the order in which they are shown."""
    return [_sockets(looker), _processes(), _devices(looker), _knobs(looker), _files(looker), _capabilities(looker)]


def elsewhere(looker: Looker) -> str:
    """Words about a daemon that a variable names and that is not in reach as a file: nobody can tell what it allows."""
    remote = runtime_sockets.remote(looker.environment)
    return f"{remote[:200]}: who may command that daemon freely is root where it runs" if remote else ""


# -- sockets ---------------------------------------------------------------------------------------


def _sockets(looker: Looker) -> Reach:
    paths = list(dict.fromkeys(runtime_sockets.candidates(looker.environment, looker.mounts)))
    sockets = _distinct(looker.can(paths, _may_connect))
    return Reach(
        name="container runtime",
        found=f"the program can write {few(sockets)}: by starting a container it is root on the host"
        if sockets
        else "",
        remedy="leave the socket out of the container (:ro changes nothing), or mount that of a proxy which allows "
        "what the program needs; a group of the socket in PYDROP_GROUPS says that it is meant",
        asked=looker.source("groups") if sockets and {_group_of(path) for path in sockets} <= _asked(looker) else "",
    )


def _may_connect(path: str) -> int:
    """connect(2) needs a socket's w bit. A mount that is read-only refuses nothing."""
    try:
        return int(stat.S_ISSOCK(os.stat(path).st_mode) and os.access(path, os.W_OK, effective_ids=True))
    except OSError:
        return 0


def _distinct(paths: list[str]) -> list[str]:
    """Each socket once, by its first path: /var/run is /run."""
    found: dict[tuple[int, int], str] = {}
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue
        found.setdefault((status.st_dev, status.st_ino), path)
    return list(found.values())


def _group_of(path: str) -> int:
    """The group by which a socket can be written; -1 where everybody can, so that no group needs to be asked for."""
    try:
        status = os.stat(path)
    except OSError:
        return -1
    return -1 if status.st_mode & stat.S_IWOTH else status.st_gid


def _asked(looker: Looker) -> set[int]:
    """The numbers of the groups that the setting `groups` names."""
    named = looker.settings.groups if looker.settings else ()
    known = {group.name: group.gid for group in accounts.groups(checked_reads.text("/etc/group"))} if named else {}
    return {group if isinstance(group, int) else known.get(group, -2) for group in named}


# -- the rest --------------------------------------------------------------------------------------


def _is(namespace: str, name: str) -> bool:
    try:
        return os.readlink(f"/proc/self/ns/{name}") == namespace
    except OSError:
        return False


def _processes() -> Reach:
    found = "the PID namespace is the host's: its processes of the program's number can be read, traced and killed"
    return Reach(
        name="host's processes",
        found=found if _is(HOSTS_PIDS, "pid") else "",
        remedy="leave out --pid=host (compose: pid: host, Kubernetes: hostPID)",
    )


def _devices(looker: Looker) -> Reach:
    found = looker.can(_raw_devices(looker.mounts), _opens)
    named = looker.settings.devices if looker.settings else ()
    asked = found and all([any([path == n or path.startswith(f"{n}/") for n in named]) for path in found])
    return Reach(
        name="disks and memory",
        found=f"the program can open {few(found)}, and read what is on it past every owner and mode" if found else "",
        remedy="leave out --privileged and the --device; PYDROP_DEVICES with its path says that it is meant",
        asked=looker.source("devices") if asked else "",
    )


def _raw_devices(mounts: tuple[Mount, ...]) -> list[str]:
    """The block devices below /dev and other folders of devices, those mounted singly, and the machine's memory."""
    points = [mount.point for mount in mounts[:MOST]]
    tops = ["/dev", *[m.point for m in mounts[:MOST] if m.type == "devtmpfs" and m.point != "/dev"]]
    paths = [point for point in points if not point.startswith("/dev/")]
    for folder, _, names in (entry for top in tops for entry in os.walk(top)):
        paths += [f"{folder}/{name}" for name in names]
        if len(paths) > 2 * MOST:
            break
    return [path for path in paths if _is_raw(path)]


def _is_raw(path: str) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISBLK(status.st_mode) or (stat.S_ISCHR(status.st_mode) and status.st_rdev in MEMORY)


def _opens(path: str) -> int:
    """Really opened, since the container's device rules may forbid what the mode allows. Nothing is read."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW))
    except OSError:
        return 0
    return 1


def _knobs(looker: Looker) -> Reach:
    found = looker.can([*KNOBS], lambda path: int(os.access(path, os.W_OK, effective_ids=True)))
    return Reach(
        name="host's kernel settings",
        found=f"the program can write {few(found)}, by which the host's kernel runs a program as root" if found else "",
        remedy="leave out --privileged, and mounts of the host's /proc and /sys",
    )


def _files(looker: Looker) -> Reach:
    """The host's / mounted whole. What every user may read in there is no matter."""
    tops = [m.point for m in looker.mounts[:MOST] if m.point != "/" and m.root in HOSTS_TOPS and not is_kernels(m)]
    systems = [top for top in tops if os.path.isdir(f"{top}/proc") and os.path.isdir(f"{top}/usr")]
    found = looker.can(
        [f"{top}/{name}" for top in systems for name in SECRETS],
        lambda path: int(os.access(path, os.R_OK, effective_ids=True)),
    )
    return Reach(
        name="host's files",
        found=f"the program can read {few(found)}, of a whole system that is mounted there" if found else "",
        remedy="mount the folder that is needed in place of the host's /",
    )


def _capabilities(looker: Looker) -> Reach:
    strong = looker.capabilities & (STRONG | (STRONG_AMONG_ALL if _is(HOSTS_PIDS, "pid") else 0))
    if not _is(HOSTS_USERS, "user"):  # in a user namespace of its own it is power over that alone
        strong = 0
    return Reach(
        name="capabilities over the host",
        found=f"the program has {', '.join(names_of(strong))}, which lead out of a container" if strong else "",
        remedy="leave them out of PYDROP_KEEP_CAPS and cap_add",
        asked=looker.source("keep-caps"),
    )
