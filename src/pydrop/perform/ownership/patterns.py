"""The `exclude` of a volume: shell patterns on paths relative to it.

A path in a deep tree is long, and many names share its beginning. So the beginning is never matched again: a folder
keeps how far its own path has come in each pattern, and a name in it is compared with what is left of the patterns.
That costs the same at any depth.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    Excluded = Callable[[str], object]

    class Placed(Protocol):
        """What of a folder on the way matters here; see folder.Folder."""

        name: str
        place: int | None

        @property
        def above(self) -> "Placed | None": ...


MOST_KEPT = 256  # remainders of patterns that are kept compiled: who chooses the folders' names could make ever more


class Patterns:
    """At least one pattern. As in fnmatch(3) without flags, ``*`` also matches slashes.

    ``*/lost+found`` means the one at the top too, and ``/cache`` is the same as ``cache``: the one at the top alone.

    A place is a bit mask. Each pattern has a bit for every token but the stars, and one for its end; the bit is set
    where all before that token has matched. A star in front of a token lets its bit stay, whatever comes.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        trimmed = [pattern.removeprefix("./").strip("/") for pattern in patterns]
        trimmed += [pattern[2:] for pattern in trimmed if pattern.startswith("*/")]
        self._begin = 0
        self._stay = 0
        self._any = 0  # the bits that any character moves on
        self._literals: dict[str, int] = {}  # a character -> the bits that it moves on
        self._classes: list[tuple[int, Excluded]] = []  # a bit, and whether a character moves it on
        self._rest: list[str] = []  # by number of a bit: the pattern from there on
        self._compiled: dict[int, Excluded] = {}  # a place -> whether a name there is excluded
        for pattern in trimmed:
            self._add(pattern)

    def _add(self, pattern: str) -> None:
        at, self._begin = 0, self._begin | 1 << len(self._rest)
        while True:
            bit = 1 << len(self._rest)
            self._rest.append(pattern[at:])
            while pattern[at : at + 1] == "*":
                self._stay |= bit
                at += 1
            token = _token(pattern, at)
            if not token:
                return
            if token == "?":  # noqa: S105 # a token of a pattern
                self._any |= bit
            elif len(token) == 1:
                self._literals[token] = self._literals.get(token, 0) | bit
            else:
                self._classes.append((bit, _compiled([token])))
            at += len(token)

    def inside(self, folder: "Placed") -> "Excluded | None":
        """Whether an entry of this name in `folder` is excluded; None where none can be, nor below."""
        if folder.place is None:
            self._find(folder)
        place = folder.place or 0
        if place and place not in self._compiled:
            if len(self._compiled) >= MOST_KEPT:
                self._compiled.clear()
            rests = [rest for number, rest in enumerate(self._rest) if place >> number & 1]
            self._compiled[place] = _compiled(sorted(set(rests)))
        return self._compiled[place] if place else None

    def _find(self, folder: "Placed") -> None:
        """Set the places of a folder and of those above it that have none yet."""
        way = [folder]
        while way[-1].above is not None and way[-1].above.place is None:
            way.append(way[-1].above)
        for each in reversed(way):
            above = each.above
            each.place = self._begin if above is None else self._after(above.place or 0, f"{each.name}/")

    def _after(self, place: int, text: str) -> int:
        for character in text:
            if not place:
                break
            moved = self._any | self._literals.get(character, 0)
            for bit, accepts in self._classes:
                if place & bit and accepts(character):
                    moved |= bit
            place = (place & moved) << 1 | place & self._stay
        return place


def _token(pattern: str, at: int) -> str:
    """The character there, or a whole [class] as fnmatch reads it; "" at the end."""
    if pattern[at : at + 1] != "[":
        return pattern[at : at + 1]
    inner = at + 2 if pattern[at + 1 : at + 2] == "!" else at + 1
    end = pattern.find("]", inner + 1)
    return pattern[at : end + 1] if end >= 0 else "["


def _compiled(patterns: list[str]) -> "Excluded":
    import fnmatch  # brings `re`, 6 ms: only where something is excluded
    import re

    return re.compile("|".join([fnmatch.translate(pattern) for pattern in patterns])).match
