"""(Settings, Facts) -> Plan: the only place where the order of a start is decided, and explained.

who            decided first, since everything else is owned by them
/run           before the rest, which may lie on it; the home folder too: it is made for an account that is
               new, and a start that was killed with the account made would not come back to it
home           of an account whose numbers change: before accounts, since only the old /etc/passwd knows the old
               numbers; a start that is killed in the home is so repeated by the next one
accounts       before volumes and hooks, so that names resolve
streams        the program reopens /dev/stdout after the drop
volumes        before hooks, which expect the data to be the program's
secrets        before hooks, which see the program's environment
hooks          last of what root does for the program
record         for `exec` into this container
init       in init mode: PID 1 gives up root before the command can run
privileges     the drop
"""

from pydrop import accounts
from pydrop.model import AccountChange, Facts, Identity, Plan, Settings
from pydrop.planning import limits, step_builders
from pydrop.steps import Record, Step

NOT_REMEMBERED = ("user", "owner-of", "home", "groups", "devices", "chown", "run-dirs", "hooks")


def plan(settings: Settings, facts: Facts) -> Plan:
    """The start that `settings` asks for in the world of `facts`.

    Raises BadSetting for what cannot be meant, NotPermitted for what the runtime does not allow."""
    if facts.credentials.uids[1] != 0:
        from pydrop.planning import unprivileged

        return unprivileged.plan(settings, facts)
    if facts.record and not _asks_anew(settings):
        return _again(settings, facts, facts.record)
    return _as_root(settings, facts)


def _asks_anew(settings: Settings) -> bool:
    """Whether an option says who or what: then a second pydrop is a start of its own. The environment
    cannot, since `exec` repeats the container's."""
    return any([source.startswith("--") for name, source in settings.sources.items() if name in NOT_REMEMBERED])


def _as_root(settings: Settings, facts: Facts) -> Plan:
    who, change, said = accounts.identity(
        settings, facts.passwd, facts.group, facts.owner, limits.granted_groups(facts), facts.devices
    )
    limits.require_mapped(facts.uid_map, facts.gid_map, who)
    limits.require_capabilities(settings, facts, who, settings.keep_caps)
    warnings = [*said, *_warnings(settings, facts, who)]
    home = step_builders.home_for(who, change, facts, settings)
    account = step_builders.account_step(facts, change)
    if account.how == "environment":
        warnings.append(step_builders.without_entry(who.uid, "read_only"))
    runtime, misread = step_builders.runtime(settings, facts, who, change, home)
    return Plan(
        identity=who,
        steps=(
            runtime,
            *_home(settings, who, change),
            account,
            *step_builders.streams(who),
            *step_builders.volumes(settings, who),
            *step_builders.secrets(settings),
            *step_builders.hooks(settings, facts),
            step_builders.record(settings, facts, who),
            *step_builders.oom(settings),
            *step_builders.init(settings, facts, who, settings.no_new_privs),
            step_builders.privileges(who, settings.keep_caps, settings.umask, settings.no_new_privs),
        ),
        warnings=(*warnings, *misread),
        command=settings.command,
        environment=step_builders.environment(who, facts),
    )


def _home(settings: Settings, who: Identity, change: AccountChange) -> list[Step]:
    former, account = change.former, change.account
    if former is None or (former.uid, former.gid) == (account.uid, account.gid):
        return []
    from pydrop.planning import home_step

    return home_step.steps(settings, who, change)


def _again(settings: Settings, facts: Facts, record: Record) -> Plan:
    """A second pydrop in the same container: the program's identity and environment, no setup.

    How it is dropped to is as recorded too, since an `exec` does not repeat the entrypoint's options."""
    who = record.identity
    keep_caps = settings.keep_caps if "keep-caps" in settings.sources else record.keep_caps
    no_new_privs = settings.no_new_privs if "no-new-privs" in settings.sources else record.no_new_privs
    umask = record.umask if settings.umask is None else settings.umask
    limits.require_capabilities(settings, facts, who, keep_caps)
    # `exec` brings streams of its own, which are root's again
    todo: list[Step] = [
        *step_builders.streams(who),
        *step_builders.secrets(settings),
        *step_builders.oom(settings),
        *step_builders.init(settings, facts, who, no_new_privs),
        step_builders.privileges(who, keep_caps, umask, no_new_privs),
    ]
    added = [line.partition("=") for line in record.environment]
    return Plan(
        identity=who,
        steps=tuple(todo),
        warnings=(),
        command=settings.command,
        environment=(*step_builders.environment(who, facts), *[(name, value) for name, _, value in added]),
    )


def _warnings(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    said = step_builders.without_init(settings)
    if who.uid == 0:
        said.append(f"the program runs as root, because {who.why} asks for it")
    for path in facts.hooks_without_bit:
        said.append(
            f"the hook {path} is not run: it has no execute bit; chmod a+x it in the image (COPY --chmod=0755), "
            "or take it away"
        )
    if facts.noexec_run:
        said.append(
            f"{settings.command[0]} will not start: /run is mounted noexec; "
            "mount it with exec (docker: --tmpfs /run:exec, compose: tmpfs: [/run:exec])"
        )
    return said
