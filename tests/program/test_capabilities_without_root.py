"""A start without root that holds capabilities (`--user 1500 --cap-add DAC_READ_SEARCH`) is held to root's rules: it
could open for the program's user what that user may not open."""

import os
import shutil
import struct
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway

PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1500:1500::/mnt/home:/bin/sh\n"
GROUP = b"root:x:0:\napp:x:1500:\n"
ENV = {"PATH": "/usr/bin:/bin", "HOME": "/mnt/home"}
SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")
SHOW = ("grep", "-E", "^(Uid|CapInh|CapPrm|CapEff|CapAmb|NoNewPrivs)", "/proc/self/status")


def user(*capabilities: str) -> tuple[str, ...]:
    """What starts a program as podman does with --user 1500 and --cap-add."""
    words = ("setpriv", f"--reuid={APP}", f"--regid={APP}", "--clear-groups")
    more = ",".join(f"+{name}" for name in capabilities)
    return (*words, f"--inh-caps={more}", f"--ambient-caps={more}") if more else (*words, "--inh-caps=-all")


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    """`data` and all in it are the user's, `secret` may be read by root alone."""
    place = Throwaway(tmp_path, PASSWD, GROUP)
    data = place.folder / "data"
    data.mkdir()
    (place.folder / "secret").write_text("root:hash\n")
    (place.folder / "secret").chmod(0o600)
    (data / "link").symlink_to("/mnt/secret")
    (data / "pydrop.toml").write_text('umask = "0707"\n')
    (data / "way").symlink_to("/mnt")
    for path in [data, *data.iterdir()]:
        os.lchown(path, APP, APP)
    return place


CAPABILITIES = [("dac_read_search",), ("dac_override",), ("chown", "fowner"), ("net_bind_service",), ("sys_ptrace",)]


@pytest.mark.quick
@pytest.mark.parametrize("capabilities", CAPABILITIES, ids="+".join)
@pytest.mark.parametrize("path", ["/mnt/data/link", "/mnt/data/way/secret"])
@pytest.mark.parametrize("form", ["FILE__X", "X_FILE"])
def test_a_planted_link_hands_out_no_secret(
    place: Throwaway, form: str, path: str, capabilities: tuple[str, ...]
) -> None:
    env = ENV | {form: path} | ({"PYDROP_SECRETS": "X"} if form == "X_FILE" else {})
    done = place.run(*user(*capabilities), PYDROP, "sh", "-c", 'echo "got $X"', env=env)
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"is not safe to read with the capabilities that this start holds" in done.stderr
    assert b"root:hash" not in done.stderr


def test_a_secret_in_roots_folder_is_read_with_the_capability(place: Throwaway) -> None:
    """That is what somebody gives DAC_READ_SEARCH for; whose the file itself is does not matter."""
    done = place.run(
        *user("dac_read_search"), PYDROP, "sh", "-c", 'echo "got $X"', env=ENV | {"FILE__X": "/mnt/secret"}
    )
    assert (done.returncode, done.stdout) == (0, b"got root:hash\n"), done.stderr


@pytest.mark.parametrize(("capabilities", "code"), [((), 0), *[(each, 125) for each in CAPABILITIES]])
def test_the_users_settings_file_is_obeyed_only_without_capabilities(
    place: Throwaway, capabilities: tuple[str, ...], code: int
) -> None:
    env = ENV | {"PYDROP_CONFIG": "/mnt/data/pydrop.toml"}
    done = place.run(*user(*capabilities), PYDROP, "sh", "-c", "umask", env=env)
    assert (done.returncode, done.stdout) == (code, b"" if code else b"0707\n"), done.stderr
    assert code == 0 or b"belongs to user 1500" in done.stderr or b"can be replaced by somebody" in done.stderr


@pytest.mark.parametrize("keep", ["", "net_bind_service"])
@pytest.mark.parametrize("init", ["", "1"])
def test_no_capability_reaches_the_program_that_was_not_asked_for(place: Throwaway, keep: str, init: str) -> None:
    env = ENV | {"PYDROP_KEEP_CAPS": keep, "PYDROP_INIT": init}
    done = place.run(*user("dac_read_search", "setuid", "net_bind_service"), PYDROP, *SHOW, env=env)
    fields = dict(line.split(":\t") for line in done.stdout.decode().splitlines())
    assert {int(fields[name], 16) for name in SETS} == {1 << 10 if keep else 0}, done.stderr
    assert (fields["Uid"].split(), fields["NoNewPrivs"]) == (["1500"] * 4, "1")


def test_it_gives_itself_no_own_ground(place: Throwaway) -> None:
    done = place.run(*user("dac_override"), PYDROP, "true", env=ENV | {"PYDROP_RUN_DIRS": "/etc/pydrop.d"})
    assert done.returncode == 125
    assert not (place.folder / "etc/pydrop.d").exists()


def test_nor_does_it_run_from_where_the_user_can_write(place: Throwaway) -> None:
    """Without a capability there is nothing to win by it."""
    (place.folder / "data/pydrop").symlink_to(PYDROP)
    os.lchown(place.folder / "data/pydrop", APP, APP)
    assert place.run(*user(), "/mnt/data/pydrop", "true", env=ENV).returncode == 0
    done = place.run(*user("setuid"), "/mnt/data/pydrop", "true", env=ENV)
    assert done.returncode == 125
    assert b"pydrop will not run as root from where somebody else can write" in done.stderr


@pytest.mark.parametrize("name", ["gosu", "su-exec", "s6-setuidgid"])
def test_nor_by_a_compatibility_name(place: Throwaway, name: str) -> None:
    (place.folder / "data" / name).symlink_to(PYDROP)
    os.lchown(place.folder / "data" / name, APP, APP)
    done = place.run(*user("setuid", "setgid"), f"/mnt/data/{name}", "nobody", "true", env=ENV)
    assert done.returncode not in (0, 126, 127)
    assert b"from where somebody else can write" in done.stderr


@pytest.mark.parametrize("capabilities", [("dac_override",), ()], ids=["with", "without"])
def test_the_copies_of_nss_wrapper_are_led_nowhere(place: Throwaway, capabilities: tuple[str, ...]) -> None:
    """XDG_RUNTIME_DIR may be the user's link to a folder that the capability opens."""
    (place.folder / "etc/passwd").write_bytes(b"root:x:0:0:root:/root:/bin/sh\n")
    (place.folder / "data/runtime").symlink_to("/etc")
    os.lchown(place.folder / "data/runtime", APP, APP)
    env = ENV | {"XDG_RUNTIME_DIR": "/mnt/data/runtime"}
    own_tmp = ("sh", "-c", 'mount -t tmpfs -o mode=1777 none /tmp && exec "$@"', "tmp")
    done = place.run(*own_tmp, *user(*capabilities), PYDROP, "sh", "-c", 'echo "$NSS_WRAPPER_PASSWD"', env=env)
    assert done.returncode == 0, done.stderr
    assert not (place.folder / "etc/pydrop-nss-1500").exists()
    assert done.stdout.startswith(b"/tmp/pydrop-nss-1500/"), done.stderr


WITHOUT_LAUNCHER = "import sys; sys.path[:0] = [sys.argv.pop(1)]; from pydrop import __main__"


def test_a_capability_of_the_interpreters_own_file_counts_too(place: Throwaway) -> None:
    """`setcap` on an image's python gives the start what --cap-add would have."""
    python = place.folder / "python"
    shutil.copy(os.path.realpath(sys.executable), python)
    words = (*user(), "/mnt/python", "-I", "-B", "-c", WITHOUT_LAUNCHER, sysconfig.get_path("platlib"))
    dac_read_search = struct.pack("<5I", 0x02000001, 1 << 2, 0, 0, 0)  # vfs_cap_data, revision 2, effective
    for capability, code in ((b"", 0), (dac_read_search, 125)):
        if capability:
            os.setxattr(python, "security.capability", capability)
        env = ENV | {"PYDROP_CONFIG": "/mnt/data/pydrop.toml"}
        done = place.run(*words, "sh", "-c", "umask", env=env)
        assert (done.returncode, done.stdout) == (code, b"" if code else b"0707\n"), done.stderr
