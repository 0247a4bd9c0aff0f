"""Settings that are wrong, huge or odd, by the installed program: one line, soon, in the format that they ask for."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"
GROUP = b"root:x:0:\nwww-data:x:33:\nvideo:x:44:\n"
ENV = {"PATH": "/usr/bin:/bin", "PYDROP_HOME": "/mnt/made"}
CTL = f"{PYDROP}ctl"
LARGEST = 131072 - 2  # bytes of a variable with its name, so that one with the launcher's mark is the kernel's largest


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path, PASSWD, GROUP)


def configured(place: Throwaway, text: "str | bytes") -> dict[str, str]:
    content = text if isinstance(text, bytes) else text.encode()
    (place.folder / "etc/pydrop.toml").write_bytes(content)
    return ENV


def lines_of(done: "subprocess.CompletedProcess[bytes]") -> list[str]:
    return done.stderr.decode().splitlines()


JSON = 'log-format = "json"\n'


@pytest.mark.parametrize(
    ("words", "env", "text"),
    [
        pytest.param(("--log-format=json", "true"), {"PUID": "x"}, "", id="an option, and a bad value"),
        pytest.param(("--log-format", "json", "--chwon", "/x", "true"), {}, "", id="an option, and an unknown one"),
        pytest.param(("true",), {"PYDROP_LOG_FORMAT": "json", "PYDROP_CHWON": "x"}, "", id="a variable"),
        pytest.param((), {"PYDROP_LOG_FORMAT": "json"}, "", id="a variable, and no command"),
        pytest.param(("true",), {"PUID": "x"}, JSON, id="the file, and a bad variable"),
        pytest.param(("true",), {}, JSON + "umask = 18\n", id="the file, and a bad key"),
        pytest.param(("true",), {}, JSON + "umask = \n", id="a file that is no TOML"),
        pytest.param(("true",), {}, JSON + "x = " + "[" * 5000, id="one that is nested"),
        pytest.param(("true",), {"PYDROP_OWNER_OF": "/nowhere"}, JSON, id="what only the world refuses"),
        pytest.param(("true",), {"PYDROP_CONFIG": "x", "PYDROP_LOG_FORMAT": "json"}, "", id="no path of a file"),
    ],
)
def test_every_line_is_json_where_json_is_asked_for(
    place: Throwaway, words: tuple[str, ...], env: dict[str, str], text: str
) -> None:
    """Those about the settings too, from wherever it was asked for, whatever else is wrong."""
    done = place.run(PYDROP, *words, env=(configured(place, text) if text else ENV) | env)
    assert done.returncode == 125
    assert lines_of(done)
    assert [json.loads(line)["level"] for line in lines_of(done)][-1] == "error"


@pytest.mark.parametrize("text", [JSON + "umask = 18\n", JSON + "umask = \n"])
def test_a_file_that_others_may_write_is_not_obeyed_in_this_either(place: Throwaway, text: str) -> None:
    env = configured(place, text)
    (place.folder / "etc/pydrop.toml").chmod(0o666)
    done = place.run(PYDROP, "true", env=env)
    assert done.returncode == 125
    assert lines_of(done)[0].startswith("pydrop: ")


HUGE = {
    "a misspelt variable": ("PYDROP_" + "X" * 130000, "1"),
    "a misspelt value": ("PYDROP_LOG_LEVEL", "x" * 130000),
    "a name of an account": ("PYDROP_USER", "x" * 130000),
    "digits of one": ("PYDROP_USER", "9" * 130000),
    "a number": ("PUID", "9" * 130000),
    "a list of groups": ("PYDROP_GROUPS", ",".join(f"g{i}" for i in range(15000))),
    "a list of paths": ("PYDROP_DEVICES", ":".join(f"/dev/nosuch{i}" for i in range(7000))),
    "a list of odd paths": ("PYDROP_CHOWN", ", ".join(f"/data/{i}" for i in range(9000))),
    "a time": ("PYDROP_STOP_TIMEOUT", "1s" * 65000),
    "a signal": ("PYDROP_STOP_SIGNAL", "x" * 130000),
    "signals": ("PYDROP_REWRITE", "x," * 65000),
    "a capability": ("PYDROP_KEEP_CAPS", "x" * 130000),
    "capabilities": ("PYDROP_KEEP_CAPS", "chown " * 20000),
    "a secret's name": ("PYDROP_SECRETS", "/" + "x" * 129000),
    "blanks": ("PUID", "1" + " " * 130000 + "1"),
    "control characters": ("PYDROP_HOME", "\x1b" * 130000),
    "a settings file's name": ("PYDROP_CONFIG", "/" + "x" * 130000),
    "a hook folder's name": ("PYDROP_HOOKS", "/" + "x" * 130000),
}


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_value_of_the_largest_size_is_refused_at_once(place: Throwaway, name: str, form: str) -> None:
    """In one line of at most 4 KiB, which shows at most 200 bytes of it."""
    variable, value = HUGE[name]
    began = time.monotonic()
    done = place.run(PYDROP, "true", env={**ENV, "PYDROP_LOG_FORMAT": form, variable: value})
    assert time.monotonic() - began < 3, "with the namespaces around it, beside other tests"
    assert done.returncode == 125
    (line,) = done.stderr.splitlines()
    assert len(line) < 4096
    assert b"itself failed" not in line
    assert max(line.count(c * 201) for c in (b"x", b"X", b"9", b" ")) == 0
    assert b";" in line


def test_a_misspelt_option_of_the_largest_size_too(place: Throwaway) -> None:
    done = place.run(PYDROP, "--" + "x" * 130000, "true", env=ENV)
    assert done.returncode == 125
    assert b"is not an option of pydrop; leave it out" in done.stderr
    assert len(done.stderr) < 4096


@pytest.mark.pip
@pytest.mark.parametrize("init", ["0", "1"])
def test_a_variable_that_leaves_no_room_is_named(place: Throwaway, init: str) -> None:
    """The launcher's mark in front of each variable makes the kernel's largest one too large."""
    done = place.run(
        PYDROP, "true", env={**ENV, "PYDROP_INIT": init, "BIG": "hunter2" + "x" * (LARGEST - len("BIG=hunter2"))}
    )
    assert done.returncode in (0, 126)
    done = place.run(
        PYDROP, "true", env={**ENV, "PYDROP_INIT": init, "BIG": "hunter2" + "x" * (LARGEST + 1 - len("BIG=hunter2"))}
    )
    assert done.returncode == 126
    (line,) = lines_of(done)
    assert "shorten the variable BIG, which has 131071 bytes, or mount its content as a file" in line
    assert "hunter2" not in line


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "sparse"])
def test_a_settings_file_that_is_none_is_one_line_and_soon(place: Throwaway, kind: str) -> None:
    path = place.folder / "etc/pydrop.toml"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.touch(0o644)
        os.truncate(path, 1 << 34)
    began = time.monotonic()
    for words in ((PYDROP, "true"), (PYDROP, "--init", "true"), (CTL, "check")):
        done = place.run(*words, env=ENV)
        assert done.returncode == 125, (words, done)
        assert len(done.stderr.splitlines() + done.stdout.splitlines()) == 1
        assert b"itself failed" not in done.stderr
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("part", "times"),  # multiplied in the test: what all tests hold is copied by every fork of one of them
    [
        pytest.param(b"u:x:1:1:::\n", 1000000, id="a million accounts"),
        pytest.param(b"\n", 1000000, id="a million lines"),
        pytest.param(b"x", 100000000, id="one line of 100 MB"),
        pytest.param(b"a:", 50000000, id="fields without an end"),
    ],
)
@pytest.mark.parametrize("name", ["passwd", "group"])
def test_account_files_of_any_size_are_one_line_and_soon(place: Throwaway, name: str, part: bytes, times: int) -> None:
    (place.folder / "etc" / name).write_bytes(part * times)
    began = time.monotonic()
    done = place.run(PYDROP, "true", env=ENV)
    assert time.monotonic() - began < 3
    assert done.returncode == 125
    assert f"/etc/{name}" in lines_of(done)[0]
    (place.folder / "etc" / name).write_bytes(b"")


def test_fifty_thousand_accounts_are_no_trouble(place: Throwaway) -> None:
    content = b"".join([b"u%d:x:%d:%d::/:/bin/sh\n" % (i, i, i) for i in range(2000, 49000)])
    (place.folder / "etc/passwd").write_bytes(PASSWD + content)
    done = place.run(PYDROP, "true", env=ENV | {"PUID": "1500"})
    assert done.returncode == 0, done.stderr


INIT = """\
init = "${SUPERVISE:-true}"
puid = "${USERMAP_UID:-}"
default-command = ["sh", "-c", 'echo "$PPID $(id -u)"', "${NOTHING:-}"]
"""


def test_init_mode_and_a_number_by_interpolation(place: Throwaway) -> None:
    """The launcher's early guess of init mode goes by the file's text, and is corrected where that holds a variable."""
    env = configured(place, INIT)
    assert place.run(PYDROP, env=env | {"USERMAP_UID": "1700"}).stdout == b"1 1700\n"
    assert place.run(PYDROP, env=env | {"USERMAP_UID": "1700", "SUPERVISE": "false"}).stdout == b"0 1700\n"
    assert place.run(PYDROP, env=env | {"SUPERVISE": ""}).stdout == b"1 1700\n", "the number that the account has now"
    refused = place.run(PYDROP, env=env | {"SUPERVISE": "maybe"})
    assert refused.returncode == 125
    assert 'init = "maybe" (from "${SUPERVISE:-true}")' in lines_of(refused)[-1]


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ((), "hi\n"),
        (("-c", "x"), "hi -c x\n"),
        (("--port", "80", "--init"), "hi --port 80 --init\n"),
        (("--umask=022", "-n"), "hi -n\n"),
        (("--", "--help"), "hi --help\n"),
        (("printf", "%s", "x"), "x"),
    ],
)
def test_the_default_command(place: Throwaway, words: tuple[str, ...], out: str) -> None:
    """docker run IMAGE, docker run IMAGE -c x, docker run IMAGE sh."""
    env = configured(place, 'default-command = ["echo", "hi"]\n')
    done = place.run(PYDROP, *words, env=env)
    assert (done.returncode, done.stdout.decode()) == (0, out)
    plan = place.run(CTL, "plan", "--json", *words, env=env)
    assert [" ".join(json.loads(plan.stdout)["command"])] == (
        [f"echo {out.strip()}"] if "hi" in out else ["printf %s x"]
    )


def test_a_fresh_volume_of_roots_does_not_end_the_start(place: Throwaway) -> None:
    (place.folder / "data").mkdir()
    done = place.run(PYDROP, "id", "-u", env=ENV | {"PYDROP_OWNER_OF": "/mnt/data"})
    assert (done.returncode, done.stdout) == (0, b"1000\n")
    assert (
        "pydrop: warning: PYDROP_OWNER_OF=/mnt/data is passed over, since /mnt/data belongs to root"
        in lines_of(done)[0]
    )
    os.chown(place.folder / "data", 1700, 0)
    done = place.run(PYDROP, "sh", "-c", "id -u; id -g", env=ENV | {"PYDROP_OWNER_OF": "/mnt/data"})
    assert done.stdout == b"1700\n1700\n"


def test_a_secret_that_nothing_names_is_nothing_and_a_file_that_is_missing_an_error(place: Throwaway) -> None:
    env = ENV | {"PYDROP_SECRETS": "DB_PASSWORD,API_KEY"}
    done = place.run(PYDROP, "sh", "-c", 'echo "${DB_PASSWORD-none}"', env=env)
    assert (done.returncode, done.stdout) == (0, b"none\n")
    done = place.run(PYDROP, "true", env=env | {"DB_PASSWORD_FILE": "/run/secrets/db"})
    assert done.returncode == 125
    assert "DB_PASSWORD_FILE=/run/secrets/db is not there" in lines_of(done)[0]


def test_another_images_name_is_told_at_the_start_and_not_again(place: Throwaway) -> None:
    """A second pydrop has the container's environment too, and is quiet."""
    script = f"{PYDROP} true 2>&1; {PYDROP} --log-level=debug true 2>&1"
    done = place.run(PYDROP, "sh", "-c", script, env=ENV | {"USER_ID": "1700", "PYDROP_NO_NEW_PRIVS": "0"})
    assert "USER_ID=1700: pydrop does not obey this name of other images; set PUID=1700 instead" in lines_of(done)[0]
    assert done.returncode == 0
    script = f"({PYDROP} sleep 2 &) ; sleep 1; {PYDROP} true"
    done = place.run("sh", "-c", script, env=ENV | {"USER_ID": "1700"})
    assert done.stderr.count(b"USER_ID=1700") == 1, done.stderr
