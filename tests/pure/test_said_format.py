"""How a start speaks whose settings are wrong: as the strongest source says that says it plainly."""

import pytest

from pydrop.settings.said_format import asked

JSON = "log-format = 'json'\n"


@pytest.mark.parametrize(
    ("words", "lines", "text", "expected"),
    [
        ((), (), "", ("info", "text")),
        (("--log-format", "json", "id"), (), "", ("info", "json")),
        (("--log-format=json", "--chwon", "/x"), (), "", ("info", "json")),
        (("--chwon", "/x", "--log-format=json", "id"), (), "", ("info", "json")),
        (("--user", "app", "--init", "--log-format", "json"), (), "", ("info", "json")),
        (("--log-format=text", "--log-format=json"), (), "", ("info", "json")),
        (("--log-format=jsno",), ("PYDROP_LOG_FORMAT=json",), "", ("info", "json")),
        (("id", "--log-format=json"), (), "", ("info", "text")),
        (("--init", "id", "--log-format=json"), (), "", ("info", "text")),
        (("--", "--log-format=json"), (), "", ("info", "text")),
        (("--log-format=text",), ("PYDROP_LOG_FORMAT=json",), JSON, ("info", "text")),
        ((), ("PYDROP_LOG_FORMAT= json \r", "PYDROP_CHWON=1"), "", ("info", "json")),
        ((), ("PYDROP_LOG_FORMAT=text", "PYDROP_LOG_FORMAT=json"), "", ("info", "text")),
        ((), ("PYDROP_LOG_FORMAT=",), JSON, ("info", "json")),
        ((), ("PYDROP_LOG_LEVEL=debug",), JSON, ("debug", "json")),
        ((), (), "umask = 18\n" + JSON, ("info", "json")),
        ((), (), "chown = [/data]\n" + JSON + "x", ("info", "json")),
        ((), (), 'log-format="json" # for the collector\r\nlog-level = "warn"\r\n', ("warn", "json")),
        ((), (), ' "log-format" = "json"', ("info", "json")),
        ((), ("F=json",), 'log-format = "${F:-text}"', ("info", "json")),
        ((), (), 'log-format = "${F}"', ("info", "text")),
        ((), ("PYDROP_LOG_LEVEL=debug",), 'log-format = "${F}"', ("debug", "text")),
        ((), (), "[x]\n" + JSON, ("info", "text")),
        ((), (), "log-format = json", ("info", "text")),
        ((), (), "log-format = 'jsno'", ("info", "text")),
        ((), (), "# log-format = 'json'", ("info", "text")),
        ((), (), "x-log-format = 'json'", ("info", "text")),
    ],
)
def test_the_strongest_source_that_says_it_plainly_counts(
    words: tuple[str, ...], lines: tuple[str, ...], text: str, expected: tuple[str, str]
) -> None:
    assert asked(words, lines, text) == expected
