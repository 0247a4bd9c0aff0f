"""How a start speaks whose settings are wrong: as the strongest source says that says it plainly."""

import pytest

from pydrop.settings.said_format import asked

JSON = "log-format = 'json'\n"


@pytest.mark.parametrize(
    ("words", "lines", "text", "expected"),
    [
        ((), (), "", ("", "text")),
        (("--log-format", "json", "id"), (), "", ("", "json")),
        (("--log-format=json", "--chwon", "/x"), (), "", ("", "json")),
        (("--chwon", "/x", "--log-format=json", "id"), (), "", ("", "json")),
        (("--user", "app", "--init", "--log-format", "json"), (), "", ("", "json")),
        (("--log-format=text", "--log-format=json"), (), "", ("", "json")),
        (("--log-format=jsno",), ("PYDROP_LOG_FORMAT=json",), "", ("", "json")),
        (("id", "--log-format=json"), (), "", ("", "text")),
        (("--init", "id", "--log-format=json"), (), "", ("", "text")),
        (("--", "--log-format=json"), (), "", ("", "text")),
        (("--log-format=text",), ("PYDROP_LOG_FORMAT=json",), JSON, ("", "text")),
        ((), ("PYDROP_LOG_FORMAT= json \r", "PYDROP_CHWON=1"), "", ("", "json")),
        ((), ("PYDROP_LOG_FORMAT=text", "PYDROP_LOG_FORMAT=json"), "", ("", "text")),
        ((), ("PYDROP_LOG_FORMAT=",), JSON, ("", "json")),
        ((), ("PYDROP_LOG_LEVEL=debug",), JSON, ("debug", "json")),
        ((), (), "umask = 18\n" + JSON, ("", "json")),
        ((), (), "chown = [/data]\n" + JSON + "x", ("", "json")),
        ((), (), 'log-format="json" # for the collector\r\nlog-level = "warn"\r\n', ("warn", "json")),
        ((), (), ' "log-format" = "json"', ("", "json")),
        ((), ("F=json",), 'log-format = "${F:-text}"', ("", "json")),
        ((), (), 'log-format = "${F}"', ("", "text")),
        ((), ("PYDROP_LOG_LEVEL=debug",), 'log-format = "${F}"', ("debug", "text")),
        ((), (), "[x]\n" + JSON, ("", "text")),
        ((), (), "log-format = json", ("", "text")),
        ((), (), "log-format = 'jsno'", ("", "text")),
        ((), (), "# log-format = 'json'", ("", "text")),
        ((), (), "x-log-format = 'json'", ("", "text")),
    ],
)
def test_the_strongest_source_that_says_it_plainly_counts(
    words: tuple[str, ...], lines: tuple[str, ...], text: str, expected: tuple[str, str]
) -> None:
    assert asked(words, lines, text) == expected
