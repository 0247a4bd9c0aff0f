"""What a start will do, in which order, and what it tells: all of it decided before anything is done."""

import time
from typing import Any

import pytest

from pydrop.capabilities import mask_of
from pydrop.errors import BadSetting
from pydrop.model import AbsentDevice, Secret
from pydrop.planning import plan, volumes_step
from pydrop.planning.step_builders import environment, home_that_came
from pydrop.steps import Plan
from tests.pure.worlds import (
    APP,
    APP_GROUP,
    DOCKERS,
    GROUP,
    PASSWD,
    credentials,
    drop_of,
    facts,
    identity,
    kinds,
    only,
    record,
    settings,
    user,
    volume,
)

EVERYTHING: dict[str, Any] = {
    "volumes": (volume("/data"), volume("/cache", policy="top")),
    "run_dirs": ("/run/app",),
    "secrets": (Secret(name="TOKEN", path="/run/secrets/token", pointer="FILE__TOKEN"),),
}


def planned(given: "dict[str, Any] | None" = None, **world: Any) -> Plan:
    return plan(settings(**given or {}), facts(**world))


# -- the order -------------------------------------------------------------------------------------

ORDERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "nothing asked": ({}, {}, "runtime accounts streams record privileges"),
    "everything asked": (
        EVERYTHING,
        {"hooks": ("/etc/pydrop.d/10",), "user_hooks": ("/u/1", "/u/2")},
        "runtime accounts streams secrets hooks volumes user-hook user-hook record privileges",
    ),
    "root asked for: its streams are its own already": ({"puid": 0}, {}, "runtime accounts record privileges"),
    "a second time": ({}, {"record": record()}, "streams privileges"),
    "a second time, with secrets": (EVERYTHING, {"record": record(), "hooks": ("/h",)}, "streams secrets privileges"),
}


@pytest.mark.parametrize("case", ORDERS)
def test_the_steps_have_their_order(case: str) -> None:
    """/run first, since others lie on it; hooks before the volumes, since they put something there; the drop last."""
    given, world, expected = ORDERS[case]
    assert kinds(planned(given, **world).steps) == expected.split()


@pytest.mark.parametrize("world", [{}, {"record": record()}])
def test_the_drop_is_always_the_last_step(world: dict[str, Any]) -> None:
    """Whatever else is asked: no root is left for what would come behind it."""
    assert planned(EVERYTHING | {"keep_caps": ("net_raw",)}, **world).steps[-1].kind == "privileges"


def test_every_step_has_words_of_one_line() -> None:
    """The plan, the log and the timeline print them."""
    for step in planned(EVERYTHING, hooks=("/etc/pydrop.d/10",)).steps:
        assert step.words
        assert "\n" not in step.words


# -- each step -------------------------------------------------------------------------------------


def test_the_volumes_go_to_the_identity() -> None:
    """With its numbers and all its groups, by which it may write already."""
    step = only(planned(EVERYTHING | {"puid": 1500, "groups": (44,)}).steps, "volumes")
    assert (step.uid, step.gid, step.groups, step.errors) == (1500, 1500, (44, 1500), "warn")
    assert [volume.path for volume in step.volumes] == ["/data", "/cache"]
    assert step.words == "/data (mismatch), /cache (top): owned by 1500:1500"
    assert step.why == "PYDROP_CHOWN"


def test_the_run_dirs_go_to_the_identity() -> None:
    """0755, and made so where they are there already; parents before what lies in them."""
    step = only(planned({"run_dirs": ("/run/app/x", "/run/app"), "puid": 1500}).steps, "runtime")
    made = {e.path: (e.kind, e.mode, e.uid, e.gid, e.exact) for e in step.entries}
    assert made["/run/app"] == made["/run/app/x"] == ("d", 0o755, 1500, 1500, True)
    paths = list(made)
    assert paths.index("/run") < paths.index("/run/app") < paths.index("/run/app/x")


def test_what_was_asked_for_wins_over_what_the_image_declares() -> None:
    """Of several entries for a path there is one: the run-dir, then tmpfiles.d's, then what every image needs."""
    declared = (("/usr/lib/tmpfiles.d/x.conf", "d /run/app 0700 root root\nd /run/lock 0755 root root\n"),)
    step = only(planned({"run_dirs": ("/run/app",), "puid": 1500}, tmpfiles=declared).steps, "runtime")
    found = [(e.path, e.mode, e.uid) for e in step.entries if e.path in ("/run/app", "/run/lock")]
    assert sorted(found) == [("/run/app", 0o755, 1500), ("/run/lock", 0o755, 0)]


def test_the_images_own_run_folders_are_made_for_their_users() -> None:
    """tmpfiles.d's names are looked up in the account files as they will be after the accounts step."""
    line = "d /run/php 0755 app app\nd /run/other 0750 nobody nogroup\n"
    step = only(planned({"puid": 1500}, tmpfiles=(("/usr/lib/tmpfiles.d/php.conf", line),)).steps, "runtime")
    owners = {e.path: (e.uid, e.gid) for e in step.entries}
    assert (owners["/run/php"], owners["/run/other"]) == ((1500, 1500), (65534, 65534))


def test_what_an_image_declares_wrongly_is_a_warning() -> None:
    """The image's author is told; the start goes on."""
    made = planned(tmpfiles=(("/usr/lib/tmpfiles.d/x.conf", "d /run/x 0755 ghost ghost\n"),))
    assert ["/usr/lib/tmpfiles.d/x.conf line 1" in line for line in made.warnings] == [True]


def test_the_first_account_of_a_name_owns_what_is_declared() -> None:
    """As a look-up by name finds it."""
    passwd = PASSWD + "web:x:33:33::/:/\nweb:x:34:34::/:/\n"
    world: dict[str, Any] = {"passwd": passwd, "group": GROUP + "web:x:33:\nweb:x:34:\n"}
    step = only(planned(tmpfiles=(("/usr/lib/tmpfiles.d/x.conf", "d /run/x - web web\n"),), **world).steps, "runtime")
    assert {(e.uid, e.gid) for e in step.entries if e.path == "/run/x"} == {(33, 33)}


@pytest.mark.parametrize(("puid", "expected"), [(1500, 1500), (None, 1000)])
def test_the_streams_go_to_the_user(puid: "int | None", expected: int) -> None:
    """By its number."""
    assert only(planned({"puid": puid} if puid else {}).steps, "streams").uid == expected


def test_a_secret_is_told_by_its_name_and_never_read_here() -> None:
    """Words hold the variable and the path."""
    step = only(planned(EVERYTHING).steps, "secrets")
    assert (step.words, step.why) == ("TOKEN from /run/secrets/token", "FILE__TOKEN")


def test_hooks_get_the_command() -> None:
    """In the inspection's order, with the command that will be run."""
    step = only(planned({"hooks": "/hooks"}, hooks=("/hooks/10-a", "/hooks/20-b")).steps, "hooks")
    assert (step.hooks, step.command) == (("/hooks/10-a", "/hooks/20-b"), ("program", "--flag"))
    assert (step.words, step.why) == ("run as root: /hooks/10-a, /hooks/20-b", "PYDROP_HOOKS")


def test_user_hooks_are_dropped_as_the_program_is() -> None:
    """By the very values, so that neither can have more."""
    made = planned({"puid": 1500, "keep_caps": ("net_raw",), "umask": 0o27}, user_hooks=("/u/1",))
    step = only(made.steps, "user-hook")
    assert step.drop == drop_of(made) and step.drop.identity is made.identity
    assert (step.hook, step.command, step.words) == ("/u/1", ("program", "--flag"), "run as app: /u/1")


def test_the_record_says_who_and_how() -> None:
    """All that an exec needs to become the same; and this run's name, which tells a restart."""
    given = {"puid": 1500, "umask": 0o27, "keep_caps": ("net_raw",), "no_new_privs": False}
    made = planned(given, instance="mnt:[7] 8")
    left = only(made.steps, "record").record
    assert left.identity is made.identity
    assert (left.instance, left.umask, left.keep_caps, left.no_new_privs) == ("mnt:[7] 8", 0o27, ("net_raw",), False)
    assert left.environment == ()


# -- the account step ------------------------------------------------------------------------------

WITH_APP: dict[str, Any] = {"passwd": PASSWD + APP, "group": GROUP + APP_GROUP}
ACCOUNTS: dict[str, tuple[dict[str, Any], str, bool]] = {  # world -> how, done
    "it is made": ({}, "rename", False),
    "its numbers change": (WITH_APP, "rename", False),
    "in place, where /etc is no folder to rename in": ({"account_files": "in place"}, "in place", False),
    "nss_wrapper where nothing can be written": (
        {"account_files": "no", "nss_wrapper": "/usr/lib/w.so"},
        "wrapper",
        False,
    ),
    "nothing but the environment": ({"account_files": "no"}, "environment", False),
    "all is right already": (
        {"passwd": PASSWD + APP.replace("1000", "1500"), "group": GROUP + APP_GROUP.replace("1000", "1500")},
        "rename",
        True,
    ),
    "all is right on a read-only root: no wrapper, no warning": (
        {
            "passwd": PASSWD + APP.replace("1000", "1500"),
            "group": GROUP + APP_GROUP.replace("1000", "1500"),
            "account_files": "no",
        },
        "rename",
        True,
    ),
    "a killed start left something to clear away": (
        {
            "passwd": PASSWD + APP.replace("1000", "1500"),
            "group": GROUP + APP_GROUP.replace("1000", "1500"),
            "stray_files": True,
        },
        "rename",
        False,
    ),
}


@pytest.mark.parametrize("case", ACCOUNTS)
def test_the_account_is_brought_about_as_the_container_allows(case: str) -> None:
    """And not at all where it is right already."""
    world, how, done = ACCOUNTS[case]
    made = planned({"puid": 1500, "pgid": 1500}, **world)
    step = only(made.steps, "accounts")
    assert (step.how, step.done, step.words) == (how, done, "account app is 1500:1500")
    assert any("has no name here" in line for line in made.warnings) == (how == "environment")


def test_a_user_without_a_name_is_told_with_who_minds_and_what_helps() -> None:
    """git, ssh and initdb fail with messages that do not say why."""
    (warning,) = planned({"puid": 1500}, account_files="no").warnings
    for word in ("user 1500", "git", "ssh", "initdb", "libnss-wrapper", "read_only"):
        assert word in warning


# -- who -------------------------------------------------------------------------------------------

WHO: dict[
    str, tuple[dict[str, Any], dict[str, Any], tuple[str, int, int, tuple[int, ...]]]
] = {  # given, world -> name, uid, gid, groups
    "nobody asked, no account": ({}, {}, ("app", 1000, 1000, (1000,))),
    "the image's app": ({}, WITH_APP, ("app", 1000, 1000, (1000,))),
    "PUID and PGID": ({"puid": 1500, "pgid": 1600}, {}, ("app", 1500, 1600, (1600,))),
    "groups asked for": ({"groups": ("video", 7)}, {}, ("app", 1000, 1000, (7, 44, 1000))),
    "the owner of a path": ({"owner_of": "/data"}, {"owner": (2000, 3000)}, ("app", 2000, 3000, (3000,))),
    "root": ({"user": user(name="root")}, {}, ("root", 0, 0, (0, 4))),
}


@pytest.mark.parametrize("case", WHO)
def test_the_identity_is_the_accounts_decision(case: str) -> None:
    """It is handed on to every step as it is."""
    given, world, expected = WHO[case]
    made = planned(given, **world)
    who = made.identity
    assert (who.name, who.uid, who.gid, who.groups) == expected
    assert drop_of(made).identity is who


def test_groups_that_the_runtime_granted_are_kept() -> None:
    """--group-add and fsGroup; not those that root has by /etc/group, and never 0."""
    assert planned(credentials=credentials(groups=(0, 4, 44, 5000))).identity.groups == (44, 1000, 5000)


# -- root ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({"puid": 0}, "PUID=0"),
        ({"user": user(name="root")}, "PYDROP_USER=root"),
        ({"user": user(uid=0)}, "PYDROP_USER=0"),
    ],
)
def test_root_that_was_asked_for_is_root_with_a_warning(given: dict[str, Any], source: str) -> None:
    """It says who asked."""
    made = planned(given)
    assert f"the program runs as root, because {source} asks for it" in made.warnings
    assert only(made.steps, "privileges").keep_root
    assert "stays root" in drop_of(made).words


@pytest.mark.parametrize(
    ("given", "world"),
    [
        ({}, {"passwd": PASSWD + "app:x:0:0::/:/bin/sh\n"}),
        ({"user": user(name="toor")}, {"passwd": PASSWD + "toor:x:0:0::/root:/bin/sh\n"}),
    ],
)
def test_root_by_accident_is_refused(given: dict[str, Any], world: dict[str, Any]) -> None:
    """Not because the image's account has 0, not by another name of root's."""
    with pytest.raises(BadSetting):
        planned(given, **world)


@pytest.mark.parametrize("given", [{}, {"puid": 1500}, {"puid": 1500, "pgid": 0}, {"user": user(name="nobody")}])
def test_nobody_else_stays_root(given: dict[str, Any]) -> None:
    """Gid 0 neither."""
    made = planned(given)
    assert not drop_of(made).keep_root
    assert not any("runs as root" in line for line in made.warnings)


# -- HOME, USER, LOGNAME ---------------------------------------------------------------------------

HOMES = {  # the environment that came, whether HOME is set to the account's
    "the runtime's for root": (("HOME=/root",), True),
    "none": ((), True),
    "empty": (("HOME=",), True),
    "the root folder": (("HOME=/",), True),
    "root's own in this image": (("HOME=/var/root",), True),
    "set on purpose": (("HOME=/data/home",), False),
    "below root's": (("HOME=/root/app",), False),
    "of two the first counts": (("HOME=/root", "HOME=/data"), True),
}


@pytest.mark.parametrize("case", HOMES)
def test_home_is_the_accounts_unless_somebody_set_it_on_purpose(case: str) -> None:
    """`docker run` sets root's HOME for root, and nobody meant it for the program."""
    came, replaced = HOMES[case]
    passwd = PASSWD.replace(":/root:", ":/var/root:") if "/var/root" in "".join(came) else PASSWD
    made = planned({"puid": 1500}, environment=came, passwd=passwd)
    assert dict(made.environment).get("HOME") == ("/home/app" if replaced else None)


def test_user_and_logname_are_the_accounts() -> None:
    """As login(1) sets them; whatever came."""
    made = planned({"user": user(name="nobody")}, environment=("USER=root", "LOGNAME=root"))
    assert dict(made.environment) == {"HOME": "/nonexistent", "USER": "nobody", "LOGNAME": "nobody"}


@pytest.mark.parametrize(
    ("lines", "home"), [((), ""), (("HOME=",), ""), (("XHOME=/x", "HOME=/a"), "/a"), (("HOME",), "")]
)
def test_the_home_that_came(lines: tuple[str, ...], home: str) -> None:
    """By its whole name."""
    assert home_that_came(facts(environment=lines)) == home


def test_a_malformed_entry_of_root_is_not_asked_for_its_home() -> None:
    """Only lines that are entries count."""
    assert (
        environment(identity(), facts(passwd="root:x:abc:0::/odd:/bin/sh\n", environment=("HOME=/odd",)))[0][0]
        == "USER"
    )


# -- the home folder -------------------------------------------------------------------------------

HOME_FOLDERS: dict[
    str, tuple[dict[str, Any], dict[str, Any], str | None, str]
] = {  # given, world -> the folder that is made, HOME
    "an account that is made": ({}, {}, "/home/app", "/home/app"),
    "with a home of its own": ({"home": "/srv/h"}, {}, "/srv/h", "/srv/h"),
    "the image's account has its own": ({}, WITH_APP, None, "/srv/app"),
    "a read-only root": ({}, {"homes_writable": False}, None, "/tmp"),
    "a root without CHOWN could not give it": (
        {},
        {"credentials": credentials(capabilities=DOCKERS & ~0b1)},
        None,
        "/tmp",
    ),
    "a root without FOWNER could not give it its mode": (
        {},
        {"credentials": credentials(capabilities=DOCKERS & ~0b1000)},
        None,
        "/tmp",
    ),
    "a read-only root and a home on a volume": (
        {"home": "/data/h"},
        {"homes_writable": False},
        "/data/h",
        "/data/h",
    ),
    "root": ({"puid": 0}, {}, None, "/root"),
}


@pytest.mark.parametrize("case", HOME_FOLDERS)
def test_an_account_that_is_made_gets_its_home_folder(case: str) -> None:
    """0700 and its own; where none can be made its home is /tmp."""
    given, world, folder, home = HOME_FOLDERS[case]
    made = planned(given, **world)
    entries = {e.path: e for e in only(made.steps, "runtime").entries}
    homes = {"/home/app", "/srv/h", "/srv/app", "/data/h", "/root"} & entries.keys()
    assert homes == ({folder} if folder else set())
    if folder:
        entry, who = entries[folder], made.identity
        assert (entry.kind, entry.mode, entry.uid, entry.gid, entry.exact) == ("d", 0o700, who.uid, who.gid, False)
    assert (made.identity.home, dict(made.environment)["HOME"]) == (home, home)
    change = only(made.steps, "accounts").change
    assert change.account.home == home


# -- the words of the drop -------------------------------------------------------------------------

DROPS: dict[str, tuple[dict[str, Any], str]] = {
    "all of it": ({"puid": 1500, "pgid": 1600}, "1500:1600, groups 1600, no capability, no_new_privs"),
    "a umask": ({"umask": 0o7}, "1000:1000, groups 1000, no capability, no_new_privs, umask 007"),
    "capabilities": ({"keep_caps": ("net_raw", "kill")}, "1000:1000, groups 1000, keeps net_raw, kill, no_new_privs"),
    "without no_new_privs": ({"no_new_privs": False}, "1000:1000, groups 1000, no capability"),
    "an empty bounding set": (
        {"bounding_set": "empty"},
        "1000:1000, groups 1000, no capability, no_new_privs, empty bounding set",
    ),
    "root keeps its bounding set": ({"puid": 0, "bounding_set": "empty"}, "stays root (0:0), groups 0 4, no_new_privs"),
    "root": ({"puid": 0, "pgid": 5}, "stays root (0:5), groups 0 4 5, no_new_privs"),
}


@pytest.mark.parametrize("case", DROPS)
def test_the_words_of_the_drop_say_all_of_it(case: str) -> None:
    """They are what the plan shows and what the proof proves."""
    given, words = DROPS[case]
    assert drop_of(planned(given)).words == words


def test_the_drop_has_what_was_asked() -> None:
    """As values, none of them a text any more."""
    step = drop_of(planned({"keep_caps": ("net_raw",), "umask": 0, "no_new_privs": False}))
    assert (step.keep_caps, step.umask, step.no_new_privs, step.keep_root) == (mask_of(("net_raw",)), 0, False, False)
    assert not step.empty_bounding
    assert drop_of(planned({"bounding_set": "empty"})).empty_bounding


# -- a second time ---------------------------------------------------------------------------------


def again(given: "dict[str, Any] | None" = None, **left: Any) -> Plan:
    return planned(given, pid=20, record=record(**left))


def test_a_second_time_is_the_same_identity() -> None:
    """Whatever PUID says by now: the program of this container has its numbers."""
    assert again({"puid": 1234}).identity == identity()


RECORDED: dict[
    str, tuple[dict[str, Any], dict[str, Any], tuple[tuple[str, ...], int | None, bool]]
] = {  # given, left -> keep_caps, umask, no_new_privs
    "as recorded": ({}, {"keep_caps": ("kill",), "umask": 0o27, "no_new_privs": False}, (("kill",), 0o27, False)),
    "as recorded, the other way": ({}, {}, ((), None, True)),
    "what is asked for now counts": (
        {"keep_caps": ("net_raw",), "umask": 0, "no_new_privs": True},
        {"keep_caps": ("kill",), "umask": 0o27, "no_new_privs": False},
        (("net_raw",), 0, True),
    ),
}


@pytest.mark.parametrize("case", RECORDED)
def test_a_second_time_drops_to_what_was_recorded(case: str) -> None:
    """An exec does not repeat the entrypoint's options."""
    given, left, (keep_caps, umask, no_new_privs) = RECORDED[case]
    step = drop_of(again(given, **left))
    assert (step.keep_caps, step.umask, step.no_new_privs) == (mask_of(keep_caps), umask, no_new_privs)


BOUNDING: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {  # given, left -> whether it is emptied
    "as recorded": ({}, {"bounding_set": "empty"}, True),
    "as recorded, the other way": ({}, {"bounding_set": "keep"}, False),
    "what is asked for now counts": ({"bounding_set": "keep"}, {"bounding_set": "empty"}, False),
    "root's never": ({}, {"bounding_set": "empty", "identity": identity(uid=0)}, False),
}


@pytest.mark.parametrize("case", BOUNDING)
def test_a_second_time_has_the_recorded_bounding_set(case: str) -> None:
    """As the rest of the drop."""
    given, left, emptied = BOUNDING[case]
    assert drop_of(again(given, **left)).empty_bounding == emptied


def test_init_drops_its_bounding_set_as_the_program_does() -> None:
    """It executes nothing, so it needs none; and one answer counts for all of the container."""
    for asked, emptied in (("keep", False), ("empty", True)):
        assert only(planned({"init": True, "bounding_set": asked}).steps, "guardian").empty_bounding == emptied


def test_an_empty_bounding_set_is_not_roots() -> None:
    """Root would be left with no capability behind its exec, which PUID=0 does not ask for."""
    warnings = planned({"puid": 0, "bounding_set": "empty"}).warnings
    assert [text for text in warnings if text.startswith("PYDROP_BOUNDING_SET is ignored, since root")]


def test_a_second_time_has_the_programs_environment() -> None:
    """HOME and what hooks added; values may hold `=`."""
    left = record(environment=("HOME=/data", "A=x=y", "EMPTY="))
    made = planned(record=left, environment=("HOME=/root",))
    assert dict(made.environment) == {"HOME": "/data", "USER": "app", "LOGNAME": "app", "A": "x=y", "EMPTY": ""}


def test_a_second_time_says_nothing() -> None:
    """No warning a second time, for what the first has told."""
    assert again(EVERYTHING | {"puid": 0}, identity=identity(uid=0, name="root")).warnings == ()


# -- warnings --------------------------------------------------------------------------------------


def test_a_hook_that_nobody_may_execute_is_told() -> None:
    (warning,) = planned({"command": ("true",)}, hooks_without_bit=("/etc/pydrop.d/10",)).warnings
    assert warning.startswith("the hook /etc/pydrop.d/10 is not run: it has no execute bit; chmod a+x it in the image")


def test_a_plain_start_warns_of_nothing() -> None:
    """Silence is the sign that all is well."""
    assert planned(EVERYTHING | {"puid": 1500, "pgid": 1500}, **WITH_APP).warnings == ()


def test_the_command_is_handed_on_whole() -> None:
    """Nothing of it is read."""
    assert planned({"command": ("x", "", "--", "-c")}).command == ("x", "", "--", "-c")


# -- a volume below another one, and one that is not there -------------------------------------------


def volumes_words(*given: Any, **world: Any) -> str:
    return str(only(planned({"volumes": given, "puid": 1500}, **world).steps, "volumes").words)


@pytest.mark.parametrize("policy", ["mismatch", "on-root-mismatch", "unless-writable"])
def test_the_plan_shows_what_a_walk_leaves_out(policy: str) -> None:
    never = volume("/data/a", policy="never")
    words = volumes_words(volume("/data", policy=policy), never, volume("/data/a/b"), volume("/database"))
    assert words == (
        f"/data ({policy}, without /data/a, without /data/a/b), /data/a/b (mismatch), /database (mismatch): "
        "owned by 1500:1500; /data/a (never): left alone"
    )


def test_the_plan_shows_what_lies_below_behind_links() -> None:
    links = (("/data", "/srv/data"), ("/media", "/srv/data/media"), ("/gone", ""))
    never = [volume(path, policy="never") for path in ("/media", "/gone")]
    words = volumes_words(volume("/data"), *never, places=links)
    assert words == "/data (mismatch, without /media): owned by 1500:1500; /media (never), /gone (never): left alone"


def test_a_policy_that_does_not_walk_leaves_nothing_out() -> None:
    words = volumes_words(volume("/data", policy="top"), volume("/data/a"))
    assert words.startswith("/data (top), /data/a (mismatch):")


def test_the_plan_shows_that_a_volume_is_not_there() -> None:
    absent = tuple((path, "") for path in ("/a", "/b", "/c"))
    words = volumes_words(volume("/a"), volume("/b", policy="never"), volume("/c", create=True), places=absent)
    assert words == "/a (mismatch): does not exist; /b (never): left alone; /c (mismatch): owned by 1500:1500"


def test_a_device_that_is_not_there_is_a_warning_and_is_not_said_again() -> None:
    absent = (AbsentDevice(path="/dev/d", problem="PYDROP_DEVICES names /dev/d, which is gone", remedy="pass it"),)
    for given in ({"puid": 1500}, {"puid": 0}):
        warnings = planned({"devices": ("/dev/d",), **given}, absent_devices=absent).warnings
        assert "PYDROP_DEVICES names /dev/d, which is gone; pass it" in warnings
    assert planned({"devices": ("/dev/d",)}, absent_devices=absent, record=record()).warnings == ()


def test_the_plan_shows_that_a_volume_is_idmapped() -> None:
    shown = (("/a", 0, 0), ("/b", 1500, 1500), ("/c", 0, 0))
    given = (volume("/a"), volume("/b"), volume("/c", policy="never"), volume("/d", policy="idmap"))
    words = volumes_words(*given, idmapped=shown)
    assert words == (
        "/a (mismatch): left alone, an idmapped mount that shows 0:0; "
        "/b (mismatch), /d (idmap, a mount that shows the owner of its top as this one): owned by 1500:1500; "
        "/c (never): left alone"
    )


def test_the_plan_shows_that_a_volume_is_roots_which_no_map_shows_as_the_users() -> None:
    given = settings(volumes=(volume("/a", policy="idmap"),), puid=1500)
    world = facts(roots=("/a",), places=(("/a", "/a"),))
    assert "/a (idmap): left alone, root's on the disk" in volumes_words(*given.volumes, roots=("/a",))
    (said,) = volumes_step.notes(given, world, plan(given, world).identity)
    assert "it is root's on the disk" in said and "/a:mismatch" in said
    root = settings(volumes=(volume("/a", policy="idmap"),), puid=0)
    assert volumes_step.notes(root, world, plan(root, world).identity) == []


def test_what_the_step_will_warn_of_is_known_before() -> None:
    """For `pydropctl plan`: at a start the step itself says so."""
    given = settings(volumes=(volume("/a"), volume("/b")), puid=1500)
    world = facts(idmapped=(("/a", 7, 8),), places=(("/a", "/a"), ("/b", "")))
    absent, shown = volumes_step.notes(given, world, plan(given, world).identity)
    assert absent == "the volume /b does not exist; mount it (volumes: [./data:/b]), or go on without it"
    assert "through which it shows as 7:8; " in shown
    assert "idmap=uids=OWNER-1500-1;gids=GROUP-1500-1'" in shown
    assert not any("/a" in line or "/b" in line for line in plan(given, world).warnings)


def test_long_lists_of_volumes_take_no_time() -> None:
    """Each volume beside and below others: what one of them asks of all is looked up once."""
    paths = [f"/data/{number}" for number in range(3000)] + [f"/data/{number}/deep" for number in range(3000)]
    began = time.process_time()
    words = volumes_words(*[volume(path) for path in paths], places=tuple([(path, "") for path in paths[:3000]]))
    assert time.process_time() - began < 1
    assert "/data/2999 (mismatch, without /data/2999/deep): does not exist" in words
