"""(Settings, Facts) -> Plan: who the program becomes, which steps lead there, and the warnings for the person.

The identity is decided first, since the other steps give files to it. `orders` says which steps follow, and why in that
order. The package is pure: it reads no file and changes nothing. `entry` and `pydropctl plan` call `plan`.
"""

from pydrop import accounts
from pydrop.model import Facts, Identity, Record, Settings
from pydrop.planning import limits, orders, step_builders
from pydrop.planning.decision import Decision
from pydrop.steps import Plan

# Settings that a record does not hold. An option for one of them makes a second pydrop in a container start anew.
NOT_REMEMBERED = ("user", "owner-of", "home", "groups", "devices", "chown", "run-dirs", "hooks")

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
    if facts.record and not _asks_anew(settings):
        return _again(settings, facts, facts.record)
    return _as_root(settings, facts)


def _asks_anew(settings: Settings) -> bool:
    """Whether an option names an identity or a set-up: then a second pydrop is a start of its own.

    A variable does not count, since `exec` repeats the container's environment."""
    return any([source.startswith("--") for name, source in settings.sources.items() if name in NOT_REMEMBERED])


def _as_root(settings: Settings, facts: Facts) -> Plan:
    who, change, warnings = accounts.identity(
        settings, facts.passwd, facts.group, facts.owner, limits.granted_groups(facts), facts.devices
    )
    limits.require_mapped(facts.uid_map, facts.gid_map, who)
    limits.require_capabilities(settings, facts, who, settings.keep_caps)
    decision = Decision(
        settings=settings,
        facts=facts,
        who=who,
        change=change,
        keep_caps=settings.keep_caps,
        umask=settings.umask,
        no_new_privs=settings.no_new_privs,
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


def _again(settings: Settings, facts: Facts, record: Record) -> Plan:
    """The plan of a second pydrop in the same container: the program's identity and environment, without a set-up.

    The options of the drop come from the record too, since an `exec` does not repeat the entrypoint's options."""
    who = record.identity
    decision = Decision(
        settings=settings,
        facts=facts,
        who=who,
        change=None,
        keep_caps=settings.keep_caps if "keep-caps" in settings.sources else record.keep_caps,
        umask=record.umask if settings.umask is None else settings.umask,
        no_new_privs=settings.no_new_privs if "no-new-privs" in settings.sources else record.no_new_privs,
        warnings=[],
    )
    limits.require_capabilities(settings, facts, who, decision.keep_caps)
    added = [line.partition("=") for line in record.environment]
    return Plan(
        identity=who,
        steps=orders.steps(orders.AGAIN, decision),
        warnings=(),
        command=settings.command,
        environment=(*step_builders.environment(who, facts), *[(name, value) for name, _, value in added]),
    )


def _warnings(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    warnings = step_builders.without_init(settings)
    if who.uid == 0:
        warnings.append(f"the program runs as root, because {who.why} asks for it")
    names = [line.partition("=")[0] for line in facts.environment]
    if any([name not in ("PUID", "PGID") and name.upper().endswith(MAY_MEAN_IDS) for name in names]):
        from pydrop.planning import foreign_names

        warnings += foreign_names.warnings(settings, facts, who)
    for path in facts.hooks_without_bit:
        warnings.append(
            f"the hook {path} is not run: it has no execute bit; chmod a+x it in the image (COPY --chmod=0755), "
            "or take it away"
        )
    if facts.noexec_run:
        warnings.append(
            f"{settings.command[0]} will not start: /run is mounted noexec; "
            "mount it with exec (docker: --tmpfs /run:exec, compose: tmpfs: [/run:exec])"
        )
    return warnings
