"""The words of gosu, su-exec and s6-setuidgid: who they ask for, and what is nobody. Text in, values out."""

import pytest

from pydrop.compat import COMPATIBILITY_NAMES, gosu, name_of, s6_setuidgid, su_exec, userspec
from pydrop.errors import BadSetting
from pydrop.model import Start

pytestmark = pytest.mark.python  # which digits int() takes

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
toor:x:0:0:another root:/root:/bin/sh
# app:x:5:5::/:/bin/sh
weird:x:abc:xyz::/:/bin/sh
halfway:x:1700:xyz::/:/bin/sh
short:x:1300
over:x:4294967296:4294967296::/:/bin/sh
minus:x:4294967295:4294967295::/:/bin/sh
+5:x:5:5::/:/bin/sh
app:x:1000:1001::/home/app:/bin/sh
app:x:0:0::/root:/bin/sh
homeless:x:1100:1100:::/bin/sh
images:x:1200:0::/srv:/bin/sh
0x10:x:1600:1600::/hex:/bin/sh
"""
GROUP = """\
root:x:0:
# staff:x:5:
staff:x:50:app,daemon
weird:x:xyz:app
short:x
over:x:4294967296:app
minus:x:4294967295:app
app:x:1001:
video:x:44:app,homeless,1500
"""
FILES = userspec.files(PASSWD, GROUP, (0, 0))


def start(*words: str, name: str = "gosu") -> Start:
    return Start(name=name, arguments=words, environment=(), ignored=(), blocked=())


def found(module, who: str, files=FILES) -> "tuple[int, int, tuple[int, ...], str]":
    """(uid, gid, groups, home)."""
    identity = module.wanted(start(who, "cmd", "-x"), files).identity
    return identity.uid, identity.gid, identity.groups, identity.home


# gosu's and su-exec's words -> uid, gid, the supplementary groups of gosu, those of su-exec, HOME
SPECS = {
    "app": (1000, 1001, (44, 50), (44, 50, 1001), "/home/app"),
    "app:": (1000, 1001, (44, 50), (44, 50, 1001), "/home/app"),
    "1000": (1000, 1001, (44, 50), (44, 50, 1001), "/home/app"),
    "001000": (1000, 1001, (44, 50), (44, 50, 1001), "/home/app"),
    "app:app": (1000, 1001, (), (1001,), "/home/app"),
    "app:video": (1000, 44, (), (44,), "/home/app"),
    "app:7": (1000, 7, (), (7,), "/home/app"),
    "1000:staff": (1000, 50, (), (50,), "/home/app"),
    "1000:1000": (1000, 1000, (), (1000,), "/home/app"),
    "root": (0, 0, (), (0,), "/root"),
    "0": (0, 0, (), (0,), "/root"),
    "root:staff": (0, 50, (), (50,), "/root"),
    "0:0": (0, 0, (), (0,), "/root"),
    "app:root": (1000, 0, (), (0,), "/home/app"),
    "app:0": (1000, 0, (), (0,), "/home/app"),
    "images": (1200, 0, (), (0,), "/srv"),
    "homeless": (1100, 1100, (44,), (44, 1100), ""),
    "1500": (1500, 1500, (), (1500,), "/"),
    "1500:": (1500, 1500, (), (1500,), "/"),
    "1500:44": (1500, 44, (), (44,), "/"),
    "1300": (1300, 1300, (), (1300,), "/"),
    "1700": (1700, 1700, (), (1700,), "/"),
    "5": (5, 5, (), (5,), "/"),
    "4294967294": (4294967294, 4294967294, (), (4294967294,), "/"),
    "4294967294:4294967294": (4294967294, 4294967294, (), (4294967294,), "/"),
    "0x10": (1600, 1600, (), (1600,), "/hex"),
}


@pytest.mark.parametrize("spec", SPECS)
def test_gosu_takes_the_account_and_the_groups_that_list_it(spec):
    """The gid is not among the groups, and a GROUP that is named leaves none."""
    uid, gid, groups, _, home = SPECS[spec]
    assert found(gosu, spec) == (uid, gid, groups, home)


@pytest.mark.parametrize("spec", SPECS)
def test_su_exec_takes_the_gid_among_the_groups(spec):
    """As getgrouplist(3) has it; a GROUP that is named is the only one."""
    uid, gid, _, groups, home = SPECS[spec]
    assert found(su_exec, spec) == (uid, gid, groups, home)


# words that are nobody -> what the message says
REFUSED = {
    "": "names no user",
    ":": "names no user",
    ":staff": "names no user",
    ":50": "names no user",
    "nosuch": "no account 'nosuch'",
    "ap": "did you mean 'app'?",
    "app:nosuch": "no group 'nosuch'",
    "app:stff": "did you mean 'staff'?",
    "app:app:app": "more than one colon",
    "app::": "more than one colon",
    "toor": "account toor has uid 0",
    "weird": "no account 'weird'",
    "halfway": "no account 'halfway'",
    "short": "no account 'short'",
    "over": "no account 'over'",
    "minus": "no account 'minus'",
    "# app": "no account '# app'",
    "app:weird": "no group 'weird'",
    "app:short": "no group 'short'",
    "app:over": "no group 'over'",
    "app:minus": "no group 'minus'",
    "4294967295": "no id that a process can have",
    "4294967296": "no id that a process can have",
    "18446744073709551616": "no id that a process can have",
    "9" * 5000: "no id that a process can have",
    "app:4294967295": "no id that a process can have",
    "app:4294967296": "no id that a process can have",
    "+5": "no account '+5'",
    "-1": "no account '-1'",
    "-0": "no account '-0'",
    " 5": "no account ' 5'",
    "5 ": "no account '5 '",
    "5\n": "no account '5\\n'",
    "1_000": "no account '1_000'",
    "1e3": "no account '1e3'",
    "0b1": "no account '0b1'",
    "\u0665": "no account '\u0665'",
    "²": "no account '²'",
    "app:+5": "no group '+5'",
    "app:-1": "no group '-1'",
    "app: 5": "no group ' 5'",
    "app:0x32": "no group '0x32'",
}


@pytest.mark.parametrize("spec", REFUSED)
def test_what_is_no_number_and_no_entry_is_nobody(spec):
    """A sign, a base, a blank, what the kernel would cut off, a malformed line: each has made somebody root."""
    for module in (gosu, su_exec):
        with pytest.raises(BadSetting) as caught:
            found(module, spec)
        assert REFUSED[spec] in str(caught.value), module.__name__
        assert caught.value.remedy, module.__name__


@pytest.mark.parametrize("module", [gosu, su_exec], ids=["gosu", "su-exec"])
@pytest.mark.parametrize(
    ("caller", "spec", "gid"),
    [
        ((0, 0), "1500", 1500),
        ((0, 44), "1500", 1500),
        ((1500, 0), "1500", 0),
        ((1500, 44), "1500", 44),
        ((1500, 0), "1501", 1501),
        ((1500, 0), "1500:1500", 1500),
        ((1000, 0), "1000", 1001),
    ],
)
def test_a_number_without_entry_never_gets_roots_gid_from_root(caller, spec, gid, module):
    """The tools take the caller's gid, which is root's. Only what the caller holds already without root stays."""
    assert found(module, spec, userspec.files(PASSWD, GROUP, caller))[1] == gid


@pytest.mark.parametrize("module", [gosu, su_exec, s6_setuidgid], ids=["gosu", "su-exec", "s6-setuidgid"])
def test_the_rest_is_the_command_untouched(module):
    """Words that look like options, empty ones, and `--`, which these tools do not know."""
    asked = module.wanted(start("app", "--", "-x", "", "--help"), FILES)
    assert asked.command == ("--", "-x", "", "--help")


@pytest.mark.parametrize("module", [gosu, su_exec], ids=["gosu", "su-exec"])
def test_gosu_and_su_exec_set_home_and_nothing_else(module):
    assert module.wanted(start("app", "cmd"), FILES).changes == (("HOME", "/home/app"),)


# -- s6-setuidgid ----------------------------------------------------------------------------------

S6 = {
    "app": (1000, 1001, (44, 50, 1001)),
    "homeless": (1100, 1100, (44, 1100)),
    "root": (0, 0, (0,)),
    "1000:1000": (1000, 1000, (1000,)),
    "1500:0": (1500, 0, (0,)),
    "0:0": (0, 0, (0,)),
    "0:50": (0, 50, (50,)),
    "007:08": (7, 8, (8,)),
    "4294967294:4294967294": (4294967294, 4294967294, (4294967294,)),
}


@pytest.mark.parametrize("spec", S6)
def test_s6_setuidgid_takes_a_name_or_two_numbers(spec):
    """The gid is among the groups; numbers are not looked up, so they bring no other group."""
    assert found(s6_setuidgid, spec)[:3] == S6[spec]


def test_s6_setuidgid_takes_its_own_variables_out_with_a_name_alone():
    """As the tool, which hands UID, GID and GIDLIST from one of its programs to the next."""
    changes = s6_setuidgid.wanted(start("app", "cmd"), FILES).changes
    assert dict(changes) == {"UID": None, "GID": None, "GIDLIST": None}
    assert s6_setuidgid.wanted(start("1000:1000", "cmd"), FILES).changes == ()


S6_REFUSED = {  # words -> exit code, what the message says
    "": (100, "is no account"),
    "-x": (100, "is no account"),
    "--": (100, "is no account"),
    ":": (100, "not UID:GID"),
    "1000:": (100, "not UID:GID"),
    ":1000": (100, "not UID:GID"),
    "app:app": (100, "not UID:GID"),
    "app:1000": (100, "not UID:GID"),
    "1000:app": (100, "not UID:GID"),
    "1:2:3": (100, "not UID:GID"),
    "+1:2": (100, "not UID:GID"),
    "1:-2": (100, "not UID:GID"),
    "0x1:2": (100, "not UID:GID"),
    " 1:2": (100, "not UID:GID"),
    "1:2\n": (100, "not UID:GID"),
    "4294967295:1": (100, "no id that a process can have"),
    "1:4294967295": (100, "no id that a process can have"),
    "4294967296:1": (100, "no id that a process can have"),
    "1000": (1, "write 1000:1000 for the numbers"),
    "nosuch": (1, "no account 'nosuch'"),
    "ap": (1, "did you mean 'app'?"),
    "weird": (1, "no account 'weird'"),
    "short": (1, "no account 'short'"),
    "toor": (1, "account toor has uid 0"),
}


@pytest.mark.parametrize("spec", S6_REFUSED)
def test_s6_setuidgid_refuses_with_its_own_codes(spec):
    """100 for wrong words, 1 for an account that is not there."""
    with pytest.raises(BadSetting) as caught:
        found(s6_setuidgid, spec)
    assert (caught.value.code, S6_REFUSED[spec][1] in str(caught.value)) == (S6_REFUSED[spec][0], True)


# -- the name --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv0", "name"),
    [
        ("gosu", "gosu"),
        ("/usr/local/bin/su-exec", "su-exec"),
        ("./s6-setuidgid", "s6-setuidgid"),
        ("pydrop", ""),
        ("", ""),
        ("/gosu/", ""),
        ("gosu/pydrop", ""),
        ("-gosu", ""),
        ("Gosu", ""),
        ("gosu.pydrop", ""),
    ],
)
def test_the_name_is_the_last_part_of_argv0(argv0, name):
    """Whole, and as it is in the table."""
    assert name_of(start(name=argv0)) == name


def test_every_name_can_be_linked():
    """`pydropctl install` takes the names from this table: none leads out of a folder, none is pydrop's own."""
    assert all(name and "/" not in name and name.isascii() and name.isprintable() for name in COMPATIBILITY_NAMES)
    assert not {"pydrop", "pydropctl"} & COMPATIBILITY_NAMES.keys()
