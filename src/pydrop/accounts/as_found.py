"""Decides who a second pydrop in a container becomes where its options name somebody: nobody's account is changed.

So an account has the numbers that it has, a number without an account has no name, and PUID and PGID do not count.
"""

from pydrop.accounts.account_lines import accounts, groups
from pydrop.accounts.devices import device_groups
from pydrop.accounts.lookup import account_named, account_numbered, group_numbered, nearest
from pydrop.accounts.memberships import asked_groups, granted_groups, memberships
from pydrop.accounts.numbers import Number, Question, gid_for, refuse_by_accident, uid_asked
from pydrop.errors import BadSetting
from pydrop.model import Account, Device, Identity, Settings, UserAsked

SHELL = "/bin/sh"


def identity(
    settings: Settings,
    passwd: str,
    group: str,
    owner: tuple[int, int] | None,
    granted: tuple[int, ...],
    devices: tuple[Device, ...],
    program: Identity,
) -> Identity:
    """The identity that the options in `settings` name; what they leave out is the `program`'s.

    The other parameters are those of decide.identity. Raises BadSetting for somebody whom the account files lack."""
    user = settings.user or UserAsked(source="user")
    known, known_groups = accounts(passwd), groups(group)
    question = Question(settings=settings, user=user, owner=owner, accounts=known, groups=known_groups)
    found = _somebody_else(question) or _program(question, program)
    gids = found.own | granted_groups(granted, known, known_groups)
    gids |= asked_groups(settings.groups, settings.sources.get("groups", "groups"), known_groups)
    gids |= device_groups(devices, found.account.uid, gids, known_groups)[0]
    named = group_numbered(known_groups, found.account.gid)
    return Identity(
        name=found.account.name,
        uid=found.account.uid,
        gid=found.account.gid,
        group=named.name if named else str(found.account.gid),
        groups=tuple(sorted(gids)),
        home=found.account.home or "/",
        shell=found.account.shell or SHELL,
        why=found.why,
    )


class _Found:
    """An account with the numbers to become, and its own groups."""

    def __init__(self, account: Account, own: set[int], why: str) -> None:
        self.account = account
        self.own = own
        self.why = why


def _somebody_else(question: Question) -> _Found | None:
    """Whom `user` or `owner-of` names; None where they name nobody, but a group at most."""
    name, uid = question.user.name, uid_asked(question)
    if name is None and uid is None:
        return None
    entry = account_named(question.accounts, name) if name else None
    if uid is None:
        uid = _own_number(question, entry)
    entry = entry or account_numbered(question.accounts, uid.number)
    gid = gid_for(question, entry, uid).number
    account = Account(name=entry.name if entry else str(uid.number), uid=uid.number, gid=gid)
    if entry:
        account.home, account.shell = entry.home, entry.shell
    counts = question.settings.groups_policy == "merge"
    own = memberships(entry.name, question.groups) if entry and counts else set()
    return _Found(account, {gid} | own, uid.why)


def _own_number(question: Question, entry: Account | None) -> Number:
    """The uid of the account that `user` names, which must not be root's unless it is called so."""
    user = question.user
    if entry is None:
        raise BadSetting(
            f"{user.source}: the container has no account {user.name!r}"
            + nearest(user.name or "", [account.name for account in question.accounts]),
            "correct the name, or name a number",
        )
    uid = Number(number=entry.uid, why=user.source, asked=False)
    refuse_by_accident(question, entry, uid)
    return uid


def _program(question: Question, program: Identity) -> _Found:
    """The program's identity, in another group where `user` names one."""
    uid, user = Number(number=program.uid, why=program.why, asked=True), question.user
    asks_group = user.gid is not None or user.group is not None
    gid = gid_for(question, None, uid).number if asks_group else program.gid
    account = Account(name=program.name, uid=program.uid, gid=gid, home=program.home, shell=program.shell)
    return _Found(account, {gid} | (set(program.groups) - {program.gid}), program.why)
