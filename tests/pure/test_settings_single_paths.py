"""A setting that takes one path says a word about marks that lists, shells and env files leave there."""

import pytest

from pydrop import settings
from pydrop.errors import BadSetting

NAMES = {
    "PYDROP_HOME": "home",
    "PYDROP_OWNER_OF": "owner-of",
    "PYDROP_HOOKS": "hooks",
    "PYDROP_USER_HOOKS": "user-hooks",
    "PYDROP_READY_FILE": "ready-file",
}
ODD = {  # value -> the mark's name, and the path that was meant
    "/x,": ("a comma", "/x"),
    ",/x": ("a comma", "/x"),
    "/x, /y": ("a comma", "/x"),
    "/x,/y": ("a comma", "/x"),
    "/x;": ("a semicolon", "/x"),
    '/x"': ("a quote", "/x"),
    "/it's": ("a quote", "/it"),
    "[/x]": ("a bracket", "/x"),
    "/x /y": ("a blank", "/x"),
    "/x:/y": ("a colon", "/x"),
    "/x\t/y": ("a tab or a line end", "/x"),
    "/x\n/y": ("a tab or a line end", "/x"),
}


def refusal(line):
    with pytest.raises(BadSetting) as error:
        settings.read(("id",), (line,), None)
    return str(error.value)


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("variable", NAMES)
def test_a_mark_beside_or_in_it_is_an_error_that_shows_the_path(variable, value):
    mark, meant = ODD[value]
    if variable == "PYDROP_HOME" and mark in ("a colon", "a tab or a line end"):
        assert "would forge a line of /etc/passwd" in refusal(f"{variable}={value}")
        return
    said = refusal(f"{variable}={value}")
    assert f" holds {mark}, where one plain path belongs; write {variable}={meant}, or name" in said
    assert f"in the settings file: {NAMES[variable]} = " in said
    with pytest.raises(BadSetting, match=f"write --{NAMES[variable]}={meant}, or name"):
        settings.read((f"--{NAMES[variable]}={value}", "id"), (), None)


@pytest.mark.parametrize("value", ['"/x"', "'/x'"])
def test_quotes_around_it_are_told_as_those_around_a_number_are(value):
    assert refusal(f"PYDROP_HOME={value}").endswith("write PYDROP_HOME=/x, without quotes (an env file keeps them)")


@pytest.mark.parametrize("value", ["/x y", "/x=y", "/x:y", "/x@#$%&()~", "/ä"])
def test_a_plain_path_with_other_characters_is_taken(value):
    assert settings.read(("id",), (f"PYDROP_OWNER_OF={value}",), None).owner_of == value


@pytest.mark.parametrize("value", ["/x,", "/x, /y", "/it's", "/x:/y", "/x /y"])
def test_the_file_takes_it_as_it_stands(value):
    assert settings.read(("id",), (), {"owner-of": value}).owner_of == value


def test_an_option_with_a_blank_behind_its_path_is_told_too():
    with pytest.raises(BadSetting, match="holds a blank, where one plain path belongs; write --home=/x, or"):
        settings.read(("--home", "/x ", "id"), (), None)
