"""What is an entry of passwd(5) and group(5), and what only looks like one."""

import pytest

from pydrop.accounts import accounts, groups, parse_id
from pydrop.model import Account, Group

pytestmark = pytest.mark.python  # which digits int() takes

NUMBERS = [
    ("0", 0),
    ("1000", 1000),
    ("4294967294", 4294967294),
    ("0001000", 1000),
    ("000000000000000000001000", 1000),
    ("0" * 9000 + "7", 7),
    ("0" * 9000, 0),
    ("4294967295", None),
    ("4294967296", None),
    ("00004294967295", None),
    ("18446744073709551616", None),
    ("9" * 9000, None),
    ("", None),
    ("-1", None),
    ("+5", None),
    (" 5", None),
    ("5 ", None),
    ("5\n", None),
    ("5\r", None),
    ("1_000", None),
    ("0x10", None),
    ("1e3", None),
    ("1.0", None),
    ("abc", None),
    ("٣", None),  # ARABIC-INDIC DIGIT THREE
    ("\uff11\uff10\uff10\uff10", None),  # FULLWIDTH DIGITS
    ("²", None),
    ("①", None),
    ("5\0", None),
    ("\udcff5", None),
]


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_an_id_is_ascii_digits_alone_up_to_the_last_one(text: str, number: int | None) -> None:
    assert parse_id(text) == number


GOOD_PASSWD = [
    ("root:x:0:0:root:/root:/bin/bash", ("root", 0, 0, "root", "/root", "/bin/bash")),
    ("app:*:999:998::/srv:/bin/sh", ("app", 999, 998, "", "/srv", "/bin/sh")),
    ("a:x:4294967294:4294967294:::", ("a", 4294967294, 4294967294, "", "", "")),
    ("app:x:1000:1000:Zoë, room 1:/home/app:/bin/sh", ("app", 1000, 1000, "Zoë, room 1", "/home/app", "/bin/sh")),
    ("app:x:1000:1000:\udce9:/home/app:/bin/sh", ("app", 1000, 1000, "\udce9", "/home/app", "/bin/sh")),
    ("andré:x:1000:1000::/:/bin/sh", ("andré", 1000, 1000, "", "/", "/bin/sh")),
    ("app:x:1000:1000:a gecos:/with blank:/bin/sh\r", ("app", 1000, 1000, "a gecos", "/with blank", "/bin/sh")),
    ("pc$:x:1000:1000::/:", ("pc$", 1000, 1000, "", "/", "")),
    ("1000:x:5:5::/:", ("1000", 5, 5, "", "/", "")),
]


@pytest.mark.parametrize(("line", "expected"), GOOD_PASSWD)
def test_a_well_formed_line_is_an_account(line: str, expected: tuple[str, int, int, str, str, str]) -> None:
    name, uid, gid, gecos, home, shell = expected
    assert accounts(line) == [Account(name=name, uid=uid, gid=gid, gecos=gecos, home=home, shell=shell)]


BAD_PASSWD = [
    "",
    " ",
    "#",
    "# app:x:1000:1000::/:/bin/sh",
    "#app:x:1000:1000::/:/bin/sh",
    "weird:x:abc:xyz::/:/bin/sh",
    "weird:x::::/:/bin/sh",
    "weird:x:0:::/:/bin/sh",
    "weird:x::0::/:/bin/sh",
    "x:x:4294967295:1000::/:/bin/sh",
    "x:x:1000:4294967295::/:/bin/sh",
    "x:x:4294967296:4294967296::/:/bin/sh",
    "x:x:+5:5::/:/bin/sh",
    "x:x:5:-5::/:/bin/sh",
    "x:x: 5:5::/:/bin/sh",
    "x:x:5:5 ::/:/bin/sh",
    "x:x:0x5:5::/:/bin/sh",
    "x:x:1_0:5::/:/bin/sh",
    "x:x:٣:5::/:/bin/sh",
    "x:x:5:\uff15::/:/bin/sh",
    "x:x:5",
    "x:x:5:5::/",
    "x:x:5:5::/:/bin/sh:",
    "x:x:5:5::/:/bin/sh:more",
    ":x:5:5::/:/bin/sh",
    "::::::",
    "+::::::",
    "+app::::::",
    "+:x:0:0:::",
    "+@netgroup::::::",
    "-:x:0:0:::",
    "-app:x:5:5:::",
    "my user:x:5:5::/:/bin/sh",
    " app:x:5:5::/:/bin/sh",
    "app :x:5:5::/:/bin/sh",
    "a\u00a0b:x:5:5::/:/bin/sh",
    "app\t:x:5:5::/:/bin/sh",
    "a\0b:x:5:5::/:/bin/sh",
    "app:x:5:5::/\0:/bin/sh",
    "app:x:5:5::/:/bin/sh\0",
    "app:x:5:5:\x1b[2J:/:/bin/sh",
    "app:x:5:5::/:/bin/sh\r\r",
    "app:x:5:5::/\r:/bin/sh",
    "app:x:5:5:\x7f:/:/bin/sh",
]


@pytest.mark.parametrize("line", BAD_PASSWD)
def test_a_malformed_line_is_never_an_account(line: str) -> None:
    assert accounts(f"root:x:0:0::/:/bin/sh\n{line}\nlast:x:7:7::/:\n") == [
        Account(name="root", uid=0, gid=0, home="/", shell="/bin/sh"),
        Account(name="last", uid=7, gid=7, home="/", shell=""),
    ]


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r"])
def test_only_a_newline_ends_a_line(end: str) -> None:
    """Python's splitlines() would see an account `evil` of uid 0 in another's gecos."""
    text = f"app:x:5:5:{end}evil:x:0:0::/:/bin/sh\n"
    assert [account.name for account in accounts(text)] == []


GROUPS = [
    ("root:x:0:", [Group(name="root", gid=0)]),
    ("video:x:44:app,www-data", [Group(name="video", gid=44, members=("app", "www-data"))]),
    ("video:x:44:app\r", [Group(name="video", gid=44, members=("app",))]),
    ("video:x:44:,app,,b,", [Group(name="video", gid=44, members=("app", "b"))]),
    ("video:x:44:\r", [Group(name="video", gid=44)]),
    ("video:x:44", []),
    ("video:x:44::", []),
    ("video:x:abc:", []),
    ("video:x::", []),
    ("video:x:4294967295:", []),
    ("video:x:+44:", []),
    ("video:x:\uff14\uff14:", []),
    (":x:44:", []),
    ("+:::", []),
    ("-video:x:44:", []),
    ("#video:x:44:", []),
    ("domain users:x:44:", []),
    ("video:x:44:a\0pp", []),
    ("video:x:44:a\x1b", []),
    ("", []),
]


@pytest.mark.parametrize(("line", "expected"), GROUPS)
def test_a_group_is_a_line_of_four_fields_with_a_number(line: str, expected: list[Group]) -> None:
    assert groups(line) == expected
    assert groups(f"{line}\nlast:x:7:\n") == [*expected, Group(name="last", gid=7)]


def test_the_order_of_the_file_and_doubles_are_kept() -> None:
    text = "b:x:5:5::/:\na:x:5:5::/:\nb:x:6:6::/:\n"
    assert [(account.name, account.uid) for account in accounts(text)] == [("b", 5), ("a", 5), ("b", 6)]
    assert [group.gid for group in groups("z:x:9:\na:x:1:\nz:x:2:\n")] == [9, 1, 2]


def test_ten_thousand_lines_are_read() -> None:
    text = "".join([f"u{number}:x:{number}:{number}::/home/u{number}:/bin/sh\n" for number in range(10_000)])
    assert accounts(text)[-1].uid == 9_999
