"""Options, variables and keys that do not exist, and those that only look so."""

import pytest

from pydrop import settings
from pydrop.errors import BadSetting
from pydrop.settings.nearest import distance, near


def refusal(words=(), environment=(), table=None):
    with pytest.raises(BadSetting) as error:
        settings.read((*words, "id"), tuple(environment), table)
    assert error.value.remedy
    return str(error.value)


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("PYDROP_CHWON", "did you mean PYDROP_CHOWN?"),
        ("PYDROP_CHOWN_POLCY", "did you mean PYDROP_CHOWN_POLICY?"),
        ("PYDROP_CHOWNPOLICY", "did you mean PYDROP_CHOWN_POLICY?"),
        ("PYDROP_LOGLEVEL", "did you mean PYDROP_LOG_LEVEL?"),
        ("PYDROP_POLICY", "did you mean PYDROP_CHOWN_POLICY?"),
        ("PYDROP_USERNAME", "did you mean PYDROP_USER?"),
        ("PYDROP_UID", "did you mean PUID?"),
        ("PYDROP_PUID", "set the variable PUID"),
        ("PYDROP_GID", "did you mean PGID?"),
        ("PYDROP_SECRET", "did you mean PYDROP_SECRETS?"),
        ("PYDROP_Umask", "did you mean PYDROP_UMASK?"),
        ("PYDROP_CONFIGURATION", "did you mean PYDROP_CONFIG?"),
        ("PYDROP_VOLUME", "PYDROP_CHOWN"),
        ("PYDROP_XYZZY_PLUGH", "take PYDROP_XYZZY_PLUGH out of the container's environment (pydrop --help lists"),
        ("PYDROP_", "take PYDROP_ out of the container's environment"),
        ("PYDROP_ENV", "take it out of the container's environment"),
        ("PYDROP_WORKDIR", "take it out of the container's environment"),
        ("PYDROP_REWRIT", "did you mean PYDROP_REWRITE?"),
        ("PYDROP_SERVICE", "services, which are not in this version"),
    ],
)
def test_an_unknown_variable_is_told_the_nearest(variable, hint):
    """Its value is not shown: nobody knows what it holds."""
    message = refusal(environment=[f"{variable}=hunter2"])
    assert message.startswith(f"{variable} ")
    assert hint in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "line",
    [
        "PYDROP_SERVICE_HOST=10.0.0.1",
        "PYDROP_SERVICE_PORT=8000",
        "PYDROP_SERVICE_PORT_HTTP=8000",
        "PYDROP_SERVICE_PORT_MY_METRICS=8000",
        "PYDROP_PORT=tcp://10.0.0.1:80",
        "PYDROP_PORT=8000",
        "PYDROP_PORT_80_TCP=tcp://10.0.0.1:80",
        "PYDROP_PORT_80_TCP_ADDR=10.0.0.1",
        "PYDROP_PORT_80_TCP_PORT=80",
        "PYDROP_PORT_80_TCP_PROTO=tcp",
        "PYDROP_PORT_53_UDP=udp://10.0.0.1:53",
        "PYDROP_PORT_53_UDP_PROTO=udp",
        "PYDROP_PORT_9_SCTP_ADDR=10.0.0.1",
        "PYDROP_WEB_SERVICE_HOST=10.0.0.1",
        "PYDROP_WEB_PORT=tcp://10.0.0.1:80",
        "PYDROP_WEB_PORT_80_TCP=tcp://10.0.0.1:80",
        "PYDROP_NAME=/app/pydrop",
        "PYDROP_ENV_PYTHON_VERSION=3.13",
        "PYDROP_NONSENSE=",
        "PYDROP_NONSENSE= \r",
        "PYDROP_CONFIG=/x",
        "PYDROPX=1",
        "pydrop_chwon=1",
        "XPYDROP_CHWON=1",
        "UMASKED=x",
        "PUIDX=x",
        "FILE__=",
        "FILE_X=1",
    ],
)
def test_variables_of_services_and_strangers_are_left_alone(line):
    """Kubernetes and docker's links make variables for what is called pydrop; those are nobody's typo."""
    assert settings.read(("id",), (line,), None).sources == {}


@pytest.mark.parametrize("line", ["PYDROP_WEB_PORT=8000", "PYDROP_NAME=web", "PYDROP_PORTS=1", "PYDROP_PORT_X_TCP=1"])
def test_what_no_service_makes_is_a_typo(line):
    assert "is not a setting of pydrop" in refusal(environment=[line])


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("--chwon", "did you mean --chown?"),
        ("--chown_policy=top", "did you mean --chown-policy?"),
        ("--usr=app", "did you mean --user?"),
        ("--no-no-new-privs", "did you mean --no-new-privs?"),
        ("-user", "did you mean --user?"),
        ("--hlep", "did you mean --help?"),
        ("-h", "--help"),
        ("-V", "did you mean --version?"),
        ("---", "pydrop --help lists all"),
        ("--volume", "name volumes with --chown"),
        ("--puid=5", "set the variable PUID"),
        ("--PGID=5", "set the variable PGID"),
        ("--config=/x", "set the variable PYDROP_CONFIG"),
        ("--signal-groups", "did you mean --signal-group?"),
        ("--pdeathsignal", "did you mean --pdeathsig?"),
    ],
)
def test_an_unknown_option_is_told_the_nearest(word, hint):
    message = refusal([word])
    assert message.startswith(f"{word.partition('=')[0]} ")
    assert hint in message


@pytest.mark.parametrize(
    ("words", "beginning"),
    [
        (("--user",), "--user needs a value, and nothing follows it; write --user=VALUE"),
        (("--user", "--chown", "/data", "id"), "--user needs a value, but the option --chown follows it"),
        (("--umask", "--", "id"), "--umask needs a value, but the option -- follows it"),
        (("--user", "-1", "id"), "--user needs a value, but the option -1 follows it"),
    ],
)
def test_an_option_without_its_value_does_not_swallow_the_next_one(words, beginning):
    with pytest.raises(BadSetting) as error:
        settings.read(words, (), None)
    assert str(error.value).startswith(beginning)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("chwon", "did you mean chown?"),
        ("chown_policy", "did you mean chown-policy?"),
        ("volumes", "did you mean volume?"),
        ("log_level", "did you mean log-level?"),
        ("User", "did you mean user?"),
        ("PUID", "did you mean puid?"),
        ("PGID", "did you mean pgid?"),
        ("config", "set the variable PYDROP_CONFIG"),
        ("service", "services, which are not in this version"),
        ("xyzzy", "take it out of /etc/pydrop.toml (pydrop --help lists"),
    ],
)
def test_an_unknown_key_is_told_the_nearest(key, hint):
    message = refusal(table={key: "hunter2"})
    assert message.startswith(f"{key} in /etc/pydrop.toml ")
    assert hint in message
    assert "hunter2" not in message


def test_an_unknown_name_is_refused_also_where_another_source_wins():
    assert "chwon in /etc/pydrop.toml" in refusal(["--chown=/x"], table={"chwon": 1})
    assert "PYDROP_CHWON" in refusal(["--chown=/x"], environment=["PYDROP_CHWON=1"])


@pytest.mark.parametrize(
    ("a", "b", "steps"),
    [("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("abc", "xabc", 1),
     ("abc", "axc", 1), ("kitten", "sitting", 3), ("chwon", "chown", 1), ("ab", "ba", 1)],
)  # fmt: skip
def test_distance_counts_letters_added_dropped_changed_or_swapped(a, b, steps):
    assert distance(a, b) == distance(b, a) == steps


def test_the_nearest_of_equals_is_the_first_in_the_alphabet():
    assert near("xaa", ("xac", "xab", "xad")) == "xab"
