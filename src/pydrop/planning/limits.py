"""Limits of the container: a start that needs more ids or capabilities than it has is refused before any change."""

from pydrop.capabilities import mask_of, names_of
from pydrop.errors import NotPermitted
from pydrop.model import Credentials, Facts, Identity, IdRange, Settings

CHOWN, DAC_OVERRIDE, FOWNER = mask_of(("chown",)), mask_of(("dac_override",)), mask_of(("fowner",))
SETGID, SETUID, SETPCAP = mask_of(("setgid",)), mask_of(("setuid",)), mask_of(("setpcap",))
OVERFLOW_ID = 65534  # the kernel shows it in place of an id that the user namespace does not map


def granted_groups(facts: Facts) -> tuple[int, ...]:
    """The supplementary groups of this process, without those that the user namespace does not map."""
    return tuple([gid for gid in facts.credentials.groups if gid != OVERFLOW_ID or _mapped(gid, facts.gid_map)])


def require_mapped(uid_map: tuple[IdRange, ...], gid_map: tuple[IdRange, ...], who: Identity) -> None:
    """NotPermitted where the user namespace does not map an id of `who`: user_namespaces(7), no process can have it."""
    wanted = [("user", who.uid, uid_map), *[("group", gid, gid_map) for gid in (who.gid, *who.groups)]]
    for kind, number, ranges in wanted:
        if not _mapped(number, ranges):
            shown = ", ".join([f"{line.inside} to {line.inside + line.count - 1}" for line in ranges]) or "none"
            raise NotPermitted(
                f"{kind} {number} ({who.why}) does not exist in this user namespace, which maps {shown}",
                "use a number from there, or map more (podman: --uidmap, --gidmap, /etc/subuid)",
            )


def _mapped(number: int, ranges: tuple[IdRange, ...]) -> bool:
    return any([line.inside <= number < line.inside + line.count for line in ranges])


def require_capabilities(
    settings: Settings, facts: Facts, who: Identity, keep_caps: tuple[str, ...], bounding_set: str
) -> None:
    """Raise NotPermitted where the drop lacks capabilities: it names them, and the line that adds them."""
    missing, for_the_rest = missing_capabilities(settings, facts, who, keep_caps, bounding_set)
    if missing:
        asks = settings.sources.get("bounding-set", "the container's start")
        why = f" ({asks} asks for an empty bounding set)" if missing & SETPCAP else ""
        raise NotPermitted(
            f"root lacks the capabilities to become {who.uid}:{who.gid} here: {', '.join(names_of(missing))}{why}",
            cap_add(names_of(missing | for_the_rest)),
        )
    require_setgroups(facts.setgroups_allowed, facts.credentials, who)


def require_setgroups(allowed: bool, held: Credentials, who: Identity) -> None:
    """NotPermitted where the groups have to change, and the user namespace forbids that to everybody."""
    if _groups_change(held, who) and not allowed:
        raise NotPermitted(
            "this user namespace forbids setting groups (/proc/self/setgroups says deny)",
            "start the container with newgidmap's mappings, as rootless podman and docker do",
        )


def missing_capabilities(
    settings: Settings, facts: Facts, who: Identity, keep_caps: tuple[str, ...], bounding_set: str
) -> tuple[int, int]:
    """Two bit masks: the capabilities that the drop lacks, and those that the steps before it lack.

    Without the first, nothing starts. Without the second, those steps only warn."""
    held, keep = facts.credentials, mask_of(keep_caps)
    missing = (_for_the_drop(facts, who, keep, bounding_set) & ~held.effective) | (keep & ~held.permitted)
    return missing, _for_the_setup(settings, who) & ~held.effective


def cap_add(names: list[str]) -> str:
    """The lines that add capabilities to a container, as words of a remedy."""
    options = " ".join([f"--cap-add {name}" for name in names])
    return f"add to the service in compose: cap_add: [{', '.join(names)}], or to docker run: {options}"


def _for_the_drop(facts: Facts, who: Identity, keep: int, bounding_set: str) -> int:
    held = facts.credentials
    need = for_the_ids(held, who)
    # A capability that is added for another need comes into the bounding set too, and the drop has to remove it
    if bounding_set == "empty" and who.uid != 0 and (held.bounding & ~keep or need & ~held.effective):
        need |= SETPCAP
    return need


def for_the_ids(held: Credentials, who: Identity) -> int:
    """The bit mask of capabilities that the change of groups and ids needs; 0 where none of them has to change."""
    need = SETGID if _groups_change(held, who) or held.gids != (who.gid,) * 4 else 0
    return need | SETUID if held.uids != (who.uid,) * 4 else need


def _groups_change(held: Credentials, who: Identity) -> bool:
    return sorted(set(held.groups)) != sorted(set(who.groups))


def _for_the_setup(settings: Settings, who: Identity) -> int:
    """The capabilities that the steps before the drop use.

    Without them these steps only warn. So they are named only where the start is refused anyway: the person adds all in
    one go."""
    if who.uid == 0:
        return 0
    if settings.volumes or settings.run_dirs:
        return CHOWN | DAC_OVERRIDE | FOWNER
    return CHOWN


def ignored_no_new_privs(settings: Settings, facts: Facts) -> list[str]:
    """A warning where `no-new-privs = false` was asked for, and the process came with it on."""
    if settings.no_new_privs or not facts.credentials.no_new_privs:
        return []
    return [
        f"{settings.sources.get('no-new-privs', 'no-new-privs')} is ignored, since the runtime has set no_new_privs, "
        "which nothing can take back (sudo and ping get nothing); leave out no-new-privileges in security_opt "
        "(docker: --security-opt no-new-privileges; Kubernetes: allowPrivilegeEscalation: false)"
    ]
