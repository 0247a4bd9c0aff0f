"""Section "What the runtime allows" of a diagnosis: capabilities, no_new_privs, seccomp, the security module."""

from pydrop.capabilities import CAPABILITIES, mask_of, names_of
from pydrop.ctl.diagnosis.findings import Change, Fact, Section, add_capabilities, advice
from pydrop.ctl.diagnosis.world import World
from pydrop.planning import limits

DOCKERS = mask_of(
    tuple(
        "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod "
        "audit_write setfcap".split()
    )
)
EVERY = (1 << len(CAPABILITIES)) - 1
SYS_ADMIN = mask_of(("sys_admin",))
SECCOMP = {
    "0": ("off: every system call is allowed", "note"),
    "1": ("strict", "ok"),
    "2": ("on: a filter forbids some system calls", "ok"),
}


def examine(world: World) -> tuple[Section, list[Change]]:
    changes: list[Change] = []
    facts = [
        *_capabilities(world, changes),
        _bounding(world),
        _no_new_privs(world, changes),
        _seccomp(world),
        _module(),
    ]
    return Section(title="What the runtime allows", facts=tuple(facts)), changes


def _capabilities(world: World, changes: list[Change]) -> list[Fact]:
    held = world.held.effective
    facts = [_held(held, changes)]
    if not world.is_root:
        facts.append(Fact(name="a start needs", found="none, since it is not root that starts"))
        return facts
    if not (world.settings and world.facts and world.wanted):
        return facts
    asked = world.settings
    drop, rest = limits.missing_capabilities(asked, world.facts, world.wanted, asked.keep_caps, asked.bounding_set)
    if drop:
        found = f"{', '.join(names_of(drop))}: without them root cannot be given up, and nothing starts"
        facts.append(Fact(name="a start lacks", found=found, level="problem"))
    if rest:
        found = f"{', '.join(names_of(rest))}: without them what is somebody else's stays theirs"
        facts.append(Fact(name="set-up lacks" if drop else "a start lacks", found=found, level="problem"))
        why = "root may not give files to the program's user here (volumes, run-dirs, standard streams)"
        changes.append(add_capabilities(why, names_of(drop | rest)))
    if not drop and not rest:
        facts.append(Fact(name="a start needs", found="nothing more than that"))
    return facts


def _held(held: int, changes: list[Change]) -> Fact:
    if held == 0:
        return Fact(name="capabilities", found="none")
    if held & SYS_ADMIN and held | SYS_ADMIN << 1 >= EVERY >> 1:
        why = "the container has (nearly) all of root's power over the host"
        changes.append(
            advice("privileged", why, "leave out --privileged (compose: privileged: true), and add what is needed")
        )
        return Fact(name="capabilities", found=f"{held.bit_count()}, as with --privileged", level="note")
    if held == DOCKERS:
        return Fact(name="capabilities", found="docker's default, 14 of them")
    return Fact(name="capabilities", found=f"{held.bit_count()}: {', '.join(names_of(held))}")


def _bounding(world: World) -> Fact:
    bounding = world.held.bounding
    if not bounding:
        return Fact(name="bounding set", found="empty: no set-uid program or file capability gives one")
    held = "the same" if bounding == world.held.effective else f"{bounding.bit_count()} capabilities"
    emptied = world.settings is not None and world.settings.bounding_set == "empty"
    becomes = "pydrop empties it" if emptied else "pydrop leaves it as it is"
    return Fact(name="bounding set", found=f"{held}: what a set-uid program could get; {becomes}")


def _no_new_privs(world: World, changes: list[Change]) -> Fact:
    if world.held.no_new_privs and world.settings and not world.settings.no_new_privs:
        found = "on, by the runtime: PYDROP_NO_NEW_PRIVS cannot turn it off, so sudo and ping gain nothing"
        remedy = "leave out no-new-privileges in security_opt (Kubernetes: allowPrivilegeEscalation: false)"
        changes.append(advice("no-new-privileges", "no-new-privs = false asks for programs that gain", remedy))
        return Fact(name="no_new_privs", found=found, level="problem")
    if world.held.no_new_privs:
        return Fact(name="no_new_privs", found="on: nothing here gains privileges by set-uid files")
    asked = world.settings is None or world.settings.no_new_privs
    found = "off here; pydrop turns it on for the program" if asked else "off, and PYDROP_NO_NEW_PRIVS leaves it so"
    return Fact(name="no_new_privs", found=found, level="ok" if asked else "note")


def _seccomp(world: World) -> Fact:
    found, level = SECCOMP.get(world.status.get("Seccomp", "").strip(), ("unknown", "ok"))
    return Fact(name="seccomp", found=found, level=level)


def _module() -> Fact:
    """The AppArmor profile or the SELinux context of this process."""
    try:
        with open("/proc/self/attr/current", encoding="utf-8", errors="replace") as file:
            label = file.read().strip("\0\n ")
    except OSError:
        label = ""
    return Fact(name="security module", found=label or "none that can be read (AppArmor, SELinux)")
