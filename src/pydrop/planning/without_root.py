"""The plan of a start without root (`docker run --user`, runAsUser, OpenShift).

The program is who this process is already. One warning names all settings that need root. The steps are those of
`orders.WITHOUT_ROOT`.
"""

from pydrop import accounts
from pydrop.capabilities import mask_of
from pydrop.model import Account, AccountChange, Facts, Group, Identity, Settings
from pydrop.planning import limits, orders, step_builders
from pydrop.planning.decision import Decision
from pydrop.steps import Plan

FALLBACK_HOME = "/tmp"


def plan(settings: Settings, facts: Facts) -> Plan:
    """The plan. Its identity is this process's own; no volume is chowned, and no hook is run."""
    who, change = _identity(settings, facts)
    kept, warnings = _kept(settings, facts)
    bounding_set, ignored = _bounding_set(settings, facts, kept)
    decision = Decision(
        settings=settings,
        facts=facts,
        who=who,
        change=change,
        keep_caps=kept,
        umask=settings.umask,
        no_new_privs=settings.no_new_privs,
        bounding_set=bounding_set,
        warnings=[] if facts.second_time else _warnings(settings, facts, who),
    )
    steps = orders.steps(orders.AGAIN_WITHOUT_ROOT if facts.second_time else orders.WITHOUT_ROOT, decision)
    said = () if facts.second_time else decision.warnings  # the start has said them
    return Plan(
        identity=who,
        steps=steps,
        warnings=(*said, *step_builders.without_init(settings), *warnings, *ignored),
        command=settings.command,
        environment=_environment(who, facts),
    )


def _identity(settings: Settings, facts: Facts) -> tuple[Identity, AccountChange | None]:
    """This process's identity, and the account entry to create where its uid has none."""
    held = facts.credentials
    uid, gid = held.uids[1], held.gids[1]
    known = accounts.accounts(facts.passwd)
    group = next((group for group in accounts.groups(facts.group) if group.gid == gid), None)
    entry = next((account for account in known if account.uid == uid), None)
    account = entry or _account(settings, facts, "app" if all([a.name != "app" for a in known]) else f"user{uid}")
    who = Identity(
        name=account.name,
        uid=uid,
        gid=gid,
        group=group.name if group else str(gid),
        groups=tuple(sorted(set(held.groups))),
        home=account.home,
        shell=account.shell,
        why="the container's own start",
    )
    if entry:
        return who, None
    return who, AccountChange(account=account, group=group or _group(account.name, gid, accounts.groups(facts.group)))


def _account(settings: Settings, facts: Facts, name: str) -> Account:
    held = facts.credentials
    home = _home(settings, facts)
    return Account(name=name, uid=held.uids[1], gid=held.gids[1], gecos=name, home=home, shell="/bin/sh")


def _group(name: str, gid: int, known: list[Group]) -> Group:
    """A group of the account's name, or of a free one where another group has that name."""
    taken = any([group.name == name for group in known])
    return Group(name=accounts.free_group_name(known, gid) if taken else name, gid=gid)


def _home(settings: Settings, facts: Facts) -> str:
    """The `home` setting; else HOME, unless it is `/`, which runtimes give to unknown users; else /tmp."""
    came = step_builders.home_that_came(facts)
    if settings.home:
        return settings.home
    return came if came not in ("", "/") else FALLBACK_HOME


def _environment(who: Identity, facts: Facts) -> tuple[tuple[str, str], ...]:
    """HOME, USER and LOGNAME where the runtime left them out, or set HOME to `/`. Its other values stay."""
    came = {line.partition("=")[0] for line in facts.environment}
    names = tuple([(name, who.name) for name in ("USER", "LOGNAME") if name not in came])
    return names if step_builders.home_that_came(facts) not in ("", "/") else (("HOME", who.home), *names)


def _kept(settings: Settings, facts: Facts) -> tuple[tuple[str, ...], list[str]]:
    """The capabilities of keep-caps that this process holds, and a warning about those that it lacks."""
    held = tuple([name for name in settings.keep_caps if facts.credentials.permitted & mask_of((name,))])
    if held == settings.keep_caps:
        return held, []
    source = settings.sources.get("keep-caps", "keep-caps")
    lacking = ", ".join([name for name in settings.keep_caps if name not in held])
    return held, [
        f"{source} asks for {lacking}, which this start without root does not hold; "
        "leave out user: in compose (--user, runAsUser), and pydrop can keep it"
    ]


def _bounding_set(settings: Settings, facts: Facts, kept: tuple[str, ...]) -> tuple[str, list[str]]:
    """The `bounding-set` that this process can have, and a warning where that is another one than was asked for."""
    held = facts.credentials
    able = held.effective & limits.SETPCAP or not held.bounding & ~mask_of(kept)
    if able or settings.bounding_set == "keep":
        return settings.bounding_set, []
    return "keep", [
        f"{settings.sources['bounding-set']} is ignored, since this start without root does not hold SETPCAP; "
        "leave out user: in compose (--user, runAsUser), or let the runtime empty it (cap_drop: [ALL])"
    ]


def _refusals(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    """One warning about all settings that need root; none where there are none."""
    named = [
        *_differing(settings, who),
        *[name for name in ("groups",) if name in settings.sources],
        *_not_writable(settings, facts),
    ]
    asked = [settings.sources.get(name, name) for name in named]
    if facts.hooks:
        asked.append(f"the hooks in {settings.hooks}")
    if not asked:
        return []
    return [
        f"started as {who.uid}:{who.gid} and not as root, so {', '.join(asked)} cannot be had; "
        "leave out user: in compose (--user, runAsUser), and pydrop drops root itself"
    ]


def _warnings(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    idle = [step_builders.without_bit(path) for path in facts.user_hooks_without_bit]
    ignored = limits.ignored_no_new_privs(settings, facts)
    return [
        *_refusals(settings, facts, who),
        *ignored,
        *step_builders.without_user_hooks(facts),
        *idle,
        *_absent(settings, facts, who),
    ]


def _not_writable(settings: Settings, facts: Facts) -> list[str]:
    """The settings with a folder that the program cannot write or create. Without such a folder nothing is missing."""
    # What is not there, and what shows its owner through a map, no start as root would chown either
    others = {*[path for path, place in facts.places if not place], *[path for path, _, _ in facts.idmapped]}
    volumes = [each for each in settings.volumes if each.policy != "never" and (each.create or each.path not in others)]
    asked = (("run-dirs", settings.run_dirs), ("chown", [volume.path for volume in volumes]))
    available = {*facts.writable, *facts.makeable}
    return [name for name, paths in asked if any([path not in available for path in paths])]


def _absent(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    """A warning for each volume and device that is not there, or that this process cannot open."""
    warnings = _of_volumes(settings, facts, who)
    if not settings.devices:
        return warnings
    from pydrop.planning import own_devices

    return [*warnings, *own_devices.warnings(settings, facts, who)]


def _of_volumes(settings: Settings, facts: Facts, who: Identity) -> list[str]:
    if not settings.volumes:
        return []
    from pydrop.planning.volumes_step import notes

    return notes(settings, facts, who)


def _differing(settings: Settings, who: Identity) -> list[str]:
    """The names of the settings that ask for another identity than this process has."""
    names = []
    if settings.puid and settings.puid.number != who.uid:
        names.append("puid")
    if settings.pgid and settings.pgid.number != who.gid:
        names.append("pgid")
    if settings.user and _user_differs(settings, who):
        names.append("user")
    return names


def _user_differs(settings: Settings, who: Identity) -> bool:
    user = settings.user
    if user is None:
        return False
    asked = ((user.uid, who.uid), (user.gid, who.gid), (user.name, who.name), (user.group, who.group))
    return any([value is not None and value != held for value, held in asked])
