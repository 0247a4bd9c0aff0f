"""One setting as a person gave it: its value, unparsed, and how messages name and show it."""

from pydrop import option_words
from pydrop.errors import MOST_SHOWN, BadSetting, shortened
from pydrop.model import Value

BLANKS = option_words.BLANKS
ODD_MARKS = ",;\t\r\n\"'[]"  # what no plain list of paths holds; a path that does is named in the file
MOST_ITEMS = 500  # of a list: more would cost time before the work begins, and no image has them
LONGEST_PATH = 4095  # characters; the kernel takes none that is longer (PATH_MAX)
DEEPEST_SHOWN = 3  # lists in a list, of which a message shows what is in them
SECRET = ("PASS", "PWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH", "PRIVATE")  # in the name of a variable


class Filled(str):
    """A text that was filled: `written` is what stands in the file, `names` are the variables that filled it."""

    written: str
    names: tuple[str, ...]

    @property
    def secret(self) -> bool:
        """Whether it may hold a secret, by the name of a variable; then no message shows it."""
        return any([word in name.upper() for name in self.names for word in SECRET])


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
    text, cut = text[:MOST_SHOWN], len(text) > MOST_SHOWN
    if text and text.isascii() and text.isprintable() and not any([c in " '\"" for c in text]):
        return f"{text[:-3]}…" if cut else text
    return shortened(repr(text) + ("…" if cut else ""))


def as_toml(value: object, depth: int = 0) -> str:
    """A value as a settings file spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Filled):
        written = as_toml(value.written)
        return written if value.secret else f"{as_toml(str(value))} (from {written})"
    if isinstance(value, str):
        written = shortened('"' + repr(value[:MOST_SHOWN])[1:-1].replace('"', '\\"') + '"')
        return written if len(value) <= MOST_SHOWN else f"{written.removesuffix('…')[:-3]}…"
    if isinstance(value, list | dict) and depth > DEEPEST_SHOWN:
        return "…"
    if isinstance(value, list):
        return shortened("[" + ", ".join([as_toml(item, depth + 1) for item in value[:MOST_SHOWN]]) + "]")
    if isinstance(value, dict):
        pairs = [f"{quoted(key)} = {as_toml(item, depth + 1)}" for key, item in list(value.items())[:MOST_SHOWN]]
        return shortened("{" + ", ".join(pairs) + "}")
    return shortened(str(value))
