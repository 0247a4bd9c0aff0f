"""The environment of root's hooks: the program's, less what would run the user's code as root."""

import os
import subprocess
from pathlib import Path

import pytest

from pydrop.rootenv import DEFAULT_PATH, for_root

pytestmark = pytest.mark.quick


@pytest.fixture
def users(tmp_path: Path) -> str:
    """A folder that the program's user can write."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "app"
    folder.mkdir()
    os.chown(folder, 1500, 1500)
    return str(folder)


@pytest.mark.parametrize(
    "name",
    [
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "BASH_ENV",
        "ENV",
        "PYTHONPATH",
        "PYTHONHOME",
        "PERL5LIB",
        "NODE_PATH",
    ],
)
def test_a_variable_that_names_a_place_of_the_user_s_is_left_out(users: str, name: str) -> None:
    forms = (f"{users}/x", f"/usr/lib:{users}", f"{users}/not/yet/there", f"/usr/lib {users}/x.so")
    assert [form for form in forms if name in for_root((f"{name}={form}",))] == []


@pytest.mark.parametrize(
    "line",
    [
        "LD_PRELOAD=libjemalloc.so.2",
        "ENV=production",
        "LD_LIBRARY_PATH=/usr/lib:/usr/local/lib",
        "PYTHONPATH=/usr/share",
        "BASH_ENV=/etc/profile",
    ],
)
def test_what_names_a_place_of_root_s_stays(line: str) -> None:
    """Only what somebody else could write is taken away."""
    name, _, value = line.partition("=")
    assert for_root((line,))[name] == value


@pytest.mark.parametrize("line", ["PYTHONPATH=.", "PYTHONPATH=lib", "BASH_ENV=profile", "LD_LIBRARY_PATH=lib"])
def test_a_relative_place_is_the_working_folder_s_and_left_out(line: str) -> None:
    assert line.partition("=")[0] not in for_root((line,))


@pytest.mark.parametrize(
    "name", ["PERL5OPT", "NODE_OPTIONS", "RUBYOPT", "SHELLOPTS", "BASH_FUNC_chown%%", "GIT_SSH_COMMAND"]
)
def test_a_variable_that_holds_code_is_left_out(name: str) -> None:
    assert name not in for_root((f"{name}=() {{ id; }}",))


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("{0}:/usr/bin:{0}/bin:/bin", "/usr/bin:/bin"),
        (".:/usr/bin::bin", "/usr/bin"),
        ("{0}", DEFAULT_PATH),
        ("/tmp:/usr/bin", "/usr/bin"),
    ],
)
def test_path_keeps_the_folders_that_are_root_s(users: str, path: str, left: str) -> None:
    """Where a hook looks for `chown`, nobody else may put one."""
    assert for_root((f"PATH={path.format(users)}",))["PATH"] == left


def test_home_is_root_s(users: str) -> None:
    """Python, git and ssh read code and settings from HOME."""
    found = for_root((f"HOME={users}", "USER=app", "LOGNAME=app"))
    assert (found["HOME"], found["USER"], found["LOGNAME"]) == ("/root", "root", "root")


def test_all_else_comes_as_it_is() -> None:
    """Of doubles the first counts, as for getenv(3); what has no name is nothing."""
    found = for_root(("my.var=1", "A=1", "A=2", "EMPTY=", "noequals", "=x"))
    assert {name: found[name] for name in ("my.var", "A", "EMPTY")} == {"my.var": "1", "A": "1", "EMPTY": ""}
    assert "noequals" not in found and "" not in found


def test_a_bash_that_gets_it_does_not_read_the_user_s_file(users: str) -> None:
    """The plant bites without us, and does not with us."""
    plant, mark = Path(users) / "rc", Path(users) / "mark"
    plant.write_text(f"id -u >{mark}\n")
    lines = (f"BASH_ENV={plant}", "PATH=/usr/bin:/bin")
    subprocess.run(["/bin/bash", "-c", ":"], env=dict(line.split("=", 1) for line in lines), check=True)
    assert mark.read_text() == "0\n"
    mark.unlink()
    subprocess.run(["/bin/bash", "-c", ":"], env=for_root(lines), check=True)
    assert not mark.exists()
