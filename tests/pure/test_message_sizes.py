"""No message is longer than 4 KiB, shows more than 200 bytes of a value, or is cut within a character or an escape."""

import json

import pytest

from pydrop.errors import MOST_SHOWN, BadSetting, shortened
from pydrop.report import LONGEST_LINE, Report

pytestmark = pytest.mark.python

LONG = ["x" * 130000, "ä" * 130000, "\x1b" * 130000, "\\" * 130000, '"' * 130000, "\udcff" * 130000, "😀" * 130000,
        "\u2028" * 130000, "a\\" * 65000, "\U000e0001" * 130000, "\n" * 130000]  # fmt: skip


@pytest.mark.parametrize("text", LONG, ids=lambda text: ascii(text[:2]))
@pytest.mark.parametrize("more", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_has_4_kib_at_most(text: str, more: str, form: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    report = Report()
    report.speak("info", form)
    words = " ".join([text[:30]] * 1000)
    report.error(more + words)
    line = capfdbinary.readouterr().err
    assert LONGEST_LINE - 120 < len(line) <= LONGEST_LINE
    assert line.count(b"\n") == 1
    shown = line.decode()
    assert "…" in shown
    if form == "json":
        assert json.loads(shown)["message"].endswith("…")


def test_a_line_that_fits_is_whole(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    Report().error("1234567 " * 510)
    assert capfdbinary.readouterr().err == b"pydrop: " + b"1234567 " * 510 + b"\n"


@pytest.mark.parametrize("text", LONG, ids=lambda text: ascii(text[:2]))
def test_a_value_is_cut_at_200_bytes(text: str) -> None:
    for more in ("", "a", "ab", "abc"):
        shown = shortened(more + text)
        size = len(shown.encode("utf-8", "surrogatepass"))
        assert MOST_SHOWN - 6 < size <= MOST_SHOWN
        assert shown[-1] == "…" and (more + text).startswith(shown[:-1])


@pytest.mark.parametrize("text", ["", "a", "x" * 200, "ä" * 100, "😀" * 50])
def test_a_value_that_fits_is_whole(text: str) -> None:
    assert shortened(text) == text
    assert text == "" or len(text.encode()) < 200 or shortened(text + "x") != text + "x"


def test_a_long_problem_leaves_room_for_its_remedy() -> None:
    error = BadSetting("x" * 130000, "do this")
    assert str(error).endswith("…; do this")
    assert len(str(error)) < LONGEST_LINE


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_value_is_shown_whole_whoever_made_the_message(form: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Also where it came into a message without a thought of its size: the words around it are kept."""
    report = Report()
    report.speak("info", form)
    report.warn(f"{'z' * 130000} is bad; do this")
    report.warn(f"before {'z' * 300} is bad; do this")
    first, second = capfdbinary.readouterr().err.splitlines()
    assert first.count(b"z") == second.count(b"z") == MOST_SHOWN - 3
    assert b"before" in second and b"is bad; do this" in second
