"""tmpfiles.d(5) lines and what they ask for; the rows agree with systemd-tmpfiles 252 --create."""

import time

import pytest

from pydrop.steps import RunEntry
from pydrop.tmpfiles import FOLDERS, merged, standard_entries, winners
from pydrop.tmpfiles.lines import entries

pytestmark = pytest.mark.python  # which digits int() takes

USERS = {"root": 0, "www-data": 33, "postgres": 101, "app": 1000}
GROUPS = {"root": 0, "www-data": 33, "postgres": 104, "utmp": 43, "app": 1000}
SPECIFIERS = {"t": "/run", "u": "root", "H": "box", "m": "", "h": "/root", "l": "é"}
EVERYTHING = ("mode", "uid", "gid")


def read(*lines: str) -> tuple[list[RunEntry], list[str]]:
    return entries((("/usr/lib/tmpfiles.d/x.conf", "\n".join(lines)),), USERS, GROUPS, SPECIFIERS)


def one(line: str) -> RunEntry:
    found, warnings = read(line)
    assert warnings == []
    assert len(found) == 1
    assert found[0].source == "/usr/lib/tmpfiles.d/x.conf"
    return found[0]


REAL = [  # as the packages of a Debian declare their folders
    ("d /run/php 0755 www-data www-data - -", ("d", "/run/php", 0o755, 33, 33)),
    ("d /run/postgresql 2775 postgres postgres - -", ("d", "/run/postgresql", 0o2775, 101, 104)),
    ("d /run/sshd 0755 root root", ("d", "/run/sshd", 0o755, 0, 0)),
    ("d\t/run/nginx\t0750 www-data root -", ("d", "/run/nginx", 0o750, 33, 0)),
    ("D! /run/podman 0700 root root", ("D", "/run/podman", 0o700, 0, 0)),
    ("f+! /run/utmp 0664 root utmp -", ("f", "/run/utmp", 0o664, 0, 43)),
    ("d /var/run/mysqld 0755 app app 10d -", ("d", "/run/mysqld", 0o755, 1000, 1000)),
    ("d %t/redis 2755 1500 1501 - -", ("d", "/run/redis", 0o2755, 1500, 1501)),
]


@pytest.mark.parametrize(("line", "expected"), REAL)
def test_a_package_s_line_becomes_its_entry(line: str, expected: tuple[object, ...]) -> None:
    entry = one(line)
    assert (entry.kind, entry.path, entry.mode, entry.uid, entry.gid) == expected
    assert entry.exact
    assert entry.spares == ()


PATHS = [
    ('d /run/a"b c"d', "/run/ab cd"),
    ("d '/run/s q'", "/run/s q"),
    (r"d /run/a\x41\102\sz", "/run/aAB z"),
    (r"d /run/caf\xc3\xa9", "/run/café"),
    (r"d /run/\u00e9", "/run/é"),
    (r"d /run/\xff", "/run/\udcff"),
    (r"d /run/b\q", "/run/bq"),
    ("d /run//c/./e/", "/run/c/e"),
    ("d /var//run/x", "/run/x"),
    ("d /run", "/run"),
    ("d /run/a%%b", "/run/a%b"),
    ("d /run/100%", "/run/100%"),
    ("d /run/%H-%u", "/run/box-root"),
    ("d /run/%m", "/run"),
    ("D-!= /run/mods", "/run/mods"),
    ("  d /run/indented  ", "/run/indented"),
    ("d /run/cr 0711\r", "/run/cr"),
]


@pytest.mark.parametrize(("line", "path"), PATHS)
def test_quotes_escapes_and_specifiers_in_a_path_are_resolved(line: str, path: str) -> None:
    assert one(line).path == path


RIGHTS = [
    ("d /run/x", 0o755, 0, 0, EVERYTHING, False),
    ("d /run/x - - -", 0o755, 0, 0, EVERYTHING, False),
    ('d /run/x "" "" ""', 0o755, 0, 0, EVERYTHING, False),
    ("f /run/x", 0o644, 0, 0, EVERYTHING, False),
    ("d /run/x 0700", 0o700, 0, 0, ("uid", "gid"), False),
    ("d /run/x 1777 app -", 0o1777, 1000, 0, ("gid",), False),
    ("d /run/x :0700 :app :app", 0o700, 1000, 1000, EVERYTHING, False),
    ("d /run/x ~0770 app app", 0o770, 1000, 1000, (), True),
    ("d /run/x :~0770 app app", 0o770, 1000, 1000, ("mode",), True),
    ("d /run/x ~:0770 app app", 0o770, 1000, 1000, ("mode",), True),
    ("d /run/x 7777 4294967294 0", 0o7777, 4294967294, 0, (), False),
]


@pytest.mark.parametrize(("line", "mode", "uid", "gid", "spares", "masked"), RIGHTS)
def test_modes_and_owners_keep_what_the_line_leaves_open(
    line: str, mode: int, uid: int, gid: int, spares: tuple[str, ...], masked: bool
) -> None:
    entry = one(line)
    assert (entry.mode, entry.uid, entry.gid) == (mode, uid, gid)
    assert (entry.spares, entry.masked) == (spares, masked)


CONTENTS = [
    (r'f /run/x - - - - one\ttwo %% "q"', 'one\ttwo % "q"', False),
    ("f /run/x - - - - text   ", "text", False),
    ("f /run/x - - - - -", "", False),
    ("f+ /run/x - - - - %l", "é", True),
    ("f~ /run/x - - - - aGVsbG8K", "hello\n", False),
    ("L /run/shm - - - - /dev/shm", "/dev/shm", False),
    ("L+ /run/x 0644 app app 1d ../y z", "../y z", True),
    ("L /run/x", "/usr/share/factory/run/x", False),
]


@pytest.mark.parametrize(("line", "content", "replaces"), CONTENTS)
def test_the_argument_is_a_file_s_text_or_a_link_s_target(line: str, content: str, replaces: bool) -> None:
    entry = one(line)
    assert (entry.content, entry.replaces) == (content, replaces)


def test_a_link_has_no_owner_and_no_mode() -> None:
    entry = one("L /run/x 0700 app nobody-knows - y")
    assert (entry.mode, entry.uid, entry.gid) == (None, 0, 0)


QUIET = [
    "",
    "   ",
    "# d /run/x",
    "d /var/lib/x 0755 nobody-knows",
    "d /runner 0755 nobody-knows",
    "d /srv/run/x 0755 nobody-knows",
    "d /var/lib/%Y/x 0755",
    "L /var/run - - - - ../run",
    "f /run - - - - x",
    "x /run/keep",
    "z /run/log/journal 2755 root systemd-journal - -",
    "Z /run/log/journal/%m ~2750 root systemd-journal",
    "a+ /run/log/journal - - - - d:group::r-x",
    "C /run/systemd/x 0444 root root - /.extra/x",
    "r! /run/x",
    "R /run/x",
    "p /run/fifo",
    "e /run/x",
    "f^ /run/x - - - - credential",
    'f+! /run/nologin 0644 - - - "System is booting up."',
]


@pytest.mark.parametrize("line", QUIET)
def test_a_line_that_is_none_of_ours_is_passed_over_without_a_word(line: str) -> None:
    assert read(line) == ([], [])


BAD = [
    ("d /run/x 0755 ghost", "there is no user ghost"),
    ("d /run/x 0755 app ghost", "there is no group ghost"),
    ("d /run/x 0755 4294967295", "4294967295 is no number of a user"),
    ("d /run/x 0755 ²", "there is no user ²"),
    ("d /run/x 0755 -1", "there is no user -1"),
    ("d /run/x 17777", "17777 is no mode"),
    ("d /run/x 0x1", "0x1 is no mode"),
    ("d /run/x 8", "8 is no mode"),
    ("d /run/x ~", "~ is no mode"),
    ("d /run/x u=rwx", "u=rwx is no mode"),
    ("d /run/%y", "nothing is known for %y"),
    ("f /run/x - - - - a%yb", "nothing is known for %y"),
    (r"f /run/x - - - - a\000b", r"\000 is no character"),
    (r"f /run/x - - - - a\xg1", r"\xg1 is no character"),
    (r"f /run/x - - - - a\ud800", "an escape in it is no character"),
    (r"f /run/x - - - - a\777", r"\777 is no character"),
    ("f /run/x - - - - a\\", "it ends in a backslash"),
    ("f~ /run/x - - - - é", "its argument is no Base64"),
    ("f~ /run/x - - - - a", "its argument is no Base64"),
    ("d /run/a/../../etc", "/run/a/../../etc leads out of itself"),
    ("d /run/..", "/run/.. leads out of itself"),
    ("d /run/a\0b", "/run/a\0b leads out of itself"),
    ('d "/run/x', 'a " is not closed'),
    ("dd /run/x", "dd is no type of line"),
    ("d%t", "it has no path"),
]


@pytest.mark.parametrize(("line", "why"), BAD)
def test_a_line_that_cannot_be_used_is_left_out_with_a_warning_that_says_why(line: str, why: str) -> None:
    found, (warning,) = read("# first", line)
    assert found == []
    assert warning.startswith(f"/usr/lib/tmpfiles.d/x.conf line 2 is not used: {why}; ")


def test_one_reason_for_many_lines_of_a_file_is_one_warning() -> None:
    found, warnings = read("d /run/a 0755 ghost", "d /run/b 0755 ghost", "d /run/c", "d /run/d 0755 ghost")
    assert [entry.path for entry in found] == ["/run/c"]
    assert len(warnings) == 1
    assert " line 1 and 2 more is not used: " in warnings[0]


def test_of_several_lines_for_a_path_the_first_counts() -> None:
    found, _ = read("d /run/x 0700", "d /run/x 0755", "d /var/run/x 0711")
    assert [(entry.path, entry.mode) for entry in found] == [("/run/x", 0o700)]


def test_a_line_that_is_no_use_leaves_its_path_to_a_later_one() -> None:
    found, _ = read("d /run/x 0700 ghost", "d /run/x 0755")
    assert [(entry.path, entry.mode) for entry in found] == [("/run/x", 0o755)]


def test_a_folder_comes_before_what_is_in_it_and_otherwise_order_is_kept() -> None:
    found, _ = read("d /run/b/c", "d /run/z", "d /run/b", "d /run/a")
    assert [entry.path for entry in found] == ["/run/z", "/run/b", "/run/a", "/run/b/c"]


def test_of_files_with_one_name_the_higher_folder_s_counts() -> None:
    listing = {
        "/usr/lib/tmpfiles.d": ["b.conf", "a.conf", "c.conf", "é.conf"],
        "/usr/local/lib/tmpfiles.d": ["c.conf"],
        "/run/tmpfiles.d": ["c.conf", "b.conf"],
        "/etc/tmpfiles.d": ["b.conf", "README", "b.conf.dpkg-old"],
        "/elsewhere": ["z.conf"],
    }
    assert winners(listing) == [
        "/usr/lib/tmpfiles.d/a.conf",
        "/etc/tmpfiles.d/b.conf",
        "/run/tmpfiles.d/c.conf",
        "/usr/lib/tmpfiles.d/é.conf",
    ]


def test_names_are_ordered_by_their_bytes() -> None:
    assert winners({FOLDERS[0]: ["\udcff.conf", "a.conf", "Z.conf"]}) == [
        f"{FOLDERS[0]}/{name}" for name in ("Z.conf", "a.conf", "\udcff.conf")
    ]


def test_merged_keeps_the_first_entry_for_a_path_and_puts_parents_first() -> None:
    asked = RunEntry(kind="d", path="/run/lock/x", mode=0o700, uid=1, gid=1)
    mine = RunEntry(kind="d", path="/run/lock", mode=0o755, uid=0, gid=0)
    both = merged([asked, mine], standard_entries())
    assert [entry.path for entry in both] == ["/run", "/tmp", "/run/lock", "/var/run", "/var/tmp", "/run/lock/x"]
    assert both[2] is mine


def test_the_standard_entries_are_exact_and_have_no_source() -> None:
    assert {e.path: (e.kind, e.mode) for e in standard_entries()} == {
        "/run": ("d", 0o755),
        "/run/lock": ("d", 0o1777),
        "/var/run": ("L", None),
        "/tmp": ("d", 0o1777),
        "/var/tmp": ("d", 0o1777),
    }
    assert all(e.source == "" and (e.uid, e.gid) == (0, 0) and (e.exact or e.kind == "L") for e in standard_entries())


HUGE = {
    "digits of an owner": ("d /run/a 0755 " + "9" * 5000 + "\n", "is no number of a user"),
    "digits of a mode": ("d /run/a " + "7" * 5000 + "\n", "is no mode"),
    "a name of a group": ("d /run/a 0755 root " + "x" * 9000 + "\n", "there is no group x"),
    "marks of specifiers": ("d /run/" + "%%" * 8000 + "\n", ""),
    "a line": ("f /run/a - - - - " + "x" * 20000 + "\n", "it is longer than 16 KiB"),
    "a file": ("d /run/a\n" * 40000, "the file is larger than 256 KiB"),
    "reasons": ("".join([f"d /run/a 0755 user{i}\n" for i in range(9000)]), "for 8980 other reasons"),
}


@pytest.mark.parametrize("case", HUGE)
def test_lines_of_any_size_are_warnings_and_soon(case: str) -> None:
    text, words = HUGE[case]
    began = time.process_time()
    made, warnings = entries((("/usr/lib/tmpfiles.d/x.conf", text),), {}, {}, {})
    assert time.process_time() - began < 1
    assert len(made) == (not words)
    assert len(warnings) <= 21
    assert any(words in warning for warning in warnings) or not words
    assert max([len(warning) for warning in warnings], default=0) < 600
