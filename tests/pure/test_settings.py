"""Where settings come from, which source wins, and where the command begins."""

import subprocess
import sys

import pytest

from pydrop import settings
from pydrop.errors import BadSetting
from pydrop.model import NumberAsked, Settings, UserAsked

pytestmark = pytest.mark.python  # what tomllib reads


def read(*words, environment=(), table=None, command=("id",)):
    return settings.read((*words, *command), tuple(environment), table)


@pytest.mark.parametrize(
    ("words", "command", "level"),
    [
        (("id",), ("id",), "info"),
        (("--", "id"), ("id",), "info"),
        (("--log-level", "warn", "id"), ("id",), "warn"),
        (("--log-level=warn", "id"), ("id",), "warn"),
        (("--log-level=warn", "--log-level=debug", "id"), ("id",), "debug"),
        (("--log-level", "warn", "--", "--log-level", "debug"), ("--log-level", "debug"), "warn"),
        (("id", "--log-level", "warn"), ("id", "--log-level", "warn"), "info"),
        (("id", "--help"), ("id", "--help"), "info"),
        (("sh", "-c", "--", ""), ("sh", "-c", "--", ""), "info"),
        (("", "x"), ("", "x"), "info"),
        (("-", "x"), ("-", "x"), "info"),
        (("--", "--", "x"), ("--", "x"), "info"),
        (("--", "--help"), ("--help",), "info"),
        (("caf\udce9", "\udcff"), ("caf\udce9", "\udcff"), "info"),
    ],
)
def test_the_first_word_that_is_no_option_starts_the_command(words, command, level):
    found = settings.read(words, (), None)
    assert (found.command, found.log_level, found.show) == (command, level, "")


@pytest.mark.parametrize(
    ("words", "show"),
    [(("--help",), "help"), (("--version", "id"), "version"), (("--log-level=warn", "--help"), "help")],
)
def test_help_and_version_need_no_command_and_look_at_nothing_else(words, show):
    found = settings.read(words, ("PYDROP_NONSENSE=1", "PUID=x"), {"nonsense": 1})
    assert (found.show, found.command) == (show, ())


def test_the_help_names_every_option_that_does_something():
    text = settings.help_text()
    for name in ("--user", "--chown-policy", "--keep-caps", "--no-new-privs", "--log-format", "--help", "PUID"):
        assert name in text
    assert "--init" in text and "--stop-timeout" in text
    assert "--volume" not in text


@pytest.mark.parametrize("words", [(), ("--",), ("--log-level=warn",)])
def test_no_command_is_an_error_with_an_example(words):
    with pytest.raises(BadSetting, match="no command to run") as error:
        settings.read(words, (), None)
    assert 'CMD ["gunicorn", "app:app"]' in error.value.remedy
    assert error.value.code == 125


SOURCES = ("PYDROP_LOG_LEVEL=error",), {"log-level": "warn"}


@pytest.mark.parametrize(
    ("words", "environment", "table", "level", "source"),
    [
        ((), (), None, "info", None),
        ((), (), {"log-level": "warn"}, "warn", "log-level in /etc/pydrop.toml"),
        ((), SOURCES[0], SOURCES[1], "error", "PYDROP_LOG_LEVEL"),
        (("--log-level=debug",), SOURCES[0], SOURCES[1], "debug", "--log-level"),
        (("--log-level", "debug"), SOURCES[0], None, "debug", "--log-level"),
        ((), ("PYDROP_LOG_LEVEL=",), SOURCES[1], "warn", "log-level in /etc/pydrop.toml"),
        ((), ("PYDROP_LOG_LEVEL= \t\r\n",), None, "info", None),
        ((), ("PYDROP_LOG_LEVEL=error\r",), None, "error", "PYDROP_LOG_LEVEL"),
        ((), ("PYDROP_LOG_LEVEL=error", "PYDROP_LOG_LEVEL=debug"), None, "error", "PYDROP_LOG_LEVEL"),
        ((), ("PYDROP_LOG_LEVEL=", "PYDROP_LOG_LEVEL=debug"), None, "info", None),
    ],
)
def test_options_win_over_environment_over_file(words, environment, table, level, source):
    """An empty variable counts as unset, and of two with one name the first holds."""
    found = read(*words, environment=environment, table=table)
    assert (found.log_level, found.sources.get("log-level")) == (level, source)


def test_the_file_is_named_as_it_was_found():
    found = settings.read(("id",), (), {"user": "app"}, "/srv/x.toml")
    assert found.sources == {"user": "user in /srv/x.toml"}
    assert found.user == UserAsked(name="app", source="user in /srv/x.toml")


def test_a_value_that_loses_is_not_looked_at():
    """mariadb's UMASK=0660X is nobody's business where PYDROP_UMASK is given."""
    assert read("--log-level=warn", environment=["PYDROP_LOG_LEVEL=loud"], table={"log-level": 7}).log_level == "warn"
    assert read(environment=["UMASK=fancy", "PYDROP_UMASK=027"]).umask == 0o027
    assert read(environment=["UMASK=027"]).umask == 0o027


def test_every_setting_has_its_built_in_value_where_nothing_is_given():
    built_in = {
        name: getattr(Settings, name) for name in Settings(sources={}).fields if name not in ("command", "sources")
    }
    found = settings.read(("id",), ("PATH=/bin", "HOME=/root", "LD_PRELOAD=x", "broken", "=odd"), None)
    assert {name: getattr(found, name) for name in built_in} == built_in
    assert found.sources == {}


def test_every_setting_from_the_environment_with_its_source():
    found = read(
        environment=[
            "PYDROP_USER=app", "PUID=1500", "PGID=1600", "PYDROP_OWNER_OF=/data/", "PYDROP_HOME=/home/x",
            "PYDROP_GROUPS=video, 109", "PYDROP_DEVICES=/dev/dri:/dev/kvm", "PYDROP_UMASK=002",
            "PYDROP_CHOWN_ERRORS=fail", "PYDROP_RUN_DIRS=/run/app:/run/app/x/", "PYDROP_HOOKS=/h.d",
            "PYDROP_KEEP_CAPS=NET_BIND_SERVICE,cap_kill", "PYDROP_NO_NEW_PRIVS=no", "PYDROP_LOG_LEVEL=debug",
            "PYDROP_BOUNDING_SET=empty",
            "PYDROP_LOG_FORMAT=json", "PYDROP_CONFIG=/x.toml",
        ]
    )  # fmt: skip
    assert found == Settings(
        user=UserAsked(name="app", source="PYDROP_USER"), puid=NumberAsked(number=1500, source="PUID"),
        pgid=NumberAsked(number=1600, source="PGID"), owner_of="/data", home="/home/x", groups=("video", 109),
        devices=("/dev/dri", "/dev/kvm"), umask=2, chown_errors="fail", run_dirs=("/run/app", "/run/app/x"),
        hooks="/h.d", keep_caps=("net_bind_service", "kill"), no_new_privs=False, log_level="debug",
        bounding_set="empty",
        log_format="json", command=("id",), sources=found.sources,
    )  # fmt: skip
    assert found.sources == {
        "user": "PYDROP_USER", "puid": "PUID", "pgid": "PGID", "owner-of": "PYDROP_OWNER_OF", "home": "PYDROP_HOME",
        "groups": "PYDROP_GROUPS", "devices": "PYDROP_DEVICES", "umask": "PYDROP_UMASK",
        "chown-errors": "PYDROP_CHOWN_ERRORS", "run-dirs": "PYDROP_RUN_DIRS", "hooks": "PYDROP_HOOKS",
        "keep-caps": "PYDROP_KEEP_CAPS", "no-new-privs": "PYDROP_NO_NEW_PRIVS", "log-level": "PYDROP_LOG_LEVEL",
        "log-format": "PYDROP_LOG_FORMAT", "bounding-set": "PYDROP_BOUNDING_SET",
    }  # fmt: skip


SPELLINGS = [
    ("user", "app:5", "app:5"),
    ("owner-of", "/data", "/data"),
    ("home", "/home/x", "/home/x"),
    ("groups", "video,109", ["video", 109]),
    ("devices", "/dev/a:/dev/b", ["/dev/a", "/dev/b"]),
    ("umask", "0027", "0027"),
    ("chown", "/a:/b:top", ["/a", "/b:top"]),
    ("chown-errors", "fail", "fail"),
    ("chown-hard-links", "true", True),
    ("groups-policy", "strict", "strict"),
    ("run-dirs", "/run/a:/run/b", ["/run/a", "/run/b"]),
    ("hooks", "/x.d", "/x.d"),
    ("keep-caps", "kill,net_raw", ["kill", "net_raw"]),
    ("no-new-privs", "false", False),
    ("bounding-set", "empty", "empty"),
    ("init", "false", False),
    ("log-level", "warn", "warn"),
    ("log-format", "json", "json"),
]


@pytest.mark.parametrize(("name", "text", "value"), SPELLINGS)
def test_option_variable_and_key_mean_the_same(name, text, value):
    """All spellings of a setting give one Settings, but for the sources in it."""
    variable = f"PYDROP_{name.upper().replace('-', '_')}"
    found = [
        read(f"--{name}={text}"),
        read(environment=[f"{variable}={text}"]),
        read(table={name: value}),
    ]
    if name not in ("no-new-privs", "init", "chown-hard-links"):
        found.append(read(f"--{name}", text))
    assert [each.sources[name] for each in found[:3]] == [f"--{name}", variable, f"{name} in /etc/pydrop.toml"]
    for each in found:
        each.sources = {}
        for part in (each.user, *each.volumes):
            if part:
                part.source = ""
    assert all(each == found[0] for each in found)
    assert name == "init" or found[0] != read()


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("groups", ("--groups", "a,b", "--groups=c"), ("a", "b", "c")),
        ("groups", ("--groups=a,,b,", "--groups=a"), ("a", "b")),
        ("run_dirs", ("--run-dirs=/run/a", "--run-dirs", "/run/b:/run/c"), ("/run/a", "/run/b", "/run/c")),
        ("keep_caps", ("--keep-caps=kill", "--keep-caps=KILL"), ("kill",)),
    ],
)
def test_an_option_of_a_list_may_be_repeated(name, words, expected):
    assert getattr(read(*words), name) == expected


def test_a_list_replaces_the_list_of_a_weaker_source():
    found = read("--groups=a", environment=["PYDROP_GROUPS=b,c"], table={"groups": ["d"]})
    assert found.groups == ("a",)
    assert read(table={"groups": []}).groups == ()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ((), ("/etc/pydrop.toml", False)),
        (("PYDROP_CONFIG=/x.toml",), ("/x.toml", True)),
        (("PYDROP_CONFIG=/x.toml\r\n",), ("/x.toml", True)),
        (("PYDROP_CONFIG=/etc/pydrop.toml",), ("/etc/pydrop.toml", True)),
        (("PYDROP_CONFIG=",), ("/etc/pydrop.toml", False)),
        (("PYDROP_CONFIG=", "PYDROP_CONFIG=/x"), ("/etc/pydrop.toml", False)),
        (("XPYDROP_CONFIG=/x",), ("/etc/pydrop.toml", False)),
    ],
)
def test_the_path_of_the_settings_file(environment, expected):
    assert settings.config_path(environment) == expected


def test_the_settings_file_is_named_by_an_absolute_path():
    with pytest.raises(BadSetting, match=r"^PYDROP_CONFIG=x\.toml is not an absolute path; "):
        settings.config_path(("PYDROP_CONFIG=x.toml",))


EXPENSIVE = (
    "re json typing dataclasses collections pathlib subprocess logging signal enum argparse tomllib contextlib "
    "functools ctypes difflib"
)


def test_reading_puid_and_pgid_loads_nothing_that_is_rare():
    """The hot path imports few modules of ours and no expensive one of the library."""
    source = str(settings.__file__).removesuffix("/pydrop/settings/__init__.py")
    program = (
        f"import sys; sys.path.insert(0, {source!r}); from pydrop import settings\n"
        "settings.read(('id',), ('PUID=1', 'PGID=2'), None)\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-c", program]
    loaded = set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert loaded.isdisjoint(EXPENSIVE.split())
    inner = {f"pydrop.settings.{name}" for name in ("raw_setting", "sources", "table", "parsers")}
    assert {name for name in loaded if name.startswith("pydrop.settings")} == {"pydrop.settings", *inner}
