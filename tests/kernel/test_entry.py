"""The launcher's promise about failures: one line, an exit code, and never a traceback."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pydrop import entry
from pydrop.errors import Interrupted, NotPermitted
from pydrop.model import Start
from pydrop.report import Report
from tests.kernel.forked import forked

pytestmark = [pytest.mark.quick, pytest.mark.python]


def begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Callable[[Start], object]) -> tuple[int, str]:
    """The exit code of a start in which reading the settings does this, and what it said."""
    monkeypatch.setattr("pydrop.inspection.read_settings", settings)
    said = tmp_path / "said"

    def start() -> int:
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 2)
        return entry.begin(Start(name="pydrop", arguments=(), environment=(), ignored=(), blocked=()))

    return forked(start), said.read_text()


def raising(error: BaseException) -> Callable[[Start], object]:
    def settings(_start: Start) -> object:
        raise error

    return settings


def test_a_bug_of_ours_is_one_line_that_says_how_to_see_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, said = begun(monkeypatch, tmp_path, raising(ZeroDivisionError("division by zero")))
    assert code == 125
    assert said.count("\n") == 1
    assert said.startswith("pydrop: pydrop itself failed: ZeroDivisionError: division by zero")
    assert "PYDROP_LOG_LEVEL=debug" in said


@pytest.mark.parametrize("error", [MemoryError(), RecursionError("too deep"), SystemExit(0), KeyboardInterrupt()])
def test_whatever_python_raises_ends_in_125(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException
) -> None:
    """Even what is no Exception: a SystemExit(0) must not look like a program that ended well."""
    code, said = begun(monkeypatch, tmp_path, raising(error))
    assert (code, said.count("\n")) == (125, 1)


def test_an_error_of_the_family_is_its_own_line_and_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, said = begun(monkeypatch, tmp_path, raising(NotPermitted("the problem", "the remedy")))
    assert (code, said) == (125, "pydrop: the problem; the remedy\n")


@pytest.mark.parametrize(("number", "name"), [(15, "SIGTERM"), (2, "SIGINT"), (1, "SIGHUP"), (3, "SIGQUIT")])
def test_a_signal_ends_the_start_with_128_and_its_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, name: str
) -> None:
    code, said = begun(monkeypatch, tmp_path, raising(Interrupted(number)))
    assert code == 128 + number
    assert name in said and "next start" in said


def test_debug_shows_the_traceback_a_line_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each line is pydrop's, so that a log that mixes several containers stays readable."""

    def spoken_then_failed(_start: Start) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(entry, "Report", lambda: DEBUG)
    code, said = begun(monkeypatch, tmp_path, spoken_then_failed)
    assert code == 125
    lines = said.splitlines()
    assert len(lines) > 2 and all(line.startswith("pydrop: ") for line in lines)
    assert "entry.py:" in lines[1] and " in _begin" in lines[1]


DEBUG = Report("debug")
