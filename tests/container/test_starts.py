"""How containers are started: each way gives the program that was asked for, or a clear word and code 125."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.container.engine import SEE, Result, owner, until

KNOWN = {"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"}


def is_user(seen: dict[str, Any], uid: int, gid: int, *groups: int) -> None:
    """It is this user in all four ids, holds no capability and cannot get one."""
    assert seen["uids"] == [uid] * 4
    assert seen["gids"] == [gid] * 4
    assert sorted(set(seen["groups"]) - {gid}) == sorted(groups)
    assert {seen["caps"][name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert seen["no_new_privs"] == "1"


def said(result: Result) -> list[str]:
    """The lines of pydrop, which are all that is on standard error."""
    lines = result.stderr.splitlines()
    assert all(line.startswith("pydrop: ") for line in lines), str(result)
    return lines


# -- as root --------------------------------------------------------------------------------------


def test_root_becomes_the_user_of_puid_and_pgid(run):
    result = run(env={"PUID": "1500", "PGID": "1600"})
    is_user(result.seen, 1500, 1600)
    assert result.seen["pid"] == 1
    assert re.search(r"^app:[^:]*:1500:1600:", result.seen["passwd"], re.MULTILINE)
    environment = result.seen["environment"]
    assert (environment["USER"], environment["LOGNAME"]) == ("app", "app")
    assert environment["HOME"] != "/root"
    assert len(said(result)) == 1


def test_the_usual_hardened_list_starts(run):
    """cap_drop: ALL with the four that gosu lives with; the bounding set stays those four."""
    few = [f"--cap-add={name}" for name in ("SETUID", "SETGID", "CHOWN", "FOWNER")]
    result = run("--cap-drop=ALL", *few, env={"PUID": "1500"})
    is_user(result.seen, 1500, 1500)
    assert result.seen["caps"]["CapBnd"] == 0b11001001
    assert result.seen["environment"]["HOME"] == "/home/app"  # though / is 0555 under podman


def test_an_empty_bounding_set_is_empty(run):
    assert run(env={"PUID": "1500", "PYDROP_BOUNDING_SET": "empty"}).seen["caps"]["CapBnd"] == 0


def test_root_becomes_1000_where_nothing_was_said(run):
    is_user(run().seen, 1000, 1000)


def test_the_programs_exit_code_is_the_containers(run):
    assert run(command=["sh", "-c", "exit 41"]).code == 41
    assert run(command=["/nowhere"]).code == 127
    assert run(command=["/etc/hostname"]).code == 126


def test_the_image_starts_as_it_is(run):
    result = run(command=[])
    assert result.code == 0, str(result)
    assert result.stdout.startswith("uid=1000(app) gid=1000")


def test_dev_stdout_and_stderr_open_for_the_user(run):
    assert run(env={"PUID": "1500"}).seen["streams_open"] == [True, True]


def test_a_groups_number_of_the_runtime_stays(run):
    is_user(run("--group-add=2000", env={"PUID": "1500"}).seen, 1500, 1500, 2000)


# -- not as root ----------------------------------------------------------------------------------


def test_openshifts_random_uid_runs_and_is_told_which_programs_mind(run):
    result = run("--user=12345:0", env={"PUID": "1500"})
    assert result.seen["uids"] == [12345] * 4
    assert result.seen["gids"] == [0] * 4
    assert result.seen["no_new_privs"] == "1"
    lines = said(result)
    assert any("PUID" in line and "user:" in line for line in lines), str(result)
    assert any("git" in line and "nss-wrapper" in line for line in lines), str(result)


def test_run_dirs_are_made_by_whoever_may_make_them(run, volume):
    """An emptyDir on /run, or the tmpfs that docker mounts, is everybody's to write in; what is had is no warning."""
    place = volume({})
    place.chmod(0o1777)
    env = {"PYDROP_RUN_DIRS": "/run/web:/run/web/cache"}
    look = ["sh", "-c", "stat -c '%n %u:%g %a' /run/web /run/web/cache && touch /run/web/cache/file"]
    result = run("--user=12345:12345", f"--volume={place}:/run", env=env, command=look)
    assert (result.code, result.stdout) == (0, "/run/web 12345:12345 755\n/run/web/cache 12345:12345 755\n"), str(
        result
    )
    assert not any("PYDROP_RUN_DIRS" in line for line in said(result))
    assert any("made right /run/web, /run/web/cache" in line for line in said(result)), str(result)
    closed = run("--user=12345:12345", env=env, command=["true"])
    assert any("PYDROP_RUN_DIRS cannot be had" in line for line in said(closed)), str(closed)


def test_a_group_writable_passwd_gets_the_entry(run, tmp_path):
    """OpenShift's old pattern."""
    passwd = tmp_path / "passwd"
    passwd.write_text("root:x:0:0:root:/root:/bin/bash\n")
    passwd.chmod(0o664)
    result = run("--user=12345:0", f"--volume={passwd}:/etc/passwd", command=["sh", "-c", "whoami; cat /etc/passwd"])
    assert result.code == 0, str(result)
    assert result.stdout.splitlines()[0] == "app"
    assert passwd.read_text().startswith("root:x:0:0:root:/root:/bin/bash\n")


def test_a_user_that_is_what_was_asked_for_hears_nothing_of_puid(run):
    result = run("--user=1500:1500", env={"PUID": "1500", "PGID": "1500"})
    is_user(result.seen, 1500, 1500)
    assert "PUID" not in result.stderr


def test_an_entry_that_podman_made_is_left_alone(run):
    result = run("--passwd=true", "--user=12345:12345", command=["whoami"])
    assert result.code == 0, str(result)
    assert result.stdout == "12345\n"


def test_a_group_of_the_runtime_stays_without_root(run):
    is_user(run("--user=1500:1500", "--group-add=2000").seen, 1500, 1500, 2000)


# -- a read-only root -----------------------------------------------------------------------------


BARE = ("--read-only", "--read-only-tmpfs=false")


def test_read_only_root_without_a_tmpfs_runs(run):
    result = run(*BARE, env={"PUID": "1500"})
    is_user(result.seen, 1500, 1500)
    assert any("read_only" in line for line in said(result)), str(result)


def test_read_only_root_without_a_tmpfs_refuses_run_dirs_and_names_the_option_to_add(run):
    env = {"PUID": "1500", "PYDROP_RUN_DIRS": "/run/example"}
    refused = run(*BARE, env=env, command=["echo", "the program ran"])
    assert (refused.code, refused.stdout) == (125, "")
    assert any("/run/example" in line and "--tmpfs /run" in line for line in said(refused)), str(refused)
    is_user(run(*BARE, "--tmpfs=/run", env=env).seen, 1500, 1500)


def test_read_only_root_with_a_tmpfs_has_its_run_dirs(run):
    result = run("--read-only", env={"PUID": "1500", "PYDROP_RUN_DIRS": "/run/example"})
    is_user(result.seen, 1500, 1500)
    assert result.seen["run"]["example"][:2] == [1500, 1500]
    assert not any("tmpfs" in line for line in said(result)), str(result)


# -- /run -----------------------------------------------------------------------------------------


def test_a_tmpfs_on_run_that_is_noexec_serves(run):
    result = run("--tmpfs=/run:rw,noexec,notmpcopyup", env={"PUID": "1500", "PYDROP_RUN_DIRS": "/run/example"})
    is_user(result.seen, 1500, 1500)
    assert result.seen["run"]["."] == [0, 0, "755"]
    assert result.seen["run"]["lock"] == [0, 0, "1777"]
    assert result.seen["run"]["example"][:2] == [1500, 1500]


def test_a_tmpfs_on_run_that_belongs_to_another_is_made_right(run, tmpfs):
    wrong = tmpfs("uid=1000,gid=1000,mode=700")
    result = run(f"--volume={wrong}:/run", env={"PUID": "1500", "PYDROP_RUN_DIRS": "/run/example"})
    is_user(result.seen, 1500, 1500)
    assert result.seen["run"]["."] == [0, 0, "755"]
    assert result.seen["run"]["example"][:2] == [1500, 1500]


# -- what the runtime forbids ---------------------------------------------------------------------


def test_no_new_privileges_is_no_hindrance(run):
    is_user(run("--security-opt=no-new-privileges", env={"PUID": "1500"}).seen, 1500, 1500)


def missing(result) -> set[str]:
    """The capabilities of the cap_add list in a refusal."""
    assert result.code == 125, str(result)
    listed = re.search(r"cap_add(.*)", result.stderr, re.IGNORECASE)
    assert listed, str(result)
    return {name for name in re.findall(r"[A-Z_]+", listed[1].replace("CAP_", "")) if name in KNOWN}


def test_without_any_capability_the_refusal_names_what_suffices(run, volume):
    options = (f"--volume={volume({'file': (999, 999)})}:/data", "--cap-drop=ALL")
    env = {"PUID": "1500", "PYDROP_CHOWN": "/data"}
    refused = run(*options, env=env, command=["echo", "the program ran"])
    needed = missing(refused)
    assert {"SETUID", "SETGID", "CHOWN"} <= needed
    assert "the program ran" not in refused.stdout
    is_user(run(*options, *(f"--cap-add={name}" for name in needed), env=env).seen, 1500, 1500)


def test_each_capability_that_the_refusal_names_is_missed(run):
    """With all but one of them, the word is of that one: a refusal, or a warning where the program can do without."""
    needed = missing(run("--cap-drop=ALL", env={"PUID": "1500"}))
    for lacking in needed:
        options = [f"--cap-add={name}" for name in needed - {lacking}]
        result = run("--cap-drop=ALL", *options, env={"PUID": "1500"})
        assert lacking in result.stderr, f"{lacking}: {result}"
        assert not any(other in result.stderr for other in needed - {lacking}), f"{lacking}: {result}"


def test_a_user_who_is_already_who_he_shall_be_needs_no_capability(run):
    is_user(run("--user=1500:1500", "--cap-drop=ALL").seen, 1500, 1500)


# -- a user namespace -----------------------------------------------------------------------------

MAPPED = ("--uidmap=0:100000:65536", "--gidmap=0:100000:65536")


def test_in_a_user_namespace_ids_are_those_inside(run, volume):
    folder = volume({"file": (100999, 100999)}, top=(100000, 100000))
    result = run(*MAPPED, f"--volume={folder}:/data", env={"PUID": "1500", "PYDROP_CHOWN": "/data"})
    is_user(result.seen, 1500, 1500)
    assert owner(folder / "file") == owner(folder) == (101500, 101500)


def test_a_number_that_is_not_mapped_is_refused_with_the_ranges(run):
    result = run(*MAPPED, env={"PUID": "70000"}, command=["echo", "the program ran"])
    assert result.code == 125
    assert "70000" in result.stderr
    assert "65535" in result.stderr
    assert result.stdout == ""


# -- a terminal -----------------------------------------------------------------------------------


def test_the_terminal_belongs_to_the_user(run):
    result = run("--tty", env={"PUID": "1500"}, command=["sh", "-c", "stat -c %u $(tty); echo works >/dev/stdout"])
    assert result.code == 0, str(result)
    assert result.stdout.split()[-2:] == ["1500", "works"]


# -- volumes --------------------------------------------------------------------------------------


def test_a_volume_of_roots_is_owned_by_the_user(run, volume):
    folder = volume({"sub": (0, 0), "sub/file": (999, 33), "file": (0, 0)})
    result = run(f"--volume={folder}:/data", env={"PUID": "1500", "PYDROP_CHOWN": "/data"})
    is_user(result.seen, 1500, 1500)
    assert {owner(path) for path in (folder, *folder.rglob("*"))} == {(1500, 1500)}


def test_a_volume_may_be_a_single_file(run, volume):
    file = volume({"settings.ini": (0, 0), "beside": (0, 0)}) / "settings.ini"
    assert run(f"--volume={file}:/settings.ini", env={"PUID": "1500", "PYDROP_CHOWN": "/settings.ini"}).code == 0
    assert owner(file) == (1500, 1500)
    assert owner(file.with_name("beside")) == (0, 0)


def test_a_read_only_volume_is_a_warning_or_125_where_errors_are_to_fail(run, volume):
    options = f"--volume={volume({'file': (0, 0)})}:/data:ro"
    env = {"PUID": "1500", "PYDROP_CHOWN": "/data"}
    warned = run(options, env=env)
    is_user(warned.seen, 1500, 1500)
    assert any("/data" in line and "read-only" in line.lower() for line in said(warned)), str(warned)
    assert run(options, env={**env, "PYDROP_CHOWN_ERRORS": "fail"}).code == 125


# -- the same container again, and people in it ---------------------------------------------------


def test_the_same_container_starts_twice(container):
    command = ["sh", "-c", "id -u; grep -c ^app: /etc/passwd; grep -c ^app: /etc/group"]
    same = container(command=command, env={"PUID": "1500"})
    assert same.wait() == 0, str(same.logs())
    same.start()
    assert same.wait() == 0, str(same.logs())
    assert same.logs().stdout.split() == ["1500", "1", "1"] * 2


def test_exec_has_the_entrypoints_identity_and_environment_and_no_second_setup(container, hooks):
    first = hooks(first='echo "GREETING=hello" >>"$PYDROP_ENV"; echo the hook ran >&2')
    same = container(first, env={"PUID": "1500", "UMASK": "027"})
    same.runs("sleep")
    seen = same.exec("pydrop", *SEE).seen
    is_user(seen, 1500, 1500)
    assert seen["umask"] == "0027"
    assert seen["environment"]["GREETING"] == "hello"
    assert seen["environment"]["USER"] == "app"
    assert same.logs().stderr.count("the hook ran") == 1


def test_exec_shows_where_the_start_spent_its_time(container):
    """To root. The program's own user is told that he may not read it."""
    same = container(env={"PUID": "1500"})
    same.runs("sleep")
    shown = same.exec("pydropctl", "timeline")
    assert (shown.code, shown.stderr) == (0, "")
    assert "made account app 1500:1500" in shown.stdout and "interpreter" in shown.stdout
    refused = same.exec("pydropctl", "timeline", options=("--user=1500:1500",))
    assert refused.code == 1 and "docker exec --user 0 CONTAINER pydropctl timeline" in refused.stderr


def test_exec_without_root_just_runs_the_command(container):
    same = container(env={"PUID": "1500"})
    same.runs("sleep")
    assert same.exec("pydrop", *SEE, options=("--user=4321:4321",)).seen["uids"] == [4321] * 4


# -- stopped early --------------------------------------------------------------------------------


def test_stopped_while_a_hook_runs_and_complete_at_the_next_start(container, hooks, tmp_path):
    """The hook is passed the signal; it takes a minute, but for the last start."""
    state = tmp_path / "state"
    state.mkdir()
    slow = hooks(slow="test -e /state/quick && exit 0; touch /state/seen; exec sleep 60")
    same = container(slow, f"--volume={state}:/state", command=SEE, env={"PUID": "1500"})
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        until((state / "seen").exists)
        (state / "seen").unlink()
        os.kill(same.pid(), number)
        assert same.wait() == 128 + number
        assert same.logs().stdout == ""
        if number == signal.SIGQUIT:
            (state / "quick").touch()
        same.start()
    assert same.wait() == 0, str(same.logs())
    assert '"uids": [1500, 1500, 1500, 1500]' in same.logs().stdout


@pytest.fixture
def big_volume(tmpfs: Callable[[str], Path]) -> Path:
    """30,000 files, root's; in memory, since some disks take a millisecond for each."""
    folder = tmpfs("mode=755")
    for sub in range(30):
        (folder / str(sub)).mkdir()
        for file in range(1000):
            os.mknod(folder / str(sub) / str(file))
    return folder


def test_stopped_while_a_volume_is_walked_and_complete_at_the_next_start(container, big_volume):
    """With a tenth of a processor, so that the walk takes a second or two; the top folder is the last to change."""
    env = {"PUID": "1500", "PYDROP_CHOWN": "/data"}
    same = container("--cpus=0.1", f"--volume={big_volume}:/data", command=["id", "-u"], env=env)
    pid = same.pid()
    until(lambda: 1500 in {owner(path)[0] for path in big_volume.glob("*/0")})
    os.kill(pid, signal.SIGTERM)
    assert same.wait() == 143
    assert owner(big_volume) == (0, 0)
    same.start()
    assert same.wait() == 0, str(same.logs())
    assert same.logs().stdout == "1500\n"
    assert {owner(path) for path in (big_volume, *big_volume.rglob("*"))} == {(1500, 1500)}
