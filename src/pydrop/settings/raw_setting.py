"""One setting as a person gave it: its value, unparsed, and how messages name and show it."""

from pydrop.errors import BadSetting
from pydrop.model import Value

BLANKS = " \t\r\n"  # characters that env files and shells leave around a value
MOST_SHOWN = 200  # characters of a value that a message shows


class RawSetting(Value):
    """A setting's name, its source, and its value: text; from a file any TOML value.

    `file` is "" for options and variables; for a key it is the file, or the table in the file, that holds the key.
    """

    name: str
    source: str
    value: object
    file: str = ""

    def __str__(self) -> str:
        if self.file:
            return f"{self.name} = {as_toml(self.value)} in {self.file}"
        return f"{self.source}={quoted(str(self.value))}"

    def refuse(self, reason: str, remedy: str) -> BadSetting:
        """The error ``SOURCE=VALUE REASON; REMEDY``."""
        return BadSetting(f"{self} {reason}", remedy)

    def example(self, value: str) -> str:
        """`value` as this source spells it: ``PUID=1000``, ``--umask=022``, ``umask = "022"``."""
        return f'{self.name} = "{value}"' if self.file else f"{self.source}={value}"


def quoted(text: str) -> str:
    """The text as it is; in quotes where it is empty, or has blanks or odd characters, which would not show."""
    if text and text.isascii() and text.isprintable() and not any([c in " '\"" for c in text]):
        return shortened(text)
    return shortened(repr(text))


def as_toml(value: object) -> str:
    """A value as a settings file spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return shortened('"' + repr(value)[1:-1].replace('"', '\\"') + '"')
    if isinstance(value, list):
        return shortened("[" + ", ".join([as_toml(item) for item in value]) + "]")
    if isinstance(value, dict):
        return shortened("{" + ", ".join([f"{key} = {as_toml(item)}" for key, item in value.items()]) + "}")
    return shortened(str(value))


def shortened(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
