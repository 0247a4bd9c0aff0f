"""What pydrop prints: one line a message, safe for any terminal and any reader."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from pydrop.model import Settings
from pydrop.report import LEVELS, Report, columns_of, escaped

pytestmark = pytest.mark.python  # what isprintable() says


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What has been written to descriptor 2 so far."""
    so_far: list[str] = []

    def read() -> str:
        so_far.append(capfd.readouterr().err)
        return "".join(so_far)

    return read


def test_a_compatibility_name_speaks_by_its_own_name(said: Callable[[], str]) -> None:
    """Errors and warnings; scripts and people look for the tool that they called."""
    speaker = Report(program="gosu")
    speaker.error("one")
    speaker.warn("two")
    speaker.own_fault(ZeroDivisionError("three"))
    assert said().splitlines() == [
        "gosu: one",
        "gosu: warning: two",
        "gosu: pydrop itself failed: ZeroDivisionError: three; report it",
    ]


def report(level: str = "info", form: str = "text") -> Report:
    speaker = Report()
    speaker.obey(Settings(log_level=level, log_format=form, sources={}))
    return speaker


# -- escaping --------------------------------------------------------------------------------------

ESCAPES = {
    "plain words": ("unable to read /data: no such file", "unable to read /data: no such file"),
    "other scripts": ("größe 数 файл", "größe 数 файл"),
    "a new line, which would forge another message": ("a\npydrop: b", "a\\npydrop: b"),
    "a carriage return, which would overwrite the line": ("a\rb", "a\\rb"),
    "a tab": ("a\tb", "a\\tb"),
    "an escape sequence": ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
    "NUL and DEL": ("\x00\x7f", "\\x00\\x7f"),
    "control characters of the second kind": ("\x9b2J", "\\x9b2J"),
    "bytes that are no UTF-8": ("\udcff\udc80", "\\xff\\x80"),
    "other lone surrogates": ("\ud800", "\\ud800"),
    "text that runs backwards": ("a\u202egpj.exe", "a\\u202egpj.exe"),
    "line ends of Unicode's": ("a\u2028b\u0085c", "a\\u2028b\\x85c"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("case", ESCAPES)
def test_what_a_terminal_would_obey_is_escaped(case: str) -> None:
    """Names in a volume are written by strangers."""
    text, expected = ESCAPES[case]
    assert escaped(text) == expected


def test_no_control_character_gets_through() -> None:
    """Each one is shown, none is sent."""
    for code in (*range(0x20), *range(0x7F, 0xA0), *range(0xDC80, 0xDD00)):
        shown = escaped(f"a{chr(code)}b")
        assert shown.isprintable(), f"{code:#x} became {shown!r}"


# -- text ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "line"),
    [
        ("error", "pydrop: x y\n"),
        ("warn", "pydrop: warning: x y\n"),
        ("info", "pydrop: x y\n"),
        ("debug", "pydrop: x y\n"),
    ],
)
def test_a_message_is_one_line_that_says_whose_it_is(said: Callable[[], str], level: str, line: str) -> None:
    """It begins with `pydrop: `, so that nobody takes it for the program's."""
    getattr(report("debug"), level)("x y")
    assert said() == line


@pytest.mark.parametrize("asked", LEVELS)
def test_a_level_shows_itself_and_what_is_worse(said: Callable[[], str], asked: str) -> None:
    """`warn` shows errors and warnings, `error` errors alone."""
    speaker = report(asked)
    for level in LEVELS:
        speaker.say(level, level)
    assert [line.split()[-1] for line in said().splitlines()] == list(LEVELS[: LEVELS.index(asked) + 1])


def test_before_the_settings_are_known_it_is_text_at_info(said: Callable[[], str]) -> None:
    """A wrong setting is told before anybody could say how."""
    speaker = Report()
    speaker.info("a")
    speaker.debug("b")
    assert said() == "pydrop: a\n"


def test_a_message_cannot_forge_another(said: Callable[[], str]) -> None:
    """However the name in it is made."""
    report().warn("unable to own /data/x\npydrop: all is well\x1b[1A")
    assert said() == "pydrop: warning: unable to own /data/x\\npydrop: all is well\\x1b[1A\n"


def test_a_standard_error_that_is_closed_is_nobodys_failure() -> None:
    """Nobody is left to tell, and the start goes on."""
    kept = os.dup(2)
    try:
        os.close(2)
        report().error("x")
    finally:
        os.dup2(kept, 2)
        os.close(kept)


# -- JSON ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [text for text, _ in ESCAPES.values()])
def test_json_is_one_object_a_line(said: Callable[[], str], message: str) -> None:
    """With the time in UTC, the level, and the message as the text form has it."""
    report(form="json").warn(message)
    assert said().count("\n") == 1
    found: dict[str, Any] = json.loads(said())
    assert found.pop("time")[4::3][:2] == "--"
    assert found == {"level": "warn", "program": "pydrop", "message": escaped(message)}


def test_the_time_is_that_of_the_message(said: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """To the millisecond, with a Z."""
    monkeypatch.setattr("pydrop.report.time.time", lambda: 1767225599.0049)
    report(form="json").info("x")
    assert json.loads(said())["time"] == "2025-12-31T23:59:59.004Z"


# -- bugs of ours ----------------------------------------------------------------------------------


def bug() -> BaseException:
    try:
        raise RuntimeError("oops")
    except RuntimeError as error:
        return error


def test_where_a_bug_is_is_told_to_who_asks_for_debug() -> None:
    """File, line and function; without reading the sources, since that may be after the drop."""
    (line,) = report("debug").traceback_of(bug())
    assert line.startswith(__file__ + ":")
    assert line.endswith(" in bug")


def test_nobody_else_sees_where_a_bug_is() -> None:
    """Never a traceback."""
    assert report("info").traceback_of(bug()) == []


# -- the live line ---------------------------------------------------------------------------------


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes standard error a terminal of a width."""

    def of(columns: int) -> None:
        monkeypatch.setattr("pydrop.report.os.isatty", lambda _: True)
        monkeypatch.setattr("pydrop.report.os.get_terminal_size", lambda _: os.terminal_size((columns, 24)))

    return of


def test_on_a_terminal_the_next_line_takes_the_place_of_the_last(
    said: Callable[[], str], terminal: Callable[[int], None]
) -> None:
    """A shorter one covers what the longer one left."""
    terminal(80)
    speaker = report()
    for text in ("abcdef", "xy", "z"):
        speaker.progress(text, due=False)
    assert said() == "\rpydrop: abcdef\rpydrop: xy    \rpydrop: z "


@pytest.mark.parametrize("level", ["error", "warn", "info", "debug"])
def test_it_is_gone_before_anything_else_is_printed(
    said: Callable[[], str], terminal: Callable[[int], None], level: str
) -> None:
    """And with it the ^C that the terminal may have put behind it."""
    terminal(80)
    speaker = report("debug")
    speaker.progress("x", due=True)
    speaker.say(level, "end")
    assert said().split("\r")[1:3] == ["pydrop: x", " " * len("pydrop: x^C")]
    assert said().endswith("end\n") and said().count("\r") == 3


def test_a_message_that_is_not_shown_does_not_take_it_away(
    said: Callable[[], str], terminal: Callable[[int], None]
) -> None:
    terminal(80)
    speaker = report()
    speaker.progress("x", due=True)
    speaker.debug("y")
    assert said() == "\rpydrop: x"


def test_it_is_taken_back_once(said: Callable[[], str], terminal: Callable[[int], None]) -> None:
    terminal(80)
    speaker = report()
    speaker.clear()
    assert said() == ""
    speaker.progress("x", due=True)
    speaker.clear()
    shown = said()
    speaker.clear()
    assert said() == shown


@pytest.mark.parametrize("columns", [0, 1, 2, 3, 4, 6, 10, 40, 80])
def test_it_never_wraps(capfd: pytest.CaptureFixture[str], terminal: Callable[[int], None], columns: int) -> None:
    """Not with letters of two columns, nor with the ^C behind it: what has wrapped cannot be taken back."""
    terminal(columns)
    for text in ("x" * 300, "größe" * 60, "数" * 100, "\x1b[2J" * 50, "\udcff" * 100):
        report().progress(text, due=True)
        shown = capfd.readouterr().err.removeprefix("\r")
        assert columns_of(shown) <= max((columns or 80) - 3, 0), f"{text[:5]!r} became {shown!r}"
        assert shown.isprintable(), f"{text[:5]!r} became {shown!r}"
        if columns in (0, 40, 80):
            assert shown.startswith("pydrop: ") and shown.endswith("..."), f"{text[:5]!r} became {shown!r}"


@pytest.mark.parametrize(
    ("level", "form", "lines"), [("info", "text", 1), ("debug", "text", 1), ("info", "json", 1), ("warn", "text", 0)]
)
def test_without_a_terminal_a_line_is_said_where_it_is_due(
    said: Callable[[], str], level: str, form: str, lines: int
) -> None:
    """A log is no place for what is true for a tenth of a second."""
    speaker = report(level, form)
    speaker.progress("a", due=False)
    speaker.progress("b", due=True)
    assert said().count("\n") == lines
    assert "\r" not in said()


@pytest.mark.parametrize(("level", "form"), [("warn", "text"), ("error", "text"), ("info", "json"), ("warn", "json")])
def test_no_live_line_for_who_wants_json_or_less(
    said: Callable[[], str], terminal: Callable[[int], None], level: str, form: str
) -> None:
    terminal(80)
    report(level, form).progress("a", due=True)
    assert "\r" not in said()
    assert said().count("\n") == (1 if level == "info" else 0)
