"""The umask as people write it: octal."""

from pydrop.settings.raw_setting import BLANKS, RawSetting
from pydrop.settings.values import text


def umask(given: RawSetting) -> int:
    """Octal, 0 to 0777, in one, three or four digits.

    Two digits are refused: YAML turns an unquoted 027 into 23, which is a umask too, but another one.
    """
    quotes = "" if given.file else " (YAML needs quotes: it reads 022 as the number 18)"
    remedy = f"write three octal digits, as {given.example('022')}{quotes}"
    if isinstance(given.value, int) and not isinstance(given.value, bool):
        raise given.refuse("is a number, of which nobody can tell whether it was octal", remedy)
    word = text(given).strip(BLANKS)
    digits = word[2:] if word[:2] in ("0o", "0O") else word
    if not digits or digits.strip("01234567") or not digits.isascii():
        raise given.refuse("is not octal (digits 0 to 7)", remedy)
    if len(word) == 2:
        raise given.refuse("has two digits, which may be what YAML made of an octal number", remedy)
    if len(digits) > 4 or int(digits, 8) > 0o777:
        raise given.refuse("is larger than 0777", remedy)
    return int(digits, 8)
