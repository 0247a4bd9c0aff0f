"""Builds the new text of passwd(5) and group(5): look-ups by name and by number find our entry first.

All other lines stay. A shadowed entry moves up, just before the first line that shadows it. Which lines shadow is
judged more generously than which lines are entries, because other readers are generous: glibc takes ``+5`` and skips
leading blanks, others read ``abc`` as 0. A malformed line with our name must not come before our entry either.
"""

from pydrop.accounts.account_lines import GROUP_FIELDS, PASSWD_FIELDS, REWRITING, fields_of, groups, parse_id
from pydrop.accounts.lookup import group_numbered
from pydrop.model import Account, AccountChange, Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# The names under which the new files are written, before they replace the old ones. A killed start leaves them behind.
NEW_FILES = {"passwd": ".passwd.pydrop", "group": ".group.pydrop"}


def passwd_with(text: str, change: AccountChange) -> str:
    """The text of passwd(5) with the change's account in it; `text` itself where nothing changes.

    An existing entry keeps its password, gecos, home and shell. Raises BadSetting where a new entry could
    forge another.
    """
    account, text = change.account, _settled(text)
    ids = {2: account.uid, 3: account.gid}
    return _with(text, account.name, ids, PASSWD_FIELDS, lambda: passwd_line(account))


def group_with(text: str, change: AccountChange) -> str:
    """The text of group(5) with the change's groups in it; `text` itself where nothing changes."""
    text = _with_group(_settled(text), change.group)
    for group in change.more_groups:
        if group_numbered(groups(text), group.gid) is None:
            text = _with_group(text, group)
    return text


def passwd_line(account: Account) -> str:
    """A new entry, without the newline. Raises BadSetting where a field could forge another.

    The password is ``*``, which no password matches. ``x`` would promise an entry in /etc/shadow; without such an
    entry PAM refuses even root's `su` to this account.
    """
    from pydrop.accounts.forgery import check_field, check_home, check_name

    check_name(account.name, "name of the account")
    check_field(account.gecos, "gecos of the account")
    check_home(account.home, "home of the account")
    check_field(account.shell, "shell of the account")
    return f"{account.name}:*:{account.uid}:{account.gid}:{account.gecos}:{account.home}:{account.shell}"


def _settled(text: str) -> str:
    """The text without what a killed rewriting in place left in it. Such a text may end in the middle of a line."""
    if text.endswith("\n") and REWRITING not in text:
        return text
    from pydrop.accounts.in_place_journal import settled

    return settled(text)


def _with_group(text: str, group: Group) -> str:
    return _with(text, group.name, {2: group.gid}, GROUP_FIELDS, lambda: _group_line(group))


def _group_line(group: Group) -> str:
    from pydrop.accounts.forgery import check_name

    check_name(group.name, "name of the group")
    return f"{group.name}:x:{group.gid}:"


def _with(text: str, name: str, ids: dict[int, int], count: int, new_line: "Callable[[], str]") -> str:
    """The text in which the entry `name` has `ids` (index of the field -> number) and no line shadows the entry."""
    lines = text.split("\n")
    own_index = _own_line(lines, name, ids, count)
    shadow = _first_shadow(lines, name, ids[2], own_index)
    if own_index is None:
        return _inserted(lines, shadow, new_line())
    line = _renumbered(lines[own_index], ids)
    if shadow is not None and shadow < own_index:
        del lines[own_index]
        lines.insert(shadow, line)
    elif line == lines[own_index]:
        return text
    else:
        lines[own_index] = line
    return "\n".join(lines)


def _own_line(lines: list[str], name: str, ids: dict[int, int], count: int) -> int | None:
    """The index of our entry: one that has the numbers already, else the first of that name."""
    first = None
    for index, line in enumerate(lines):
        if not line.startswith(name):
            continue
        fields = fields_of(line, count)
        if fields is None or fields[0] != name or any(parse_id(fields[i]) is None for i in ids):
            continue
        if all(parse_id(fields[i]) == number for i, number in ids.items()):
            return index
        if first is None:
            first = index
    return first


def _first_shadow(lines: list[str], name: str, number: int, own: int | None) -> int | None:
    """The index of the first line, except `own`, that any reader could take for our name or number."""
    digits = str(number)
    for index, line in enumerate(lines):
        if index == own or (digits not in line and name not in line):
            continue
        fields = line.strip().split(":")
        if fields[0] == name:
            return index
        if len(fields) > 2 and not line.startswith("#") and _same_number(fields[2], digits):
            return index
    return None


def _same_number(field: str, digits: str) -> bool:
    return field == digits or field.strip().lstrip("+").lstrip("0").rjust(1, "0") == digits


def _renumbered(line: str, ids: dict[int, int]) -> str:
    fields = line.split(":")
    for index, number in ids.items():
        if parse_id(fields[index]) != number:
            fields[index] = str(number)
    return ":".join(fields)


def _inserted(lines: list[str], before: int | None, line: str) -> str:
    """The text with `line` before that index, else at the end; a last line without a newline gets one."""
    if before is not None:
        return "\n".join([*lines[:before], line, *lines[before:]])
    ended = lines[:-1] if lines[-1] == "" else lines
    return "\n".join([*ended, line, ""])
