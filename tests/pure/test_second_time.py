"""Whom a second pydrop becomes by its options: somebody as the account files have them, never root by accident."""

from typing import Any

import pytest

from pydrop import planning
from pydrop.errors import BadSetting, NotPermitted
from pydrop.model import IdRange, NumberAsked, Settings
from pydrop.steps import Plan
from tests.pure.worlds import APP, APP_GROUP, GROUP, PASSWD, facts, identity, kinds, record, user, volume

FILES = {
    "passwd": PASSWD + APP + "toor:x:0:0::/root:/bin/sh\nweb:x:33:34::/var/www:\nin0:x:40:0::/:/bin/sh\n",
    "group": GROUP + APP_GROUP + "www:x:34:\nextra:x:50:web\n",
}


def planned(world: dict[str, Any] | None = None, **options: Any) -> Plan:
    """The plan where each of these is an option."""
    sources = {{"volumes": "chown"}.get(name, name).replace("_", "-"): f"--{name}" for name in options}
    settings = Settings(
        command=("id",), puid=NumberAsked(number=0, source="PUID"), sources=sources | {"puid": "PUID"}, **options
    )
    return planning.plan(settings, facts(**{"pid": 20, "record": record()} | FILES | (world or {})))


WHO = {  # `user` -> (name, uid, gid, groups, home)
    "an account": (user("--user", name="web"), ("web", 33, 34, (34, 50), "/var/www")),
    "its number": (user("--user", uid=33), ("web", 33, 34, (34, 50), "/var/www")),
    "a number that nobody has": (user("--user", uid=4242), ("4242", 4242, 4242, (4242,), "/")),
    "a number and a group": (user("--user", uid=4242, group="video"), ("4242", 4242, 44, (44,), "/")),
    "an account and a number": (user("--user", name="web", gid=9), ("web", 33, 9, (9, 50), "/var/www")),
    "a group alone": (user("--user", group="video"), ("app", 1500, 44, (44,), "/home/app")),
    "root": (user("--user", name="root"), ("root", 0, 0, (0, 4), "/root")),
    "root's number": (user("--user", uid=0), ("root", 0, 0, (0, 4), "/root")),
    "an account in root's group": (user("--user", name="in0"), ("in0", 40, 0, (0,), "/")),
}


@pytest.mark.parametrize("case", WHO)
def test_options_name_whom_it_becomes(case: str) -> None:
    asked, (name, uid, gid, groups, home) = WHO[case]
    who = planned(user=asked).identity
    assert (who.name, who.uid, who.gid, who.groups, who.home) == (name, uid, gid, groups, home)


def test_nothing_of_the_container_is_changed() -> None:
    assert kinds(planned(user=user("--user", name="web")).steps) == ["streams", "privileges"]
    assert kinds(planned({"in_hook": True}, user=user("--user", name="web")).steps) == ["privileges"]


def test_somebody_else_has_a_home_of_their_own_and_what_hooks_added() -> None:
    left = record(environment=("HOME=/home/app", "USER=app", "A=1", "GONE"))
    made = planned({"record": left}, user=user("--user", name="web"))
    assert dict(made.environment) == {"A": "1", "GONE": None, "HOME": "/var/www", "USER": "web", "LOGNAME": "web"}
    inside = planned({"in_hook": True, "environment": ("HOME=/home/app",)}, user=user("--user", name="web"))
    assert dict(inside.environment)["HOME"] == "/var/www"


def test_the_program_itself_lacks_what_a_hook_unset() -> None:
    assert dict(planned({"record": record(environment=("GONE",))}).environment)["GONE"] is None


@pytest.mark.parametrize(
    ("asked", "has_it"),
    [({}, True), ({"user": user("--user", uid=1500)}, True), ({"groups": ("video",)}, True)]
    + [({"user": user("--user", name=name)}, False) for name in ("root", "web")],
)
def test_what_user_hooks_added_is_for_the_programs_user_alone(asked: dict[str, Any], has_it: bool) -> None:
    """It is of the user's choice. Root would obey it: LD_PRELOAD, PATH."""
    left = record(environment=("A=1", "B=root"), users=("B=user", "LD_PRELOAD=/data/x.so"))
    made = dict(planned({"record": left}, **asked).environment)
    assert (made["A"], made["B"]) == ("1", "user" if has_it else "root")
    assert ("LD_PRELOAD" in made) == has_it


def test_groups_are_added_to_the_programs() -> None:
    assert planned(groups=("video",)).identity.groups == (44, 1600)
    assert planned(groups=(7,)).identity == identity(groups=(7, 1600), group="1600")


@pytest.mark.parametrize("name", ["nosuch", "toor"])
def test_nobody_and_root_by_accident_are_refused(name: str) -> None:
    with pytest.raises(BadSetting):
        planned(user=user("--user", name=name))


def test_a_number_that_is_not_mapped_is_refused() -> None:
    with pytest.raises(NotPermitted):
        planned({"uid_map": (IdRange(inside=0, outside=1, count=2000),)}, user=user("--user", uid=4242))


@pytest.mark.parametrize(
    "option", [{"volumes": (volume("/data"),)}, {"run_dirs": ("/run/x",)}, {"home": "/x"}, {"hooks": "/h"}]
)
def test_a_set_up_is_refused(option: dict[str, Any]) -> None:
    for world in ({}, {"in_hook": True}):
        with pytest.raises(BadSetting) as error:
            planned(world, **option)
        assert "changes nothing; " in str(error.value)
