"""The new text of both files: our entry found first by name and by number, everything else byte for byte."""

import random
from typing import Any

import pytest

from pydrop.accounts import accounts, group_with, groups, passwd_with
from pydrop.errors import BadSetting
from pydrop.model import Account, AccountChange, Group

pytestmark = pytest.mark.python  # bytes that are no UTF-8


def change(
    name: str = "app",
    uid: int = 1500,
    gid: int = 1600,
    group: str = "app",
    home: str = "/home/app",
    shell: str = "/bin/sh",
    gecos: str = "",
    more: tuple[Group, ...] = (),
) -> AccountChange:
    return AccountChange(
        account=Account(name=name, uid=uid, gid=gid, home=home, shell=shell, gecos=gecos),
        group=Group(name=group, gid=gid),
        more_groups=more,
    )


MADE = "app:*:1500:1600::/home/app:/bin/sh\n"
ROOT = "root:x:0:0:root:/root:/bin/bash\n"
PASSWD = [
    # before, after
    ("", MADE),
    (ROOT, ROOT + MADE),
    (ROOT.rstrip("\n"), ROOT + MADE),
    (ROOT + "\n\n", ROOT + "\n\n" + MADE),
    ("\n", "\n" + MADE),
    (ROOT.replace("\n", "\r\n"), ROOT.replace("\n", "\r\n") + MADE),
    ("app:x:999:998:The App:/srv:/bin/bash\n", "app:x:1500:1600:The App:/srv:/bin/bash\n"),
    ("app:x:999:998:The App:/srv:/bin/bash", "app:x:1500:1600:The App:/srv:/bin/bash"),
    ("app:x:999:998:The App:/srv:/bin/bash\r\n", "app:x:1500:1600:The App:/srv:/bin/bash\r\n"),
    ("app:$6$salt$hash:999:998:::\n", "app:$6$salt$hash:1500:1600:::\n"),
    ("app::999:998:::\n", "app::1500:1600:::\n"),
    ("app:x:1500:998:::\n", "app:x:1500:1600:::\n"),
    ("app:x:001500:1600:::\n", "app:x:001500:1600:::\n"),
    (ROOT + "app:x:1500:1600:::\n", ROOT + "app:x:1500:1600:::\n"),
    ("app:x:1500:1600:::", "app:x:1500:1600:::"),
    # another account with the number: ours comes just before it
    ("a:x:1:1:::\nuser:x:1500:1:::\nb:x:2:2:::\n", "a:x:1:1:::\n" + MADE + "user:x:1500:1:::\nb:x:2:2:::\n"),
    ("user:x:1500:1:::\nb:x:2:2:::\napp:x:9:9:::\n", "app:x:1500:1600:::\nuser:x:1500:1:::\nb:x:2:2:::\n"),
    ("user:x:1500:1:::\nb:x:2:2:::\napp:x:9:9:::", "app:x:1500:1600:::\nuser:x:1500:1:::\nb:x:2:2:::"),
    ("user:x:1500:1:::\napp:x:1500:1600:::\n", "app:x:1500:1600:::\nuser:x:1500:1:::\n"),
    ("app:x:9:9:::\nuser:x:1500:1:::\n", "app:x:1500:1600:::\nuser:x:1500:1:::\n"),
    ("app:x:1500:1600:::\nuser:x:1500:1:::\n", "app:x:1500:1600:::\nuser:x:1500:1:::\n"),
    # several lines of our name: the right one counts, else the first
    ("app:x:9:9:::\napp:x:8:8:::\n", "app:x:1500:1600:::\napp:x:8:8:::\n"),
    ("app:x:9:9:::\nb:x:2:2:::\napp:x:1500:1600:::\n", "app:x:1500:1600:::\napp:x:9:9:::\nb:x:2:2:::\n"),
    # odd lines: kept, and ours comes before those that a careless reader takes for it
    ("app:x:abc:xyz:::\n", MADE + "app:x:abc:xyz:::\n"),
    (" app:x:9:9:::\n", MADE + " app:x:9:9:::\n"),
    ("b:x:+1500:9:::\n", MADE + "b:x:+1500:9:::\n"),
    ("b:x: 1500:9\n", MADE + "b:x: 1500:9\n"),
    ("b:x:01500\n", MADE + "b:x:01500\n"),
    ("app\n", MADE + "app\n"),
    ("#app:x:1500:1600:::\n", "#app:x:1500:1600:::\n" + MADE),
    ("+app::::::\n", "+app::::::\n" + MADE),
    ("-app::::::\n+::::::\n", "-app::::::\n+::::::\n" + MADE),
    ("apple:x:15000:9:::\n1500:x:2:1500:::\n", "apple:x:15000:9:::\n1500:x:2:1500:::\n" + MADE),
    ("\udcff\udcfe:x:\udc00\n", "\udcff\udcfe:x:\udc00\n" + MADE),
    ("a\x85b\u2028c:x:1:1:::\n", "a\x85b\u2028c:x:1:1:::\n" + MADE),
]


@pytest.mark.parametrize(("before", "after"), PASSWD)
def test_passwd_says_what_the_change_says_and_keeps_the_rest(before: str, after: str) -> None:
    assert passwd_with(before, change()) == after


def test_a_passwd_that_is_right_is_the_very_same_text() -> None:
    for _, right in PASSWD:
        assert passwd_with(right, change()) is right, repr(right)


GROUP = [
    # the change's group, more groups, before, after
    ("app", (), "", "app:x:1600:\n"),
    ("app", (), "root:x:0:", "root:x:0:\napp:x:1600:\n"),
    ("app", (), "app:x:998:a,b\n", "app:x:1600:a,b\n"),
    ("app", (), "app:!:998:a,b\r\n", "app:!:1600:a,b\r\n"),
    ("app", (), "users:x:100:\napp:x:1600:\n", "users:x:100:\napp:x:1600:\n"),
    ("app", (), "crew:x:1600:\napp:x:998:a\n", "app:x:1600:a\ncrew:x:1600:\n"),
    ("app", (), "crew:x:1600\n", "app:x:1600:\ncrew:x:1600\n"),
    ("app", (), "app:x:abc:\n", "app:x:1600:\napp:x:abc:\n"),
    ("app", (), "+:::\n# end\n", "+:::\n# end\napp:x:1600:\n"),
    ("app", (Group(name="gid44", gid=44),), "", "app:x:1600:\ngid44:x:44:\n"),
    ("app", (Group(name="gid44", gid=44),), "video:x:44:\n", "video:x:44:\napp:x:1600:\n"),
    (
        "app",
        (Group(name="gid44", gid=44), Group(name="gid45", gid=45)),
        "app:x:1600:\nvideo:x:044:\n",
        "app:x:1600:\nvideo:x:044:\ngid45:x:45:\n",
    ),
]


@pytest.mark.parametrize(("group", "more", "before", "after"), GROUP)
def test_group_says_what_the_change_says_and_keeps_the_rest(
    group: str, more: tuple[Group, ...], before: str, after: str
) -> None:
    wanted = change(group=group, more=more)
    assert group_with(before, wanted) == after
    assert group_with(after, wanted) is after


def test_root_stays_where_it_is_before_a_nis_line_and_others_of_its_number() -> None:
    root = AccountChange(account=Account(name="root", uid=0, gid=0, home="/root"), group=Group(name="root", gid=0))
    for text in (
        "+::::::\nroot:x:0:0:::\n",
        "root:x:0:0:::\ntoor:x:0:0:::\n",
        "::::::\nweird:x:abc:x:::\nroot:x:0:0:::\n",
    ):
        assert passwd_with(text, root) is text


FORGERIES = [
    {"name": "a:b"},
    {"name": "a\nroot2"},
    {"name": "a\rb"},
    {"name": "a\0b"},
    {"name": ""},
    {"name": "-a"},
    {"name": "+a"},
    {"name": "#a"},
    {"name": "a b"},
    {"name": "1000"},
    {"name": "a" * 33},
    {"name": "a/b"},
    {"name": ".."},
    {"name": "zoë"},
    {"home": "/home/a:/bin/sh"},
    {"home": "/home/a\nevil:x:0:0::/:/bin/sh"},
    {"home": "/home/\0"},
    {"home": "/home/\r"},
    {"home": "relative"},
    {"shell": "/bin/sh\nevil:x:0:0::/:/bin/sh"},
    {"shell": "/bin/sh:x"},
    {"shell": "/bin/\x1bsh"},
    {"gecos": "a:0:0"},
    {"gecos": "a\nevil:x:0:0::/:/bin/sh"},
]


@pytest.mark.parametrize("fields", FORGERIES)
def test_a_field_that_could_forge_a_line_is_never_written(fields: dict[str, Any]) -> None:
    with pytest.raises(BadSetting):
        passwd_with(ROOT, change(**fields))


@pytest.mark.parametrize("name", ["a:b", "a\nroot2:x:0:", "", "-a", "a,b", "1600", "a b"])
def test_a_group_s_name_that_could_forge_a_line_is_never_written(name: str) -> None:
    with pytest.raises(BadSetting):
        group_with("root:x:0:\n", change(group=name))
    with pytest.raises(BadSetting):
        group_with("root:x:0:\n", change(more=(Group(name=name, gid=44),)))


@pytest.mark.parametrize("name", ["app", "_apt", "www-data", "a.b", "App_1", "a" * 32, "x"])
def test_portable_names_are_made(name: str) -> None:
    assert accounts(passwd_with(ROOT, change(name=name)))[-1].name == name


PIECES = [
    "root:x:0:0:root:/root:/bin/sh",
    "app:x:999:998:App:/srv:/bin/bash",
    "app:x:7:7:again:/:/",
    "other:x:1500:5::/:/bin/sh",
    "other2:x:1500:1600::/:/bin/sh",
    "app:x:abc:1::/:/",
    " app:x:3:3::/:/",
    "near:x:+1500:3::/:/",
    "node:x:1000:1000::/home/node:/bin/sh",
    "# a comment",
    "",
    "+::::::",
    "app:x:998:",
    "crew:x:1600:other",
    "crew:x:1600",
    "app:x:12:a,b",
    "users:x:100:app",
    "\udcfe\udcff",
    "crlf:x:55:55::/:/bin/sh\r",
]


def mixed(seed: int) -> str:
    dice = random.Random(seed)
    text = "\n".join(dice.choices(PIECES, k=dice.randrange(12)))
    return text + dice.choice(["", "\n"])


MIXTURES = [mixed(seed) for seed in range(300)]


def test_in_any_mixture_of_lines_both_look_ups_find_the_entry() -> None:
    wanted = change()
    for text in MIXTURES:
        new = passwd_with(text, wanted)
        found = accounts(new)
        for one in (next(a for a in found if a.name == "app"), next(a for a in found if a.uid == 1500)):
            assert (one.name, one.uid, one.gid) == ("app", 1500, 1600), f"{text!r} became {new!r}"
        assert passwd_with(new, wanted) is new, f"{text!r} became {new!r}"


def test_in_any_mixture_of_lines_no_other_line_is_lost() -> None:
    for text in MIXTURES:
        old, new = text.split("\n"), passwd_with(text, change()).split("\n")
        lost = [line for line in old if line and line not in new]
        assert len(lost) <= 1, f"{text!r} lost {lost}"
        assert all(line.startswith("app:") for line in lost), f"{text!r} lost {lost}"
        kept = [line for line in old if line and not line.startswith("app:")]
        assert [line for line in new if line and not line.startswith("app:")] == kept, repr(text)


def test_in_any_mixture_of_lines_both_look_ups_find_the_group() -> None:
    wanted = change(more=(Group(name="gid226", gid=226),))
    for text in MIXTURES:
        new = group_with(text, wanted)
        found = groups(new)
        by_name, by_gid = (next(g for g in found if g.name == "app"), next(g for g in found if g.gid == 1600))
        assert (by_name.gid, by_gid.name) == (1600, "app"), f"{text!r} became {new!r}"
        assert next(g for g in found if g.gid == 226).name == "gid226", f"{text!r} became {new!r}"
        assert group_with(new, wanted) is new, f"{text!r} became {new!r}"
        before = next((g.members for g in groups(text) if g.name == "app"), ())
        assert by_name.members == before, f"{text!r} became {new!r}"
