"""`pydropctl install`: links under other tools' names, made at once and whole, and nothing of anybody else's lost."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from pydrop.compat import COMPATIBILITY_NAMES
from pydrop.ctl.install import usual_folder
from pydrop.ctl.main import SUBCOMMANDS
from tests.faults.throwaway import PYDROP, Throwaway

CTL = f"{PYDROP}ctl"
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
BECOME = ("gosu", "su-exec", "s6-setuidgid")
OWN = os.path.realpath(PYDROP)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that is root's alone all the way up."""
    path = tmp_path_factory.mktemp("bin")
    path.chmod(0o755)
    return path


def install(*words: str, path: str = "/usr/bin:/bin", around: "tuple[str, ...]" = ()) -> "tuple[int, str, str]":
    """(exit code, standard output, standard error); never a traceback, each message a line of pydrop's."""
    done = subprocess.run(
        [*around, CTL, "install", *words], capture_output=True, text=True, env={"PATH": path}, check=False
    )
    assert all(line.startswith("pydrop: ") for line in done.stderr.splitlines())
    return done.returncode, done.stdout, done.stderr


def into(folder: Path, *words: str) -> "tuple[int, str, str]":
    return install(*words, "--into", str(folder), path=f"{folder}:/usr/bin:/bin")


def which(path: Path) -> "tuple[int, int]":
    """Which file this is, and when it was last changed; reading it does not count."""
    status = path.lstat()
    return status.st_ino, status.st_ctime_ns


def test_it_is_a_subcommand() -> None:
    assert SUBCOMMANDS["install"] == "pydrop.ctl.install"


def test_each_name_becomes_a_link_to_pydrops_own_file(folder: Path) -> None:
    """Every name of the table can be had, in one call."""
    code, said, wrong = into(folder, *COMPATIBILITY_NAMES)
    assert (code, wrong) == (0, "")
    assert said.splitlines() == [f"{folder}/{name} -> {OWN}" for name in COMPATIBILITY_NAMES]
    assert {entry.name: os.readlink(entry) for entry in folder.iterdir()} == dict.fromkeys(COMPATIBILITY_NAMES, OWN)


@pytest.mark.parametrize("name", BECOME)
def test_what_is_installed_is_that_tool(name: str, folder: Path) -> None:
    """Called through its link by its bare name, it becomes the number that its first word says."""
    into(folder, name)
    words = [name, "1500:1501", "/bin/sh", "-c", "id -u; id -g; id -G"]
    path = {"PATH": f"{folder}:/usr/bin:/bin"}
    done = subprocess.run(["env", *words], capture_output=True, text=True, env=path, check=True)
    assert done.stdout.split() == ["1500", "1501", "1501"]


@pytest.mark.parametrize("name", ["tini", "dumb-init"])
def test_an_init_that_is_installed_stays_and_ends_as_its_command(name: str, folder: Path) -> None:
    """Its command is a child of it; nothing of pydrop's own start is done, so no account is made or changed."""
    into(folder, name)
    before = which(Path("/etc/passwd"))
    script = "tr '\\0' ' ' </proc/$PPID/cmdline; exit 7"
    done = subprocess.run(
        ["env", name, "--", "/bin/sh", "-c", script],
        capture_output=True,
        text=True,
        env={"PATH": f"{folder}:/usr/bin:/bin", "PUID": "1500"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.startswith(f"{name}: init of /bin/sh")
    assert which(Path("/etc/passwd")) == before


def test_a_second_time_it_says_that_all_is_there(folder: Path) -> None:
    """So a Dockerfile can say it in two places."""
    into(folder, "gosu")
    before = which(folder / "gosu")
    assert into(folder, "gosu") == (0, f"{folder}/gosu leads to {OWN} already\n", "")
    assert which(folder / "gosu") == before


def test_a_name_given_twice_is_made_once(folder: Path) -> None:
    assert into(folder, "gosu", "gosu") == (0, f"{folder}/gosu -> {OWN}\n", "")


# -- what is somebody else's -----------------------------------------------------------------------


def other_file(path: Path) -> None:
    path.write_text("another tool")
    path.chmod(0o755)


def other_link(path: Path) -> None:
    path.symlink_to("/bin/true")


def broken_link(path: Path) -> None:
    path.symlink_to("/nowhere/at/all")


OTHERS = {"file": other_file, "link": other_link, "broken link": broken_link}


@pytest.mark.parametrize("kind", OTHERS)
def test_another_program_is_not_overwritten(kind: str, folder: Path) -> None:
    """It is named and stays what it is; the other names are made all the same; the exit code is 1."""
    OTHERS[kind](folder / "gosu")
    before = which(folder / "gosu")
    code, said, wrong = into(folder, "gosu", "su-exec")
    assert code == 1
    assert wrong.startswith(f"pydrop: {folder}/gosu is there and is another program; ") and wrong.count("\n") == 1
    assert "--force" in wrong
    assert which(folder / "gosu") == before
    assert said == f"{folder}/su-exec -> {OWN}\n"


@pytest.mark.parametrize("kind", OTHERS)
def test_by_force_it_is(kind: str, folder: Path) -> None:
    """The link takes its place in one rename, and nothing is left beside it."""
    OTHERS[kind](folder / "gosu")
    assert into(folder, "gosu", "--force") == (0, f"{folder}/gosu -> {OWN}\n", "")
    assert [entry.name for entry in folder.iterdir()] == ["gosu"]


def test_by_force_the_name_is_never_missing(folder: Path) -> None:
    """Nothing is unlinked on the way: one rename over the old program."""
    other_file(folder / "gosu")
    log = folder / "log"
    strace = ("strace", "-f", "-e", "trace=unlink,unlinkat,rename,renameat,renameat2,symlinkat", "-o", str(log))
    code, _, _ = install("gosu", "--force", "--into", str(folder), path=f"{folder}:/usr/bin:/bin", around=strace)
    assert code == 0
    calls = [line.split(" ", 1)[1].strip().partition("(")[0] for line in log.read_text().splitlines() if "gosu" in line]
    assert [call.removesuffix("2") for call in calls] == ["symlinkat", "renameat"]


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_folder_of_that_name_stays(force: "tuple[str, ...]", folder: Path) -> None:
    (folder / "gosu").mkdir()
    code, _, wrong = into(folder, "gosu", *force)
    assert code == 1
    assert "is there and is a folder" in wrong and wrong.count("\n") == 1
    assert [entry.name for entry in folder.iterdir()] == ["gosu"]


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gos",), "'gos' is no name that pydrop can be called by; did you mean gosu?"),
        (("su_exec",), "did you mean su-exec?"),
        (("gosu", "../../bin/sh"), "'../../bin/sh' is no name"),
        ((), "no NAME is given; name some of gosu"),
        (("--nosuch",), "--nosuch"),
    ],
)
def test_wrong_words_change_nothing(words: "tuple[str, ...]", said: str, folder: Path) -> None:
    """One line and 125, before the first link is made."""
    code, out, wrong = into(folder, *words)
    assert (code, out, wrong.count("\n")) == (125, "", 1)
    assert said in wrong
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there_is_not_made(folder: Path) -> None:
    code, _, wrong = into(folder / "none", "gosu")
    assert code == 125
    assert f"unable to install into {folder}/none: No such file" in wrong and wrong.count("\n") == 1
    assert not (folder / "none").exists()


@pytest.mark.parametrize(("mode", "owner"), [(0o777, 0), (0o1777, 0), (0o775, 0), (0o755, 1500)])
def test_root_installs_only_where_nobody_else_can_replace_the_link(mode: int, owner: int, folder: Path) -> None:
    """Whoever can write the folder would have his program run as root by the image's scripts."""
    place = folder / "open"
    place.mkdir()
    os.chown(place, owner, 0)
    place.chmod(mode)
    code, _, wrong = into(place, "gosu")
    assert code == 125
    assert "could be replaced" in wrong and "--into DIR" in wrong and wrong.count("\n") == 1
    assert list(place.iterdir()) == []


def test_a_folder_that_may_not_be_written_is_one_line(folder: Path) -> None:
    """Without root, in a folder of root's."""
    done = Throwaway(folder).run(*AS_NOBODY, CTL, "install", "gosu", "--into", "/mnt", env={"PATH": "/usr/bin"})
    assert done.returncode == 125
    assert done.stderr.startswith(b"pydrop: unable to make /mnt/gosu: Permission denied; ")
    assert done.stderr.count(b"\n") == 1


def test_without_root_a_folder_of_ones_own_will_do(folder: Path) -> None:
    """An image that is built by another user than root."""
    place = Throwaway(folder)
    os.chown(folder, 65534, 65534)
    done = place.run(*AS_NOBODY, CTL, "install", "gosu", "--into", "/mnt", env={"PATH": "/mnt:/usr/bin"})
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, f"/mnt/gosu -> {OWN}\n", b"")


# -- where, and what is there ----------------------------------------------------------------------


def test_the_usual_folder_is_the_one_that_pydrop_is_called_from(folder: Path) -> None:
    """A link to pydrop in the PATH decides, as an image's /usr/local/bin has it."""
    (folder / "pydrop").symlink_to(OWN)
    code, said, _ = install("gosu", path=f"/nowhere:{folder}:/usr/bin:/bin")
    assert (code, said) == (0, f"{folder}/gosu -> {OWN}\n")


def test_a_pydrop_of_somebody_elses_in_the_path_decides_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a PATH without any: then it is /usr/local/bin."""
    other_file(folder / "pydrop")
    for path in (folder, "/nowhere"):
        monkeypatch.setenv("PATH", str(path))
        assert usual_folder(OWN) == "/usr/local/bin"


@pytest.mark.parametrize(
    ("path", "said"), [("first:folder", "gosu is still"), ("/usr/bin:/bin", "is not found by its name")]
)
def test_a_link_that_no_script_would_find_is_told(path: str, said: str, folder: Path) -> None:
    """Debian's own gosu, earlier in the PATH, would go on being run."""
    for name in ("first", "folder"):
        (folder / name).mkdir()
    other_file(folder / "first/gosu")
    whole = path.replace("first:folder", f"{folder}/first:{folder}/folder")
    code, _, wrong = install("gosu", "--into", f"{folder}/folder", path=whole)
    assert code == 0
    assert wrong.startswith("pydrop: warning: gosu") and said in wrong


def test_the_list_says_what_each_name_is_here(folder: Path) -> None:
    """Nothing is changed by it; a line each."""
    into(folder, "gosu")
    other_link(folder / "su-exec")
    code, said, wrong = install("--list", *BECOME, path=str(folder))
    assert (code, wrong) == (0, "")
    assert said.splitlines() == [
        f"gosu          {folder}/gosu -> {OWN}",
        f"su-exec       {folder}/su-exec, another program",
        "s6-setuidgid  not installed",
    ]
    assert sorted(entry.name for entry in folder.iterdir()) == ["gosu", "su-exec"]


def test_as_json_it_is_one_array_of_what_each_name_is(folder: Path) -> None:
    """docs/plan.md has the shape."""
    (folder / "tini").write_text("")
    wanted = [
        {"name": "gosu", "path": f"{folder}/gosu", "is_pydrop": True},
        {"name": "tini", "path": f"{folder}/tini", "is_pydrop": False},
    ]
    code, said, wrong = into(folder, "--json", "gosu", "tini")
    assert (code, json.loads(said)) == (1, wanted)
    assert "tini is there and is another program" in wrong
    listed = json.loads(into(folder, "--list", "--json")[1])
    assert [each for each in listed if each["name"] in ("gosu", "tini")] == wanted
    assert [each["name"] for each in listed] == list(COMPATIBILITY_NAMES)
    missing = json.loads(install("--list", "--json", "su-exec", "--into", str(folder))[1])
    assert missing == [{"name": "su-exec", "path": "", "is_pydrop": False}]
