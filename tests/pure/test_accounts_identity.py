"""Who the program becomes: every combination of what can be asked with what an image can have."""

from typing import Any

import pytest

from pydrop.accounts import identity
from pydrop.errors import BadSetting
from pydrop.model import Account, Group, Identity, NumberAsked, Settings, UserAsked

BASE_PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
weird:x:abc:xyz::/:/bin/sh
"""
BASE_GROUP = """\
root:x:0:
daemon:x:1:
www-data:x:33:
staff:x:50:
video:x:44:
users:x:100:
nogroup:x:65534:
odd:x:zero:
"""
APP_LINE = "app:x:999:998:The App:/srv/app:/bin/bash\n"
NODE_LINE = "node:x:1000:1000::/home/node:/bin/bash\n"
IMAGES = {
    "bare": (BASE_PASSWD, BASE_GROUP),
    "app": (BASE_PASSWD + APP_LINE, BASE_GROUP + "app:x:998:\n"),
    "node": (BASE_PASSWD + NODE_LINE, BASE_GROUP + "node:x:1000:\n"),
    "both": (BASE_PASSWD + NODE_LINE + APP_LINE, BASE_GROUP + "node:x:1000:\napp:x:998:\n"),
    "empty": ("", ""),
    "app in users": (BASE_PASSWD + "app:x:999:100::/srv/app:/bin/sh\n", BASE_GROUP),
    "app in root": (BASE_PASSWD + "app:x:1001:0::/srv/app:/bin/sh\n", BASE_GROUP),
    "app without group": (BASE_PASSWD + "app:x:999:999::/srv/app:/bin/sh\n", BASE_GROUP),
    "app is root": (BASE_PASSWD + "app:x:0:0::/srv/app:/bin/sh\n", BASE_GROUP),
    "group app": (BASE_PASSWD, BASE_GROUP + "app:x:998:\n"),
    "worker in app": (BASE_PASSWD + APP_LINE + "worker:x:990:998::/:/bin/sh\n", BASE_GROUP + "app:x:998:\n"),
}


def number(value: int | None, source: str) -> NumberAsked | None:
    return None if value is None else NumberAsked(number=value, source=source)


def user_asked(text: str) -> UserAsked | None:
    """`user` as settings takes it apart; digits are a number."""
    if not text:
        return None
    who, _, group = text.partition(":")
    return UserAsked(
        name=None if not who or who.isdigit() else who,
        uid=int(who) if who.isdigit() else None,
        group=None if not group or group.isdigit() else group,
        gid=int(group) if group.isdigit() else None,
        source="PYDROP_USER",
    )


def asked(user: str = "", puid: int | None = None, pgid: int | None = None, **more: Any) -> Settings:
    sources = {"groups": "PYDROP_GROUPS", "home": "PYDROP_HOME", "owner-of": "PYDROP_OWNER_OF"}
    return Settings(
        user=user_asked(user), puid=number(puid, "PUID"), pgid=number(pgid, "PGID"), sources=sources, **more
    )


def decide(image: str, settings: Settings, owner: tuple[int, int] | None = None) -> tuple[Identity, Account, Group]:
    who, change, _ = identity(settings, *IMAGES[image], owner, (), ())
    assert (change.account.name, change.account.uid) == (who.name, who.uid)
    assert (change.group.name, change.group.gid) == (who.group, who.gid)
    return who, change.account, change.group


N = None
COMBINATIONS = [
    # image, user, PUID, PGID -> name, uid, gid, group's name
    ("bare", "", N, N, "app", 1000, 1000, "app"),
    ("bare", "", 1500, N, "app", 1500, 1500, "app"),
    ("bare", "", N, 1600, "app", 1000, 1600, "app"),
    ("bare", "", 1500, 1600, "app", 1500, 1600, "app"),
    ("bare", "", 1500, 100, "app", 1500, 100, "users"),
    ("bare", "", 100, N, "app", 100, 100, "users"),
    ("bare", "", 33, N, "www-data", 33, 33, "www-data"),
    ("bare", "", 4, N, "sync", 4, 65534, "nogroup"),
    ("bare", "", 1500, 0, "app", 1500, 0, "root"),
    ("bare", "", N, 0, "app", 1000, 0, "root"),
    ("bare", "", 4294967294, N, "app", 4294967294, 4294967294, "app"),
    ("bare", "www-data", N, N, "www-data", 33, 33, "www-data"),
    ("bare", "www-data", 1500, N, "www-data", 1500, 33, "www-data"),
    ("bare", "www-data", N, 1600, "www-data", 33, 1600, "www-data"),
    ("bare", "www-data", 1500, 1600, "www-data", 1500, 1600, "www-data"),
    ("bare", "www-data", 1500, 100, "www-data", 1500, 100, "users"),
    ("bare", "www-data:staff", N, N, "www-data", 33, 50, "staff"),
    ("bare", "www-data:staff", 1500, N, "www-data", 1500, 50, "staff"),
    ("bare", "www-data:staff", N, 100, "www-data", 33, 100, "users"),
    ("bare", "www-data:1600", N, N, "www-data", 33, 1600, "www-data"),
    ("bare", "www-data:0", N, N, "www-data", 33, 0, "root"),
    ("bare", "www-data:root", N, N, "www-data", 33, 0, "root"),
    ("bare", "33", N, N, "www-data", 33, 33, "www-data"),
    ("bare", "33", 1500, N, "www-data", 1500, 33, "www-data"),
    ("bare", "33:50", N, N, "www-data", 33, 50, "staff"),
    ("bare", "1500", N, N, "app", 1500, 1500, "app"),
    ("bare", "1500", N, 1600, "app", 1500, 1600, "app"),
    ("bare", "1500", 1700, N, "app", 1700, 1700, "app"),
    ("bare", "1500:1600", N, N, "app", 1500, 1600, "app"),
    ("bare", "1500:1600", 1700, N, "app", 1700, 1600, "app"),
    ("bare", "1500:1600", N, 1800, "app", 1500, 1800, "app"),
    ("bare", "1500:1600", 1700, 1800, "app", 1700, 1800, "app"),
    ("bare", "1500:staff", N, N, "app", 1500, 50, "staff"),
    ("bare", "1500:staff", 1700, 100, "app", 1700, 100, "users"),
    ("bare", ":staff", N, N, "app", 1000, 50, "staff"),
    ("bare", ":1600", N, N, "app", 1000, 1600, "app"),
    ("bare", ":1600", 1500, N, "app", 1500, 1600, "app"),
    ("bare", ":staff", 33, N, "www-data", 33, 50, "staff"),
    ("bare", "svc", 1500, N, "svc", 1500, 1500, "svc"),
    ("bare", "svc", 1500, 1600, "svc", 1500, 1600, "svc"),
    ("bare", "svc", 33, N, "svc", 33, 33, "www-data"),
    ("bare", "svc:crew", 1500, 1600, "svc", 1500, 1600, "crew"),
    ("bare", "svc:crew", 1500, 100, "svc", 1500, 100, "users"),
    ("bare", "svc:1600", 1500, N, "svc", 1500, 1600, "svc"),
    ("bare", "www-data:crew", N, 1600, "www-data", 33, 1600, "crew"),
    ("app", "", N, N, "app", 999, 998, "app"),
    ("app", "", 1500, N, "app", 1500, 998, "app"),
    ("app", "", N, 1600, "app", 999, 1600, "app"),
    ("app", "", 1500, 1600, "app", 1500, 1600, "app"),
    ("app", "", 1500, 100, "app", 1500, 100, "users"),
    ("app", "", 33, 33, "app", 33, 33, "www-data"),
    ("app", "", 999, 998, "app", 999, 998, "app"),
    ("app", "app", 1500, 1600, "app", 1500, 1600, "app"),
    ("app", "app:video", N, N, "app", 999, 44, "video"),
    ("app", "app:video", N, 1600, "app", 999, 1600, "app"),  # `video` is shared: it keeps its number
    ("app", "app:app", N, 1600, "app", 999, 1600, "app"),
    ("app", "1500", N, N, "app", 1500, 998, "app"),
    ("app", "1500:1600", N, N, "app", 1500, 1600, "app"),
    ("app", "33", N, N, "www-data", 33, 33, "www-data"),
    ("app", "www-data", N, N, "www-data", 33, 33, "www-data"),
    ("app", ":1600", N, N, "app", 999, 1600, "app"),
    ("app", "svc", 1500, N, "svc", 1500, 1500, "svc"),
    ("node", "", N, N, "node", 1000, 1000, "node"),
    ("node", "", 1000, N, "node", 1000, 1000, "node"),
    ("node", "", 1000, 1000, "node", 1000, 1000, "node"),
    ("node", "", 1000, 1600, "node", 1000, 1600, "node"),
    ("node", "", 1500, N, "app", 1500, 1500, "app"),
    ("node", "", 1500, 1000, "app", 1500, 1000, "node"),
    ("node", "", N, 1600, "node", 1000, 1600, "node"),
    ("node", "node", 1500, N, "node", 1500, 1000, "node"),
    ("node", "node", 1500, 1600, "node", 1500, 1600, "node"),
    ("node", "1000", 1500, 1500, "node", 1500, 1500, "node"),
    ("node", "1000:100", N, N, "node", 1000, 100, "users"),
    ("node", "svc", 1000, N, "svc", 1000, 1000, "node"),
    ("both", "", N, N, "app", 999, 998, "app"),
    ("both", "", 1000, N, "app", 1000, 998, "app"),
    ("both", "", 1000, 1000, "app", 1000, 1000, "node"),
    ("both", "1000", N, N, "node", 1000, 1000, "node"),
    ("both", "node", N, N, "node", 1000, 1000, "node"),
    ("empty", "", N, N, "app", 1000, 1000, "app"),
    ("empty", "", 1500, N, "app", 1500, 1500, "app"),
    ("empty", "1500:1600", N, N, "app", 1500, 1600, "app"),
    ("empty", "", 1500, 0, "app", 1500, 0, "app"),
    ("app in users", "", N, N, "app", 999, 100, "users"),
    ("app in users", "", 1500, N, "app", 1500, 100, "users"),
    ("app in users", "", 1500, 1600, "app", 1500, 1600, "app"),
    ("app in root", "", N, N, "app", 1001, 0, "root"),
    ("app in root", "", 1500, 1600, "app", 1500, 1600, "app"),
    ("app without group", "", N, N, "app", 999, 999, "app"),
    ("app without group", "", N, 1600, "app", 999, 1600, "app"),
    ("app is root", "www-data", N, N, "www-data", 33, 33, "www-data"),
    ("app is root", "", 1500, 1600, "app", 1500, 1600, "app"),
    ("group app", "", 1500, 1600, "app", 1500, 1600, "app"),
    ("group app", "", N, N, "app", 1000, 1000, "app"),
    ("worker in app", "", 1500, 1600, "app", 1500, 1600, "gid1600"),  # renumbering would orphan worker
]


@pytest.mark.parametrize(("image", "user", "puid", "pgid", "name", "uid", "gid", "group"), COMBINATIONS)
def test_account_and_numbers_follow_from_what_was_asked_and_what_the_image_has(
    image: str, user: str, puid: int | None, pgid: int | None, name: str, uid: int, gid: int, group: str
) -> None:
    who, _, _ = decide(image, asked(user, puid, pgid))
    assert (who.name, who.uid, who.gid, who.group) == (name, uid, gid, group)
    assert type(who.uid) is int
    assert type(who.gid) is int


ROOT = [
    # image, user, PUID, PGID -> gid, why
    ("bare", "", 0, N, 0, "PUID=0"),
    ("app", "", 0, N, 0, "PUID=0"),
    ("app", "app", 0, N, 0, "PUID=0"),
    ("bare", "root", N, N, 0, "PYDROP_USER=root"),
    ("bare", "0", N, N, 0, "PYDROP_USER=0"),
    ("bare", "0:0", N, N, 0, "PYDROP_USER=0"),
    ("bare", "root:staff", N, N, 50, "PYDROP_USER=root"),
    ("bare", "root", 0, N, 0, "PUID=0"),
    ("bare", "", 0, 1600, 1600, "PUID=0"),
    ("empty", "root", N, N, 0, "PYDROP_USER=root"),
    ("empty", "", 0, N, 0, "PUID=0"),
    ("app is root", "", 0, N, 0, "PUID=0"),
]


@pytest.mark.parametrize(("image", "user", "puid", "pgid", "gid", "why"), ROOT)
def test_root_is_who_asked_for_it_in_so_many_words(
    image: str, user: str, puid: int | None, pgid: int | None, gid: int, why: str
) -> None:
    who, change, _ = identity(asked(user, puid, pgid), *IMAGES[image], (1500, 1500), (), ())
    assert (who.name, who.uid, who.gid, who.home, who.why) == ("root", 0, gid, "/root", why)
    assert (change.account.name, change.account.uid, change.account.gid) == ("root", 0, 0)


def test_root_by_another_name_keeps_that_name() -> None:
    passwd = "toor:x:0:0::/toor:/bin/sh\nroot:x:0:0::/root:/bin/sh\n"
    assert identity(asked("root"), passwd, "", None, (), ())[0].home == "/root"
    assert identity(asked("", 0), passwd, "", None, (), ())[0].home == "/toor"


def test_a_root_account_with_another_number_is_that_number() -> None:
    who = identity(asked("root"), "admin:x:0:0::/:\nroot:x:500:500::/r:/bin/sh\n", "", None, (), ())[0]
    assert (who.name, who.uid, who.gid) == ("root", 500, 500)


REFUSED = [
    # image, user, PUID, PGID, words of the message
    ("bare", "ww-data", N, N, "PYDROP_USER: the image has no account 'ww-data', did you mean 'www-data'?"),
    ("bare", "svc", N, N, "PYDROP_USER: the image has no account 'svc'; correct the name, or set PUID=1000"),
    ("bare", "weird", N, N, "no account 'weird'"),
    ("bare", "svc", N, 1600, "no account 'svc'"),
    ("bare", "www-data:stuff", N, N, "PYDROP_USER: the image has no group 'stuff', did you mean 'staff'?"),
    ("bare", "www-data:odd", N, N, "no group 'odd'"),
    ("bare", ":stuff", N, N, "no group 'stuff'"),
    ("bare", "svc:svc", 1500, N, "no group 'svc'"),
    ("bare", "0:stuff", N, N, "no group 'stuff'"),
    ("bare", "root", 1500, N, "PUID asks for uid 1500, but the account would be root"),
    ("bare", "0", 1500, N, "PUID asks for uid 1500, but the account would be root"),
    ("app is root", "", N, N, "account app has uid 0 in /etc/passwd"),
    ("app is root", "app", N, 1600, "account app has uid 0 in /etc/passwd"),
    ("bare", "s" * 33, 1500, N, "is not a name that an account or group can be made with"),
    ("bare", "-svc", 1500, N, "is not a name"),
    ("bare", "s vc", 1500, N, "is not a name"),
    ("bare", "s\nvc", 1500, N, "is not a name"),
    ("bare", "zoë", 1500, N, "is not a name"),
    ("bare", "svc:cr ew", 1500, 1600, "is not a name"),
]


@pytest.mark.parametrize(("image", "user", "puid", "pgid", "words"), REFUSED)
def test_what_cannot_be_meant_is_refused_with_the_remedy(
    image: str, user: str, puid: int | None, pgid: int | None, words: str
) -> None:
    with pytest.raises(BadSetting) as error:
        identity(asked(user, puid, pgid), *IMAGES[image], None, (), ())
    assert words in str(error.value)
    assert error.value.remedy


OWNERS = [
    # image, user, PUID, PGID, owner -> name, uid, gid
    ("bare", "", N, N, (1500, 1600), "app", 1500, 1600),
    ("bare", "", N, N, (1500, 0), "app", 1500, 1500),
    ("bare", "", N, N, (33, 1600), "www-data", 33, 1600),
    ("app", "", N, N, (1500, 1600), "app", 1500, 1600),
    ("app", "", N, N, (1500, 0), "app", 1500, 1500),
    ("app", "", N, 1700, (1500, 1600), "app", 1500, 1700),
    ("app", "", 1700, N, (1500, 1600), "app", 1700, 1600),
    ("app", "", 1700, 1800, (1500, 1600), "app", 1700, 1800),
    ("app", "", 1700, 1800, (0, 0), "app", 1700, 1800),
    ("app", "", 1700, N, (0, 50), "app", 1700, 998),
    ("bare", "1500:1600", N, N, (0, 0), "app", 1500, 1600),
    ("bare", "1500", N, N, (1700, 1800), "app", 1500, 1800),
    ("bare", "www-data", N, N, (1500, 1600), "www-data", 1500, 1600),
    ("bare", "www-data:staff", N, N, (1500, 1600), "www-data", 1500, 50),
    ("bare", "svc", N, N, (1500, 1600), "svc", 1500, 1600),
    ("node", "", N, N, (1000, 1600), "node", 1000, 1600),
    ("app", "", 1700, 1800, None, "app", 1700, 1800),
]


@pytest.mark.parametrize(("image", "user", "puid", "pgid", "owner", "name", "uid", "gid"), OWNERS)
def test_the_owner_of_a_path_gives_the_numbers_that_nothing_stronger_gave(
    image: str,
    user: str,
    puid: int | None,
    pgid: int | None,
    owner: tuple[int, int] | None,
    name: str,
    uid: int,
    gid: int,
) -> None:
    who, _, _ = decide(image, asked(user, puid, pgid, owner_of="/data"), owner)
    assert (who.name, who.uid, who.gid) == (name, uid, gid)


@pytest.mark.parametrize(
    ("image", "user", "pgid", "owner", "ids"),
    [
        ("bare", "", N, (0, 0), (1000, 1000)),
        ("bare", "", 1600, (0, 1500), (1000, 1600)),
        ("bare", "", N, (0, 1500), (1000, 1000)),
        ("bare", "www-data", N, (0, 0), (33, 33)),
        ("node", "", N, (0, 0), (1000, 1000)),
        ("app", "", N, (0, 0), (999, 998)),
    ],
)
def test_root_as_the_owner_of_a_path_is_passed_over_with_a_warning(
    image: str, user: str, pgid: int | None, owner: tuple[int, int], ids: tuple[int, int]
) -> None:
    """As on a fresh volume, which is root's: the start goes on as if the setting were not there."""
    who, _, warnings = identity(asked(user, N, pgid, owner_of="/data"), *IMAGES[image], owner, (), ())
    assert (who.uid, who.gid) == ids
    assert warnings[0].startswith("PYDROP_OWNER_OF=/data is passed over, since /data belongs to root; give it an owner")


@pytest.mark.parametrize(("user", "puid"), [("", 1500), ("1500", N), ("1500:0", N)])
def test_root_as_the_owner_is_no_matter_where_another_number_counts(user: str, puid: int | None) -> None:
    assert identity(asked(user, puid, N, owner_of="/data"), *IMAGES["bare"], (0, 0), (), ())[2] == ()


def test_a_path_of_owner_of_that_is_not_there_is_an_error() -> None:
    with pytest.raises(BadSetting, match="PYDROP_OWNER_OF=/data does not exist"):
        identity(asked("", N, N, owner_of="/data"), *IMAGES["bare"], None, (), ())


REASONS = [
    ("bare", "", N, N, "built-in 1000:1000"),
    ("bare", "", 1500, N, "PUID"),
    ("bare", "", 1500, 1600, "PUID, PGID"),
    ("bare", "1500:1600", N, N, "PYDROP_USER"),
    ("bare", "1500", N, 1600, "PYDROP_USER, PGID"),
    ("app", "", N, N, "account app of the image"),
    ("app", "", N, 1600, "account app of the image, PGID"),
    ("node", "", N, N, "account node of the image"),
]


@pytest.mark.parametrize(("image", "user", "puid", "pgid", "why"), REASONS)
def test_the_identity_says_where_its_numbers_come_from(
    image: str, user: str, puid: int | None, pgid: int | None, why: str
) -> None:
    assert decide(image, asked(user, puid, pgid))[0].why == why


def test_the_reason_names_the_path_whose_owner_it_is() -> None:
    assert decide("bare", asked(owner_of="/data"), (1500, 1500))[0].why == "owner of /data"


def test_an_account_that_exists_keeps_its_home_shell_and_gecos() -> None:
    who, account, _ = decide("app", asked("", 1500, 1600, home="/elsewhere"))
    assert (who.home, who.shell) == ("/srv/app", "/bin/bash")
    assert account == Account(name="app", uid=1500, gid=1600, gecos="The App", home="/srv/app", shell="/bin/bash")


def test_a_made_account_gets_the_home_that_was_asked_for_or_one_of_its_name() -> None:
    assert decide("bare", asked("svc", 1500))[0].home == "/home/svc"
    who, account, _ = decide("bare", asked("", 1500, home="/data/home"))
    assert (who.home, account.home, who.shell) == ("/data/home", "/data/home", "/bin/sh")


def test_an_empty_home_or_shell_of_the_image_is_what_login_makes_of_it() -> None:
    who = identity(asked(), "app:x:5:5:::\n", "", None, (), ())[0]
    assert (who.home, who.shell) == ("/", "/bin/sh")


@pytest.mark.parametrize("home", ["/home/a:b", "/home/a\nroot:x:0:0::/:/bin/sh", "/home/a\0", "home/app", "", "/a\r"])
def test_a_home_that_could_forge_a_line_is_refused(home: str) -> None:
    if not home:  # not asked for
        assert decide("bare", asked(home=home))[0].home == "/home/app"
        return
    with pytest.raises(BadSetting, match="PYDROP_HOME="):
        identity(asked(home=home), *IMAGES["bare"], None, (), ())


def test_the_former_entry_is_told_where_there_was_one() -> None:
    former = identity(asked("", 1500), *IMAGES["app"], None, (), ())[1].former
    assert former is not None
    assert (former.uid, former.gid) == (999, 998)
    assert identity(asked("", 1500), *IMAGES["bare"], None, (), ())[1].former is None


@pytest.mark.parametrize(
    ("settings", "image", "warned"),
    [
        (asked(), "app in root", True),
        (asked("app"), "app in root", True),
        (asked("", 1500), "app in root", True),
        (asked("", N, 0), "app in root", False),
        (asked("app:0"), "app in root", False),
        (asked("app:root"), "app in root", False),
        (asked("", 1500, 1600), "app in root", False),
        (asked(), "app", False),
    ],
)
def test_root_s_group_by_the_image_s_word_alone_is_warned_of(settings: Settings, image: str, warned: bool) -> None:
    warnings = identity(settings, *IMAGES[image], None, (), ())[2]
    assert [("gid 0" in warning) for warning in warnings] == [True] * warned


def test_root_s_group_never_takes_another_number() -> None:
    change = identity(asked("root", N, 1600), "root:x:500:0::/:\n", "root:x:0:\n", None, (), ())[1]
    assert change.group == Group(name="gid1600", gid=1600)


def test_a_gid_is_never_root_s_for_want_of_better() -> None:
    """Whatever is asked short of gid 0, in an image whose accounts are in other groups."""
    for image in ("bare", "app", "node", "both", "empty", "app in users", "group app"):
        for user in ("", "1500", ":1600", "1500:1600"):
            for puid in (None, 7, 1500):
                for owner in ((1500, 0), (1500, 1500)):
                    who = identity(asked(user, puid, owner_of="/data"), *IMAGES[image], owner, (0,), ())[0]
                    assert 0 not in (who.uid, who.gid, *who.groups), (image, user, puid, owner)
