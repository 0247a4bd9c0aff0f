"""The timeline's file read back, and its picture."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from pydrop.ctl.timing import Part, Timeline, timeline_picture
from pydrop.ctl.timing.timeline_reader import PHASES, parsed
from pydrop.record import TIMELINE_FORM

HEAD = [TIMELINE_FORM, "mnt:[1] 999999999 1", "web", "1500000"]
ROW = ["accounts", "account app is 1:1", "made it", "1", "2500"]


def timeline(text: str) -> Timeline:
    """What is read of a text that is a timeline."""
    found = parsed(text)
    assert found is not None
    return found


def text(*fields: str) -> str:
    return "".join([f"{field}\0" for field in fields])


def test_what_a_start_left_is_read_back():
    found = timeline(text(*HEAD, "survey", "", "", "", "1000", *ROW, "hooks", "run", "", "0", "2500"))
    assert (found.program, found.begun, found.total, found.current) == ("web", 1.5, 2.5, False)
    survey, accounts, hooks = found.parts
    assert (survey.words, survey.changed, survey.began, survey.took) == (PHASES["survey"], None, 0.0, 1.0)
    assert accounts == Part(
        kind="accounts", words="account app is 1:1", did="made it", changed=True, began=1.0, took=1.5
    )
    assert (hooks.changed, hooks.took) == (False, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "pydrop timeline 0\0" + text(*HEAD[1:], *ROW),
        text(*HEAD),  # no row
        text(*HEAD, *ROW[:4]),  # cut off
        text(*HEAD, *ROW)[:-1],
        text(*HEAD, *ROW) + "x",
        text(*HEAD, *ROW[:4], "soon"),
        text(*HEAD[:3], "today", *ROW),
    ],
)
def test_what_is_not_exactly_that_is_none(wrong):
    assert parsed(wrong) is None


def test_a_clock_that_went_back_makes_no_negative_time():
    found = timeline(text(*HEAD, *ROW, *ROW[:4], "2000"))
    assert [part.took for part in found.parts] == [2.5, 0.0]


@pytest.mark.parametrize(
    ("total", "step"),
    [(0.0, 0.1), (0.8, 0.1), (1.7, 0.5), (9.4, 2), (20, 5), (41, 10), (99, 20), (1234, 200), (600_000, 100_000)],
)
def test_the_axis_has_round_steps_and_no_more_than_eight(total, step):
    assert timeline_picture.tick(total) == step
    assert total / step <= 8


def part(**fields: Any) -> Part:
    return Part(**{"kind": "volumes", "words": "w", "did": "", "changed": True, "began": 0.0, "took": 1.0, **fields})


@pytest.mark.parametrize("total", [0.0, 0.04, 12.3, 3_600_000.0])
def test_every_bar_lies_on_the_axis(total):
    parts = (part(took=total / 2), part(began=total / 2, took=total / 2, changed=None), part(began=total, took=0.0))
    drawn = ET.fromstring(
        timeline_picture.svg(Timeline(program="web", begun=0.0, total=total, current=True, parts=parts))
    )
    bars = [each for each in drawn.iter("{http://www.w3.org/2000/svg}rect") if each.get("class") == "bar"]
    assert len(bars) == 3
    for bar in bars:
        left, width = float(bar.attrib["x"]), float(bar.attrib["width"])
        assert left >= timeline_picture.LEFT and width > 0 and left + width <= timeline_picture.RIGHT + 2


@pytest.mark.parametrize("words", ["x" * 5000, "\u4e2d" * 5000, "<&\"'>\x00\x1b[2J\ufffe\udcff\n", "a b " * 2000])
def test_words_of_any_length_and_kind_fit_and_are_text(words):
    timeline = Timeline(program=words, begun=0.0, total=1.0, current=True, parts=(part(kind=words, words=words),))
    drawn = timeline_picture.svg(timeline)
    ET.fromstring(drawn)
    assert drawn.isascii() and len(timeline_picture.worded(timeline.parts[0])) <= 8
    assert max(len(line) for line in timeline_picture.worded(timeline.parts[0])) <= timeline_picture.COLUMNS
