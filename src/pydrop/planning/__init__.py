"""(Settings, Facts) -> Plan: who the program becomes, which steps lead there, and the warnings for the person.

The identity is decided first, since the other steps give files to it. `orders` says which steps follow, and why in that
order. The package is pure: it reads no file and changes nothing. `entry` and `pydropctl plan` call `plan`.
"""

from pydrop import accounts
from pydrop.model import Facts, Identity, Settings
from pydrop.planning import limits, orders, step_builders
from pydrop.planning.decision import Decision
from pydrop.steps import Plan

# How variables end by which images take numbers; what each of them means is in `foreign_names`.
MAY_MEAN_IDS = (
    *("UID", "GID", "_ID", "UIDS", "GIDS", "USERID", "GROUPID", "PUI", "PIUD", "PIGD", "UID_", "GID_"),
    *("AS_USER", "AS_GROUP", "ASUSER", "ASGROUP", "WWWUSER", "WWWGROUP"),
)


def plan(settings: Settings, facts: Facts) -> Plan:
    """The plan of the start that `settings` asks for, in the world of `facts`.

    Raises BadSetting for settings that contradict the world or each other, NotPermitted for what the runtime does not
    allow."""
    if facts.credentials.uids[1] != 0:
        from pydrop.planning import without_root

        return without_root.plan(settings, facts)
    if facts.record:
        from pydrop.planning import second_time

        return second_time.plan(settings, facts, facts.record)
    return _as_root(settings, facts)


def _as_root(settings: Settings, facts: Facts) -> Plan:
    who, change, warnings = accounts.identity(
        settings, facts.passwd, facts.group, facts.owner, limits.granted_groups(facts), facts.devices
    )
    limits.require_mapped(facts.uid_map, facts.gid_map, who)
    limits.require_capabilities(settings, facts, who, settings.keep_caps, settings.bounding_set)
    decision = Decision(
        settings=settings,
        facts=facts,
        who=who,
        change=change,
        keep_caps=settings.keep_caps,
        umask=settings.umask,
        no_new_privs=settings.no_new_privs,
        bounding_set=settings.bounding_set,
        warnings=[*warnings, *_warnings(settings, facts, who)],
    )
    if change.former is None and who.uid != 0 and not decision.makes_home:  # a read-only root has no room for a home
        who.home = change.account.home = "/tmp"
    steps = orders.steps(orders.AS_ROOT, decision)
    return Plan(
        identity=who,
        steps=steps,
        warnings=tuple(decision.warnings),
        command=settings.command,
        environment=step_builders.environment(who, facts),
    )


def _warnings(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    warnings = step_builders.without_init(settings) + limits.ignored_no_new_privs(settings, facts)
    warnings += [f"{absent.problem}; {absent.remedy}" for absent in facts.absent_devices]
    if who.uid == 0:
        warnings.append(f"the program runs as root, because {who.why} asks for it")
        if settings.bounding_set == "empty":
            source = settings.sources["bounding-set"]
            warnings.append(f"{source} is ignored, since root gets its capabilities out of the bounding set")
    names = [line.partition("=")[0] for line in facts.environment]
    if any([name not in ("PUID", "PGID") and name.upper().endswith(MAY_MEAN_IDS) for name in names]):
        from pydrop.planning import foreign_names

        warnings += foreign_names.warnings(settings, facts, who)
    return [
        *warnings,
        *step_builders.without_user_hooks(facts),
        *[step_builders.without_bit(path) for path in (*facts.hooks_without_bit, *facts.user_hooks_without_bit)],
    ]
