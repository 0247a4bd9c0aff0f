"""What each kind of value takes, and the words with which it refuses what it does not."""

# ruff: noqa: E501 # a row of a table is one line
# ruff: noqa: RUF001 # digits of other scripts are what is tested

import pytest

from pydrop import capabilities, settings
from pydrop.errors import BadSetting
from pydrop.model import UserAsked

pytestmark = pytest.mark.python  # which digits int() takes, what isprintable() says

FILE = "/etc/pydrop.toml"


def from_environment(*lines):
    return settings.read(("id",), lines, None)


def from_file(**table):
    return settings.read(("id",), (), {key.replace("_", "-"): value for key, value in table.items()})


def refusal(words=(), environment=(), table=None):
    with pytest.raises(BadSetting) as error:
        settings.read((*words, "id"), tuple(environment), table)
    assert error.value.remedy, "every refusal says what to do"
    assert "\n" not in str(error.value)
    return str(error.value)


NUMBERS = [
    ("0", 0), ("1", 1), ("1000", 1000), ("4294967294", 4294967294), ("00", 0), ("01500", 1500),
    (" 1500", 1500), ("1500 ", 1500), ("1500\r", 1500), ("1500\n", 1500), ("\t 1500 \r\n", 1500),
    ("0" * 5000 + "7", 7), ("0" * 5000, 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_an_id_is_digits_alone_with_blanks_around(text, number):
    puid = from_environment(f"PUID={text}").puid
    pgid = from_environment(f"PGID={text}").pgid
    assert (puid.number, puid.source) == (number, "PUID")
    assert (pgid.number, pgid.source) == (number, "PGID")
    assert from_environment(f"PYDROP_USER={text}").user == UserAsked(uid=number, source="PYDROP_USER")


NO_NUMBERS = [
    ("4294967295", "leave unchanged"),
    ("04294967295", "leave unchanged"),
    ("4294967296", "is larger than 4294967294"),
    ("4294967297", "is larger than 4294967294"),
    ("18446744073709551616", "is larger than 4294967294"),
    ("9" * 5000, "is larger than 4294967294"),
    ("-1", "has a sign"),
    ("+1000", "has a sign"),
    ("-0", "has a sign"),
    ("1_000", "has an underscore"),
    ("0x3e8", "hexadecimal"),
    ("0X10", "hexadecimal"),
    ("0o17", "octal"),
    ("0b11", "binary"),
    ("١٥٠٠", "digits of another script"),
    ("１０００", "digits of another script"),
    ("1０", "digits of another script"),
    ("²", "digits of another script"),
    ("1000.0", "is not a number"),
    ("1e3", "is not a number"),
    ("1.5e+06", "is not a number"),
]


@pytest.mark.parametrize(("text", "reason"), [*NO_NUMBERS, ("15 00", "is not a number"), ("1000,1001", "is not a number"),
                                              ("1000:1000", "is not a number"), ("null", "is not a number"),
                                              ("appuser", "is not a number"), ("\udcff", "is not a number"),
                                              ("0\x00", "is not a number"), ("${UID}", "is not a number")])  # fmt: skip
def test_what_is_no_id_is_refused_with_variable_value_and_reason(text, reason):
    for name in ("PUID", "PGID"):
        message = refusal(environment=[f"{name}={text}"])
        assert message.startswith(f"{name}=")
        assert text[:100] in message or repr(text) in message
        assert reason in message
        assert f"as {name}=1000" in message


def test_a_word_where_a_number_belongs_is_told_the_other_setting():
    assert "set PYDROP_USER=appuser" in refusal(environment=["PUID=appuser"])
    assert "set PYDROP_USER=:users" in refusal(environment=["PGID=users"])


@pytest.mark.parametrize(("text", "reason"), NO_NUMBERS)
def test_what_looks_like_a_number_is_no_name_of_an_account_either(text, reason):
    """`user = 4294967296` must not be taken for an account of that name, nor 1_000 or 1e3."""
    assert reason in refusal(environment=[f"PYDROP_USER={text}"])
    assert reason in refusal(environment=[f"PYDROP_USER=app:{text}"])
    assert reason in refusal(["--groups", f"video,{text}"] if text[0] not in "-+" else [f"--groups={text}"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app", {"name": "app"}),
        ("1500", {"uid": 1500}),
        ("app:video", {"name": "app", "group": "video"}),
        ("1500:1600", {"uid": 1500, "gid": 1600}),
        (":video", {"group": "video"}),
        (":100", {"gid": 100}),
        ("app:0", {"name": "app", "gid": 0}),
        ("0:0", {"uid": 0, "gid": 0}),
        ("1500:users", {"uid": 1500, "group": "users"}),
        (" app : video ", {"name": "app", "group": "video"}),
        ("app\r\n", {"name": "app"}),
        ("www-data", {"name": "www-data"}),
        ("_apt", {"name": "_apt"}),
        ("3proxy", {"name": "3proxy"}),
        ("machine$", {"name": "machine$"}),
        ("DOMAIN\\user", {"name": "DOMAIN\\user"}),
        ("jürgen", {"name": "jürgen"}),
        ("inf", {"name": "inf"}),
        ("a" * 255, {"name": "a" * 255}),
    ],
)
def test_user_by_name_or_number_with_or_without_group(text, expected):
    assert from_environment(f"PYDROP_USER={text}").user == UserAsked(**expected, source="PYDROP_USER")


def test_a_file_may_have_the_user_as_a_number():
    assert from_file(user=1500).user == UserAsked(uid=1500, source=f"user in {FILE}")
    assert "leave unchanged" in refusal(table={"user": 4294967295})
    assert "has a sign" in refusal(table={"user": -1})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a:b:c", "has more than one colon"),
        ("1:2:3", "has more than one colon"),
        ("app:", "has no group behind its colon"),
        (":", "has no group behind its colon"),
        ("root\nx:x:0:0", "has more than one colon"),
        ("ro\not", "control character"),
        ("app:vi\x00deo", "NUL"),
        ("a\x1fb", "control character"),
        ("a\x85b", "control character"),
        ("a\u2028b", "control character"),
        ("caf\udce9", "no UTF-8"),
        ("my user", "holds a blank"),
        ("app:my group", "holds a blank"),
        ("a,b", "holds a comma"),
        ("../etc", "holds a slash"),
        ("..", "begins with ."),
        ("-rf", "begins with -"),
        ("+nis", "begins with +"),
        ("#x", "begins with #"),
        ("a" * 256, "longer than 255 bytes"),
        ("ü" * 128, "longer than 255 bytes"),
    ],
)
def test_a_name_that_could_forge_a_line_is_refused(text, reason):
    message = refusal(environment=[f"PYDROP_USER={text}"])
    assert message.startswith("PYDROP_USER=")
    assert reason in message


@pytest.mark.parametrize(
    ("text", "mask"),
    [("022", 0o22), ("002", 2), ("0022", 0o22), ("0777", 0o777), ("777", 0o777), ("000", 0), ("0", 0), ("7", 7),
     ("0o22", 0o22), ("0O027", 0o27), (" 027\r", 0o27)],
)  # fmt: skip
def test_a_umask_is_octal(text, mask):
    assert from_environment(f"PYDROP_UMASK={text}").umask == mask
    assert from_file(umask=text).umask == mask


@pytest.mark.parametrize(
    ("text", "reason"),
    [("18", "is not octal"), ("089", "is not octal"), ("u=rwx", "is not octal"), ("-22", "is not octal"),
     ("0x12", "is not octal"), ("0o", "is not octal"), ("٠٢٢", "is not octal"), ("22", "has two digits"),
     ("63", "has two digits"), ("1000", "is larger than 0777"), ("0640640", "is larger than 0777")],
)  # fmt: skip
def test_what_is_no_umask_is_refused(text, reason):
    for variable in ("PYDROP_UMASK", "UMASK"):
        message = refusal(environment=[f"{variable}={text}"])
        assert message.startswith(f"{variable}=")
        assert text in message
        assert reason in message
        assert f"as {variable}=022" in message


def test_a_umask_without_quotes_in_a_file_is_refused():
    assert refusal(table={"umask": 0o22}).startswith(f"umask = 18 in {FILE} is a number")


@pytest.mark.parametrize("text", ["1", "true", "yes", "on", "TRUE", "Yes", "on\r"])
def test_yes(text):
    assert from_environment(f"PYDROP_NO_NEW_PRIVS={text}").no_new_privs is True


@pytest.mark.parametrize("text", ["0", "false", "no", "off", "FALSE", "Off"])
def test_no(text):
    assert from_environment(f"PYDROP_NO_NEW_PRIVS={text}").no_new_privs is False


def test_a_flag_takes_no_word_behind_it():
    found = settings.read(("--no-new-privs", "false"), ("PYDROP_NO_NEW_PRIVS=0",), None)
    assert (found.no_new_privs, found.command) == (True, ("false",))
    assert settings.read(("--no-new-privs=0", "id"), (), None).no_new_privs is False


def test_every_capability_by_its_name():
    for name in [name for name in capabilities.CAPABILITIES if name not in ("setuid", "setgid")]:
        for text in (name, name.upper(), f"cap_{name}", f"CAP_{name.upper()}", f" {name} "):
            assert from_environment(f"PYDROP_KEEP_CAPS={text}").keep_caps == (name,), text


def toml(key, value):
    return {"table": {key: value}}


def env(line):
    return {"environment": [line]}


def option(*words):
    return {"words": words}


REFUSED = [
    # what was given, how the message begins, what else it says
    (env("PYDROP_OWNER_OF=data"), "PYDROP_OWNER_OF=data is not an absolute path", "name it from / on"),
    (env("PYDROP_OWNER_OF=/a/../etc"), "PYDROP_OWNER_OF=/a/../etc has a .. in it", "the folder that is meant"),
    (option("--owner-of=./x"), "--owner-of=./x is not an absolute path", "name it"),
    (toml("owner-of", "x"), f'owner-of = "x" in {FILE} is not an absolute path', "name it"),
    (toml("owner-of", "/x\x00"), f'owner-of = "/x\\x00" in {FILE} contains a NUL', "take it out"),
    (toml("owner-of", 5), f"owner-of = 5 in {FILE} is not a text", 'owner-of = "..."'),
    (toml("owner-of", ["/a"]), f'owner-of = ["/a"] in {FILE} is not a text', "in quotes"),
    (toml("owner-of", ""), f'owner-of = "" in {FILE} is empty', "leave owner-of in /etc/pydrop.toml out"),
    (option("--owner-of="), "--owner-of='' is empty", "leave --owner-of out"),
    (env("PYDROP_OWNER_OF=/" + "a/" * 3000), "PYDROP_OWNER_OF=/a/a/a", "… is longer than any path; shorten it to 4095"),
    (env("PYDROP_CHOWN=/" + "a/" * 3000 + "a"), "PYDROP_CHOWN=/a/a/a", "is longer than any path"),
    (env("PYDROP_RUN_DIRS=/run/a:/" + "a/" * 3000), "PYDROP_RUN_DIRS=/run/a:/a/a/a", "is longer than any path"),
    (env("PYDROP_HOME=home"), "PYDROP_HOME=home is not an absolute path", "name it"),
    (env("PYDROP_HOME=/a:/bin/sh"), "PYDROP_HOME=/a:/bin/sh has a colon", "/etc/passwd"),
    (env("PYDROP_HOME=/a\nx"), "PYDROP_HOME='/a\\nx' has a colon or a control character", "/etc/passwd"),
    (env("PYDROP_GROUPS=video,my group"), "PYDROP_GROUPS='video,my group' has 'my group', which holds a blank", "write PYDROP_GROUPS=video,my,group, with commas"),
    (env("PYDROP_GROUPS=a:b"), "PYDROP_GROUPS=a:b has a:b, which holds a colon", "write PYDROP_GROUPS=a,b, with commas"),
    (env("PYDROP_GROUPS=,"), "PYDROP_GROUPS=, names nothing", "leave PYDROP_GROUPS out"),
    (env("PYDROP_GROUPS=5,4294967295"), "PYDROP_GROUPS=5,4294967295 has 4294967295, which", "leave unchanged"),
    (toml("groups", "video"), f'groups = "video" in {FILE} is not a list', 'groups = ["video"]'),
    (toml("groups", 5), f"groups = 5 in {FILE} is not a list", 'groups = ["5"]'),
    (toml("groups", [True]), f"groups = [true] in {FILE} has an item that is neither", '["video", 109]'),
    (toml("groups", [1.5]), f"groups = [1.5] in {FILE} has an item that is neither", "write"),
    (env("PYDROP_DEVICES=/dev/dri:kvm"), "PYDROP_DEVICES=/dev/dri:kvm names kvm, which is not an absolute path", "/ on"),
    (toml("devices", ["/dev/dri", ""]), f'devices = ["/dev/dri", ""] in {FILE} has an item that is empty', '"..."'),
    (toml("devices", [5]), f"devices = [5] in {FILE} has an item that is empty or not a text", "quotes"),
    (env("PYDROP_RUN_DIRS=run/x"), "PYDROP_RUN_DIRS=run/x is not an absolute path", "name it"),
    (env("PYDROP_RUN_DIRS=/run/a:/run/../etc"), "PYDROP_RUN_DIRS=/run/a:/run/../etc names /run/../etc, which has a ..", ""),
    (toml("run-dirs", ["/run/a\x00"]), f'run-dirs = ["/run/a\\x00"] in {FILE}', "NUL"),
    (env("PYDROP_HOOKS=hooks"), "PYDROP_HOOKS=hooks is not an absolute path", "name it"),
    (env("PYDROP_NO_NEW_PRIVS=2"), "PYDROP_NO_NEW_PRIVS=2 is not yes or no", "PYDROP_NO_NEW_PRIVS=1 or PYDROP_NO_NEW_PRIVS=0"),
    (option("--no-new-privs=maybe"), "--no-new-privs=maybe is not yes or no", "--no-new-privs=1"),
    (toml("no-new-privs", "false"), f'no-new-privs = "false" in {FILE} is not yes or no', "no-new-privs = false, without"),
    (toml("no-new-privs", 0), f"no-new-privs = 0 in {FILE} is not yes or no", "without quotes"),
    (env("PYDROP_LOG_LEVEL=warning"), "PYDROP_LOG_LEVEL=warning is not one of error, warn, info, debug", "did you mean warn?"),
    (env("PYDROP_LOG_LEVEL=WARN"), "PYDROP_LOG_LEVEL=WARN is not one of", "did you mean warn?"),
    (option("--log-format", "jsonl"), "--log-format=jsonl is not one of text, json", "did you mean json?"),
    (toml("log-level", True), f"log-level = true in {FILE} is not a text", "in quotes"),
    (env("PYDROP_CHOWN_POLICY=on_root_mismatch"), "PYDROP_CHOWN_POLICY=on_root_mismatch is not one of mismatch, on-root-"
     "mismatch, unless-writable, top, idmap, never", "did you mean on-root-mismatch?"),
    (env("PYDROP_CHOWN_ERRORS=ignore"), "PYDROP_CHOWN_ERRORS=ignore is not one of warn, fail", "write warn: the start goes on"),
    (env("PYDROP_KEEP_CAPS=net_bind_servce"), "PYDROP_KEEP_CAPS=net_bind_servce has net_bind_servce, which is no capability",
     "did you mean net_bind_service?"),
    (env("PYDROP_KEEP_CAPS=kill,ALL"), "PYDROP_KEEP_CAPS=kill,ALL asks for ALL", "root by another name"),
    (env("PYDROP_KEEP_CAPS=cap_all"), "PYDROP_KEEP_CAPS=cap_all asks for ALL", "net_bind_service"),
    (env("PYDROP_KEEP_CAPS=SETUID"), "PYDROP_KEEP_CAPS=SETUID has setuid", "could become root again"),
    (toml("keep-caps", ["setgid"]), f'keep-caps = ["setgid"] in {FILE} has setgid', "could become root again"),
    (env("PYDROP_INIT=perhaps"), "PYDROP_INIT=perhaps is not yes or no", "PYDROP_INIT=0"),
    (env("PYDROP_STOP_SIGNAL=TREM"), "PYDROP_STOP_SIGNAL=TREM names no signal", "did you mean TERM?"),
    (env("PYDROP_STOP_SIGNAL=65"), "PYDROP_STOP_SIGNAL=65 names no signal", "1 to 64"),
    (env("PYDROP_STOP_SIGNAL=0"), "PYDROP_STOP_SIGNAL=0 names no signal", "its name"),
    (env("PYDROP_STOP_SIGNAL=32"), "PYDROP_STOP_SIGNAL=32 names no signal", "its name"),
    (env("PYDROP_STOP_SIGNAL=RTMIN+31"), "PYDROP_STOP_SIGNAL=RTMIN+31 names no signal", "write its name, as TERM"),
    (toml("stop-signal", 1.5), f"stop-signal = 1.5 in {FILE} is not a text", "quotes"),
    (toml("pdeathsig", True), f"pdeathsig = true in {FILE} is not a text", "quotes"),
    (env("PYDROP_STOP_TIMEOUT=soon"), "PYDROP_STOP_TIMEOUT=soon is no time", "PYDROP_STOP_TIMEOUT=10s"),
    (env("PYDROP_STOP_TIMEOUT=-1"), "PYDROP_STOP_TIMEOUT=-1 is no time", "10s"),
    (env("PYDROP_STOP_TIMEOUT=10x"), "PYDROP_STOP_TIMEOUT=10x is no time", "1m30s"),
    (env("PYDROP_STOP_TIMEOUT=1.2.3"), "PYDROP_STOP_TIMEOUT=1.2.3 is no time", "never"),
    (env("PYDROP_STOP_TIMEOUT=5 5"), "PYDROP_STOP_TIMEOUT='5 5' is no time", "never"),
    (env("PYDROP_STOP_TIMEOUT=99999999h"), "PYDROP_STOP_TIMEOUT=99999999h is no time that can be waited", "never"),
    (toml("stop-timeout", float("nan")), f"stop-timeout = nan in {FILE} is no time that can be waited", "never"),
    (toml("stop-timeout", -1), f"stop-timeout = -1 in {FILE} is no time that can be waited", "never"),
    (toml("stop-timeout", True), f"stop-timeout = true in {FILE} is not a text", "quotes"),
    (env("PYDROP_KILL_GRACE=never"), "PYDROP_KILL_GRACE=never would wait for ever", "PYDROP_KILL_GRACE=3s"),
    (env("PYDROP_REWRITE=TERM"), "PYDROP_REWRITE=TERM has TERM, which is no pair of signals", "TERM:QUIT"),
    (env("PYDROP_REWRITE=KILL:TERM"), "PYDROP_REWRITE=KILL:TERM rewrites SIGKILL, which no process can catch", "leave"),
    (env("PYDROP_REWRITE=TERM:QIUT"), "PYDROP_REWRITE=TERM:QIUT has QIUT, which is no signal", "did you mean QUIT?"),
    (toml("rewrite", "TERM:QUIT"), f'rewrite = "TERM:QUIT" in {FILE} is not a list', "brackets"),
    (env("PYDROP_EXIT_CODE=143"), "PYDROP_EXIT_CODE=143 has '', which is no exit code", "143:0"),
    (env("PYDROP_EXIT_CODE=256:0"), "PYDROP_EXIT_CODE=256:0 has 256, which is no exit code (0 to 255)", "143:0"),
    (env("PYDROP_EXIT_CODE=-1:0"), "PYDROP_EXIT_CODE=-1:0 has -1, which is no exit code", "143:0"),
    (env("PYDROP_READY=yes"), "PYDROP_READY=yes is not one of started, notify, fd:N", "PYDROP_READY=fd:3"),
    (env("PYDROP_READY=fd:2"), "PYDROP_READY=fd:2 is not one of", "READY=1"),
    (env("PYDROP_READY=fd:1024"), "PYDROP_READY=fd:1024 is not one of", "READY=1"),
    (env("PYDROP_READY_FILE=run/ready"), "PYDROP_READY_FILE=run/ready is not an absolute path", "name it"),
    (env("PYDROP_OOM_SCORE_ADJ=1001"), "PYDROP_OOM_SCORE_ADJ=1001 is no number from -1000 to 1000", "500"),
    (env("PYDROP_OOM_SCORE_ADJ=--5"), "PYDROP_OOM_SCORE_ADJ=--5 is no number", "500"),
    (toml("service", {"web": {}}), f"service in {FILE} asks for services, which are not in this version", "--init"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "beginning", "more"), REFUSED)
def test_a_refusal_names_source_value_reason_and_remedy(given, beginning, more):
    message = refusal(**given)
    assert message.startswith(beginning)
    assert more in message


@pytest.mark.parametrize(
    ("text", "path"),
    [("/", "/"), ("/a/", "/a"), ("//a///b//", "/a/b"), ("/a/./b", "/a/b"), ("/a b", "/a b"), ("/\udcff", "/\udcff"),
     ("/..a", "/..a"), ("/" + "x" * 255, "/" + "x" * 255)],
)  # fmt: skip
def test_paths_lose_doubled_and_trailing_slashes(text, path):
    assert from_environment(f"PYDROP_OWNER_OF={text}").owner_of == path
    assert from_environment(f"PYDROP_RUN_DIRS={text}:{text}").run_dirs == (path,)


def test_a_long_value_is_shown_shortened():
    assert len(refusal(environment=["PYDROP_LOG_LEVEL=" + "x" * 100_000])) < 600


TIMES = [
    ("10", 10.0), ("10s", 10.0), ("0", 0.0), ("500ms", 0.5), ("1m30s", 90.0), ("1m30", 90.0), ("2h", 7200.0),
    ("1.5", 1.5), ("0.25s", 0.25), (" 3S ", 3.0), ("never", None), ("Never", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), TIMES)
def test_a_time_is_seconds_or_has_units(text, seconds):
    assert from_environment(f"PYDROP_STOP_TIMEOUT={text}").stop_timeout == seconds


@pytest.mark.parametrize(("value", "seconds"), [(30, 30.0), (0.5, 0.5), ("2m", 120.0)])
def test_a_file_may_have_a_time_as_a_number(value, seconds):
    assert from_file(stop_timeout=value).stop_timeout == seconds


SIGNALS = [
    ("TERM", 15), ("SIGTERM", 15), ("sigquit", 3), ("15", 15), ("HUP", 1), ("IOT", 6), ("CLD", 17), ("POLL", 29),
    ("RTMIN", 34), ("RTMIN+3", 37), ("SIGRTMAX-1", 63), ("RTMAX", 64), ("64", 64), ("KILL", 9), (" USR1 ", 10),
]  # fmt: skip


@pytest.mark.parametrize(("text", "number"), SIGNALS)
def test_a_signal_has_a_name_or_a_number(text, number):
    assert from_environment(f"PYDROP_STOP_SIGNAL={text}").stop_signal == number


def test_signals_are_rewritten_in_pairs():
    """The last word about a signal counts; 0 is none."""
    assert from_environment("PYDROP_REWRITE=TERM:QUIT, HUP:0,TERM:INT").rewrite == ((15, 2), (1, 0))
    assert settings.read(("--rewrite=USR1:USR2", "--rewrite=2:15", "id"), (), None).rewrite == ((10, 12), (2, 15))
    assert from_file(rewrite=["RTMIN+1:KILL"]).rewrite == ((35, 9),)


def test_exit_codes_are_mapped_in_pairs():
    assert from_environment("PYDROP_EXIT_CODE=143:0,1:2").exit_codes == ((143, 0), (1, 2))


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("PYDROP_READY", "fd:3", "ready", "fd:3"),
        ("PYDROP_READY", "fd:0867", "ready", "fd:867"),
        ("PYDROP_READY", "notify", "ready", "notify"),
        ("PYDROP_OOM_SCORE_ADJ", "-1000", "oom_score_adj", -1000),
        ("PYDROP_OOM_SCORE_ADJ", "1000", "oom_score_adj", 1000),
        ("PYDROP_KILL_GRACE", "0", "kill_grace", 0.0),
        ("PYDROP_INIT", "yes", "init", True),
        ("PYDROP_KEEP_ROOT", "1", "keep_root", True),
        ("PYDROP_SIGNAL_GROUP", "on", "signal_group", True),
        ("PYDROP_PDEATHSIG", "KILL", "pdeathsig", 9),
    ],
)
def test_what_init_mode_takes(name, text, field, value):
    assert getattr(from_environment(f"{name}={text}"), field) == value
