"""What a hook changed in the account files: groups count, ids and the home stay as they were decided."""

from typing import Any

import pytest

from pydrop import planning
from pydrop.errors import BadSetting, NotPermitted
from pydrop.model import Device, IdRange
from pydrop.planning import after_hooks
from pydrop.steps import Plan
from tests.pure.worlds import APP, APP_GROUP, GROUP, PASSWD, credentials, facts, only, settings, volume

WITH_APP: dict[str, Any] = {"passwd": PASSWD + APP, "group": GROUP + APP_GROUP}
HOOKS = {"hooks": ("/h",)}


def regrouped(
    given: dict[str, Any], world: dict[str, Any], group: str, passwd: str = PASSWD + APP, home: str = "/srv/app"
) -> tuple[Plan, tuple[str, ...]]:
    """The plan after its hooks, which left the account files so; and the warnings."""
    asked, found = settings(**given), facts(**WITH_APP | HOOKS | world)
    plan = planning.plan(asked, found)
    return plan, after_hooks.regroup(plan, asked, found, passwd, group, home)


GROUPS: dict[str, tuple[dict[str, Any], dict[str, Any], str, tuple[int, ...]]] = {  # given, world, group -> groups
    "nothing changed": ({}, {}, GROUP + APP_GROUP, (1000,)),
    "joined one that was there": ({}, {}, GROUP.replace("video:x:44:", "video:x:44:app") + APP_GROUP, (44, 1000)),
    "joined a new one": ({}, {}, GROUP + APP_GROUP + "render:x:105:other,app\n", (105, 1000)),
    "a line appended for the same gid": ({}, {}, GROUP + APP_GROUP + "gpu:x:44:app\n", (44, 1000)),
    "a line that is none": ({}, {}, GROUP + APP_GROUP + "gpu:x:4x:app\n", (1000,)),
    "left one": ({}, {"group": GROUP + APP_GROUP + "old:x:50:app\n"}, GROUP + APP_GROUP + "old:x:50:\n", (1000,)),
    "left one that the settings name": (
        {"groups": ("old",)},
        {"group": GROUP + APP_GROUP + "old:x:50:app\n"},
        GROUP + APP_GROUP + "old:x:50:\n",
        (50, 1000),
    ),
    "left one that the runtime granted": (
        {},
        {"group": GROUP + APP_GROUP + "old:x:50:app\n", "credentials": credentials(groups=(0, 50))},
        GROUP + APP_GROUP + "old:x:50:\n",
        (50, 1000),
    ),
    "left one that a device needs": (
        {"devices": ("/dev/x",)},
        {
            "group": GROUP + APP_GROUP + "old:x:50:app\n",
            "devices": (Device(path="/dev/x", uid=0, gid=50, mode=0o20660),),
        },
        GROUP + APP_GROUP + "old:x:50:\n",
        (50, 1000),
    ),
    "strict: no membership of the file counts, a hook's neither": (
        {"groups_policy": "strict"},
        {"group": GROUP + APP_GROUP + "old:x:50:app\n"},
        GROUP + APP_GROUP + "old:x:50:app\nrender:x:105:app\n",
        (1000,),
    ),
    "root left one, which is not granted by that": (
        {},
        {"credentials": credentials(groups=(0, 4))},
        GROUP.replace("adm:x:4:root", "adm:x:4:") + APP_GROUP,
        (1000,),
    ),
}


@pytest.mark.parametrize("case", GROUPS)
def test_the_groups_are_those_of_the_files_that_the_hooks_left(case: str) -> None:
    """In the drop, in the record and for the volumes alike."""
    given, world, group, expected = GROUPS[case]
    plan, warnings = regrouped({"volumes": (volume("/data"),)} | given, world, group)
    assert plan.identity.groups == expected
    for step in (only(plan.steps, "privileges"), only(plan.steps, "record").record):
        assert step.identity.groups == expected
    assert only(plan.steps, "volumes").groups == expected
    assert warnings == ()


def test_init_becomes_the_same() -> None:
    plan, _ = regrouped({"init": True}, {}, GROUP + APP_GROUP + "gpu:x:7:app\n")
    assert only(plan.steps, "guardian").identity.groups == (7, 1000)


def test_a_group_of_roots_is_said_to_be_one() -> None:
    """The hook asked for it by name, so it counts, but nobody overlooks it."""
    plan, warnings = regrouped({}, {}, GROUP.replace("root:x:0:", "root:x:0:app") + APP_GROUP)
    assert plan.identity.groups == (0, 1000)
    assert len(warnings) == 1 and "root's group (gid 0), because a hook added app to it" in warnings[0]


def test_a_group_that_the_user_namespace_does_not_map_is_an_error() -> None:
    maps = {name: (IdRange(inside=0, outside=100000, count=65536),) for name in ("uid_map", "gid_map")}
    with pytest.raises(NotPermitted) as error:
        regrouped({}, maps, GROUP + APP_GROUP + "far:x:70000:app\n")
    assert "group 70000" in str(error.value)


def test_a_group_of_the_settings_that_a_hook_removed_is_an_error() -> None:
    with pytest.raises(BadSetting) as error:
        regrouped({"groups": ("video",)}, {}, APP_GROUP)
    assert "video" in str(error.value)


ENTRIES: dict[str, tuple[str, str, str]] = {  # app's line, HOME -> part of the warning
    "the same": (APP, "/srv/app", ""),
    "another shell": (APP.replace("/bin/bash", "/bin/sh"), "/srv/app", ""),
    "other numbers": (APP.replace("1000:1000", "2000:3000"), "/srv/app", "set PUID=2000 and PGID=3000"),
    "another home": (APP.replace("/srv/app", "/config"), "/srv/app", 'echo HOME=/config >>"$PYDROP_ENV"'),
    "another home, which HOME names too": (APP.replace("/srv/app", "/config"), "/config", ""),
    "no account any more": ("", "/srv/app", ""),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_what_else_a_hook_changed_is_ignored_with_a_warning_that_says_what_helps(case: str) -> None:
    line, home, expected = ENTRIES[case]
    plan, warnings = regrouped({}, {}, GROUP + APP_GROUP, PASSWD + line, home)
    assert (plan.identity.uid, plan.identity.gid, plan.identity.home) == (1000, 1000, "/srv/app")
    assert len(warnings) == bool(expected)
    assert expected in "".join(warnings)


def test_the_plan_says_that_hooks_may_add_groups() -> None:
    found = facts(**WITH_APP | HOOKS)
    assert "groups 1000 and those that a hook adds" in only(planning.plan(settings(), found).steps, "privileges").words
