"""What env files, YAML and copied pages leave around a value is told by its name, with the value as it should be."""

import pytest

from pydrop import settings
from pydrop.errors import BadSetting

LEFT = {
    "PUID=1500 # the media user": "write PUID=1500, without the comment (an env file keeps it)",
    "PGID=1500 #": "write PGID=1500, without the comment (an env file keeps it)",
    "UMASK=022 # for the group": "write UMASK=022, without the comment (an env file keeps it)",
    "PUID=1500;": "write PUID=1500, without the characters around it",
    "PUID=1500,": "write PUID=1500, without the characters around it",
    "PUID=1500\u00a0": "write PUID=1500, without the characters around it",
    "PUID=\ufeff1500": "write PUID=1500, without the characters around it",
    "PUID=\u201c1500\u201d": "write PUID=1500, without the characters around it",
    "PYDROP_LOG_FORMAT='json'": "write PYDROP_LOG_FORMAT=json, without quotes (an env file keeps them)",
    'PYDROP_LOG_FORMAT="json"': "write PYDROP_LOG_FORMAT=json, without quotes (an env file keeps them)",
    "PYDROP_LOG_FORMAT=json;": "write PYDROP_LOG_FORMAT=json, without the characters around it",
    "PUID=${UID}": "(nothing expands a $ here: an env file passes it as it stands)",
    "PUID=$(id -u)": "(nothing expands a $ here: an env file passes it as it stands)",
    "PYDROP_CHOWN=$HOME/x": "(nothing expands a $ here: an env file passes it as it stands)",
    "FILE__DB='/run/secrets/db'": "name the file from / on, without quotes (an env file keeps them): FILE__DB=",
}


@pytest.mark.parametrize("line", LEFT)
def test_what_is_left_there(line):
    with pytest.raises(BadSetting) as error:
        settings.read(("id",), (line,), None)
    assert LEFT[line] in str(error.value)


@pytest.mark.parametrize("value", ['"/etc/x.toml"', "'/etc/x.toml'"])
def test_quotes_around_the_settings_files_path(value):
    with pytest.raises(BadSetting, match=r"as /etc/pydrop.toml, without quotes \(an env file keeps them"):
        settings.config_path((f"PYDROP_CONFIG={value}",))


@pytest.mark.parametrize("line", ["PUID=1500x", "PUID=;", "PUID=abc # x", "PYDROP_LOG_FORMAT=jsn,"])
def test_what_would_not_be_taken_then_is_not_shown(line):
    with pytest.raises(BadSetting) as error:
        settings.read(("id",), (line,), None)
    assert "without the c" not in str(error.value)
