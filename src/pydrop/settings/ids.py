"""Ids of accounts and groups as people write them: strictly, since what slips through may be root.

Python's `int()` takes signs, underscores and the digits of every script, the kernel keeps the last
32 bits of what it is given, and 4294967295 is its word for "leave unchanged": all are refused.
"""

from pydrop.model import NumberAsked
from pydrop.process import MAX_ID
from pydrop.settings.raw_setting import BLANKS, RawSetting, quoted

LEAVE_UNCHANGED = str(MAX_ID + 1)  # (uid_t)-1, setresuid(2)


def asked(given: RawSetting) -> NumberAsked:
    """PUID or PGID."""
    return NumberAsked(number=identifier(given, str(given.value)), source=given.source)


def identifier(given: RawSetting, word: str) -> int:
    """A uid or gid, 0 to 4294967294, in ASCII digits alone; blanks, CR and LF around it are trimmed."""
    digits = word.strip(BLANKS)
    if digits.isascii() and digits.isdigit() and len(digits.lstrip("0")) <= len(LEAVE_UNCHANGED):
        number = int(digits.lstrip("0") or "0")
        if number <= MAX_ID:
            return number
    whole = "" if digits == str(given.value).strip(BLANKS) else f"has {quoted(digits)}, which "
    from pydrop.settings.account_names import no_id, remedy_for_id

    raise given.refuse(whole + no_id(digits), remedy_for_id(given, digits))
