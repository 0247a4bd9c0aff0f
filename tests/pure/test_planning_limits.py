"""What the container cannot give is refused before anything is changed, with the line that would give it."""

from typing import Any

import pytest

from pydrop.capabilities import mask_of
from pydrop.errors import NotPermitted
from pydrop.model import Credentials, IdRange
from pydrop.planning import plan
from pydrop.planning.limits import granted_groups
from tests.pure.worlds import DOCKERS, credentials, facts, identity, record, settings, volume

SETUID_SETGID = mask_of(("setuid", "setgid"))


def refusal(given: "dict[str, Any]", **world: Any) -> str:
    with pytest.raises(NotPermitted) as caught:
        plan(settings(**given), facts(**world))
    return str(caught.value)


# -- capabilities ----------------------------------------------------------------------------------

LACKING: dict[
    str, tuple[dict[str, Any], Credentials, tuple[str, list[str]]]
] = {  # given, root's credentials -> (missing, cap_add)
    "none at all, bounding set empty": (
        {},
        credentials(capabilities=0),
        ("SETGID, SETUID", ["CHOWN", "SETGID", "SETUID"]),
    ),
    "none, but the bounding set is full": (
        {},
        credentials(capabilities=0, bounding=DOCKERS),
        ("SETGID, SETUID", ["CHOWN", "SETGID", "SETUID"]),
    ),
    "SETUID": ({}, credentials(capabilities=DOCKERS & ~mask_of(("setuid",))), ("SETUID", ["SETUID"])),
    "SETGID": ({}, credentials(capabilities=DOCKERS & ~mask_of(("setgid",))), ("SETGID", ["SETGID"])),
    "SETPCAP, where the bounding set is to be empty": (
        {"bounding_set": "empty"},
        credentials(capabilities=SETUID_SETGID),
        ("SETPCAP (PYDROP_BOUNDING_SET asks for an empty bounding set)", ["CHOWN", "SETPCAP"]),
    ),
    "SETPCAP besides others": (
        {"bounding_set": "empty"},
        credentials(capabilities=0, bounding=DOCKERS),
        (
            "SETGID, SETUID, SETPCAP (PYDROP_BOUNDING_SET asks for an empty bounding set)",
            ["CHOWN", "SETGID", "SETUID", "SETPCAP"],
        ),
    ),
    "SETPCAP, since what is added comes into the bounding set": (
        {"bounding_set": "empty"},
        credentials(capabilities=0),
        (
            "SETGID, SETUID, SETPCAP (PYDROP_BOUNDING_SET asks for an empty bounding set)",
            ["CHOWN", "SETGID", "SETUID", "SETPCAP"],
        ),
    ),
    "the rest for volumes is named along": (
        {"volumes": (volume("/data"),)},
        credentials(capabilities=0),
        ("SETGID, SETUID", ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]),
    ),
    "and for run-dirs": (
        {"run_dirs": ("/run/x",)},
        credentials(capabilities=mask_of(("chown",)), bounding=0),
        ("SETGID, SETUID", ["DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]),
    ),
    "one to keep": (
        {"keep_caps": ("sys_time", "kill")},
        credentials(),
        ("SYS_TIME", ["SYS_TIME"]),
    ),
    "one to keep that is there but not effective is there": (
        {"keep_caps": ("sys_time",)},
        credentials(capabilities=DOCKERS & ~mask_of(("setuid",)), permitted=DOCKERS | mask_of(("sys_time",))),
        ("SETUID", ["SETUID"]),
    ),
    "permitted but not effective does not help a call": (
        {},
        credentials(capabilities=DOCKERS, effective=0),
        ("SETGID, SETUID", ["CHOWN", "SETGID", "SETUID"]),
    ),
    "root with another gid": (
        {"puid": 0, "pgid": 5},
        credentials(capabilities=0),
        ("SETGID", ["SETGID"]),
    ),
}


@pytest.mark.parametrize("case", LACKING)
def test_missing_capabilities_are_named_with_the_line_that_gives_them(case: str) -> None:
    """Exactly those that this start needs, and once more for compose and for docker run."""
    given, held, (missing, add) = LACKING[case]
    said = refusal(given, credentials=held)
    assert f"here: {missing}; " in said
    assert said.endswith(
        f"add to the service in compose: cap_add: [{', '.join(add)}], "
        f"or to docker run: {' '.join([f'--cap-add {name}' for name in add])}"
    )


def test_the_refusal_says_for_whom() -> None:
    """The numbers that it could not become."""
    assert "root lacks the capabilities to become 1500:1600 here" in refusal(
        {"puid": 1500, "pgid": 1600}, credentials=credentials(capabilities=0)
    )


ENOUGH: dict[str, tuple[dict[str, Any], Credentials]] = {
    "docker's own": ({}, credentials()),
    "just those for the drop": ({}, credentials(capabilities=SETUID_SETGID)),
    "no SETPCAP for a full bounding set": ({}, credentials(capabilities=SETUID_SETGID, bounding=DOCKERS)),
    "no SETPCAP for what is kept": (
        {"keep_caps": ("kill",)},
        credentials(capabilities=SETUID_SETGID | mask_of(("kill",)), bounding=DOCKERS),
    ),
    "the usual hardened list": (
        {"volumes": (volume("/data"),)},
        credentials(capabilities=mask_of(("setuid", "setgid", "chown", "fowner"))),
    ),
    "no SETPCAP where the bounding set is empty": (
        {"bounding_set": "empty"},
        credentials(capabilities=SETUID_SETGID, bounding=0),
    ),
    "no SETPCAP where it holds just what is kept": (
        {"bounding_set": "empty", "keep_caps": ("kill",)},
        credentials(capabilities=SETUID_SETGID | mask_of(("kill",)), bounding=mask_of(("kill",))),
    ),
    "root that stays root empties nothing": (
        {"puid": 0, "bounding_set": "empty"},
        credentials(capabilities=0, bounding=DOCKERS, groups=(0, 4)),
    ),
    "root that stays root needs none": (
        {"puid": 0},
        credentials(capabilities=0, bounding=DOCKERS, groups=(0, 4)),
    ),
    "root with other groups needs SETGID alone": (
        {"puid": 0, "groups": (44,)},
        credentials(capabilities=mask_of(("setgid",)), bounding=DOCKERS),
    ),
    "volumes without CHOWN warn later, and start": (
        {"volumes": (volume("/data"),)},
        credentials(capabilities=SETUID_SETGID),
    ),
}


@pytest.mark.parametrize("case", ENOUGH)
def test_what_is_enough_is_not_refused(case: str) -> None:
    """No capability is asked for that no call needs."""
    given, held = ENOUGH[case]
    assert plan(settings(**given), facts(credentials=held)).steps


def test_a_second_time_needs_what_the_recorded_drop_needs() -> None:
    """Not what the settings would ask for without the entrypoint's options."""
    left = record(keep_caps=("sys_time",))
    said = refusal({}, credentials=credentials(), record=left)
    assert "here: SYS_TIME; " in said
    said = refusal({}, credentials=credentials(capabilities=SETUID_SETGID), record=record(bounding_set="empty"))
    assert "here: SETPCAP (the container's start asks for an empty bounding set); " in said


# -- user namespaces -------------------------------------------------------------------------------

ROOTLESS = (IdRange(inside=0, outside=1000, count=1), IdRange(inside=1, outside=100000, count=65536))
UNMAPPED: dict[str, tuple[dict[str, Any], str]] = {
    "the user": ({"puid": 70000, "pgid": 5}, "user 70000 (PUID, PGID)"),
    "the group": ({"puid": 5, "pgid": 65537}, "group 65537 (PUID, PGID)"),
    "a supplementary group": ({"puid": 5, "groups": (99999,)}, "group 99999"),
    "the last id": ({"puid": 4294967294}, "user 4294967294"),
}


@pytest.mark.parametrize("case", UNMAPPED)
def test_a_number_that_is_not_mapped_is_refused_with_those_that_are(case: str) -> None:
    """setresuid would say `Invalid argument` and nothing else."""
    given, what = UNMAPPED[case]
    said = refusal(given, uid_map=ROOTLESS, gid_map=ROOTLESS)
    assert what in said
    assert "which maps 0 to 0, 1 to 65536" in said
    assert "--uidmap" in said


@pytest.mark.parametrize("number", [1, 1000, 65536])
def test_a_number_that_is_mapped_is_taken(number: int) -> None:
    """From the first to the last of a range."""
    assert plan(settings(puid=number), facts(uid_map=ROOTLESS, gid_map=ROOTLESS)).identity.uid == number


def test_users_and_groups_have_maps_of_their_own() -> None:
    """A gid that is mapped is no uid that is."""
    few = (IdRange(inside=0, outside=0, count=10),)
    assert "user 1000" in refusal({"puid": 1000, "pgid": 5}, uid_map=few)
    assert "group 1000" in refusal({"puid": 5, "pgid": 1000}, gid_map=few)


def test_a_namespace_that_maps_nothing_says_so() -> None:
    """Before newuidmap has run."""
    assert "which maps none" in refusal({}, uid_map=(), gid_map=())


def test_a_namespace_that_forbids_groups_is_refused() -> None:
    """unshare --map-root-user: groups cannot be changed, so root's would stay."""
    assert "/proc/self/setgroups says deny" in refusal({}, setgroups_allowed=False)


def test_a_namespace_that_forbids_groups_does_not_matter_where_they_are_right() -> None:
    """Nothing needs to be called."""
    made = plan(settings(puid=1500, pgid=0), facts(setgroups_allowed=False))
    assert made.identity.groups == (0,)


@pytest.mark.parametrize(
    ("gid_map", "groups"), [(ROOTLESS, (0, 44, 65534)), ((IdRange(inside=0, outside=0, count=100),), (0, 44))]
)
def test_a_group_that_cannot_be_named_is_not_kept(gid_map: tuple[IdRange, ...], groups: tuple[int, ...]) -> None:
    """The kernel shows it as 65534, which is somebody where that is mapped and nobody where not."""
    held = credentials(groups=(0, 44, 65534))
    assert granted_groups(facts(credentials=held, gid_map=gid_map)) == groups


def test_the_refusals_come_before_the_second_time_too() -> None:
    """In an exec with fewer capabilities than the container has."""
    said = refusal({}, credentials=credentials(capabilities=0), record=record(identity=identity(uid=7, gid=7)))
    assert "become 7:7" in said
