"""Whether the home folder of an account that gets other numbers is gone through, and what is asked of it."""

from typing import Any

import pytest

from pydrop.model import Account, AccountChange, Group, Volume
from pydrop.planning import home_step, plan
from pydrop.steps import HomeStep
from tests.pure.worlds import (
    APP,
    APP_GROUP,
    GROUP,
    PASSWD,
    credentials,
    facts,
    identity,
    kinds,
    only,
    record,
    settings,
    user,
    volume,
)

WITH_APP = {"passwd": PASSWD + APP, "group": GROUP + APP_GROUP}  # app is 1000:1000 and lives in /srv/app


def steps(given: "dict[str, Any] | None" = None, **world: Any) -> "tuple[Any, ...]":
    return plan(settings(**given or {}), facts(**WITH_APP | world)).steps


def walked(given: "dict[str, Any] | None" = None, **world: Any) -> "Volume | None":
    """The home as a volume, or None where it is left alone."""
    return next((step.volume for step in steps(given, **world) if step.kind == "home"), None)


NUMBERS: dict[
    str, tuple[dict[str, Any], dict[str, Any], tuple[int | None, int | None] | None]
] = {  # given, world -> the former numbers that are replaced; None: no step
    "both": ({"puid": 1500, "pgid": 1600}, {}, (1000, 1000)),
    "PUID alone: the group stays": ({"puid": 1500}, {}, (1000, None)),
    "PGID alone: the user stays": ({"pgid": 1600}, {}, (None, 1000)),
    "numbers in user": ({"user": user(name="app", gid=7)}, {}, (None, 1000)),
    "the owner of a path": ({"owner_of": "/data"}, {"owner": (2000, 3000)}, (1000, 1000)),
    "another account of the image": (
        {"user": user(name="node"), "puid": 1500},
        {"passwd": PASSWD + "node:x:1001:1001::/srv/node:/bin/sh\n"},
        (1001, None),
    ),
    "nobody asked": ({}, {}, None),
    "the numbers that it has": ({"puid": 1000, "pgid": 1000}, {}, None),
    "an account that is made": ({"puid": 1500}, {"passwd": PASSWD, "group": GROUP}, None),
    "root": ({"puid": 0, "pgid": 1600}, {}, None),
    "root's group is not the account's own": (
        {"puid": 1500, "pgid": 1600},
        {"passwd": PASSWD + APP.replace("1000:1000", "1000:0")},
        (1000, None),
    ),
    "root's group alone": ({"pgid": 1600}, {"passwd": PASSWD + APP.replace("1000:1000", "1000:0")}, None),
    "from the greatest number": (
        {"puid": 1500},
        {"passwd": PASSWD + APP.replace("1000:1000", "4294967294:1000")},
        (4294967294, None),
    ),
    "the kernel's `unchanged` is no account": (
        {"puid": 1500},
        {"passwd": PASSWD + APP.replace("1000:1000", "4294967295:1000")},
        None,
    ),
    "a second time in the container": ({"puid": 1500}, {"record": record()}, None),
    "without root": ({"puid": 1500}, {"credentials": credentials(uid=1000, gid=1000)}, None),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_what_had_the_former_numbers_gets_the_new_ones(case: str) -> None:
    """Each number that really changes, and never root's."""
    given, world, former = NUMBERS[case]
    found = walked(given, **world)
    assert (found and found.former) == former


@pytest.mark.parametrize(("before", "after"), [(0, 1500), (1000, 0)])
def test_what_is_root_s_is_never_renumbered(before: int, after: int) -> None:
    """Such a start is refused before; this must not rely on that."""
    entries = [Account(name="app", uid=uid, gid=1000, home="/srv/app") for uid in (before, after)]
    change = AccountChange(account=entries[1], group=Group(name="app", gid=1000), former=entries[0])
    assert home_step.steps(settings(), identity(), change) == []


HOMES = {  # the home in /etc/passwd -> the path that is walked; None: it is nobody's home
    "/srv/app": "/srv/app",
    "/srv//app/./": "/srv/app",
    "/home/app": "/home/app",
    "/var/lib/app": "/var/lib/app",
    "/usr/share/app": "/usr/share/app",
    "/etc/app": "/etc/app",
    "/run/app": "/run/app",
    "/srv/my app": "/srv/my app",
    "/srv/…/a..b": "/srv/…/a..b",
    "/binary": "/binary",
    "": None,
    "/": None,
    "//": None,
    "/.": None,
    "srv/app": None,
    "./app": None,
    "/srv/../etc": None,
    "/srv/..": None,
    "/nonexistent": None,
    "/dev/null": None,
    "/dev/shm/app": None,
    "/proc/self/cwd": None,
    "/sys/kernel": None,
    "/bin": None,
    "/bin/": None,
    "/sbin/app": None,
    "/usr/sbin": None,
    "/usr/games": None,
    "/usr/local": None,
    "/etc": None,
    "/etc//": None,
    "/etc/passwd": None,
    "/home": None,
    "/root": None,
    "/var": None,
    "/var/run": None,
    "/var/lib": None,
    "/run": None,
    "/tmp": None,
    "/var/tmp": None,
}


@pytest.mark.parametrize("path", HOMES)
def test_only_a_folder_that_somebody_can_live_in_is_a_home(path: str) -> None:
    """Distributions give /bin, /dev/null and /nonexistent to accounts that live nowhere: nothing is said of those."""
    made = plan(settings(puid=1500), facts(passwd=PASSWD + f"app:x:1000:1000::{path}:/bin/sh\n"))
    assert [step.volume.path for step in made.steps if isinstance(step, HomeStep)] == (
        [HOMES[path]] if HOMES[path] else []
    )
    assert made.warnings == ()


RULES = {  # volumes, chown-policy -> the policy by which the home is walked; None: it is not
    "nothing said": ((), "mismatch", "mismatch"),
    "the policy of volumes that name none": ((), "on-root-mismatch", "on-root-mismatch"),
    "never": ((), "never", None),
    "the home is a volume": ((volume("/srv/app"),), "mismatch", None),
    "written otherwise": ((volume("/srv//app/"),), "mismatch", None),
    "with a policy of its own": ((volume("/data"), volume("/srv/app", policy="top")), "mismatch", None),
    "in a volume that is switched off": ((volume("/srv", policy="never"),), "mismatch", None),
    "beside one": ((volume("/srv/ap", policy="never"),), "mismatch", "mismatch"),
    "in a volume: other mounts are for the home's own walk": ((volume("/srv"),), "mismatch", "mismatch"),
    "above a volume": ((volume("/srv/app/data", policy="never"),), "mismatch", "mismatch"),
}


@pytest.mark.parametrize("case", RULES)
def test_what_was_said_of_the_home_as_a_volume_counts(case: str) -> None:
    """The person's own rules win over what follows from PUID."""
    volumes, policy, expected = RULES[case]
    found = walked({"puid": 1500, "volumes": volumes, "chown_policy": policy})
    assert (found and found.policy) == expected


WAYS = {  # how the account gets its name
    "by rename": {},
    "in place": {"account_files": "in place"},
    "by nss_wrapper": {"account_files": "no", "nss_wrapper": "/usr/lib/w.so"},
    "by the environment alone": {"account_files": "no"},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_home_is_walked_however_the_account_gets_its_name(way: str) -> None:
    """The image's files have the old numbers all the same."""
    found = walked({"puid": 1500}, **WAYS[way])
    assert found is not None


def test_the_home_comes_before_the_accounts() -> None:
    """Killed between the two, the next start must still read the former numbers in /etc/passwd."""
    found = kinds(steps({"puid": 1500, "volumes": (volume("/data"),)}))
    assert found[:3] == ["runtime", "home", "accounts"]


def test_the_step_says_where_what_and_why_and_has_the_identity_s_numbers() -> None:
    """As the plan shows it; groups matter for whether the user can write the home already."""
    given = {"puid": 1500, "pgid": 1600, "groups": (44,), "chown_errors": "fail"}
    step = only(steps(given), "home")
    assert step.words == "home /srv/app: what belonged to 1000:1000 belongs to 1500:1600"
    assert step.why == "PUID, PGID"
    assert (step.name, step.uid, step.gid, step.groups, step.errors) == ("app", 1500, 1600, (44, 1600), "fail")


def test_nothing_else_is_asked_of_the_home() -> None:
    """Neither modes, nor that it is made, nor that root's hard links or other mounts are taken along."""
    found = walked({"puid": 1500})
    assert found is not None
    assert (found.mode, found.create, found.hard_links, found.across_mounts, found.only_from) == (
        *(None, False, False, False, None),
    )


def test_the_plan_shows_the_volumes_that_the_home_s_walk_leaves_out() -> None:
    """A volume in the home has a policy of its own. By links a home may hold one too; the walk knows."""
    inner = {"puid": 1500, "volumes": (volume("/srv/app/media", policy="never"), volume("/srv/application"))}
    (step,) = [step for step in steps(inner) if step.kind == "home"]
    assert step.words.endswith("belongs to 1500:1000, without /srv/app/media")
    assert step.others == ("/srv/app/media", "/srv/application")


def test_hard_links_in_the_home_as_the_setting_says() -> None:
    for asked in (False, True):
        found = walked({"puid": 1500, "chown_hard_links": asked})
        assert found is not None and found.hard_links is asked


def test_the_home_is_walked_where_volumes_are_mounted_with_a_map() -> None:
    """The mount would be gone at the next start, whose account has the new numbers already."""
    found = walked({"puid": 1500, "chown_policy": "idmap"})
    assert found is not None and found.policy == "mismatch"
