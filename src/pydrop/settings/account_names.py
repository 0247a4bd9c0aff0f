"""Names of accounts and groups as people write them, and why something is neither a name nor an id."""

from pydrop.model import UserAsked
from pydrop.process import MAX_ID
from pydrop.settings.ids import LEAVE_UNCHANGED, identifier
from pydrop.settings.raw_setting import BLANKS, RawSetting, quoted
from pydrop.settings.values import items, path, text

LONGEST_NAME = 255  # bytes; LOGIN_NAME_MAX without its NUL
MARKS = {  # what a passwd or group line, a list of members, or a path would be broken by
    ":": "a colon",
    ",": "a comma",
    "/": "a slash",
}


def user(given: RawSetting) -> UserAsked:
    """NAME, UID, NAME:GROUP, UID:GID, :GROUP, or mixed. What is made of digits is a number."""
    who, colon, group = _word(given).partition(":")
    if ":" in group:
        raise given.refuse("has more than one colon", "write NAME:GROUP or UID:GID")
    if colon and not group.strip(BLANKS):
        raise given.refuse("has no group behind its colon", "leave the colon out, or name the group")
    account = name_or_number(given, who) if who.strip(BLANKS) else None
    second = name_or_number(given, group) if colon else None
    return UserAsked(
        name=account if isinstance(account, str) else None,
        uid=account if isinstance(account, int) else None,
        group=second if isinstance(second, str) else None,
        gid=second if isinstance(second, int) else None,
        source=given.source,
    )


def _word(given: RawSetting) -> str:
    """The value as text; a file may have a whole number without quotes."""
    if given.file and isinstance(given.value, int) and not isinstance(given.value, bool):
        return str(given.value)
    return text(given)


def groups(given: RawSetting) -> tuple[str | int, ...]:
    """Groups by name or number, each once."""
    found: list[str | int] = []
    for item in items(given, ","):
        if not isinstance(item, str | int) or isinstance(item, bool):
            raise given.refuse("has an item that is neither a name nor a number", 'write ["video", 109]')
        found.append(name_or_number(given, str(item)))
    return tuple(dict.fromkeys(found))


def home(given: RawSetting) -> str:
    """An absolute path that fits into a line of /etc/passwd."""
    folder = path(given)
    if ":" in folder or not folder.isprintable():
        raise given.refuse("has a colon or a control character, which would forge a line of /etc/passwd", "rename it")
    return folder


def name_or_number(given: RawSetting, part: str) -> str | int:
    word = part.strip(BLANKS)
    if _like_a_number(word):
        return identifier(given, word)
    fault = _name_fault(word)
    if fault:
        raise given.refuse(f"has {quoted(word)}, which {fault}", "write the name as /etc/passwd or /etc/group has it")
    return word


def _like_a_number(word: str) -> bool:
    """Whether some program would take it for a number (1_000, 0x10, +5, 1e3): then it is no name."""
    if not word or not (word[0].isdigit() or word[0] in "+-."):
        return False
    for reader in (lambda: int(word, 0), lambda: float(word)):
        try:
            reader()
        except ValueError:
            continue
        return True
    return word.isdigit()


def _name_fault(word: str) -> str:
    """Why this cannot be the name of an account or group; "" where it can."""
    if not word:
        return "is empty"
    if not word.isprintable():
        return "holds a control character or a byte that is no UTF-8"
    for mark, called in MARKS.items():
        if mark in word:
            return f"holds {called}"
    if any([c.isspace() for c in word]):
        return "holds a blank"
    if word[0] in "-+#" or word in (".", ".."):
        return f"begins with {word[0]}, which has a meaning of its own there"
    return "is longer than 255 bytes" if len(word.encode("utf-8")) > LONGEST_NAME else ""


def no_id(digits: str) -> str:
    """Why this is no id."""
    if digits.isascii() and digits.isdigit():
        if digits.lstrip("0") == LEAVE_UNCHANGED:
            return "is the kernel's word for 'leave unchanged': who asks for it stays root"
        return f"is larger than {MAX_ID}, the last id: the kernel cuts such a number off, which may leave 0, root"
    if digits[:1] in ("+", "-"):
        return "is not a number: it has a sign"
    if digits[:2].lower() in ("0x", "0o", "0b"):
        return "is not a number in plain digits: it is hexadecimal, octal or binary"
    if digits.replace("_", "").isdigit() and digits.isascii():
        return "is not a number: it has an underscore"
    if any([c.isdigit() for c in digits if not c.isascii()]):
        return "is not a number: it has digits of another script"
    return "is not a number"


def remedy_for_id(given: RawSetting, digits: str) -> str:
    remedy = f"write an id from 0 to {MAX_ID} in digits alone"
    if given.name == "only-from":
        return remedy
    if given.name not in ("puid", "pgid"):
        return f"{remedy}, or a name"
    if digits.isidentifier() and digits.isascii():
        form = digits if given.name == "puid" else f":{digits}"
        return f"{remedy}, as {given.source}=1000; for the name of an account or group, set PYDROP_USER={form}"
    return f"{remedy}, as {given.source}=1000 (on the host, id -u and id -g show yours)"
