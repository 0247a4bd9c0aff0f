"""The bar of `pydropctl chown`: what stands in it at every width."""

import re
from itertools import product

import pytest

from pydrop.ctl.progress_bar import Bar, shortened
from pydrop.model import Volume
from pydrop.perform.ownership.progress import Progress
from pydrop.report import Report, columns_of

pytestmark = pytest.mark.python  # how wide a character is


class Drawn(Report):
    """A report that keeps what would be drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.told: list[str] = []

    def draw(self, line: str) -> None:
        self.lines.append(line)

    def info(self, message: str) -> None:
        self.told.append(message)


def bar(path="/data", dry=False, policy="mismatch"):
    volume = Volume(path=path, policy=policy)
    return Bar(Drawn(), volume, dry), volume


def at(volume, seconds=4.0, looked_at=312000, changed=2000, part=0.4, waiting=False):
    return Progress(volume=volume, looked_at=looked_at, changed=changed, part=part, waiting=waiting, seconds=seconds)


LINES = {
    120: "/data  [########------------]   40%  00:00:00  312000 entries looked at, 2000 changed, 78000 a second",
    77: "/data  [#####--------]   40%  00:00:00  312000 looked at, 2000 changed, 78000/s",
    57: "/data  [####------]   40%  312000 looked at, 2000 changed",
    37: "/data  [##---]   40%  312000 looked at",
    30: "/data  [####------]   40%  312000",
    23: "/data  [####------]   40%",
}


@pytest.mark.parametrize("columns", LINES)
def test_a_narrow_terminal_gets_fewer_words(columns):
    """The bar's own width aside, which takes what is left."""
    one, volume = bar()
    one.bar.last_eta -= 2  # click knows how long it takes when a second is over
    found = one.line(at(volume), columns)
    assert re.sub(r"[#-]+", "*", found) == re.sub(r"[#-]+", "*", LINES[columns])


@pytest.mark.parametrize("path", ["/data", "/a" * 200, "/größe/数据" * 9])
def test_it_fits(path):
    """And shows a bar of four columns or more; what is narrower than 23 columns is cut by the report."""
    for columns, looked_at in product([*range(23, 130, 7), 37, 77, 400], [1, 10**6, 10**9]):
        one, volume = bar(path)
        line = one.line(at(volume, looked_at=looked_at), columns)
        assert columns_of(line) <= columns, f"{line!r} in {columns} columns"
        shown = re.findall(r"[#-]", line.partition("[")[2].partition("]")[0])
        assert 4 <= len(shown) <= 40, f"{line!r} in {columns} columns"


def test_words_that_did_not_fit_once_do_not_come_back():
    """A line whose words come and go cannot be read."""
    one, volume = bar()
    first = one.line(at(volume, looked_at=10**9, changed=10**9), 77)
    again = one.line(at(volume, looked_at=1, changed=0), 77)
    assert "entries" not in first and "entries" not in again


def test_while_nothing_is_known_there_is_no_percentage():
    one, volume = bar()
    line = one.line(at(volume, part=0.0), 120)
    assert "%" not in line and "#" not in line


def test_it_never_goes_back():
    """An estimate may; who looks at it would think that work was lost."""
    one, volume = bar()
    one.line(at(volume, part=0.4), 120)
    assert "  40%" in one.line(at(volume, part=0.3), 120)


@pytest.mark.parametrize(("part", "shown"), [(0.001, "   0%"), (0.999, "  99%"), (1.0, "  99%"), (1.7, "  99%")])
def test_it_is_not_full_before_the_end(part, shown):
    one, volume = bar()
    assert shown in one.line(at(volume, part=part), 120)


def test_after_waiting_the_rate_is_that_of_the_work():
    one, volume = bar()
    one(at(volume, seconds=10.0, looked_at=1, waiting=True))
    one(at(volume, seconds=12.0, looked_at=600))
    assert one.report.lines[0] == "/data: waiting for another container, 10 s"
    assert "300" in one.report.lines[1]


def test_a_look_without_changes_says_so():
    one, volume = bar(dry=True)
    assert "2000 to change" in one.line(at(volume), 120)


def test_the_hint_stands_above_it_once():
    one, volume = bar()
    for seconds in (1.0, 2.0, 2.1, 7.0):
        one(at(volume, seconds=seconds))
    assert one.report.told == ["/data takes a while; the policy on-root-mismatch would skip this next time"]


def test_no_byte_of_a_path_moves_the_terminal():
    one, volume = bar("/a\x1b[2J\r\udcff")
    assert one.line(at(volume), 77).isprintable()


@pytest.mark.parametrize(
    ("path", "columns", "shown"),
    [
        ("/data", 5, "/data"),
        ("/srv/data", 8, ".../data"),
        ("/数据", 20, "/数据"),
        ("/数据/数据", 6, "...据"),
        ("/data", 3, "..."),
    ],
)
def test_of_a_long_path_the_end_is_shown(path, columns, shown):
    assert shortened(path, columns) == shown
