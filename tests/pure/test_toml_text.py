"""The settings file's bytes: whatever they are, they become a table or one error, and soon."""

import time

import pytest

from pydrop import settings
from pydrop.errors import BadSetting
from pydrop.settings.toml_text import LARGEST_FILE, NotToml, table_of

pytestmark = pytest.mark.python

FULL = LARGEST_FILE - 100


def repeated(part, before="", after=""):
    return before + part * (FULL // len(part)) + after


NASTY = {
    "5,000 digits": "stop-timeout = " + "1" * 5000,
    "a hexadecimal number of 100,000 digits": "stop-timeout = 0x" + "f" * 100000,
    "an octal one": "puid = 0o" + "7" * 5000,
    "a number of 65 bits": "oom-score-adj = 9223372036854775808",
    "one below them": "oom-score-adj = -9223372036854775809",
    "5,000 brackets": "chown = " + "[" * 5000,
    "100 brackets that are closed": "chown = " + "[" * 100 + "]" * 100,
    "9 of them": "chown = " + "[" * 9 + "]" * 9,
    "5,000 inline tables": "volume = " + "{a = " * 5000,
    "a name of thousands of parts": "a." * 4000 + "a = 1",
    "one of nine": "a.b.c.d.e.f.g.h.i = 1",
    "one of nine in quotes": '"a" . \'b\' . c.d.e.f.g.h."\\"i" = 1',
    "a header of nine": "[a.b.c.d.e.f.g.h.i]",
    "a header of tables of nine": " [[ a.b.c.d.e.f.g.h.i ]]",
    "as many parts as fit": repeated("a.", after="a = 1"),
    "a header of as many as fit": repeated("a.", "[", "a]\n" + "x = 1\n"),
    "names of four parts": "".join([f"a{i}.b.c.d = 1\n" for i in range(FULL // 16)]),
    "keys": "".join([f"a{i}=1\n" for i in range(FULL // 9)]),
    "small numbers": repeated("1,", "oom-score-adj = [", "]"),
    "tables": repeated("[[volume]]\n"),
    "blanks in a line of a list": repeated(" ", "chown = [\n[", "]\n]"),
    "one text": repeated("a", 'user = "', '"'),
    "escapes": repeated("\\n", 'home = "', '"'),
    "a name": repeated("a", "", " = 1"),
    "too much": "#" * (LARGEST_FILE + 1),
    "a date": "stop-timeout = 1979-05-27T07:32:00Z",
    "no number": "stop-timeout = nan",
    "without an end": "stop-timeout = inf",
    "a large float": "stop-timeout = 1e400",
    "a NUL": 'home = "/\\u0000"',
    "a line end": 'home = "/a\\nb"',
    "C1": 'user = "a\\u009b31m"',
    "a lone surrogate": b'home = "\xed\xa0\x80"',
    "no UTF-8": b'home = "\xff"',
    "a NUL byte": b"user = 'app'\0",
    "CR alone": b"user = 'app'\rhome = '/x'",
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_whatever_stands_there_it_is_one_error_and_soon(text):
    content = text if isinstance(text, bytes) else text.encode()
    began = time.process_time()
    with pytest.raises(BadSetting) as error:
        settings.read(("id",), (), table_of(content, "/etc/pydrop.toml"))
    assert time.process_time() - began < 1
    assert error.value.remedy
    assert len(str(error.value).encode()) < 4096
    try:
        assert settings.problems(table_of(content, "/etc/pydrop.toml"))
    except NotToml:
        pass
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("user = 'a'\nhome = ", " (at line 2)"),
        ("user = 'a'\n\nhome = x", " (at line 3, column 8)"),
        ("\n" + "a." * 20 + "a = 1", " (at line 2)"),
        (b"\n\nhome = '\xff'", " (at line 3)"),
    ],
)
def test_the_error_names_the_place(text, place):
    with pytest.raises(NotToml) as error:
        table_of(text if isinstance(text, bytes) else text.encode(), "/x.toml")
    assert error.value.problem.startswith("/x.toml is no TOML: ")
    assert error.value.problem.endswith(place)


@pytest.mark.parametrize(
    "text",
    [
        "user = 'app' # ......................\n",
        "[[volume]]\npath = '/a.b.c.d.e.f.g.h.i.j'\n",
        "# a.b.c.d.e.f.g.h.i.j.k = 1\nuser = 'app'\n",
        repeated(".", "user = 'app' # "),
        "chown = ['/a', '/b.c.d.e.f.g.h.i.j.k.l']\n",
        "oom-score-adj = 9223372036854775807\n",
        "chown = [\n" + "".join([f"  '/data/volume{i:05}',\n" for i in range(9000)]) + "]\n",
    ],
)
def test_what_is_moderate_is_taken(text):
    assert table_of(text.encode(), "/x.toml")


def test_check_says_a_hundred_problems_and_that_there_are_more():
    table: dict[str, object] = {f"a{i}": 1 for i in range(20000)}
    began = time.process_time()
    found = settings.problems(table)
    assert time.process_time() - began < 1
    assert len(found) == 101
    assert "more problems than the 100 before" in str(found[-1])
