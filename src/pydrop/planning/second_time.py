"""The plan of a second pydrop in the same container (`exec`, a HEALTHCHECK), and of one inside a hook.

It becomes who the program is, with the program's environment, and changes nothing of the container. Options may name
somebody else; variables do not count, since `exec` repeats the container's.
"""

from pydrop.errors import BadSetting
from pydrop.model import Facts, Identity, Record, Settings
from pydrop.planning import limits, orders, step_builders
from pydrop.planning.decision import Decision
from pydrop.steps import Plan

WHO = ("user", "owner-of", "groups", "devices")
SET_UP = ("home", "chown", "run-dirs", "hooks", "user-hooks")  # what only the start of a container does


def plan(settings: Settings, facts: Facts, record: Record) -> Plan:
    """The plan. The options of the drop come from the record too, since an `exec` does not repeat the entrypoint's.

    Raises BadSetting for an option that asks for a set-up, or for somebody whom the container does not have."""
    _refuse_set_up(settings)
    who = _identity(settings, facts, record.identity)
    limits.require_mapped(facts.uid_map, facts.gid_map, who)
    decision = Decision(
        settings=settings,
        facts=facts,
        who=who,
        change=None,
        keep_caps=settings.keep_caps if "keep-caps" in settings.sources else record.keep_caps,
        umask=record.umask if settings.umask is None else settings.umask,
        no_new_privs=settings.no_new_privs if "no-new-privs" in settings.sources else record.no_new_privs,
        bounding_set=settings.bounding_set if "bounding-set" in settings.sources else record.bounding_set,
        warnings=[],
    )
    limits.require_capabilities(settings, facts, who, decision.keep_caps, decision.bounding_set)
    return Plan(
        identity=who,
        steps=orders.steps(orders.IN_HOOK if facts.in_hook else orders.AGAIN, decision),
        warnings=(),
        command=settings.command,
        environment=_environment(facts, record, who),
    )


def _is_option(settings: Settings, name: str) -> bool:
    return settings.sources.get(name, "").startswith("--")


def _refuse_set_up(settings: Settings) -> None:
    for name in SET_UP:
        if not _is_option(settings, name):
            continue
        remedy = f"leave --{name} out, or give it to the container's start"
        if name == "chown":
            paths = " ".join([volume.path for volume in settings.volumes])
            remedy = f"run: pydropctl chown {paths} (docker exec --user 0 CONTAINER pydropctl chown {paths})"
        raise BadSetting(
            f"--{name} asks for a set-up, but this container has had its start, and a second pydrop changes nothing",
            remedy,
        )


def _identity(settings: Settings, facts: Facts, program: Identity) -> Identity:
    """The program's identity, or the one that options name."""
    if not any([_is_option(settings, name) for name in WHO]):
        return program
    asked = Settings(
        user=settings.user if _is_option(settings, "user") else None,
        owner_of=settings.owner_of if _is_option(settings, "owner-of") else None,
        groups=settings.groups if _is_option(settings, "groups") else (),
        groups_policy=settings.groups_policy,
        sources=settings.sources,
    )
    devices = facts.devices if _is_option(settings, "devices") else ()
    owner = facts.owner if asked.owner_of else None
    if owner and owner[0] == 0 and asked.user is None:
        problem = f"--owner-of={asked.owner_of}: that belongs to root, which nobody becomes by accident"
        raise BadSetting(problem, "name a path of the user's, or the user (--user NAME)")
    from pydrop.accounts import as_found

    return as_found.identity(asked, facts.passwd, facts.group, owner, limits.granted_groups(facts), devices, program)


def _environment(facts: Facts, record: Record, who: Identity) -> tuple[tuple[str, str | None], ...]:
    """What the start's settings and hooks have changed, which a hook has already; and who it is.

    The program's HOME is not for somebody else; nor is what user hooks added, which the program's user chose: root,
    say, would search their PATH, and load their LD_PRELOAD."""
    lines = (*record.environment, *(record.users if who.uid == record.identity.uid else ()))
    changes = () if facts.in_hook else _changes([line.partition("=") for line in lines])
    names = step_builders.environment(who, facts)
    if who is record.identity:
        return (*names, *changes)
    others = [(name, value) for name, value in changes if name not in ("HOME", "USER", "LOGNAME")]
    is_programs = facts.in_hook and step_builders.home_that_came(facts) == record.identity.home
    return (*others, *((("HOME", who.home),) if is_programs else ()), *names)


def _changes(lines: list[tuple[str, str, str]]) -> tuple[tuple[str, str | None], ...]:
    return tuple([(name, value if equals else None) for name, equals, value in lines])
