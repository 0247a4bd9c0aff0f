"""The one place where the sources of settings are merged, as a start, verify and doctor go by."""

import pytest

from pydrop.errors import BadSetting
from pydrop.settings.sources import from_arguments, merged

FILE = "/x.toml"
ENVIRONMENT = ("PYDROP_USER=env", "PYDROP_HOME=/env", "PATH=/bin")
TABLE: dict[str, object] = {"user": "file", "home": "/file", "umask": "022"}


def test_each_setting_comes_from_its_strongest_source() -> None:
    options = from_arguments(("--user=option", "id"))[0]
    found = merged(options, ENVIRONMENT, TABLE, FILE)
    assert {name: (given.source, given.value) for name, given in found.items()} == {
        "user": ("--user", "option"),
        "home": ("PYDROP_HOME", "/env"),
        "umask": (f"umask in {FILE}", "022"),
    }


def test_without_a_file_the_others_are_all() -> None:
    assert list(merged({}, ENVIRONMENT, None, FILE)) == ["user", "home"]


@pytest.mark.parametrize(
    ("environment", "table", "left"),
    [
        (("PYDROP_USR=x", *ENVIRONMENT), TABLE, {"user": "file", "home": "/file", "umask": "022"}),
        (ENVIRONMENT, {"usr": "x", **TABLE}, {"user": "env", "home": "/env"}),
    ],
)
def test_a_source_with_an_unknown_name_is_refused_or_left_out(
    environment: tuple[str, ...], table: dict[str, object], left: dict[str, object]
) -> None:
    """A start refuses it; doctor, which says that too, shows what the other sources give."""
    with pytest.raises(BadSetting):
        merged({}, environment, table, FILE)
    found = merged({}, environment, table, FILE, skip_refused=True)
    assert {name: given.value for name, given in found.items()} == left
