"""One setting as a person gave it: its value, unparsed, and the words to speak of it."""

from pydrop.errors import BadSetting
from pydrop.model import Value

BLANKS = " \t\r\n"  # what env files and shells leave around a value
MOST_SHOWN = 200  # characters of a value that a message shows


class RawSetting(Value):
    """A setting's name, where it came from, and its value: text, or from a file any TOML value.

    `file` is "" for options and variables; else the file, or the table in it, that holds the key.
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
        """How this source would say `value`: ``PUID=1000``, ``--umask=022``, ``umask = "022"``."""
        return f'{self.name} = "{value}"' if self.file else f"{self.source}={value}"


def quoted(text: str) -> str:
    """As it is where that is plain to see; else in quotes, so that blanks and odd characters show."""
    if text and text.isascii() and text.isprintable() and not any([c in " '\"" for c in text]):
        return shortened(text)
    return shortened(repr(text))


def as_toml(value: object) -> str:
    """A value as a settings file would spell it."""
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
