"""USER[:GROUP] of gosu and su-exec, and the names and numbers of s6-setuidgid: text -> Identity.

The original tools read numbers as C and Go do. Those also accept a sign, cut off a number that is too large, or take
the caller's id for an empty word. Each of these ways has made somebody root. Here a number is ASCII digits alone, any
other word is a name, and a name must be an entry of the account files. The module is pure: it gets the files' text.
"""

from pydrop.accounts.account_lines import accounts, groups, parse_id
from pydrop.accounts.lookup import account_named, account_numbered, group_named, nearest
from pydrop.accounts.memberships import memberships
from pydrop.errors import FAILED, BadSetting, shortened
from pydrop.model import Account, Group, Identity, Value
from pydrop.process import MAX_ID


class Files(Value):
    """The entries of the account files, and the caller: (uid, gid) of this process before the drop."""

    accounts: list[Account]
    groups: list[Group]
    caller: tuple[int, int]


def files(passwd: str, group: str, caller: tuple[int, int]) -> Files:
    """The entries in the text of both files. A malformed line is skipped."""
    return Files(accounts=accounts(passwd), groups=groups(group), caller=caller)


def identity(spec: str, known: Files, with_gid: bool) -> Identity:
    """The identity that USER[:GROUP] names.

    Its `groups` are those that list the account in group(5), and none where a GROUP is named; with `with_gid` the gid
    is among them. Its `home` is that of the account's entry, `/` where there is no entry. Raises BadSetting for a word
    that is no number and no entry, and for an account with uid 0 where the word is not 0 or root.
    """
    user, group = _two_words(spec)
    uid, account = _user(user, known)
    if account is None:
        account, listed = _without_entry(uid, known.caller), set()
    else:
        listed = memberships(account.name, known.groups)
    gid, listed = (_gid(group, known), set()) if group else (account.gid, listed)
    return _identity(account, gid, listed | {gid} if with_gid else listed)


def account_identity(name: str, known: Files, code: int) -> Identity:
    """The identity of account `name`. Its groups are its gid and those that list it. `code` is an error's exit code."""
    account = account_named(known.accounts, name)
    if account is None:
        hint = (
            f"write {shortened(name)}:{shortened(name)} for the numbers"
            if parse_id(name) is not None
            else "correct the name"
        )
        raise BadSetting(_no_account(name, known), hint, code)
    _refuse_root_by_accident(account, name, code)
    return _identity(account, account.gid, memberships(name, known.groups) | {account.gid})


def numbers_identity(spec: str, code: int) -> Identity:
    """The identity that UID:GID names. Both must be numbers. The account files do not count; the only group is GID."""
    first, _, second = spec.partition(":")
    uid, gid = number(first, code), number(second, code)
    if uid is None or gid is None:
        raise BadSetting(
            f"{shortened(repr(spec))} is not UID:GID in digits alone", "write both numbers (is a variable empty?)", code
        )
    return _identity(Account(name=first, uid=uid, gid=gid), gid, {gid})


def number(word: str, code: int = FAILED) -> int | None:
    """The id in `word`, None where it is no number. BadSetting for a number that no process can have as its id."""
    parsed = parse_id(word)
    if parsed is None and word.isascii() and word.isdigit():
        raise BadSetting(
            f"{shortened(word)} is no id that a process can have: the kernel would leave the id as it is, or cut the "
            "number off",
            f"use one from 0 to {MAX_ID}",
            code,
        )
    return parsed


def _two_words(spec: str) -> tuple[str, str]:
    user, _, group = spec.partition(":")
    if ":" in group:
        raise BadSetting(f"{shortened(repr(spec))} has more than one colon", "write USER:GROUP")
    if not user:
        raise BadSetting(
            f"{shortened(repr(spec))} names no user, and the one who runs this, who may be root, is nobody's by "
            "accident",
            "name the user (is a variable empty?)",
        )
    return user, group


def _user(word: str, known: Files) -> tuple[int, Account | None]:
    """The uid, and the account that has it, None where no account does."""
    uid = number(word)
    if uid is not None:
        return uid, account_numbered(known.accounts, uid)
    account = account_named(known.accounts, word)
    if account is None:
        raise BadSetting(_no_account(word, known), "correct the name, or write a number in digits alone")
    _refuse_root_by_accident(account, word, FAILED)
    return account.uid, account


def _gid(word: str, known: Files) -> int:
    gid = number(word)
    if gid is not None:
        return gid
    group = group_named(known.groups, word)
    if group is None:
        near = nearest(word, [group.name for group in known.groups])
        raise BadSetting(
            f"there is no group {shortened(repr(word))} in /etc/group{near}", "correct the name, or write a number"
        )
    return group.gid


def _without_entry(uid: int, caller: tuple[int, int]) -> Account:
    """The account of a uid without an entry. Its gid, where no GROUP names one, is the uid's number.

    gosu and su-exec take the caller's gid, which is root's. It is taken here only for a caller that is not root and
    asks for its own uid: such a caller holds that gid already."""
    return Account(name=str(uid), uid=uid, gid=caller[1] if uid == caller[0] != 0 else uid)


def _refuse_root_by_accident(account: Account, word: str, code: int) -> None:
    if account.uid == 0 and word != "root":
        raise BadSetting(
            f"account {shortened(word)} has uid 0 in /etc/passwd, and root is given only to who asks for it",
            "write root, or 0, if the command must be root",
            code,
        )


def _no_account(name: str, known: Files) -> str:
    return f"there is no account {shortened(repr(name))} in /etc/passwd" + nearest(
        name, [account.name for account in known.accounts]
    )


def _identity(account: Account, gid: int, gids: set[int]) -> Identity:
    return Identity(
        name=account.name,
        uid=account.uid,
        gid=gid,
        group="",
        groups=tuple(sorted(gids)),
        home=account.home,
        shell=account.shell,
        why="asked for",
    )
