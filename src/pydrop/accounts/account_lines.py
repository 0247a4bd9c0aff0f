"""Parses the lines of passwd(5) and group(5), and tells entries from lines that only look like entries."""

from pydrop.errors import BadSetting
from pydrop.model import Account, Group
from pydrop.process import MAX_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PASSWD_FIELDS = 7
GROUP_FIELDS = 4

MOST_LINES = 50_000  # of a file, and LARGEST_FILE its characters: parsing as many takes a quarter of a second
LARGEST_FILE = 1 << 23

REWRITING = "# pydrop rewrites this file: "  # how the lines of in_place_journal begin


def parse_id(text: str) -> int | None:
    """The id that `text` spells, or None. An id is ASCII digits alone, 0 to 4294967294; no blank, no sign."""
    if not (text.isascii() and text.isdigit()):
        return None
    if len(text) > 10:  # int() refuses thousands of digits; eleven without leading zeros are too many
        text = text.lstrip("0")[:11] or "0"
    number = int(text)
    return number if number <= MAX_ID else None


def fields_of(line: str, count: int) -> list[str] | None:
    """The `count` fields of an entry; None for a comment, a NIS line (``+``, ``-``) or a malformed one.

    A CR at the end counts as part of the line's end. A name with white space makes a line malformed, since readers
    disagree about white space: glibc skips leading blanks, musl does not.
    """
    if line.endswith("\r"):
        line = line[:-1]
    fields = line.split(":")
    name = fields[0]
    if len(fields) != count or not name or name[0] in "#+-" or " " in name:
        return None
    if not (line.isascii() and line.isprintable()) and (has_control(line) or any(c.isspace() for c in name)):
        return None
    return fields


def has_control(text: str) -> bool:
    """Whether an ASCII control character is in `text`."""
    return any(character < " " or character == "\x7f" for character in text)


def _require_moderate(text: str, path: str) -> None:
    """BadSetting for a file that takes long to parse: a start would wait for it, and more than once."""
    if len(text) > LARGEST_FILE or text.count("\n") > MOST_LINES:
        raise BadSetting(
            f"{path} has more than {MOST_LINES} lines, or {LARGEST_FILE >> 20} MiB",
            "keep the entries in it that the image needs; no other can be looked up in time",
        )


def accounts(text: str) -> list[Account]:
    """The entries of passwd(5) in the order of the file; a malformed line is skipped."""
    _require_moderate(text, "/etc/passwd")
    entries = []
    for line in text.split("\n"):  # splitlines() would also split where no reader of the file does
        fields = fields_of(line, PASSWD_FIELDS)
        if fields is None:
            continue
        name, _password, uid_text, gid_text, gecos, home, shell = fields
        uid, gid = parse_id(uid_text), parse_id(gid_text)
        if uid is not None and gid is not None:
            entries.append(Account(name=name, uid=uid, gid=gid, gecos=gecos, home=home, shell=shell))
    return entries


def entries_alone(text: str, entries: "Callable[[str], list[Account] | list[Group]]") -> str:
    """The lines of an account file that `entries` (`accounts` or `groups`) parses; nss_wrapper(1) accepts no others."""
    return "".join([f"{line}\n" for line in text.split("\n") if entries(line)])


def groups(text: str) -> list[Group]:
    """The entries of group(5) in the order of the file; a malformed line is skipped."""
    _require_moderate(text, "/etc/group")
    entries = []
    for line in text.split("\n"):
        fields = fields_of(line, GROUP_FIELDS)
        if fields is None:
            continue
        name, _password, gid_text, members = fields
        gid = parse_id(gid_text)
        if gid is not None:
            entries.append(Group(name=name, gid=gid, members=tuple([m for m in members.split(",") if m])))
    return entries
