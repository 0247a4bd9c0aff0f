"""docs/from-fixuid.md: what its table says of pydrop, row by row. Its blocks are run by test_guide.py."""

import os
from collections.abc import Callable

import pytest

from tests.container.engine import ROOT, Result, owner
from tests.container.pages import Table

ROWS = Table(ROOT / "docs" / "from-fixuid.md", "with fixuid")
ASKED = {"PUID": "1001", "PGID": "1002", "PYDROP_USER": "docker"}


@pytest.fixture
def developer(run: Callable[..., Result]) -> Callable[..., Result]:
    """Runs a line of shell behind pydrop, in a container whose image has the account docker, 1000:1000, and more that
    `image`, a line of root's shell, makes in it."""

    def developer(line: str, *options: str, env: dict[str, str] = ASKED, image: str = "true") -> Result:
        made = "useradd --uid 1000 --user-group --create-home docker"
        script = f'{made} && {image} && exec pydrop sh -c "$0"'
        return run("--entrypoint=sh", *options, command=["-c", script, line], env=env)

    return developer


@ROWS.held_by("`-u 1001:1002`", "the account gets the numbers unless another has them")
def test_the_account_has_the_numbers_also_where_another_has_them(developer):
    assert developer("id -un; id -u; id -g").stdout == "docker\n1001\n1002\n"
    taken = developer("whoami", image="useradd --uid 1001 --user-group --non-unique other")
    assert taken.stdout == "docker\n", str(taken)


@ROWS.held_by("`-u 1001:1002`")
def test_the_numbers_may_be_those_of_the_sources(developer, volume):
    folder = volume({"file": (1234, 4321)}, top=(1234, 4321))
    seen = developer(
        "id -u; id -g", f"--volume={folder}:/src", env={"PYDROP_USER": "docker", "PYDROP_OWNER_OF": "/src"}
    )
    assert seen.stdout == "1234\n4321\n"


@ROWS.held_by("`user: docker`, `group: docker`")
def test_an_account_that_is_missing_is_made_where_puid_says_its_number(run):
    assert run(command=["id", "-un"], env=ASKED).stdout == "docker\n"
    assert run(command=["id", "-un"], env={"PYDROP_USER": "docker"}).code == 125


TOOLS = "mkdir -p /opt/tools && cd /opt/tools && touch both uid gid"
TOOLS += " && chown 1000:1000 both && chown 1000:0 uid && chown 0:1000 gid"
OWNERS = "stat -c %u:%g {0}/both {0}/uid {0}/gid"


@ROWS.held_by("`paths`; without, all of `/`", "files that have both the old uid and the old gid")
def test_only_from_means_both_numbers_and_nothing_outside_the_home_is_touched_unasked(developer, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "pydrop.toml").write_text('[[volume]]\npath = "/opt/tools"\nonly-from = "1000:1000"\n')
    file = f"--volume={tmp_path / 'pydrop.toml'}:/etc/pydrop.toml:ro"
    assert developer(OWNERS.format("/opt/tools"), image=TOOLS).stdout == "1000:1000\n1000:0\n0:1000\n"
    assert developer(OWNERS.format("/opt/tools"), file, image=TOOLS).stdout == "1001:1002\n1000:0\n0:1000\n"


@ROWS.held_by("`paths`; without, all of `/`", "files that have both the old uid and the old gid")
def test_in_the_home_each_number_is_changed_by_itself(developer):
    at_home = TOOLS.replace("/opt/tools", "/home/docker")
    assert developer(OWNERS.format("/home/docker"), image=at_home).stdout == "1001:1002\n1001:0\n0:1002\n"


@ROWS.held_by("other mounts are not entered", "a path of `paths` that is a mount")
@pytest.mark.parametrize(("chown", "mounted"), [("/opt/tools", (1000, 1000)), ("/opt/tools/cache", (1001, 1002))])
def test_a_mount_is_owned_where_it_is_named(developer, volume, chown, mounted):
    cache = volume({"file": (1000, 1000)}, top=(1000, 1000))
    option = f"--volume={cache}:/opt/tools/cache"
    assert developer("true", option, env=ASKED | {"PYDROP_CHOWN": chown}).code == 0
    assert owner(cache / "file") == mounted


@ROWS.held_by("other mounts are not entered")
def test_across_mounts_enters_them(developer, volume, tmp_path):
    cache = volume({"file": (1000, 1000)})
    (tmp_path / "pydrop.toml").write_text('[[volume]]\npath = "/opt/tools"\nacross-mounts = true\n')
    options = (f"--volume={tmp_path / 'pydrop.toml'}:/etc/pydrop.toml:ro", f"--volume={cache}:/opt/tools/cache")
    assert developer("true", *options).code == 0
    assert owner(cache / "file") == (1001, 1002)


@ROWS.held_by("links are changed, not followed (since 0.5)")
def test_a_link_is_changed_itself_and_a_hard_link_of_roots_left_alone(developer):
    image = "cd /home/docker && echo >/kept && ln /kept hard && ln -s /kept soft && chown -h 1000:1000 soft"
    seen = developer("stat -c '%u:%g %n' /kept ~/hard ~/soft", image=image)
    assert seen.stdout == "0:0 /kept\n0:0 /home/docker/hard\n1001:1002 /home/docker/soft\n"


@ROWS.held_by("links are changed, not followed (since 0.5)")
def test_in_a_volume_a_hard_link_of_roots_is_left_alone_too(developer, volume):
    folder = volume({"one": (0, 0)})
    os.link(folder / "one", folder.parent / "other")
    assert developer("true", f"--volume={folder}:/data", env=ASKED | {"PYDROP_CHOWN": "/data"}).code == 0
    assert (owner(folder), owner(folder / "one")) == ((1001, 1002), (0, 0))


@ROWS.held_by("HOME where it is `/`")
@pytest.mark.parametrize(("came", "home"), [("/", "docker"), ("", "docker"), ("/root", "docker"), ("/tmp", "/tmp")])
def test_home_is_the_accounts_unless_somebody_set_one(developer, came, home):
    expected = "/home/docker" if home == "docker" else home
    assert developer("echo $HOME", env=ASKED | {"HOME": came}).stdout == f"{expected}\n"


@ROWS.held_by("runs once: `/var/run/fixuid.ran`")
def test_each_start_looks_and_exec_finds_the_record(container, volume):
    folder = volume({"file": (0, 0)})
    same = container(
        f"--volume={folder}:/data", env={"PUID": "1001", "PYDROP_CHOWN": "/data"}, command=["sleep", "1000"]
    )
    assert same.exec("pydrop", "id", "-u").stdout == "1001\n"
    assert owner(folder / "file") == (1001, 1001)
    same.stop()
    os.chown(folder / "file", 0, 0)
    os.chown(folder, 0, 0)
    same.start()
    assert same.exec("pydrop", "id", "-u").stdout == "1001\n"
    assert owner(folder / "file") == (1001, 1001)


@ROWS.held_by("`eval $( fixuid )` in a script")
def test_a_script_ends_with_exec_pydrop_or_is_a_hook(run, hooks):
    assert run("--entrypoint=sh", command=["-c", "exec pydrop id -u"], env=ASKED).stdout == "1001\n"
    assert run(hooks(script="id -u"), command=["id", "-u"], env=ASKED).stdout == "0\n1001\n"


@ROWS.held_by("`-q`")
def test_at_warn_a_good_start_says_nothing(developer):
    assert developer("true").stderr != ""
    assert developer("true", env=ASKED | {"PYDROP_LOG_LEVEL": "warn"}).stderr == ""


@ROWS.held_by("a set-uid file of root's stays in the image")
def test_pydrop_brings_no_set_uid_file_and_as_one_it_refuses(run):
    found = run("--entrypoint=find", command=["/opt/pydrop", "-perm", "/6000"])
    assert (found.code, found.stdout) == (0, "")
    script = "chmod u+s /opt/pydrop/bin/pydrop && exec setpriv --reuid=1001 --regid=1002 --clear-groups pydrop id"
    refused = run("--entrypoint=sh", command=["-c", script])
    assert (refused.code, refused.stdout) == (125, "")
    assert "set-uid" in refused.stderr


@ROWS.held_by("fails with `no-new-privileges`")
def test_no_new_privileges_is_no_hindrance_and_is_set_anyhow(developer):
    look = "id -u; grep NoNewPrivs /proc/self/status"
    for options in ((), ("--security-opt=no-new-privileges",)):
        assert developer(look, *options).stdout == "1001\nNoNewPrivs:\t1\n"


@ROWS.held_by("`--user` and a set-uid program to become root")
def test_under_user_there_is_a_name_and_a_home_and_no_root(run, programs, volume):
    folder = volume({"file": (1000, 1000)})
    options = ("--user=1001:1002", f"--volume={folder}:/src")
    seen = run(*options, image=programs, command=["sh", "-c", 'whoami; id -u; test -w "$HOME" && echo written'])
    assert seen.stdout == "app\n1001\nwritten\n", str(seen)
    assert owner(folder / "file") == (1000, 1000)


@ROWS.held_by("`/etc/passwd` is written over in place")
def test_passwd_is_another_file_afterwards(developer):
    seen = developer("cat /before; stat -c %i /etc/passwd", image="stat -c %i /etc/passwd >/before")
    before, after = seen.stdout.split()
    assert before != after


@ROWS.held_by("for development only")
def test_the_program_has_nothing_left_of_root(run):
    status = run(env=ASKED).seen
    assert {*status["uids"], *status["gids"], *status["groups"]} == {1001, 1002}
    assert {name for name, held in status["caps"].items() if held} == {"CapBnd"}  # which stays as it came


@pytest.mark.quick
def test_each_row_is_held():
    assert ROWS.held == set(ROWS.rows)
