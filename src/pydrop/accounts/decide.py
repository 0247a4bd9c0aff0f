"""Who the program becomes: which account, which numbers, which groups, and why.

The account: the one that `user` names; else `app`; else the one that has the wanted number; else a new `app`.
Its numbers, each on its own: PUID/PGID; those in `user`; those of the owner of `owner-of`; those it has; 1000.
A gid that nobody asked for is the account's own, and the uid's number where the account is new.
Root only where PUID, or the number or name in `user`, asks for it.
"""

from pydrop.accounts.account_lines import accounts, groups
from pydrop.accounts.lookup import account_named, account_numbered, free_group_name, group_named, group_numbered
from pydrop.accounts.memberships import asked_groups, granted_groups, memberships
from pydrop.accounts.numbers import (
    DEFAULT_NAME,
    Number,
    Question,
    chosen_account,
    gid_for,
    own_uid,
    refuse_by_accident,
    uid_asked,
)
from pydrop.accounts.own_group import group_entry
from pydrop.model import Account, AccountChange, Device, Group, Identity, Settings, UserAsked

SHELL = "/bin/sh"

Decision = tuple[Identity, AccountChange, tuple[str, ...]]


def identity(
    settings: Settings,
    passwd: str,
    group: str,
    owner: tuple[int, int] | None,
    granted: tuple[int, ...],
    devices: tuple[Device, ...],
) -> Decision:
    """(who to become, what the account files must say for it, warnings).

    `passwd` and `group` are the files' text, `owner` is (uid, gid) of `owner-of`, `granted` all the
    groups that this process holds. The identity's groups include its gid, as initgroups(3) has it.
    Raises BadSetting for what was asked and cannot be, with what to write instead.
    """
    question = Question(
        settings=settings,
        user=settings.user or UserAsked(source="user"),
        owner=owner,
        accounts=accounts(passwd),
        groups=groups(group),
    )
    uid = uid_asked(question)
    if uid is not None and uid.number == 0:
        return _root(question, uid, granted)
    former = chosen_account(question, uid)
    uid = uid or own_uid(former)
    refuse_by_accident(question, former, uid)
    gid = gid_for(question, former, uid)
    account = _account(question, former, uid.number, gid.number)
    return _ordinary(question, account, former, uid, gid, granted, devices)


def _account(question: Question, former: Account | None, uid: int, gid: int) -> Account:
    """The account's entry: its own with new numbers, or a new one."""
    if former is not None:
        return Account(name=former.name, uid=uid, gid=gid, gecos=former.gecos, home=former.home, shell=former.shell)
    from pydrop.accounts.forgery import check_home, check_name

    name = question.user.name or DEFAULT_NAME
    check_name(name, question.user.source)
    home = question.settings.home or f"/home/{name}"
    check_home(home, question.settings.sources.get("home", "home"))
    return Account(name=name, uid=uid, gid=gid, gecos=name, home=home, shell=SHELL)  # git wants a full name too


def _ordinary(
    question: Question,
    account: Account,
    former: Account | None,
    uid: Number,
    gid: Number,
    granted: tuple[int, ...],
    devices: tuple[Device, ...],
) -> Decision:
    settings, known, user = question.settings, question.accounts, question.user
    group = group_entry(gid.number, account.name, user.group, known, question.groups)
    if group_named(question.groups, group.name) is None:
        from pydrop.accounts.forgery import check_name

        check_name(group.name, user.source)
    after = _with_entry(question.groups, group)
    asked = asked_groups(settings.groups, settings.sources.get("groups", "groups"), after)
    own = {gid.number} | memberships(account.name, after)
    gids = own | asked | granted_groups(granted, known, question.groups)
    joined, made, warnings = _device_groups(devices, account.uid, gids, after)
    if 0 in own - asked and not (gid.number == 0 and gid.asked):
        warnings = (_of_roots_group(account.name), *warnings)
    who = _identity(account, group, gids | joined, _reason(uid, gid))
    return who, AccountChange(account=account, group=group, former=former, more_groups=made), warnings


def _device_groups(
    devices: tuple[Device, ...], uid: int, gids: set[int], known: list[Group]
) -> tuple[set[int], tuple[Group, ...], tuple[str, ...]]:
    if not devices:
        return set(), (), ()
    from pydrop.accounts.devices import device_groups

    return device_groups(devices, uid, gids, known)


def _root(question: Question, uid: Number, granted: tuple[int, ...]) -> Decision:
    """Root as asked for in so many words. Its account stays as it is; PGID and `groups` count all the same."""
    settings, known, known_groups = question.settings, question.accounts, question.groups
    root = account_numbered(known, 0)
    account = root or Account(name="root", uid=0, gid=0, home="/root", shell=SHELL)
    gid = gid_for(question, account, uid)
    group = group_numbered(known_groups, gid.number)
    if group is None:
        name = question.user.group or ("root" if gid.number == 0 else "")
        taken = not name or group_named(known_groups, name) is not None
        group = Group(name=free_group_name(known_groups, gid.number) if taken else name, gid=gid.number)
    asked = asked_groups(settings.groups, settings.sources.get("groups", "groups"), known_groups)
    gids = {gid.number} | memberships(account.name, known_groups) | asked | set(granted)
    named = account_named(known, question.user.name or "")
    who = _identity(named if named and named.uid == 0 else account, group, gids, _asked_for_root(question, uid))
    return who, AccountChange(account=account, group=group, former=root), ()


def _asked_for_root(question: Question, uid: Number) -> str:
    """The words that asked for it: ``PUID=0``, ``PYDROP_USER=root``."""
    return f"{uid.why}=0" if question.settings.puid or question.user.uid == 0 else f"{uid.why}=root"


def _with_entry(known: list[Group], entry: Group) -> list[Group]:
    """The groups as they are once `entry` has its number."""
    if group_named(known, entry.name) is None:
        return [*known, entry]
    return [entry if group.name == entry.name else group for group in known]


def _identity(account: Account, group: Group, gids: set[int], why: str) -> Identity:
    return Identity(
        name=account.name,
        uid=account.uid,
        gid=group.gid,
        group=group.name,
        groups=tuple(sorted(gids)),
        home=account.home or "/",  # login(1) takes an empty home for /
        shell=account.shell or SHELL,  # passwd(5): empty is /bin/sh
        why=why,
    )


def _reason(uid: Number, gid: Number) -> str:
    """The sources of both numbers: ``PUID, PGID``."""
    return uid.why if gid.why == uid.why else f"{uid.why}, {gid.why}"


def _of_roots_group(name: str) -> str:
    return (
        f"the program is in root's group (gid 0), because the image's account files say so of {name}; "
        f"set PGID to another number if it need not be, or PGID=0 to say that it must"
    )
