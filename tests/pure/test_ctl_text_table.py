"""The tables of pydropctl: as wide as the terminal, whoever wrote what is in them."""

import pytest

from pydrop.ctl import text_table

pytestmark = pytest.mark.python  # how wide a character is

ROWS = [("", "KIND", "WORDS", "WHY"), ("1", "a", "one two three four five six seven", "x"), ("10", "bb", "short", "")]


def drawn(columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    return text_table.lines(ROWS, folded=2, right=(0,))


def test_a_wide_terminal_folds_nothing(monkeypatch):
    assert drawn(100, monkeypatch) == [
        "    KIND  WORDS                              WHY",
        " 1  a     one two three four five six seven  x",
        "10  bb    short",
    ]


def test_a_narrow_one_folds_the_column_that_is_to_be_folded(monkeypatch):
    assert drawn(40, monkeypatch) == [
        "    KIND  WORDS                      WHY",
        " 1  a     one two three four five    x",
        "          six seven",
        "10  bb    short",
    ]


def test_however_narrow_it_is_a_few_columns_stay(monkeypatch):
    assert max(map(len, drawn(5, monkeypatch))) == 10 + text_table.NARROWEST + 2 + 3


def test_nothing_printed_moves_a_terminal():
    assert text_table.lines([("a\x1b[2J", "b\nc")], folded=1) == [r"a\x1b[2J  b\nc"]


def test_what_takes_two_columns_is_counted_so():
    assert text_table.lines([("寿司", "x"), ("abcd", "y")], folded=1) == ["寿司  x", "abcd  y"]


def test_colours_take_no_room():
    def paint(column: int, cell: str) -> str:
        return f"<{cell}>" if column == 0 else cell

    assert text_table.lines([("a", "x"), ("bb", "y")], folded=1, paint=paint) == ["<a>   x", "<bb>  y"]


def test_a_long_name_has_a_line_of_its_own_and_pushes_no_other():
    long = "/a/very/long/name/of/a/mount/point"
    rows = [("!", long, "x"), ("", "/b", "y")]
    assert text_table.lines(rows, folded=2) == [f"!  {long}", "       x", "   /b  y"]
