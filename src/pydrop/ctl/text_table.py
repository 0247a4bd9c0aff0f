"""Tables as `pydropctl` prints them: as wide as the terminal, with one column folded into the room of the others."""

import shutil
import textwrap
from collections.abc import Callable, Sequence

from pydrop.report import columns_of, escaped

Row = tuple[str, ...]
Paint = Callable[[int, str], str]  # (number of the column, text) -> the text with its colours

# All in columns of the terminal.
GAP = 2  # between two columns of the table
NARROWEST = 24  # of the folded column, however narrow the terminal is
WIDEST = 28  # of each other column; a longer text before the folded column gets a line of its own


def width() -> int:
    """The columns of the terminal, at least 20. The variable COLUMNS wins; 120 where standard output is no terminal."""
    return max(shutil.get_terminal_size((120, 24)).columns, 20)


def lines(
    rows: Sequence[Row], folded: int, right: tuple[int, ...] = (), paint: Paint = lambda _, text: text
) -> list[str]:
    """The rows as lines. Column `folded` is folded; the columns in `right` are aligned to the right.

    Texts are escaped here, so that no name that a stranger wrote can control the terminal."""
    rows = [tuple([escaped(cell) for cell in row]) for row in rows]
    widths = [_width([columns_of(row[column]) for row in rows], column - folded) for column in range(len(rows[0]))]
    others = sum([size + GAP for column, size in enumerate(widths) if column != folded])
    widths[folded] = min(widths[folded], max(NARROWEST, width() - others))
    indent = " " * sum([size + GAP for size in widths[:folded]])
    printed = []
    for row in rows:
        parts = fold(row[folded], widths[folded])
        before, behind = list(row[:folded]), list(row[folded + 1 :])
        if any([columns_of(cell) > WIDEST for cell in before]):  # such a text gets a line of its own
            printed.append(_line([*before, ""], widths, right, paint))
            before = [""] * folded
        printed.append(_line([*before, parts[0], *behind], widths, right, paint))
        printed += [indent + paint(folded, part) for part in parts[1:]]
    return printed


def _width(sizes: list[int], side: int) -> int:
    """The width of a column; `side` is its number minus the folded column's.

    Before the folded column a text longer than WIDEST does not count. Behind it the width is WIDEST at most."""
    if side < 0:
        return max([size for size in sizes if size <= WIDEST], default=0)
    return max(sizes) if side == 0 else min(max(sizes), WIDEST)


def _line(cells: list[str], widths: list[int], right: tuple[int, ...], paint: Paint) -> str:
    padded = []
    for column, cell in enumerate(cells):
        blanks = " " * max(0, widths[column] - columns_of(cell))
        padded.append(blanks + paint(column, cell) if column in right else paint(column, cell) + blanks)
    return (" " * GAP).join(padded).rstrip()


def fold(text: str, columns: int) -> list[str]:
    """The text in lines of at most `columns` columns; at least one line."""
    return textwrap.wrap(text, max(columns, 1), break_on_hyphens=False) or [""]
