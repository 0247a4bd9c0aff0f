"""${NAME} in the settings file: what it is filled with, what is refused, and what no message shows."""

import pytest

from pydrop import settings
from pydrop.errors import BadSetting
from pydrop.settings import interpolation

pytestmark = pytest.mark.python

FILE = "/etc/pydrop.toml"
ENVIRONMENT = ("A=/a", "EMPTY=", "BLANK= \r", "N=1500", "YES=true", "TWICE=x", "TWICE=y", "TRIMMED= /t \r",
               "NESTED=${A}",
               "LIST=/a:/b", "NAMES=video,audio", "LINES=/a\n/b")  # fmt: skip


def read(*lines, **table):
    return settings.read(("id",), lines or ENVIRONMENT, {key.replace("_", "-"): value for key, value in table.items()})


def filled(text):
    return interpolation.filled({"home": text}, ENVIRONMENT, FILE).get("home")


def refusal(*lines, **table):
    with pytest.raises(BadSetting) as error:
        read(*lines, **table)
    assert error.value.remedy
    return str(error.value)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("${A}", "/a"),
        ("${A}/b${A}", "/a/b/a"),
        ("x${N}y", "x1500y"),
        ("${A:-/d}", "/a"),
        ("${NOT:-/d}", "/d"),
        ("${EMPTY:-/d}", "/d"),
        ("${BLANK:-/d}", "/d"),
        ("${TWICE}", "x"),
        ("${TRIMMED}", "/t"),
        ("${NOT:-a:-b}", "a:-b"),
        ("${NOT:-$$}", "$"),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$$${A}", "$/a"),
        ("$A", "$A"),
        ("a$", "a$"),
        ("$(A)", "$(A)"),
        ("$", "$"),
        ("}", "}"),
        ("${NESTED}", "${A}"),
        ("${EMPTY}", None),
        ("${EMPTY}${BLANK}", None),
        ("${NOT:-}", None),
        ("${EMPTY} ", None),
        ("", ""),
    ],
)
def test_a_text_is_filled_once(written, text):
    """What a variable holds is text, also where it looks like a reference; nothing is as if it were not there."""
    assert filled(written) == text


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("${NOT}", "has ${NOT}, a variable that is not set and has no default"),
        ("${A:-${B}}", "has a ${ within another one"),
        ("${${A}}", "has a ${ within another one"),
        ("${A", "has a ${ without its }"),
        ("${", "has a ${ without its }"),
        ("${}", "which is not ${NAME} or ${NAME:-default}"),
        ("${:-x}", "which is not ${NAME}"),
        ("${1A}", "which is not ${NAME}"),
        ("${A B}", "which is not ${NAME}"),
        ("${A-x}", "which is not ${NAME}"),
        ("${A:?x}", "which is not ${NAME}"),
        ("${A:+x}", "which is not ${NAME}"),
        ("${Ä}", "which is not ${NAME}"),
    ],
)
def test_what_cannot_be_filled_is_an_error(written, reason):
    message = refusal(home=written)
    assert reason in message
    assert f"in {FILE}" in message


def test_a_file_is_filled_with_a_bounded_amount():
    """65,000 times a variable of the largest size would be gigabytes."""
    message = refusal(f"A=/{'a' * 130000}", home="${A}" * 65000)
    assert "is filled with more than 1 MiB of variables" in message
    assert len(message) < 600


def test_every_kind_of_value_takes_what_a_variable_gives():
    """`"true"` and `"1500"` are taken where a boolean or a number belongs, though not where they are written so."""
    found = read(
        user="${USERNAME:-app}", puid="${N}", pgid="${NOT:-1600}", init="${YES}", no_new_privs="${NOT:-off}",
        chown=["${A}", "${EMPTY}", "${NOT:-/d:top}"], oom_score_adj="${NOT:-5}", umask="${NOT:-027}",
        stop_timeout="${NOT:-7}", groups=["${N}", "${NOT:-video}"], log_level="${NOT:-warn}", secrets=["${NOT:-DB}"],
        volume=[{"path": "${NOT:-/v}", "create": "${YES}", "policy": "${EMPTY}"}, {"path": "${EMPTY}", "create": True}],
    )  # fmt: skip
    assert (found.puid.number, found.pgid.number, found.init, found.no_new_privs) == (1500, 1600, True, False)
    assert [(v.path, v.policy, v.create) for v in found.volumes] == [
        ("/v", "mismatch", True),
        ("/a", "mismatch", False),
        ("/d", "top", False),
    ]
    assert (found.oom_score_adj, found.umask, found.stop_timeout, found.groups) == (5, 0o27, 7.0, (1500, "video"))
    assert (found.log_level, found.puid.source) == ("warn", f"puid in {FILE}")


@pytest.mark.parametrize("table", [{"init": "true"}, {"init": "$true"}, {"umask": "${N}"}, {"puid": "${A}"}])
def test_the_forms_are_as_strict_as_ever(table):
    assert FILE in refusal(**table)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"chown": ["${LIST}"]}, "is neither an absolute path nor a policy"),
        ({"groups": ["${NAMES}"]}, "holds a comma"),
        ({"keep_caps": ["${NAMES}"]}, "which is no capability"),
        ({"secrets": ["${NAMES}"]}, "has a name that holds a mark"),
        ({"home": "${LINES}"}, "control character"),
        ({"user": "${LINES}"}, "holds a control character"),
    ],
)
def test_what_a_variable_gives_is_one_value_and_never_two(table, reason):
    assert reason in refusal(**table)


def test_a_key_is_never_filled():
    with pytest.raises(BadSetting, match=r"\$\{A\} in /etc/pydrop.toml is not a setting"):
        settings.read(("id",), ("A=home",), {"${A}": "/x"})


@pytest.mark.parametrize("given", ["", "${NOT:-}", "${EMPTY}", "${BLANK}"])
def test_nothing_is_as_if_the_setting_were_not_there(given):
    table = {"puid": given, "owner-of": given, "chown-policy": given} if given else {}
    assert settings.read(("id",), ENVIRONMENT, table).sources == {}


def test_a_zero_that_comes_by_the_file_is_as_explicit_as_puid_0():
    assert read("USERMAP_UID=0", puid="${USERMAP_UID:-}").puid.number == 0


def test_a_message_shows_what_a_variable_gave_and_where_from():
    assert refusal("X=15x", puid="${X:-}").startswith(f'puid = "15x" (from "${{X:-}}") in {FILE} is not a number; ')


@pytest.mark.parametrize("name", ["DB_PASSWORD", "db_passwd", "API_TOKEN", "SSH_KEY", "MY_SECRET", "PGPASS", "AUTH"])
@pytest.mark.parametrize(
    "table",
    [
        {"home": "${%s}"},
        {"puid": "${%s}"},
        {"user": "a:${%s}:b"},
        {"chown": ["/data", "${%s}:x"]},
        {"stop_signal": "${%s}"},
        {"log_level": "x${%s}"},
        {"volume": [{"path": "/a", "mode": "${%s}"}]},
        {"volume": [{"path": "${%s}"}]},
        {"default_command": ["-${%s}"]},
    ],
)
def test_no_message_shows_what_may_be_a_secret(name, table):
    def named(value):
        if isinstance(value, dict):
            return {key: named(item) for key, item in value.items()}
        return [named(item) for item in value] if isinstance(value, list) else value.replace("%s", name)

    message = refusal(f"{name}=hunter2 swordfish", **named(table))
    assert "hunter2" not in message and "swordfish" not in message
    assert name in message
    table = {key.replace("_", "-"): value for key, value in named(table).items()}
    said = [str(p) for p in settings.problems(table, (f"{name}=hunter2 swordfish",), FILE)]
    assert said and not [line for line in said if "hunter2" in line or "swordfish" in line]


def test_check_says_every_text_that_cannot_be_filled_with_its_place():
    table: dict[str, object] = {
        "usr": "x",
        "chown": ["/a", "${NOT}"],
        "home": "${A",
        "volume": [{"path": "${E:-}"}, {"path": "${NOT}"}],
    }
    found = settings.problems(table, ENVIRONMENT, FILE)
    assert [problem.where for problem in found] == [("usr",), ("chown", 1), ("home",), ("volume", 1, "path")]


def test_a_volume_that_is_left_out_does_not_change_the_number_of_the_next():
    table: dict[str, object] = {"volume": [{"path": "${EMPTY:-}"}, {"path": "/a", "policy": "x"}]}
    assert "[[volume]] 2 of" in str(settings.problems(table, (), FILE)[0])


@pytest.mark.parametrize(
    ("written", "value", "end"),
    [
        ("${OLD_UID:-}", '"1500"', "; write OLD_UID=1500, without quotes (an env file keeps them)"),
        ("${OLD_UID}", "'1500'", "; write OLD_UID=1500, without quotes (an env file keeps them)"),
        ("${OLD_UID:-}", '"x"', "(on the host, id -u and id -g show yours)"),
        ("1${OLD_UID:-}", '"1500"', "(on the host, id -u and id -g show yours)"),
    ],
)
def test_quotes_that_an_env_file_left_are_told_by_the_variable(written, value, end):
    """Where the variable is the whole value."""
    assert refusal(f"OLD_UID={value}", puid=written).endswith(end)
