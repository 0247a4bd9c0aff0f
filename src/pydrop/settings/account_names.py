"""Names of accounts and groups as people write them, and the reasons why a text is no such name."""

from pydrop.model import UserAsked
from pydrop.settings.ids import identifier
from pydrop.settings.raw_setting import BLANKS, RawSetting, quoted
from pydrop.settings.values import items, path, text

LONGEST_NAME = 255  # bytes; LOGIN_NAME_MAX without its NUL
MARKS = {  # characters that separate fields of a passwd or group line, members of a group, or names of a path
    ":": "a colon",
    ",": "a comma",
    "/": "a slash",
    '"': "a quote (an env file keeps them)",
    "'": "a quote (an env file keeps them)",
    "[": "a bracket",
    ";": "a semicolon",
}


def user(given: RawSetting) -> UserAsked:
    """NAME, UID, NAME:GROUP, UID:GID, :GROUP, or mixed. Digits are always a number, never a name."""
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
    folder = text(given)
    if ":" in folder or not folder.isprintable():
        raise given.refuse("has a colon or a control character, which would forge a line of /etc/passwd", "rename it")
    return path(given)


def name_or_number(given: RawSetting, part: str) -> str | int:
    """An account or group in `part` of the value. Raises BadSetting for what is neither a name nor an id."""
    word = part.strip(BLANKS)
    if _like_a_number(word):
        return identifier(given, word)
    fault = _name_fault(word)
    if fault:
        raise given.refuse(f"has {quoted(word)}, which {fault}", "write the name as /etc/passwd or /etc/group has it")
    return word


def _like_a_number(word: str) -> bool:
    """Whether some program would take the word for a number, as 1_000, 0x10, +5, 1e3: then it is refused as a name."""
    if not word or not (word[0].isdigit() or word[0] in "+-."):
        return False
    if len(word) > LONGEST_NAME:  # int() and float() refuse thousands of digits; no name is as long
        return word.replace("_", "").isdigit()
    for reader in (lambda: int(word, 0), lambda: float(word)):
        try:
            reader()
        except ValueError:
            continue
        return True
    return word.isdigit()


def _name_fault(word: str) -> str:
    """Why the word cannot be the name of an account or group; "" where it can."""
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
