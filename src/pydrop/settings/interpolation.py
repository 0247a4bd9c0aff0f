"""Fills ``${NAME}`` and ``${NAME:-default}`` in the texts of the settings file from the environment, as Compose does.

Each text is filled once, after TOML was parsed: what comes in is one value, never two, and never a key. ``$$`` is a
dollar, a ``$`` before anything else is text. A text that becomes empty by it is as if its key, or its place in a list,
were not there; a ``[[volume]]`` whose path becomes empty is none.
"""

from pydrop.errors import BadSetting
from pydrop.settings.raw_setting import BLANKS, Filled, as_toml, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    Place = tuple[str | int, ...]
    Fault = tuple[Place, BadSetting]

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
NAME = LETTERS | frozenset("0123456789")
MOST_FILLED = 1 << 20  # characters of variables in all texts of a file
REMEDY = "write ${NAME} or ${NAME:-default}, and $$ for a dollar"


class FilledTable(dict[str, object]):
    """A table that was filled already, and is not filled twice."""


def filled(table: dict[str, object] | None, environment: tuple[str, ...], file: str) -> FilledTable:
    """The file's table with its texts filled. Raises BadSetting for the first text that cannot be."""
    if isinstance(table, FilledTable):
        return table
    result, faults = review(table or {}, environment, file)
    if faults:
        raise faults[0][1]
    return result


def review(table: dict[str, object], environment: tuple[str, ...], file: str) -> "tuple[FilledTable, list[Fault]]":
    """The filled table, without the values that cannot be filled, and everything that is wrong, each with its place."""
    filling = _Filling(environment, file)
    result = FilledTable()
    for key, value in table.items():
        found = filling.value(value, (key,))
        if found is not None:
            result[key] = found
    return result, filling.faults


class _Filling:
    def __init__(self, environment: tuple[str, ...], file: str) -> None:
        self.values: dict[str, str] = {}
        for line in environment:
            name, _, value = line.partition("=")
            self.values.setdefault(name, value.strip(BLANKS))
        self.file = file
        self.room = MOST_FILLED
        self.faults: list[Fault] = []

    def value(self, value: object, place: "Place") -> object:
        """The value with all texts in it filled; None where it is as if it were not there."""
        if isinstance(value, str):
            return self.text(value, place) if "$" in value else value
        if isinstance(value, list) and place == ("volume",):  # one that is left out keeps its place, for messages
            return [self.value(item, (*place, i)) for i, item in enumerate(value)]
        if isinstance(value, list):
            return [new for i, item in enumerate(value) if (new := self.value(item, (*place, i))) is not None]
        if isinstance(value, dict):
            found = {key: new for key, item in value.items() if (new := self.value(item, (*place, key))) is not None}
            return None if "path" in value and "path" not in found else found
        return value

    def text(self, written: str, place: "Place") -> str | None:
        try:
            parts, names = self._parts(written)
        except _Unfillable as why:
            self.faults.append((place, BadSetting(f"{place[0]} = {as_toml(written)} in {self.file} {why}", REMEDY)))
            return None
        result = Filled("".join(parts))
        result.written, result.names = written, tuple(names)
        return result if not names or result.strip(BLANKS) else None

    def _parts(self, written: str) -> tuple[list[str], list[str]]:
        parts: list[str] = []
        names: list[str] = []
        at = 0
        while (dollar := written.find("$", at)) >= 0:
            parts.append(written[at:dollar])
            at = dollar + 2
            if written[dollar + 1 : at] == "$":
                parts.append("$")
            elif written[dollar + 1 : at] == "{":
                end = written.find("}", at)
                if end < 0:
                    raise _Unfillable("has a ${ without its }")
                parts.append(self._reference(written[at:end], names))
                at = end + 1
            else:
                parts.append("$")
                at = dollar + 1
        return [*parts, written[at:]], names

    def _reference(self, inner: str, names: list[str]) -> str:
        """The value of what stands between ``${`` and ``}``."""
        name, operator, default = inner.partition(":-")
        if "${" in inner:
            raise _Unfillable("has a ${ within another one, which is not filled")
        if not name or name[0] not in LETTERS or not NAME.issuperset(name):
            raise _Unfillable(f"has ${{{quoted(inner)}}}, which is not ${{NAME}} or ${{NAME:-default}}")
        names.append(name)
        value = self.values.get(name)
        if value is None and not operator:
            raise _Unfillable(f"has ${{{quoted(name)}}}, a variable that is not set and has no default")
        self.room -= len(value or "")
        if self.room < 0:
            raise _Unfillable(f"is filled with more than {MOST_FILLED >> 20} MiB of variables")
        return value or default.replace("$$", "$")


class _Unfillable(Exception):
    """Why a text cannot be filled."""
