"""A start without root: what can still be done is done, and one line says what was asked for and cannot be had."""

from typing import Any

import pytest

from pydrop.capabilities import mask_of
from pydrop.model import AbsentDevice, Credentials, Device, Secret
from pydrop.planning import plan
from pydrop.steps import Plan
from tests.pure.worlds import APP, GROUP, PASSWD, credentials, drop_of, facts, kinds, only, settings, user, volume

OPENSHIFT = credentials(12345, 0, groups=(0, 12345))


def planned(given: "dict[str, Any] | None" = None, **world: Any) -> Plan:
    world = {"credentials": credentials(12345, 12345), "account_files": "no", "environment": ("HOME=/",)} | world
    return plan(settings(**given or {}), facts(**world))


# -- steps -----------------------------------------------------------------------------------------


def test_nothing_of_roots_is_planned() -> None:
    """No volume, no /run, no hook, no stream, no record: it would only fail."""
    given = {"volumes": (volume("/data"),), "run_dirs": ("/run/x",), "groups": (44,)}
    assert kinds(planned(given, hooks=("/etc/pydrop.d/10",)).steps) == ["accounts", "privileges"]


def test_secrets_are_read_where_they_can() -> None:
    """They are the program's variables whoever starts it."""
    secret = Secret(name="T", path="/run/secrets/t", pointer="FILE__T")
    assert kinds(planned({"secrets": (secret,)}).steps) == ["accounts", "secrets", "privileges"]


HOW: dict[str, tuple[dict[str, Any], str]] = {
    "nothing can be done": ({}, "environment"),
    "the image has nss_wrapper": ({"nss_wrapper": "/usr/lib/w.so"}, "wrapper"),
    "OpenShift's group-writable file": ({"account_files": "append", "nss_wrapper": "/usr/lib/w.so"}, "append"),
}


@pytest.mark.parametrize("case", HOW)
def test_a_user_without_a_name_gets_one_as_it_can(case: str) -> None:
    """And a warning only where none can be had."""
    world, how = HOW[case]
    made = planned(**world)
    assert only(made.steps, "accounts").how == how
    assert any("user 12345 has no name here" in line for line in made.warnings) == (how == "environment")


def test_a_user_that_has_a_name_is_left_alone() -> None:
    """podman makes an entry for an unknown --user itself."""
    made = planned(passwd=PASSWD + "12345:*:12345:0:container user:/:/bin/sh\n")
    assert kinds(made.steps) == ["privileges"]
    assert (made.identity.name, made.warnings) == ("12345", ())


@pytest.mark.parametrize(("passwd", "name"), [(PASSWD, "app"), (PASSWD + APP, "user12345")])
def test_the_name_that_is_made_is_nobody_elses(passwd: str, name: str) -> None:
    """`app`, unless the image's own app has another number."""
    made = planned(passwd=passwd)
    assert made.identity.name == name
    change = only(made.steps, "accounts").change
    assert (change.account.name, change.account.uid, change.former) == (name, 12345, None)


# -- who -------------------------------------------------------------------------------------------


def test_the_identity_is_what_is_held() -> None:
    """Nothing else can be had; OpenShift's gid 0 stays."""
    made = planned({"puid": 1500, "pgid": 1500}, credentials=OPENSHIFT)
    who = made.identity
    assert (who.uid, who.gid, who.group, who.groups) == (12345, 0, "root", (0, 12345))
    assert drop_of(made).identity is who
    assert not drop_of(made).keep_root


def test_the_effective_id_decides_who_we_are() -> None:
    """Root that is only lent away is not root now, and will not be afterwards."""
    lent = credentials(0, 0, capabilities=0, uids=(0, 1500, 0, 1500), gids=(0, 1600, 0, 1600))
    who = planned(credentials=lent).identity
    assert (who.uid, who.gid) == (1500, 1600)


def test_a_gid_without_a_name_is_shown_by_its_number() -> None:
    """As id(1) shows it."""
    assert planned(credentials=credentials(12345, 777)).identity.group == "777"


# -- HOME ------------------------------------------------------------------------------------------

HOMES: dict[
    str, tuple[dict[str, Any], tuple[str, ...], bool, str | None, str]
] = {  # given, environment, writable -> HOME set to, the entry's home
    "none: /tmp": ({}, (), False, "/tmp", "/tmp"),
    "the runtime's / is none": ({}, ("HOME=/",), True, "/tmp", "/tmp"),
    "the setting's": ({"home": "/data/h"}, ("HOME=/",), False, "/data/h", "/data/h"),
    "one that came and can be written": ({}, ("HOME=/data",), True, None, "/data"),
}


@pytest.mark.parametrize("case", HOMES)
def test_home_is_one_of_use(case: str) -> None:
    """Runtimes give unknown users `/`, where nothing can be written."""
    given, came, writable, home, entry = HOMES[case]
    made = planned(given, environment=came, home_writable=writable)
    assert dict(made.environment).get("HOME") == home
    assert only(made.steps, "accounts").change.account.home == entry


def test_user_and_logname_are_filled_in_where_they_are_missing() -> None:
    """What the runtime set stays."""
    assert dict(planned(environment=("USER=me",)).environment) == {"HOME": "/tmp", "LOGNAME": "app"}
    assert dict(planned(environment=("HOME=/h", "LOGNAME=a", "USER=b")).environment) == {}


# -- what cannot be had ----------------------------------------------------------------------------

REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {  # given, world -> the words for what was asked
    "PUID": ({"puid": 1500}, {}, "PUID"),
    "PUID and PGID": ({"puid": 1500, "pgid": 1500}, {}, "PUID, PGID"),
    "another user": ({"user": user(name="web")}, {}, "PYDROP_USER"),
    "another number": ({"user": user(uid=7)}, {}, "PYDROP_USER"),
    "another group": ({"user": user(gid=7)}, {}, "PYDROP_USER"),
    "root": ({"user": user(name="root")}, {}, "PYDROP_USER"),
    "groups": ({"groups": (44,)}, {}, "PYDROP_GROUPS"),
    "volumes": ({"volumes": (volume("/d"),)}, {}, "PYDROP_CHOWN"),
    "run-dirs": ({"run_dirs": ("/run/x",)}, {}, "PYDROP_RUN_DIRS"),
    "hooks": ({}, {"hooks": ("/etc/pydrop.d/10",)}, "the hooks in /etc/pydrop.d"),
    "all in one line": (
        {"puid": 1, "volumes": (volume("/d"),), "groups": (4,)},
        {"hooks": ("/etc/pydrop.d/1",)},
        "PUID, PYDROP_GROUPS, PYDROP_CHOWN, the hooks in /etc/pydrop.d",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_had_is_said_in_one_line_with_what_gives_it(case: str) -> None:
    """And the command is run all the same."""
    given, world, words = REFUSALS[case]
    (warning,) = planned(given, nss_wrapper="/w.so", **world).warnings
    assert warning.startswith(f"started as 12345:12345 and not as root, so {words} cannot be had; ")
    assert "leave out user: in compose (--user, runAsUser)" in warning


HELD: dict[str, dict[str, Any]] = {
    "the same numbers": {"puid": 12345, "pgid": 12345},
    "the same user": {"user": user(uid=12345, gid=12345)},
    "the same user by name": {"user": user(name="me", group="us")},
    "what needs no root": {"umask": 0o27, "home": "/tmp/h", "no_new_privs": False},
}


@pytest.mark.parametrize("case", HELD)
def test_what_is_held_already_is_no_complaint(case: str) -> None:
    """`user: 12345:12345` beside PUID=12345 is common."""
    world = {"passwd": PASSWD + "me:x:12345:12345::/:/\n", "group": GROUP + "us:x:12345:\n"}
    assert planned(HELD[case], **world).warnings == ()


def test_what_can_be_written_already_is_no_complaint() -> None:
    """A volume that fsGroup, gid 0 or its owner opens, and a tmpfs mounted where a run-dir should be."""
    given = {"volumes": (volume("/d"), volume("/x", policy="never")), "run_dirs": ("/run/x",)}
    assert planned(given, nss_wrapper="/w.so", writable=("/d", "/run/x")).warnings == ()
    (warning,) = planned(given, nss_wrapper="/w.so", writable=("/d",)).warnings
    assert "so PYDROP_RUN_DIRS cannot be had" in warning


def test_a_run_dir_that_this_user_may_make_is_made() -> None:
    """A tmpfs on /run is everybody's with docker's --tmpfs, and an emptyDir is; nothing standard is made there."""
    given = {"run_dirs": ("/run/x", "/run/y", "/etc/z")}
    made = planned(given, nss_wrapper="/w.so", writable=("/run/x",), makeable=("/run/y",))
    step = only(made.steps, "runtime")
    (entry,) = step.entries
    assert (entry.path, entry.uid, entry.gid, entry.mode, entry.source) == ("/run/y", 12345, 12345, 0o755, "")
    assert (step.why, step.words) == ("PYDROP_RUN_DIRS", "/run/y there, and the user's")
    (warning,) = made.warnings
    assert "so PYDROP_RUN_DIRS cannot be had" in warning
    assert planned(given, nss_wrapper="/w.so", makeable=given["run_dirs"]).warnings == ()


def test_what_keeps_a_name_away_is_the_user_that_was_given() -> None:
    """A root that can be written would not help: it is another's."""
    (warning,) = planned().warnings
    assert warning.endswith("or leave out user:")


# -- the drop --------------------------------------------------------------------------------------


def test_umask_and_no_new_privs_are_as_asked() -> None:
    """They need no root."""
    step = drop_of(planned({"umask": 0o27, "no_new_privs": False}))
    assert (step.umask, step.no_new_privs) == (0o27, False)
    assert drop_of(planned()).no_new_privs


def test_capabilities_are_kept_where_they_are_held() -> None:
    """And one line tells of those that are not."""
    held = credentials(12345, 12345, capabilities=mask_of(("net_raw", "kill")))
    made = planned({"keep_caps": ("net_raw", "net_admin")}, credentials=held, nss_wrapper="/w.so")
    assert drop_of(made).keep_caps == mask_of(("net_raw",))
    assert "keeps net_raw" in drop_of(made).words
    (warning,) = made.warnings
    assert "PYDROP_KEEP_CAPS asks for net_admin, which this start without root does not hold" in warning


BOUNDING: dict[str, tuple[dict[str, Any], Credentials, bool, bool]] = {  # -> whether it is emptied, and warned of
    "SETPCAP is held": ({}, credentials(12345, 12345, capabilities=mask_of(("setpcap", "kill"))), True, False),
    "it is not": ({}, credentials(12345, 12345), False, True),
    "it is permitted alone": (
        {},
        credentials(12345, 12345, capabilities=mask_of(("setpcap",)), effective=0),
        False,
        True,
    ),
    "the set is empty already": ({}, credentials(12345, 12345, bounding=0), True, False),
    "the set has what is kept": (
        {"keep_caps": ("kill",)},
        credentials(12345, 12345, capabilities=mask_of(("kill",))),
        True,
        False,
    ),
}


@pytest.mark.parametrize("case", BOUNDING)
def test_the_bounding_set_is_emptied_where_that_can_be_done(case: str) -> None:
    """Elsewhere one line says that it stays, and the command runs."""
    given, held, emptied, warned = BOUNDING[case]
    made = planned(given | {"bounding_set": "empty"}, credentials=held, nss_wrapper="/w.so")
    assert drop_of(made).empty_bounding == emptied
    assert [text.startswith("PYDROP_BOUNDING_SET is ignored") for text in made.warnings] == [True] * warned
    assert not drop_of(planned(given, credentials=held)).empty_bounding


# -- a second time ---------------------------------------------------------------------------------


def test_a_second_time_without_root_just_runs_it() -> None:
    """`docker exec --user`: no setup, no complaint."""
    given = {"puid": 1, "volumes": (volume("/d"),)}
    made = planned(given, second_time=True, hooks=("/etc/pydrop.d/1",))
    assert (kinds(made.steps), made.warnings) == (["privileges"], ())


def test_a_second_time_has_a_name_by_its_own_environment_and_changes_no_account_file() -> None:
    made = planned({}, second_time=True, nss_wrapper="/w.so")
    assert (kinds(made.steps), made.warnings) == (["accounts", "privileges"], ())
    assert kinds(planned({}, second_time=True, account_files="append").steps) == ["privileges"]


# -- what is not there --------------------------------------------------------------------------------


def test_a_volume_that_is_not_there_is_said_and_needs_no_root() -> None:
    """An image names what it could use: "leave out user:" would not bring the volume."""
    given = {"volumes": (volume("/data"), volume("/off", policy="never"))}
    made = planned(given, places=(("/data", ""), ("/off", "")), nss_wrapper="/w.so")
    assert made.warnings == (
        "the volume /data does not exist; mount it (volumes: [./data:/data]), or go on without it",
    )
    assert planned(given, places=(("/data", ""),), second_time=True, nss_wrapper="/w.so").warnings == ()


def device(path: str, gid: int, mode: int) -> Device:
    return Device(path=path, uid=0, gid=gid, mode=0o020000 | mode)


def test_the_groups_of_devices_are_for_the_container_to_grant() -> None:
    found = (device("/dev/a", 993, 0o660), device("/dev/b", 44, 0o660), device("/dev/c", 44, 0o666))
    absent = (AbsentDevice(path="/dev/d", problem="PYDROP_DEVICES names /dev/d, which is gone", remedy="pass it"),)
    made = planned({"devices": ("/dev",)}, devices=found, absent_devices=absent, nss_wrapper="/w.so")
    needs, gone = made.warnings
    assert "needs group 44, 993, which a start without root cannot join" in needs
    assert "--group-add 44 --group-add 993" in needs
    assert "supplementalGroups: [44, 993]" in needs
    assert gone == "PYDROP_DEVICES names /dev/d, which is gone; pass it"


def test_groups_that_are_held_open_their_devices() -> None:
    held = credentials(12345, 12345, groups=(12345, 993))
    made = planned(
        {"devices": ("/dev/a",)}, devices=(device("/dev/a", 993, 0o660),), credentials=held, nss_wrapper="/w.so"
    )
    assert made.warnings == ()


def test_a_volume_that_shows_its_owner_through_a_map_needs_no_root_either() -> None:
    given = {"volumes": (volume("/data"),)}
    (warning,) = planned(given, idmapped=(("/data", 7, 8),), nss_wrapper="/w.so").warnings
    assert "is an idmapped mount" in warning and "idmap=uids=OWNER-12345-1" in warning
    assert planned(given, idmapped=(("/data", 7, 8),), writable=("/data",), nss_wrapper="/w.so").warnings == ()


def test_user_hooks_run_without_root_too_but_not_a_second_time() -> None:
    assert "user-hook" in kinds(planned({}, user_hooks=("/u/1",)).steps)
    warned = planned({}, user_hooks_without_bit=("/u/2",)).warnings
    assert any("the hook /u/2 is not run" in line for line in warned)
    assert "user-hook" not in kinds(planned({}, user_hooks=("/u/1",), second_time=True).steps)
