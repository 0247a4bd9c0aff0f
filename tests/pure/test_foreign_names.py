"""Other images' names for PUID and PGID: not obeyed, and said so."""

from typing import Any

import pytest

from pydrop import planning
from pydrop.model import UserAsked
from tests.pure.test_planning import planned


def said(*lines: str, **given: Any) -> list[str]:
    warnings = planned(given, environment=lines).warnings
    return [line for line in warnings if "of other images" in line]


@pytest.mark.parametrize(
    "name",
    ["UID", "USER_UID", "USER_ID", "USERMAP_UID", "APP_UID", "LOCAL_USER_ID", "NB_UID", "puid", "Puid", "PUIDS", "uid",
     "HOST_UID", "LOCAL_UID", "PLEX_UID", "WWWUSER", "RUN_AS_USER", "APPLICATION_UID"],
)  # fmt: skip
def test_a_name_for_the_uid_is_told_puid(name: str) -> None:
    assert said(f"{name}=1700") == [
        f"{name}=1700: pydrop does not obey this name of other images; set PUID=1700 instead"
    ]


@pytest.mark.parametrize(
    "name",
    ["GID", "USER_GID", "GROUP_ID", "USERMAP_GID", "APP_GID", "LOCAL_GROUP_ID", "NB_GID", "GUID", "pgid", "PGIDS",
     "HOST_GID", "WWWGROUP", "RUN_AS_GROUP"],
)  # fmt: skip
def test_a_name_for_the_gid_is_told_pgid(name: str) -> None:
    assert said(f"{name}=1700") == [
        f"{name}=1700: pydrop does not obey this name of other images; set PGID=1700 instead"
    ]
    assert said(f"{name}=1700", puid=1500) == said(f"{name}=1700")


def test_several_are_one_warning() -> None:
    assert said("USER_ID=1700", "GROUP_ID=1800", "PATH=/bin") == [
        "USER_ID=1700, GROUP_ID=1800: pydrop does not obey these names of other images; "
        "set PUID=1700 and PGID=1800 instead"
    ]


@pytest.mark.parametrize("value", ['"1700"', "'1700'", " 1700 \r"])
def test_what_env_files_leave_around_a_number_is_no_matter(value: str) -> None:
    assert said(f"UID={value}")[0].startswith("UID=1700: ")


@pytest.mark.parametrize(
    "line",
    ["UID=", "UID=abc", "UID=-1", "UID=99999999999", "UID=1_0", "BUILD_ID=1700", "REQUEST_ID=1700", "CLIENT_GUID=1700",
     "SESSION_UID=1700", "UIDX=1700", "POD_UID=1700"],
)  # fmt: skip
def test_what_is_no_number_or_another_thing_is_nobodys_mistake(line: str) -> None:
    assert said(line) == []


def test_nothing_is_said_where_the_numbers_are_given_or_the_same() -> None:
    assert said("UID=1700", puid=1500) == []
    assert said("GID=1700", pgid=1500) == []
    assert said("UID=1700", "GID=1700", user=UserAsked(uid=1500, gid=1500, source="PYDROP_USER")) == []
    who = planned({}).identity
    assert said(f"APP_UID={who.uid}", f"GID={who.gid}") == []


def test_every_name_that_means_something_is_looked_for() -> None:
    """The quick look that spares most starts the list must not miss a name of it."""
    from pydrop.planning import foreign_names

    names = [*foreign_names.USERS, *foreign_names.GROUPS, "puid", "pgid"]
    assert [name for name in names if not name.upper().endswith(planning.MAY_MEAN_IDS)] == []
