"""Decides the account, the uid and the gid. Each number comes from the first source that gives one."""

from pydrop.accounts.lookup import account_named, account_numbered, group_named, group_or_error, nearest
from pydrop.errors import BadSetting, shortened
from pydrop.model import Account, Group, Settings, UserAsked, Value

DEFAULT_NAME = "app"
DEFAULT_ID = 1000


class Question(Value):
    """All inputs of a decision. `owner` is the (uid, gid) of the path of `owner-of`."""

    settings: Settings
    user: UserAsked
    owner: tuple[int, int] | None
    accounts: list[Account]
    groups: list[Group]


class Number(Value):
    """An id and its source `why`. `asked`: a person wrote the number, or named the thing that has it."""

    number: int
    why: str
    asked: bool


def uid_asked(question: Question) -> Number | None:
    """The uid from PUID, `user` or `owner-of`, in this order; None where none of them gives one.

    A path of `owner-of` that root owns gives none: no program becomes root by accident.
    """
    settings, user = question.settings, question.user
    if settings.puid is not None:
        return Number(number=settings.puid.number, why=settings.puid.source, asked=True)
    if user.uid is not None:
        return Number(number=user.uid, why=user.source, asked=True)
    if _names_root(question):
        return Number(number=0, why=user.source, asked=True)
    if settings.owner_of is not None and _owner(question)[0] != 0:
        return Number(number=_owner(question)[0], why=f"owner of {shortened(settings.owner_of)}", asked=True)
    return None


def passed_over(question: Question) -> tuple[str, ...]:
    """A warning where the owner of `owner-of` was to give the uid, and is root."""
    settings, user = question.settings, question.user
    if settings.owner_of is None or settings.puid is not None or user.uid is not None or _names_root(question):
        return ()
    if _owner(question)[0] != 0:
        return ()
    source, path = settings.sources.get("owner-of", "owner-of"), shortened(settings.owner_of)
    return (
        f"{source}={path} is passed over, since {path} belongs to root; "
        f"give it an owner on the host (sudo chown 1000:1000 ./data), or set PUID and PGID",
    )


def _names_root(question: Question) -> bool:
    """Whether `user` is the name root and means uid 0, as it does even where the image has no account files."""
    root = account_named(question.accounts, "root")
    return question.user.name == "root" and (root is None or root.uid == 0)


def _owner(question: Question) -> tuple[int, int]:
    path, source = question.settings.owner_of, question.settings.sources.get("owner-of", "owner-of")
    if question.owner is None:
        raise BadSetting(f"{source}={path} does not exist", "mount it, or name a path that is there")
    return question.owner


def chosen_account(question: Question, uid: Number | None) -> Account | None:
    """The account that `user` names; else `app`; else the one with the wanted number; None where it must be created.

    Raises BadSetting for a name that no account has and for which no setting gave a number.
    """
    user, known = question.user, question.accounts
    if user.name is not None:
        account = account_named(known, user.name)
        if account is None and uid is None:
            raise BadSetting(
                f"{user.source}: the image has no account {shortened(repr(user.name))}"
                + nearest(user.name, [a.name for a in known]),
                "correct the name, or set PUID=1000 to have an account of this name made",
            )
        return account
    if user.uid is not None and (named := account_numbered(known, user.uid)):
        return named
    return account_named(known, DEFAULT_NAME) or account_numbered(known, uid.number if uid else DEFAULT_ID)


def own_uid(former: Account | None) -> Number:
    """The uid where nobody asked for one: the account's, else 1000."""
    if former is None:
        return Number(number=DEFAULT_ID, why=f"built-in {DEFAULT_ID}:{DEFAULT_ID}", asked=False)
    return Number(number=former.uid, why=f"account {former.name} of the image", asked=False)


def refuse_by_accident(question: Question, former: Account | None, uid: Number) -> None:
    """Raise BadSetting where the program would become root unasked, or root's account would get another number."""
    if former is None:
        return
    if uid.number == 0:
        raise BadSetting(
            f"account {former.name} has uid 0 in /etc/passwd, and the program becomes root only where asked to",
            "set PUID=1000 to run it without root, or PUID=0 if it must be root",
        )
    if former is account_numbered(question.accounts, 0):
        raise BadSetting(
            f"{uid.why} asks for uid {uid.number}, but the account would be {former.name}, whose number 0 must stay",
            f"leave out what names {former.name}, or set PUID=0 if the program must be root",
        )


def gid_for(question: Question, former: Account | None, uid: Number) -> Number:
    """The gid from PGID, `user` or `owner-of`; else the account's own; for a new account the uid's number.

    The gid 0 of a path's owner is not used, since a folder's group is root's more often than anybody means it: then the
    uid's number is.
    Raises BadSetting for a group that does not exist, unless PGID gives it a number.
    """
    settings, user, owner = question.settings, question.user, question.owner
    if settings.pgid is not None:
        return Number(number=settings.pgid.number, why=settings.pgid.source, asked=True)
    if user.gid is not None:
        return Number(number=user.gid, why=user.source, asked=True)
    if user.group is not None:
        named_gid = _gid_named(question, user.group)
        return Number(number=named_gid, why=user.source, asked=named_gid != 0 or user.group == "root")
    if settings.owner_of is not None and owner is not None and 0 not in owner and uid.number != 0:
        return Number(number=owner[1], why=f"owner of {shortened(settings.owner_of)}", asked=True)
    if settings.owner_of is not None and uid.why == f"owner of {shortened(settings.owner_of)}":
        return Number(number=uid.number, why=uid.why, asked=True)
    if former is not None:
        return Number(number=former.gid, why=uid.why, asked=False)
    return Number(number=uid.number, why=uid.why, asked=False)


def _gid_named(question: Question, name: str) -> int:
    if name == "root" and group_named(question.groups, name) is None:  # an image without account files
        return 0
    return group_or_error(name, question.user.source, question.groups).gid
