"""Supplementary groups: the account's, those asked for, those granted, those of devices."""

import stat

import pytest

from pydrop.accounts import group_with, groups, identity
from pydrop.errors import BadSetting
from pydrop.model import AccountChange, Device, Group, Identity, NumberAsked, Settings, UserAsked

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
toor:x:0:7::/root:/bin/sh
app:x:999:998::/srv/app:/bin/sh
other:x:990:990::/:/bin/sh
"""
GROUP = """\
root:x:0:
adm:x:4:root,app
disk:x:6:root
wheel:x:10:toor
video:x:44:other,app
render:x:105:
app:x:998:
crew:x:997:other
"""
CHARACTER = stat.S_IFCHR


def decide(
    granted: tuple[int, ...] = (),
    devices: tuple[Device, ...] = (),
    asked: tuple[str | int, ...] = (),
    puid: int | None = None,
    pgid: int | None = None,
    user: UserAsked | None = None,
    group: str = GROUP,
) -> tuple[Identity, AccountChange, tuple[str, ...]]:
    settings = Settings(
        user=user,
        puid=None if puid is None else NumberAsked(number=puid, source="PUID"),
        pgid=None if pgid is None else NumberAsked(number=pgid, source="PGID"),
        groups=asked,
        sources={"groups": "PYDROP_GROUPS"},
    )
    return identity(settings, PASSWD, group, None, granted, devices)


def test_the_account_s_own_groups_and_its_gid_as_initgroups_has_them() -> None:
    assert decide()[0].groups == (4, 44, 998)


def test_a_made_account_is_in_the_groups_that_list_its_name_already() -> None:
    user = UserAsked(name="svc", source="user")
    assert decide(user=user, puid=1500, group=GROUP + "web:x:80:svc\n")[0].groups == (80, 1500)


def test_a_group_that_takes_a_number_is_joined_by_the_new_one_alone() -> None:
    who, change, _ = decide(puid=1500, pgid=1600, group=GROUP.replace("app:x:998:", "app:x:998:app"))
    assert who.groups == (4, 44, 1600)
    assert change.group == Group(name="app", gid=1600, members=("app",))


ASKED = [
    (("render",), (4, 44, 105, 998)),
    ((105,), (4, 44, 105, 998)),
    (("render", 105, 5000), (4, 44, 105, 998, 5000)),
    (("app",), (4, 44, 998)),
    ((0,), (0, 4, 44, 998)),
    (("root",), (0, 4, 44, 998)),
]


@pytest.mark.parametrize(("asked", "expected"), ASKED)
def test_groups_are_joined_by_name_or_number_and_root_s_if_it_says_so(
    asked: tuple[str | int, ...], expected: tuple[int, ...]
) -> None:
    who, _, warnings = decide(asked=asked)
    assert who.groups == expected
    assert warnings == ()


def test_a_group_by_name_is_joined_by_the_number_it_takes() -> None:
    assert decide(asked=("app",), pgid=1600)[0].groups == (4, 44, 1600)


@pytest.mark.parametrize(
    ("name", "hint"), [("vidoe", "did you mean 'video'?"), ("xyz", "groupadd xyz"), ("44x", "groupadd")]
)
def test_a_group_that_does_not_exist_is_an_error_that_names_setting_value_and_nearest(name: str, hint: str) -> None:
    with pytest.raises(BadSetting) as error:
        decide(asked=("render", name))
    assert f"PYDROP_GROUPS: the image has no group '{name}'" in str(error.value)
    assert hint in str(error.value)


GRANTED = [
    ((), (4, 44, 998)),
    ((0,), (4, 44, 998)),
    ((0, 4, 6), (4, 44, 998)),  # root's own membership; 4 is the account's too
    ((0, 6, 10, 7), (4, 44, 998)),  # toor is root too: its primary group and wheel
    ((0, 2000), (4, 44, 998, 2000)),
    ((2000, 3000, 0), (4, 44, 998, 2000, 3000)),
    ((105,), (4, 44, 105, 998)),
    ((997,), (4, 44, 997, 998)),
]


@pytest.mark.parametrize(("granted", "expected"), GRANTED)
def test_what_root_s_own_membership_does_not_explain_was_granted(
    granted: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert decide(granted)[0].groups == expected


def test_root_by_name_counts_where_the_image_has_no_account_files() -> None:
    settings = Settings(sources={})
    assert identity(settings, "", "wheel:x:10:root\n", None, (0, 10, 2000), ())[0].groups == (1000, 2000)


def test_root_asked_for_has_its_own_groups_and_all_that_was_granted() -> None:
    assert decide((0, 6, 2000), puid=0)[0].groups == (0, 4, 6, 2000)
    assert decide((0,), puid=0, pgid=1600, asked=("render",))[0].groups == (0, 4, 6, 105, 1600)


def device(owner: str, mode: int, path: str = "/dev/x") -> Device:
    uid, gid = owner.split(":")
    return Device(path=path, uid=int(uid), gid=int(gid), mode=CHARACTER | mode)


def sock(owner: str, mode: int) -> Device:
    one = device(owner, mode, "/run/docker.sock")
    one.mode = stat.S_IFSOCK | mode
    return one


DEVICES = [
    # device, joined, warned; the user is 999 in 4, 44 and 998
    (device("0:105", 0o660), True, False),
    (device("0:105", 0o666), False, False),
    (device("0:105", 0o662), True, False),
    (device("0:105", 0o664), True, False),  # others may read, the group may write too
    (device("0:105", 0o644), False, False),  # nobody but root may write: no group helps
    (device("0:105", 0o640), True, False),  # reading is what there is
    (device("0:105", 0o620), False, True),  # a terminal's: writing alone is not opening
    (device("0:105", 0o600), False, True),
    (device("0:105", 0o606), False, False),
    (device("0:44", 0o660), False, False),  # in it already
    (device("0:998", 0o660), False, False),
    (device("0:44", 0o606), False, True),  # the group's bits apply to members, and they are none
    (device("0:0", 0o660), False, True),  # root's group is never joined for a device
    (device("0:0", 0o666), False, False),
    (device("0:0", 0o600), False, True),
    (device("0:0", 0o644), False, False),
    (device("999:0", 0o600), False, False),  # its own
    (device("999:105", 0o060), False, True),  # the owner's bits apply to the owner
    (device("0:65534", 0o660), False, True),  # a group that is not mapped
    (device("65534:65534", 0o666), False, False),
    (sock("0:105", 0o660), True, False),  # docker.sock as Debian has it
    (sock("0:105", 0o620), True, False),  # connect(2) asks for write permission alone
    (sock("0:105", 0o640), False, True),
    (sock("0:105", 0o662), False, False),
    (sock("0:44", 0o660), False, False),
    (sock("999:105", 0o600), False, False),
    (sock("0:0", 0o660), False, True),  # docker.sock as Docker Desktop has it: no gid 0 by accident
    (sock("0:0", 0o666), False, False),
]


@pytest.mark.parametrize(("one", "joined", "warned"), DEVICES)
def test_the_group_of_a_device_is_joined_where_that_opens_it(one: Device, joined: bool, warned: bool) -> None:
    who, _, warnings = decide(devices=(one,))
    assert (one.gid in set(who.groups) - {4, 44, 998}) is joined
    assert [one.path in warning for warning in warnings] == [True] * warned


def test_a_closed_device_is_told_of_with_the_line_for_the_host() -> None:
    (warning,) = decide(devices=(sock("0:0", 0o660),))[2]
    assert "on the host: chgrp docker /run/docker.sock && chmod g+rw /run/docker.sock; or, " in warning
    assert warning.endswith("join root's group: PYDROP_GROUPS=0")
    (warning,) = decide(devices=(sock("0:0", 0o600),))[2]
    assert "PYDROP_GROUPS" not in warning
    (warning,) = decide(devices=(device("0:65534", 0o660),))[2]
    assert warning.endswith("on the host: chmod o+rw /dev/x")


def test_a_device_s_group_that_was_granted_or_asked_for_needs_no_joining() -> None:
    one = (device("0:226", 0o660),)
    assert decide((226,), one)[1].more_groups == ()
    assert decide(devices=one, asked=(226,))[1].more_groups == ()


def test_a_device_s_group_without_a_name_gets_an_entry_once() -> None:
    devices = (device("0:226", 0o660, "/dev/dri/card0"), device("0:226", 0o660, "/dev/dri/renderD128"))
    who, change, warnings = decide(devices=devices)
    assert (226 in who.groups, warnings) == (True, ())
    assert change.more_groups == (Group(name="gid226", gid=226),)


def test_an_invented_name_that_is_taken_is_not_used() -> None:
    one = (device("0:226", 0o660),)
    change = decide(devices=one, group=GROUP + "gid226:x:5:\n")[1]
    assert change.more_groups == (Group(name="gid226_", gid=226),)
    assert groups(group_with(GROUP + "gid226:x:5:\n", change))[-1] == Group(name="gid226_", gid=226)


def test_root_needs_no_group_for_a_device() -> None:
    who, change, warnings = decide(devices=(device("0:226", 0o600),), puid=0)
    assert (226 in who.groups, change.more_groups, warnings) == (False, (), ())


def test_a_group_that_lists_the_account_is_joined_even_if_it_is_root_s_and_that_is_said() -> None:
    who, _, warnings = decide(group=GROUP.replace("root:x:0:", "root:x:0:app"))
    assert who.groups == (0, 4, 44, 998)
    assert "gid 0" in warnings[0]


def test_under_a_strict_policy_the_memberships_of_the_image_do_not_count() -> None:
    """Kubernetes' supplementalGroupsPolicy: Strict. What was granted, asked for, or opens a device does."""
    strict = Settings(groups=(2000,), groups_policy="strict", sources={})
    device_s = (device("0:226", 0o660),)
    found = identity(strict, PASSWD, GROUP, None, (0, 3000), device_s)[0]
    assert found.groups == (226, 998, 2000, 3000)
    merged = Settings(groups=(2000,), sources={})
    assert identity(merged, PASSWD, GROUP, None, (0, 3000), device_s)[0].groups == (4, 44, 226, 998, 2000, 3000)
