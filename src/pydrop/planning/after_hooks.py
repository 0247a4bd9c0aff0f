"""What follows where a hook has changed the account files: the program's groups are decided anew, its ids stay.

`performing` calls `regroup` with the files' text when the hooks have run.
"""

from pydrop import accounts
from pydrop.accounts.memberships import asked_groups, granted_groups, memberships
from pydrop.model import Account, Facts, Identity, Settings
from pydrop.planning import limits
from pydrop.steps import Plan, VolumesStep


def regroup(plan: Plan, settings: Settings, facts: Facts, passwd: str, group: str, home: str) -> tuple[str, ...]:
    """Give the steps of `plan` that are still to come the groups that follow from `passwd` and `group`.

    `facts` hold both texts from before the hooks, `home` is the program's HOME. Returns warnings. The steps hold the
    same Identity. Raises NotPermitted for a group that is not mapped, BadSetting for one that the settings name and a
    hook removed."""
    who = plan.identity
    counts = settings.groups_policy == "merge"  # else no membership in the file does, a hook's neither
    had, has = [memberships(who.name, accounts.groups(text)) if counts else set() for text in (facts.group, group)]
    joins_root = 0 in has and 0 not in who.groups
    who.groups = tuple(sorted((set(who.groups) - (had - has - _other_reasons(settings, facts, who, group))) | has))
    limits.require_mapped(facts.uid_map, facts.gid_map, who)
    for step in plan.steps:
        if isinstance(step, VolumesStep):
            step.groups = who.groups
    entry = next((account for account in accounts.accounts(passwd) if account.name == who.name), None)
    warnings = [_joins_root(who.name)] if joins_root else []
    return (*warnings, *_ignored(entry, who, home))


def _other_reasons(settings: Settings, facts: Facts, who: Identity, group: str) -> set[int]:
    """The gids that the program holds whether it is a member or not: its own, asked for, granted, or a device's."""
    asked = asked_groups(settings.groups, settings.sources.get("groups", "groups"), accounts.groups(group))
    known, known_groups = accounts.accounts(facts.passwd), accounts.groups(facts.group)
    granted = granted_groups(limits.granted_groups(facts), known, known_groups)
    return {who.gid} | asked | granted | {device.gid for device in facts.devices}


def _ignored(entry: Account | None, who: Identity, home: str) -> list[str]:
    """A warning about another uid, gid or home that a hook gave the account: the program's were decided before."""
    if entry is None:
        return []
    warnings = []
    if (entry.uid, entry.gid) != (who.uid, who.gid):
        warnings.append(
            f"a hook changed user {who.name} to {entry.uid}:{entry.gid}, which is ignored: the program runs as "
            f"{who.uid}:{who.gid}; set PUID={entry.uid} and PGID={entry.gid} instead"
        )
    if (entry.home or "/") not in (who.home, home):
        warnings.append(
            f"a hook changed the home of user {who.name} to {entry.home}, which is ignored: the program's HOME was "
            f'decided before; in the hook: echo HOME={entry.home} >>"$PYDROP_ENV"'
        )
    return warnings


def _joins_root(name: str) -> str:
    return (
        f"the program is in root's group (gid 0), because a hook added {name} to it; "
        "take that out of the hook if it need not be"
    )
