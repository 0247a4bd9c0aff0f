"""In an image that holds nothing else the one file does what pydrop does: no Python, no libc, no linker, no shell."""

import json
import os
import subprocess

import pytest

from tests.onefile.image import Image

QUIET = {"PYDROP_LOG_LEVEL": "error"}


def test_a_start_as_root_becomes_who_was_asked_for(image: Image) -> None:
    done = image.run("/bin/pydrop", "told", "uid", "gid", "caps", "nnp", "HOME=", env={"PUID": "1500", "PGID": "1600"})
    assert done.stdout.splitlines() == ["1500", "1600", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "/home/app"]
    assert done.stderr.startswith("pydrop: app 1500:1600 (PUID, PGID): ")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "app:*:1500:1600:" in (image.folder / "etc/passwd").read_text()


def test_the_command_has_its_exit_code_and_is_looked_up(image: Image) -> None:
    assert image.run("/bin/pydrop", "told", "exit=7").returncode == 7
    missing = image.run("/bin/pydrop", "nosuch")
    assert (missing.returncode, "nosuch was not found in PATH=/bin" in missing.stderr) == (127, True)


def test_init_mode_stays_as_pid_1(image: Image) -> None:
    """The command is the child of PID 1, which says in ps what it is, and gives back the command's exit code."""
    done = image.run("/bin/pydrop", "--init", "told", "uid", "parent", "title", "exit=7", env=QUIET)
    assert done.stdout.splitlines() == ["1000", "1", "pydrop: init of told"]
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.parametrize("words", [("/bin/pydrop",), ("/bin/pydrop", "--init"), ("/bin/tini", "--")])
def test_signals_that_musl_keeps_to_itself_come_blocked_and_stay_so(words: "tuple[str, ...]", image: Image) -> None:
    """34 is SIGRTMIN to programs of glibc; 33 and 34 are unblocked by musl where a handler is installed."""
    image.link("tini")
    done = image.run(*words, "/bin/told", "blocked", env=QUIET | {"BLOCK": "34"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "SigBlk:\t0000000200000000\n", "")


@pytest.mark.parametrize("name", ["tini", "dumb-init"])
def test_by_an_inits_name_it_stays_too(name: str, image: Image) -> None:
    image.link(name)
    done = image.run(f"/bin/{name}", "--", "/bin/told", "parent", "uid", "exit=3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "1\n0\n", "")


@pytest.mark.parametrize("name", ["gosu", "su-exec", "s6-setuidgid"])
def test_by_another_tools_name_it_becomes_somebody(name: str, image: Image) -> None:
    image.link(name)
    done = image.run(f"/bin/{name}", "1500:1600", "told", "uid", "gid", "caps")
    assert done.stdout.splitlines() == ["1500", "1600", "CapEff:\t0000000000000000"]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_settings_file_counts(image: Image) -> None:
    image.write("/etc/pydrop.toml", 'user = "1700:1701"\nchown = ["/data"]\n')
    done = image.run("/bin/pydrop", "told", "uid", "gid", env=QUIET)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1700\n1701\n", "")
    assert (os.stat(image.folder / "data").st_uid, os.stat(image.folder / "data").st_gid) == (1700, 1701)


def test_a_settings_file_that_is_wrong_is_refused_in_one_line(image: Image) -> None:
    image.write("/etc/pydrop.toml", "user = \n")
    done = image.run("/bin/pydrop", "told")
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (125, 1, "")
    assert done.stderr.startswith("pydrop: /etc/pydrop.toml")


def test_hooks_run_and_change_the_environment(image: Image) -> None:
    (image.folder / "etc/pydrop.d").mkdir()
    (image.folder / "etc/pydrop.d/10-told").write_bytes((image.folder / "bin/told").read_bytes())
    (image.folder / "etc/pydrop.d/10-told").chmod(0o755)
    done = image.run("/bin/pydrop", "told", "MARKED=", "uid", env=QUIET | {"PUID": "1500"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "by the hook\n1500\n", "")


def test_a_volume_full_of_files_is_given_by_several_workers(image: Image) -> None:
    """The walk forks, and reads /proc and mounts: all of it without a file of its own."""
    for number in range(40):
        folder = image.folder / f"data/{number}"
        folder.mkdir()
        for name in range(50):
            (folder / str(name)).touch()
    done = image.run("/bin/pydrop", "told", "uid", env={"PUID": "1500", "PYDROP_CHOWN": "/data"})
    assert "/data: 2041 of 2041 entries given to 1500:1500" in done.stderr
    assert {path.stat().st_uid for path in (image.folder / "data").rglob("*")} == {1500}


def test_pydropctl_plans(image: Image) -> None:
    done = image.run("/bin/pydropctl", "plan", "--json", "--", "told", env={"PUID": "1500"})
    plan = json.loads(done.stdout)
    assert (done.returncode, done.stderr, plan["identity"]["uid"]) == (0, "", 1500)


@pytest.mark.parametrize("command", ["chown", "check", "completion", "doctor", "install", "plan", "timeline", "verify"])
def test_each_subcommand_has_its_help(command: str, image: Image) -> None:
    done = image.run("/bin/pydropctl", command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: pydropctl {command} ")
    assert len(done.stdout.splitlines()) > 5, "click takes the text from a docstring"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("doctor",), 0, "user namespace"),
        (("chown", "/data", "--user", "1500:1500"), 0, "/data"),
        (("check", "/etc/pydrop.toml"), 0, ""),
        (("completion", "bash"), 0, "pydropctl"),
        (("install", "gosu", "--into", "/bin"), 0, "/bin/gosu -> /bin/pydrop"),
        (("verify", "--", "told"), 1, "own code"),
        (("timeline",), 0, ""),
        (("--version",), 0, "pydropctl"),
    ],
)
def test_each_subcommand_works(words: "tuple[str, ...]", code: int, says: str, image: Image) -> None:
    image.write("/etc/pydrop.toml", 'user = "1500:1500"\n')
    image.run("/bin/pydrop", "told")
    done = image.run("/bin/pydropctl", *words)
    assert "itself failed" not in done.stderr
    assert (done.returncode, says in done.stdout) == (code, True), done.stdout + done.stderr


def test_verify_tells_the_names_that_the_account_files_have(image: Image) -> None:
    """There is no child with another C library that could be asked."""
    image.run("/bin/pydrop", "told", env={"PUID": "1500"})
    done = image.run("/bin/pydrop", "pydropctl", "verify", "--json", env={"PUID": "1500"} | QUIET)
    found = {check["name"]: check["found"] for check in json.loads(done.stdout)["checks"]}
    assert (found["own name"], found["group's name"]) == ("uid 1500 is app", "gid 1500 is app")


def test_without_proc_it_says_what_is_missing(image: Image) -> None:
    """In one line, whoever it is that fails."""
    words = ["unshare", "--mount", "/usr/sbin/chroot", str(image.folder), "/bin/pydrop", "told", "uid"]
    done = subprocess.run(
        words, env={"PATH": "/bin:/usr/bin:/usr/sbin", "PUID": "1500"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.startswith("pydrop: ") and done.stderr.count("\n") == 1
