"""Each row of the table of settings fits the model: its field, its default, its parser."""

from collections.abc import Callable
from typing import Any, get_args, get_type_hints

from pydrop import model
from pydrop.errors import BadSetting
from pydrop.model import Settings
from pydrop.settings import ids, parsers
from pydrop.settings.defaults import default
from pydrop.settings.raw_setting import RawSetting
from pydrop.settings.table import BY_NAME, ROWS, Row

NO_SETTINGS = {"command", "show", "sources"}  # fields that no row fills
COMBINED = {"volumes", "secrets"}  # fields that `read` makes of several parsed values
NAMES = {**vars(model), "RawSetting": RawSetting, "Any": Any}  # what stands between quotes in annotations


def raw(row: Row, value: str) -> RawSetting:
    return RawSetting(name=row.name, source=row.name, value=value)


def test_every_field_of_the_model_is_filled_by_a_row() -> None:
    """A setting that stands in only one of the two would be parsed and lost, or could never be given."""
    assert {row.field for row in ROWS} == set(Settings(sources={}).fields) - NO_SETTINGS


def test_the_default_in_the_docs_is_the_value_of_the_model() -> None:
    """The words for a default, parsed as a person would give them, are the value that a start goes by."""
    spelt = {row.name: default(row) for row in ROWS if getattr(Settings, row.field) not in (None, ())}
    assert len(spelt) > 10
    for name, words in spelt.items():
        row = BY_NAME[name]
        value = words.removeprefix("`").removesuffix("`")
        assert words == f"`{value}`"
        assert row.parse(raw(row, value)) == getattr(Settings, row.field), name


def test_a_default_is_described_only_where_the_model_has_no_value() -> None:
    """Words beside a value could say another thing than the value."""
    for row in ROWS:
        assert not row.default or getattr(Settings, row.field) is None, row.name


def test_a_parser_returns_what_the_field_of_its_row_holds() -> None:
    """mypy sees that a parser exists, and cannot see that it is the right one for the field."""
    fields = get_type_hints(Settings, NAMES)
    for row in ROWS:
        if row.field not in COMBINED:
            held, parsed = fields[row.field], get_type_hints(row.parse, NAMES)["return"]
            assert parsed == held or parsed in get_args(held), row.name


PLAIN = ("0", "1", "0000", "1500", "007", "999999999", "1000000000", "0000000001", "4294967294", "4294967295", "9" * 40)
ODD = (
    "",
    " ",
    "-1",
    "+1",
    "1_0",
    "0x1",
    "1.0",
    "1e3",
    "a",
    "\u0661",
    "\xb2",
    "1 ",
    " 1",
    "1\n",
    "1\0",
    "1:1",
    "\udcff",
)


def test_the_short_way_for_puid_and_pgid_parses_as_the_whole_parser() -> None:
    """It takes no number that the other refuses, and says no other words."""
    row = BY_NAME["puid"]
    found = [outcome(row.parse, raw(row, word)) for word in (*PLAIN, *ODD)]
    assert row.parse is parsers.number
    assert found == [outcome(ids.number, raw(row, word)) for word in (*PLAIN, *ODD)]
    assert [isinstance(each, str) for each in found[: len(PLAIN)]] == [False] * 9 + [True] * 2


def outcome(parse: Callable[[RawSetting], object], given: RawSetting) -> object:
    """What it returns, or the words of its refusal."""
    try:
        return parse(given)
    except BadSetting as error:
        return str(error)
