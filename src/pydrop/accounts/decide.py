"""Decides the program's account, uid, gid and groups, and keeps the reason for the log.

The account is the one that `user` names; else `app`; else the one that has the wanted number; else a new `app`.
The uid and the gid are decided separately, each from the first source that gives one: PUID or PGID; the number in
`user`; the owner of the path of `owner-of`; the account's entry; 1000.
A gid that nobody asked for is the account's own; for a new account it is the uid's number.
The program becomes root only where PUID, or the number or name in `user`, asks for it.
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
    passed_over,
    refuse_by_accident,
    uid_asked,
)
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
    """Returns (the program's identity, the change of the account files, warnings).

    `passwd` and `group` are the files' text. `owner` is the (uid, gid) of the path of `owner-of`. `granted` are all
    groups that this process holds. The identity's groups include its gid, as after initgroups(3).
    Raises BadSetting for a setting that cannot be fulfilled, with a remedy.
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
    """The account's entry after the change: the present one with new numbers, or a new one."""
    if former is not None:
        return Account(name=former.name, uid=uid, gid=gid, gecos=former.gecos, home=former.home, shell=former.shell)
    from pydrop.accounts.forgery import check_home, check_name

    name = question.user.name or DEFAULT_NAME
    check_name(name, question.user.source)
    home = question.settings.home or f"/home/{name}"
    check_home(home, question.settings.sources.get("home", "home"))
    return Account(name=name, uid=uid, gid=gid, gecos=name, home=home, shell=SHELL)  # git needs a full name


def _ordinary(
    question: Question,
    account: Account,
    former: Account | None,
    uid: Number,
    gid: Number,
    granted: tuple[int, ...],
    devices: tuple[Device, ...],
) -> Decision:
    """The decision for a program that is not root."""
    settings, known, user = question.settings, question.accounts, question.user
    group = group_numbered(question.groups, gid.number)
    if group is None:
        from pydrop.accounts.own_group import group_entry

        group = group_entry(gid.number, account.name, user.group, known, question.groups)
    if group_named(question.groups, group.name) is None:
        from pydrop.accounts.forgery import check_name

        check_name(group.name, user.source)
    changed_groups = _with_entry(question.groups, group)
    asked_gids = asked_groups(settings.groups, settings.sources.get("groups", "groups"), changed_groups)
    own_gids = {gid.number} | _memberships(settings, account.name, changed_groups)
    gids = own_gids | asked_gids | granted_groups(granted, known, question.groups)
    joined, new_groups, warnings = _device_groups(devices, account.uid, gids, changed_groups)
    if 0 in own_gids - asked_gids and not (gid.number == 0 and gid.asked):
        warnings = (_roots_group_warning(account.name), *warnings)
    warnings = (*passed_over(question), *warnings)
    program = _identity(account, group, gids | joined, _reason(uid, gid))
    return program, AccountChange(account=account, group=group, former=former, more_groups=new_groups), warnings


def _device_groups(
    devices: tuple[Device, ...], uid: int, gids: set[int], known: list[Group]
) -> tuple[set[int], tuple[Group, ...], tuple[str, ...]]:
    if not devices:
        return set(), (), ()
    from pydrop.accounts.devices import device_groups

    return device_groups(devices, uid, gids, known)


def _root(question: Question, uid: Number, granted: tuple[int, ...]) -> Decision:
    """The decision for a root that was asked for explicitly. Root's account stays; PGID and `groups` still count."""
    settings, known, known_groups = question.settings, question.accounts, question.groups
    root = account_numbered(known, 0)
    account = root or Account(name="root", uid=0, gid=0, home="/root", shell=SHELL)
    gid = gid_for(question, account, uid)
    group = group_numbered(known_groups, gid.number)
    if group is None:
        name = question.user.group or ("root" if gid.number == 0 else "")
        taken = not name or group_named(known_groups, name) is not None
        group = Group(name=free_group_name(known_groups, gid.number) if taken else name, gid=gid.number)
    asked_gids = asked_groups(settings.groups, settings.sources.get("groups", "groups"), known_groups)
    gids = {gid.number} | _memberships(settings, account.name, known_groups) | asked_gids | set(granted)
    named = account_named(known, question.user.name or "")
    program = _identity(named if named and named.uid == 0 else account, group, gids, _asked_for_root(question, uid))
    return program, AccountChange(account=account, group=group, former=root), ()


def _memberships(settings: Settings, name: str, known: list[Group]) -> set[int]:
    """Those of /etc/group, which `strict` leaves out, as Kubernetes' supplementalGroupsPolicy does."""
    return memberships(name, known) if settings.groups_policy == "merge" else set()


def _asked_for_root(question: Question, uid: Number) -> str:
    """The setting that asked for root, as a person writes it: ``PUID=0``, ``PYDROP_USER=root``."""
    return f"{uid.why}=0" if question.settings.puid or question.user.uid == 0 else f"{uid.why}=root"


def _with_entry(known: list[Group], entry: Group) -> list[Group]:
    """The groups as they are after `entry` is written."""
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
    """The sources of uid and gid: ``PUID, PGID``; only one where both are the same."""
    return uid.why if gid.why == uid.why else f"{uid.why}, {gid.why}"


def _roots_group_warning(name: str) -> str:
    return (
        f"the program is in root's group (gid 0), because the image's account files say so of {name}; "
        f"set PGID to another number if it need not be, or PGID=0 to say that it must"
    )
