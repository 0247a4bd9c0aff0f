"""default-command: which words begin the program's, and what is put in front of them."""

import pytest

from pydrop import settings
from pydrop.errors import BadSetting
from pydrop.settings.sources import from_arguments

pytestmark = pytest.mark.python

NGINX = ("nginx", "-g", "daemon off;")
TABLE: dict[str, object] = {"default-command": list(NGINX)}


@pytest.mark.parametrize(
    ("words", "options", "command"),
    [
        ((), {}, NGINX),
        (("-c", "x=1"), {}, (*NGINX, "-c", "x=1")),
        (("--port", "80"), {}, (*NGINX, "--port", "80")),
        (("--port=80", "--user", "app"), {}, (*NGINX, "--port=80", "--user", "app")),
        (("-",), {}, (*NGINX, "-")),
        (("sh", "-c", "x"), {}, ("sh", "-c", "x")),
        (("--user", "app"), {"user": "app"}, NGINX),
        (("--user=app", "-c", "x"), {"user": "app"}, (*NGINX, "-c", "x")),
        (("--init", "--user", "app", "sh"), {"init": "true", "user": "app"}, ("sh",)),
        (("--",), {}, NGINX),
        (("--", "--help"), {}, (*NGINX, "--help")),
        (("--", "--user", "x"), {}, (*NGINX, "--user", "x")),
        (("--", "sh"), {}, ("sh",)),
        (("--user", "app", "--", "-c"), {"user": "app"}, (*NGINX, "-c")),
        (("--user", "app", "--", "--", "-c"), {"user": "app"}, (*NGINX, "--", "-c")),
        (("--chwon", "/data"), {}, (*NGINX, "--chwon", "/data")),
        (("",), {}, ("",)),
    ],
)
def test_the_first_word_that_is_no_option_of_pydrops_begins_the_programs(words, options, command):
    found, ran, show = from_arguments(words, NGINX)
    assert ({name: given.value for name, given in found.items()}, ran, show) == (options, command, "")
    assert settings.read(words, (), TABLE).command == command


@pytest.mark.parametrize(("word", "show"), [("--help", "help"), ("--version", "version")])
def test_pydrops_own_help_stays_its_own(word, show):
    assert settings.read((word,), (), TABLE).show == show


@pytest.mark.parametrize("words", [("-c", "x"), ("--port", "80"), ("-",)])
@pytest.mark.parametrize("table", [None, {"default-command": []}, {"default-command": ["${NOT:-}"]}])
def test_without_one_nothing_changes(words, table):
    if words == ("-",):
        assert settings.read(words, (), table).command == ("-",)
        return
    with pytest.raises(BadSetting, match="is not an option of pydrop"):
        settings.read(words, (), table)
    with pytest.raises(BadSetting, match="there is no command"):
        settings.read((), (), table)


def test_an_option_without_its_value_is_an_error_as_ever():
    with pytest.raises(BadSetting, match="--user needs a value"):
        settings.read(("--user", "-c"), (), TABLE)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("nginx -g x", 'is not a list; write each word apart: default-command = ["nginx", "-g", "x"]'),
        (5, "is not a list"),
        ([5], "has a word that is no text"),
        (["a", 5], "has a word that is no text"),
        (["a\0"], "has a word that is no text"),
        (["-g"], "begins with no command"),
        ([""], "begins with no command"),
        ([" "], "begins with no command"),
    ],
)
def test_what_is_no_command_is_refused(value, reason):
    with pytest.raises(BadSetting) as error:
        settings.read((), (), {"default-command": value})
    assert reason in str(error.value)
    assert reason in str(settings.problems({"default-command": value})[0])


def test_its_words_are_filled_and_an_empty_one_is_left_out():
    table: dict[str, object] = {"default-command": ["redis", "--dir", "${DIR:-/data}", "${MORE:-}", "", "$$x"]}
    assert settings.read(("-v",), ("DIR=/x",), table).command == ("redis", "--dir", "/x", "", "$x", "-v")
    assert settings.read((), (), table).sources == {"default-command": "default-command in /etc/pydrop.toml"}


def test_it_is_a_key_of_the_file_alone():
    for words, lines in ((("--default-command=x", "id"), ()), (("id",), ("PYDROP_DEFAULT_COMMAND=x",))):
        with pytest.raises(BadSetting, match=r"write it in the settings file: default-command = \["):
            settings.read(words, lines, None)
