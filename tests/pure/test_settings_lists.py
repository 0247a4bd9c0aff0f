"""Lists in options and variables that something else than `:` or `,` separates are shown as they should be."""

import pytest

from pydrop import settings
from pydrop.errors import BadSetting
from pydrop.model import Volume


def refusal(line):
    with pytest.raises(BadSetting) as error:
        settings.read(("id",), (line,), None)
    return str(error.value)


PATHS = [
    ("/data,/config", "/data:/config"),
    ("/data, /config", "/data:/config"),
    ("/data /config", "/data:/config"),
    ("/data ,/config", "/data:/config"),
    ("/data;/config", "/data:/config"),
    ("/data; /config", "/data:/config"),
    ("/data\t/config", "/data:/config"),
    ("/data\n/config", "/data:/config"),
    ("/data\r\n/config", "/data:/config"),
    ("/data,", "/data"),
    ("/data;", "/data"),
    (",/data", "/data"),
    ("/data,:/config", "/data:/config"),
    ("/data:,/config", "/data:/config"),
    ("/data: /config", "/data:/config"),
    ("/data :/config", "/data:/config"),
    ("/data:/config,/x", "/data:/config:/x"),
    ("/data,,/config", "/data:/config"),
    ('["/data", "/config"]', "/data:/config"),
    ("['/data','/config']", "/data:/config"),
    ("[/data]", "/data"),
    ('"/data":"/config"', "/data:/config"),
    ('"/data"', "/data, without quotes"),
    ("'/data:/config'", "/data:/config, without quotes"),
]


@pytest.mark.parametrize(("value", "meant"), PATHS)
@pytest.mark.parametrize("name", ["PYDROP_CHOWN", "PYDROP_RUN_DIRS", "PYDROP_DEVICES"])
def test_a_list_of_paths_is_shown_as_it_should_be(name, value, meant):
    assert refusal(f"{name}={value}").rpartition("; ")[2] == f"write {name}={meant}" or (
        refusal(f"{name}={value}").endswith(f"write {name}={meant} (an env file keeps them)")
    )
    with pytest.raises(BadSetting, match="write --chown="):
        settings.read((f"--chown={value}", "id"), (), None)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("/data,top", "/data:top"),
        ("/data:top,/config", "/data:top:/config"),
        ("/data top:/config", ""),
        ("/data:/config;never", "/data:/config:never"),
    ],
)
def test_a_policy_behind_a_comma_is_one(value, meant):
    if meant:
        assert refusal(f"PYDROP_CHOWN={value}").endswith(f"write PYDROP_CHOWN={meant}")


@pytest.mark.parametrize("value", ["/a,b", "/a;b:/c", "/a\tb", "/it's", "/a[1]", '/a"b'])
def test_a_path_with_such_a_character_is_named_in_the_file(value):
    assert "in the settings file: chown = [" in refusal(f"PYDROP_CHOWN={value}")
    read = settings.read(("id",), (), {"chown": ["/a,b", "/it's"], "run-dirs": ["/run/a,b"], "devices": ["/dev/a;b"]})
    assert (read.volumes[0].path, read.volumes[1].path, read.run_dirs) == ("/a,b", "/it's", ("/run/a,b",))


@pytest.mark.parametrize("value", ["/my data", "/a b:/c d", "/data:", ":/data", "::/data", "/data\n", " /data"])
def test_what_is_no_such_list_is_taken(value):
    """A blank within a name, empty items, and what an env file leaves around a value."""
    assert settings.read(("id",), (f"PYDROP_CHOWN={value}",), None).volumes
    assert settings.read(("id",), (f"PYDROP_RUN_DIRS={value}",), None).run_dirs


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("PYDROP_GROUPS=video:audio", "PYDROP_GROUPS=video,audio"),
        ("PYDROP_GROUPS=video audio", "PYDROP_GROUPS=video,audio"),
        ("PYDROP_GROUPS=video;audio;", "PYDROP_GROUPS=video,audio"),
        ('PYDROP_GROUPS=["video", 109]', "PYDROP_GROUPS=video,109"),
        ("PYDROP_GROUPS=video\naudio", "PYDROP_GROUPS=video,audio"),
        ("PYDROP_KEEP_CAPS=net_raw:chown", "PYDROP_KEEP_CAPS=net_raw,chown"),
        ("PYDROP_KEEP_CAPS=CAP_NET_RAW CAP_CHOWN", "PYDROP_KEEP_CAPS=CAP_NET_RAW,CAP_CHOWN"),
        ("PYDROP_REWRITE=TERM:QUIT HUP:0", "PYDROP_REWRITE=TERM:QUIT,HUP:0"),
        ("PYDROP_EXIT_CODE=143:0;130:0", "PYDROP_EXIT_CODE=143:0,130:0"),
        ('PUID="1500"', "PUID=1500"),
        ("PGID='1500'", "PGID=1500"),
        ('PUID=" 1500 "', "PUID=1500"),
        ('PYDROP_USER="app"', "PYDROP_USER=app"),
        ("PYDROP_UMASK='022'", "PYDROP_UMASK=022"),
        ('UMASK="022"', "UMASK=022"),
        ('PYDROP_INIT="1"', "PYDROP_INIT=1"),
        ('PYDROP_STOP_TIMEOUT="5s"', "PYDROP_STOP_TIMEOUT=5s"),
        ('PYDROP_STOP_SIGNAL="QUIT"', "PYDROP_STOP_SIGNAL=QUIT"),
        ('PYDROP_HOOKS="/etc/x"', "PYDROP_HOOKS=/etc/x"),
        ('PYDROP_LOG_FORMAT="json"', "PYDROP_LOG_FORMAT=json"),
        ('PYDROP_CHOWN_POLICY="top"', "PYDROP_CHOWN_POLICY=top"),
    ],
)
def test_other_lists_and_quotes_are_shown_as_they_should_be(line, meant):
    assert f"; write {meant}, with" in refusal(line)


@pytest.mark.parametrize("value", ["A:B", "A B", "A;B", '["A"]', '"A"', "A\tB", "/run/secrets/a"])
def test_a_list_of_secrets_that_is_none_is_an_error_without_a_value(value):
    """A secret that nothing names is nothing, so a list that was read as one odd name would be lost."""
    message = refusal(f"PYDROP_SECRETS={value}")
    assert message.endswith("write names of variables alone: PYDROP_SECRETS=DB_PASSWORD,API_KEY")
    assert value not in message


def test_a_suggestion_is_one_that_is_taken():
    """Nothing is suggested that would be refused the same way."""
    for value, shown in PATHS:
        meant = shown.partition(",")[0]
        assert settings.read(("id",), (f"PYDROP_CHOWN={meant}",), None).volumes[0] == Volume(
            path=meant.partition(":")[0], source="PYDROP_CHOWN"
        ), value


LISTS = {
    "PYDROP_CHOWN": ":",
    "PYDROP_RUN_DIRS": ":",
    "PYDROP_DEVICES": ":",
    "PYDROP_GROUPS": ",",
    "PYDROP_SECRETS": ",",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_no_more_items_than_work_can_begin_with(name: str) -> None:
    separator, item = LISTS[name], "/a/{}" if LISTS[name] == ":" else "A{}"
    few, many = [[item.format(number) for number in range(count)] for count in (500, 501)]
    settings.read(("id",), (f"{name}={separator.join(few)}",), None)
    said = "is not a list of names" if name == "PYDROP_SECRETS" else "has 501 items, more than 500"
    with pytest.raises(BadSetting, match=said):  # no message shows anything of what should be names of secrets
        settings.read(("id",), (f"{name}={separator.join(many)}",), None)
