"""Section "Files" of a diagnosis: the root filesystem, the account files, and /run, /tmp and /dev/shm.

Every program expects the last three to exist.
"""

import os
import stat

from pydrop import inspection
from pydrop.ctl.diagnosis.findings import Change, Fact, Section, add_tmpfs, advice
from pydrop.ctl.diagnosis.world import World
from pydrop.ctl.mount_list import Mount, holding
from pydrop.planning.step_builders import MIND_THEIR_NAME

HOW = {
    "rename": "can be rewritten: the program's user gets a name",
    "in place": "can be written in place: the program's user gets a name",
}


def examine(world: World) -> tuple[Section, list[Change]]:
    changes: list[Change] = []
    facts = [_root(world), *_accounts(world, changes)]
    for path in ("/run", "/tmp", "/dev/shm"):
        facts.append(_place(world, path, changes))
    return Section(title="Files", facts=tuple(facts)), changes


def _root(world: World) -> Fact:
    mount = next((mount for mount in world.mounts if mount.point == "/"), None)
    if mount is None:  # chroot(2) into a folder of another mount
        read_only = bool(os.statvfs("/").f_flag & os.ST_RDONLY)
        return Fact(name="/", found="no mount of its own" + (", read-only" if read_only else ""), level="note")
    if mount.read_only:
        return Fact(
            name="/", found=f"{mount.type}, read-only: what is to be written needs a tmpfs or a volume", level="note"
        )
    return Fact(name="/", found=f"{mount.type}, can be written")


def _accounts(world: World, changes: list[Change]) -> list[Fact]:
    facts = []
    status = os.stat("/etc/passwd") if os.path.exists("/etc/passwd") else None
    if status and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        who = "everybody" if status.st_mode & stat.S_IWOTH else f"group {status.st_gid}"
        problem = (
            f"/etc/passwd can be written by {who}: whoever is that can make himself uid 0 (CVE-2020-10695, OpenShift's "
            "old pattern)"
        )
        facts.append(Fact(name="/etc/passwd", found=problem, level="problem"))
        remedy = "Dockerfile: RUN chmod 644 /etc/passwd, and install libnss-wrapper, by which pydrop names the user"
        changes.append(advice("passwd", problem, remedy))
    how = world.facts.account_files if world.facts else ""
    if how in HOW:
        facts.append(Fact(name="account files", found=HOW[how]))
        return facts
    library = inspection.nss_wrapper()
    if how == "append":
        facts.append(Fact(name="account files", found="pydrop adds the user's line to /etc/passwd", level="note"))
    elif _has_name(world):
        facts.append(Fact(name="account files", found="cannot be written, and need not be: the user has a name there"))
    else:
        found = "cannot be written here, so "
        found += "nss_wrapper names the user" if library else f"the user has no name, which {MIND_THEIR_NAME} mind"
        facts.append(Fact(name="account files", found=found, level="ok" if library else "problem"))
    facts.append(Fact(name="nss_wrapper", found=library or "not in the image (Debian: libnss-wrapper)"))
    return facts


def _has_name(world: World) -> bool:
    step = [step for step in world.plan.steps if step.kind == "accounts"] if world.plan else []
    return world.plan is not None and all([each.done for each in step])


def _place(world: World, path: str, changes: list[Change]) -> Fact:
    try:
        status = os.stat(path)
    except OSError as error:
        return Fact(name=path, found=error.strerror or "unknown", level="note")
    mount = holding(os.path.realpath(path), list(world.mounts))
    owner = f"owned by {status.st_uid}:{status.st_gid}, mode {stat.S_IMODE(status.st_mode):04o}"
    if mount is None or mount.point == "/":
        level = _read_only_root(world, path, mount, changes)
        return Fact(
            name=path,
            found=f"part of the root filesystem{', read-only' if level != 'ok' else ''}; {owner}",
            level=level,
        )
    flags = [flag for flag in ("ro", "noexec", "nosuid", "nodev") if flag in mount.options]
    found = f"{mount.type}, {_size(path)}{', ' + ' '.join(flags) if flags else ''}; {owner}"
    return Fact(name=path, found=found, level=_noexec(world, path, mount, changes))


def _read_only_root(world: World, path: str, mount: Mount | None, changes: list[Change]) -> str:
    if mount is None or not mount.read_only:
        return "ok"
    if path == "/run" and _run_dirs_serve(world):
        return "note"
    changes.append(add_tmpfs(path, f"{path} is read-only, and most programs want to write there"))
    return "problem"


def _run_dirs_serve(world: World) -> bool:
    """Whether settings name run-dirs and this user can write all of them, as emptyDirs in Kubernetes allow."""
    if world.settings is None or world.facts is None:
        return False
    named = world.settings.run_dirs
    return bool(named) and all([path in world.facts.writable for path in named])


def _noexec(world: World, path: str, mount: Mount, changes: list[Change]) -> str:
    """The level of a noexec mount. The command fails if it lies there; so do programs that put executables there."""
    if "noexec" not in mount.options or path == "/dev/shm":
        return "ok"
    lies_there = bool(world.command) and world.command[0].startswith(f"{path}/")
    if lies_there and path != "/run":  # for /run the plan has a warning
        changes.append(add_tmpfs(path, f"{world.command[0]} lies on {path}, where nothing can be executed", "exec"))
    return "problem" if lies_there else "note"


def _size(path: str) -> str:
    try:
        size = os.statvfs(path)
    except OSError:
        return "size unknown"
    return human(size.f_blocks * size.f_frsize)


def human(octets: int) -> str:
    """``64 MiB``"""
    number = float(octets)
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}"
        number /= 1024
    return f"{number:.0f} GiB" if number < 1024 else f"{number / 1024:.1f} TiB"
