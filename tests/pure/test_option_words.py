"""The words before the command, as both the settings and the early look at init mode cut them."""

import pytest

from pydrop.option_words import FLAGS, UNKNOWN, VALUED, WITHOUT_VALUE, cut, says_yes, value_of
from pydrop.settings.table import BY_NAME

CUT = {  # words -> the options, where they end, what ends them
    (): ([], 0, ""),
    ("true",): ([], 0, ""),
    ("-", "--init"): ([], 0, ""),
    ("", "--init"): ([], 0, ""),
    ("--init", "true", "--init"): ([("init", "true")], 1, ""),
    ("--init=0", "--init"): ([("init", "0"), ("init", "true")], 2, ""),
    ("--init", "--", "--keep-root"): ([("init", "true")], 2, ""),
    ("--user", "app", "--init", "x"): ([("user", "app"), ("init", "true")], 3, ""),
    ("--user=app", "x", "--init"): ([("user", "app")], 1, ""),
    ("--user=", "x"): ([("user", "")], 1, ""),
    ("--user", "--init"): ([], 0, WITHOUT_VALUE),
    ("--init", "--user"): ([("init", "true")], 1, WITHOUT_VALUE),
    ("--init", "--nosuch", "--init=0"): ([("init", "true")], 1, UNKNOWN),
    ("--init", "-c", "x"): ([("init", "true")], 1, UNKNOWN),
    ("--puid", "5"): ([], 0, UNKNOWN),
    ("-init", "x"): ([], 0, UNKNOWN),
    ("--init", "--help", "x"): ([("init", "true")], 1, "help"),
    ("--version",): ([], 0, "version"),
    ("--version=1",): ([], 0, UNKNOWN),
}


@pytest.mark.parametrize("words", CUT)
def test_the_words_are_cut_into_options(words: tuple[str, ...]) -> None:
    assert cut(words) == CUT[words]


def test_every_option_is_a_setting() -> None:
    assert {*FLAGS, *VALUED} <= BY_NAME.keys() and not {*FLAGS} & {*VALUED}
    assert {row.name for row in BY_NAME.values() if row.option} == {*FLAGS, *VALUED}
    assert {name for name in BY_NAME if name not in (*FLAGS, *VALUED)} == {"puid", "pgid", "volume", "default-command"}


@pytest.mark.parametrize(
    ("value", "meant"),
    [("1", True), (" YES\n", True), ("on", True), ("0", False), ("Off", False), ("", None), ("2", None), ("y", None)],
)
def test_a_value_says_yes_or_no_or_nothing(value: str, meant: "bool | None") -> None:
    assert says_yes(value) is meant


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ((), ""),
        (("A=1", "A=2"), "1"),
        (("A=", "A=2"), ""),
        (("AB=1", "A"), ""),
        (("A= \tx y\r\n",), "x y"),
    ],
)
def test_a_variable_is_the_first_of_its_name(lines: tuple[str, ...], value: str) -> None:
    assert value_of(lines, "A") == value
