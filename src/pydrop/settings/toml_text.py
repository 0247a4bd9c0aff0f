"""The settings file's bytes as a table. No text of any size or form takes long, or is more than an error.

What Python's own reader of TOML does not bound is bounded here: it fails for thousands of digits or brackets, and works
for hours at a name of thousands of parts.
"""

from pydrop.errors import BadSetting, shortened
from pydrop.settings.raw_setting import quoted

LARGEST_FILE = 1 << 18  # bytes; ten thousand volumes fit, and no text of this size takes a second
MOST_PARTS = 4  # of a dotted name; the settings have two
DEEPEST = 8  # tables and lists in each other; the settings have four
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # its byte order marks
LARGEST_NUMBER = (1 << 63) - 1  # TOML's own


class NotToml(BadSetting):
    """The settings file is no TOML that is taken. `reason` is without the place; `line` and `column` count from 1, 0
    is none."""

    def __init__(self, file: str, reason: str, line: int = 0, column: int = 0) -> None:
        place = f" (at line {line}{f', column {column}' if column else ''})" if line else ""
        reason = shortened(reason)
        super().__init__(f"{file} is no TOML: {reason}{place}", f"try it with: pydropctl check {file}")
        self.reason, self.line, self.column = reason, line, column


def table_of(content: bytes, file: str) -> dict[str, object]:
    """The file's table. Raises NotToml; ImportError where Python has no tomllib (python3-minimal)."""
    import tomllib

    text = text_of(content, file)
    _require_short_names(text, file)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, file) from error
    except (ValueError, RecursionError) as error:  # digits beyond what int() takes; brackets in brackets
        raise NotToml(file, "a number or a nesting in it is larger than any setting is") from error
    _require_moderate(table, file, "")
    return table


def text_of(content: bytes, file: str) -> str:
    """The bytes as text, without the byte order mark that some editors put in front. Raises NotToml for too many, and
    for what is no UTF-8."""
    if len(content) > LARGEST_FILE:
        raise NotToml(file, f"it is larger than {LARGEST_FILE >> 10} KiB, which no settings file is")
    if content.startswith(UTF_16):
        raise NotToml(file, "it is UTF-16, where TOML is UTF-8: save it as that", 1)
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise NotToml(file, "it is not UTF-8", content[: error.start].count(b"\n") + 1) from error


def _syntax_error(message: str, text: str, file: str) -> NotToml:
    """tomllib's words end in a place: ``... (at line 3, column 5)`` or ``(at end of document)``."""
    reason, _, place = message.removesuffix(")").rpartition(" (at ")
    numbers = [int(word) for word in place.replace(",", " ").split() if word.isascii() and word.isdigit()]
    line, column = numbers if len(numbers) == 2 else (text.count("\n") + 1, 0)
    return NotToml(file, reason or message, line, column)


def _require_short_names(text: str, file: str) -> None:
    """A name of n parts costs tomllib n³ steps. Names stand where a line begins, with or without brackets."""
    import re

    part = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+"""
    found = re.search(rf"^[ \t]*+\[{{0,2}}[ \t]*+(?:{part}\.[ \t]*+){{{MOST_PARTS}}}", text, re.MULTILINE)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise NotToml(file, f"the name {quoted(found[0].strip())} has more than {MOST_PARTS} parts", line)


def _require_moderate(value: object, file: str, name: str, depth: int = 0) -> None:
    """What follows may turn a number into text, and go down into lists, which both has bounds in Python."""
    if isinstance(value, int) and not -LARGEST_NUMBER - 1 <= value <= LARGEST_NUMBER:
        raise NotToml(file, f"{quoted(name)} has a number of more than 64 bits")
    if depth > DEEPEST:
        raise NotToml(file, f"{quoted(name)} has more than {DEEPEST} lists or tables in each other")
    if isinstance(value, dict):
        for key, item in value.items():
            _require_moderate(item, file, name or key, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _require_moderate(item, file, name, depth + 1)
