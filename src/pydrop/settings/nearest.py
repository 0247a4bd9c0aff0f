"""The existing name that a misspelt name is most like. Loaded only where a name is wrong."""

from pydrop.errors import BadSetting

CLOSE = 0.4  # of the longer name's letters may differ where "did you mean" is said
LONGEST = 64  # letters; no name that exists is near a longer one, and to look would take time


class Misspelt(BadSetting):
    """A name that does not exist; `nearest` is the existing name that is most like it, "" where none is near."""

    def __init__(self, problem: str, remedy: str, nearest: str) -> None:
        super().__init__(problem, remedy)
        self.nearest = nearest


def misspelt(problem: str, word: str, names: dict[str, str], more: str = "") -> Misspelt:
    """The error for `word`. `names` maps each existing name to the name as messages show it. `more` is the remedy where
    none of them is near."""
    best = near(word, tuple(names))
    if not best:
        return Misspelt(problem, more or f"write one of {', '.join(dict.fromkeys(names.values()))}", "")
    return Misspelt(problem, f"did you mean {names[best]}?", names[best])


def near(word: str, names: tuple[str, ...]) -> str:
    """The name that differs least from `word`, where it is near; of several, the first in the alphabet; else ""."""
    if not 1 < len(word) <= LONGEST:
        return ""
    best = min(names, key=lambda name: (likeness(word, name), name))
    return best if likeness(word, best) <= CLOSE * max(len(word), len(best)) else ""


def likeness(word: str, name: str) -> float:
    """How much two names differ, case and `-` or `_` aside; 0 for names that are alike. A part of a name is near it."""
    a, b = (text.lower().replace("_", "-") for text in (word, name))
    if len(a) > 2 and len(b) > 2 and (a in b or b in a) and a != b:
        return min(distance(a, b), 1.5)
    return distance(a, b)


def distance(a: str, b: str) -> int:
    """Letters to add, drop, change or swap with a neighbour on the way from `a` to `b`."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(b, 1):
            steps = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                steps = min(steps, last[j - 2] + 1)
            row.append(steps)
    return row[-1]
