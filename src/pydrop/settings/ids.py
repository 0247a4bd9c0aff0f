"""Ids of accounts and groups as people write them: strictly, since what slips through may be root.

Python's `int()` takes signs, underscores and the digits of every script, the kernel keeps the last
32 bits of what it is given, and 4294967295 is its word for "leave unchanged": all are refused.
"""

from pydrop.errors import shortened
from pydrop.model import NumberAsked
from pydrop.process import MAX_ID
from pydrop.settings.raw_setting import BLANKS, RawSetting, quoted

LEAVE_UNCHANGED = str(MAX_ID + 1)  # (uid_t)-1, setresuid(2)


def number(given: RawSetting) -> NumberAsked:
    """PUID or PGID."""
    if not isinstance(given.value, str | int) or isinstance(given.value, bool):
        raise given.refuse("is not a number", _remedy(given, ""))
    return NumberAsked(number=identifier(given, str(given.value)), source=given.source)


def identifier(given: RawSetting, word: str) -> int:
    """A uid or gid, 0 to 4294967294, in ASCII digits alone; blanks, CR and LF around it are trimmed."""
    digits = word.strip(BLANKS)
    if digits.isascii() and digits.isdigit() and len(digits.lstrip("0")) <= len(LEAVE_UNCHANGED):
        number = int(digits.lstrip("0") or "0")
        if number <= MAX_ID:
            return number
    whole = "" if digits == str(given.value).strip(BLANKS) else f"has {quoted(digits)}, which "
    raise given.refuse(whole + _fault(digits), _remedy(given, digits))


def _fault(digits: str) -> str:
    """Why the digits are no id."""
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


def _remedy(given: RawSetting, digits: str) -> str:
    example = f"{given.name} = 1000" if given.file else f"{given.source}=1000"
    remedy = f"write an id from 0 to {MAX_ID} in digits alone"
    if given.name == "only-from":
        return remedy
    if given.name not in ("puid", "pgid"):
        return f"{remedy}, or a name"
    if digits.isidentifier() and digits.isascii():
        form = shortened(digits if given.name == "puid" else f":{digits}")
        return f"{remedy}, as {example}; for the name of an account or group, set PYDROP_USER={form}"
    return f"{remedy}, as {example} (on the host, id -u and id -g show yours)"
