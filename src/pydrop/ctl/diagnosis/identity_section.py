"""Section "Who runs this" of a diagnosis: the user, the user namespace, and PID 1."""

import os

from pydrop.ctl.diagnosis.findings import Change, Fact, Section, advice
from pydrop.ctl.diagnosis.world import World
from pydrop.model import IdRange

EVERY_ID = 2**32 - 1
INITS = (
    *("tini", "docker-init", "catatonit", "dumb-init", "podman-init", "s6-svscan", "runit", "systemd", "init"),
    *("supervisord", "pause"),
)


def examine(world: World) -> tuple[Section, list[Change]]:
    changes: list[Change] = []
    facts = [_user(world), *_namespace(world), _first(world), *_entered(world, changes)]
    return Section(title="Who runs this", facts=tuple(facts)), changes


def _user(world: World) -> Fact:
    uid, gid = world.held.uids[1], world.held.gids[1]
    groups = ", ".join([str(number) for number in sorted({*world.held.groups})]) or "none"
    who = "root" if uid == 0 else "not root"
    return Fact(name="user", found=f"{uid}:{gid} ({who}), supplementary groups: {groups}")


def _namespace(world: World) -> list[Fact]:
    """The meaning of ids outside this user namespace (user_namespaces(7))."""
    if world.facts is None:
        return []
    ranges = world.facts.uid_map
    if sum([line.count for line in ranges]) >= EVERY_ID and all([line.inside == line.outside for line in ranges]):
        return [Fact(name="user namespace", found="none: ids are the host's own")]
    shown = "; ".join([_range(line) for line in ranges]) or "no id is mapped"
    kind = "rootless, or --uidmap"
    if any([line.inside == 0 and line.outside == 0 for line in ranges]):
        kind = "root in here is the host's root"
    facts = [Fact(name="user namespace", found=f"{kind}: {shown}", level="note")]
    facts.append(
        Fact(name="ids outside of that", found="show as 65534 (nobody); what belongs to them cannot be given to others")
    )
    if not world.facts.setgroups_allowed and world.is_root:
        facts.append(Fact(name="groups", found="setting groups is forbidden here", level="problem"))
    return facts


def _range(line: IdRange) -> str:
    if line.count == 1:
        return f"uid {line.inside} here is {line.outside} outside"
    last = line.count - 1
    return f"uids {line.inside} to {line.inside + last} here are {line.outside} to {line.outside + last} outside"


def _first(world: World) -> Fact:
    """PID 1: this process, an init, or a program that inherits orphans without knowing."""
    if os.getpid() == 1 and world.settings is not None and world.settings.init:
        return Fact(name="PID 1", found="will be pydrop in init mode, which reaps orphans")
    if os.getpid() == 1:
        remedy = "where it starts others, let an init reap them (PYDROP_INIT=1, docker run --init)"
        return Fact(name="PID 1", found=f"will be the program; {remedy}")
    try:
        with open("/proc/1/comm", encoding="utf-8", errors="replace") as file:
            name = file.read().strip()
    except OSError:
        return Fact(name="PID 1", found="unknown")
    kind = "an init, which reaps orphans" if name in INITS else "no init that is known here"
    return Fact(name="PID 1", found=f"is {name}: {kind}")


def _entered(world: World, changes: list[Change]) -> list[Fact]:
    if not world.entered:
        return []
    if world.is_root:
        return [Fact(name="pydrop", found="has started this container; below is what another start of it would do")]
    problem = "pydrop has dropped root here already, so this is what the program sees, not what a start finds"
    remedy = "ask as the start does: docker run --rm --entrypoint pydropctl IMAGE doctor"
    changes.append(advice("entered", problem, remedy))
    return [Fact(name="pydrop", found=problem, level="note")]
