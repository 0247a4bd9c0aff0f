"""`pydropctl bundle`: in a root folder that has nothing but the bundle and one program, pydrop does all it does."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pydrop.ctl.bundling import elf, needed_modules
from pydrop.ctl.main import SUBCOMMANDS
from pydrop.errors import PydropError

pytestmark = [pytest.mark.python, pytest.mark.pip]

CTL = f"{sys.prefix}/bin/pydropctl"
PREFIX = "/opt/pydrop"
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"

# The only program there: `show` prints its ids and its environment, `title` what PID 1 is called, once that is settled.
SHOW = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv)
{
    char title[4096] = "";
    if (argc > 1 && strcmp(argv[1], "title") == 0)
        for (int tries = 0; tries < 1000 && strncmp(title, "pydrop: init of", 15) != 0; tries++, usleep(10000)) {
            int file = open("/proc/1/cmdline", O_RDONLY);
            ssize_t length = read(file, title, sizeof title - 1);
            title[length > 0 ? length : 0] = 0;
            close(file);
        }
    printf("%d %d %s\n", getuid(), getgid(), title);
    for (char **line = environ; *line; line++)
        puts(*line);
    return 0;
}
"""
ENTER = """\
mount --bind "$1" "$1" && cd "$1" && mount -t proc proc proc && mount -t tmpfs -o mode=755 tmpfs run || exit 99
shift; exec chroot . "$@"
"""


def make(*words: str, ctl: str = CTL, umask: int = 0o022) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([ctl, "bundle", *words], capture_output=True, text=True, umask=umask, check=False)


Made = tuple[Path, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A bundle for all tests, which none of them changes, and what was said of it."""
    return made_in(tmp_path_factory.mktemp("bundle") / "bundle")


@pytest.fixture(scope="module")
def bundle(made: Made) -> Path:
    return made[0]


@pytest.fixture(scope="module")
def pydrop_only(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_in(tmp_path_factory.mktemp("only") / "bundle", "--json", "--pydrop-only")


def made_in(folder: Path, *options: str) -> Made:
    done = make(*options, str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    return folder, done.stdout


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("show")
    (folder / "show.c").write_text(SHOW)
    subprocess.run(["cc", "-static", "-o", folder / "show", folder / "show.c"], check=True)
    return folder / "show"


@pytest.fixture
def root(bundle: Path, show: Path, tmp_path: Path) -> Iterator[Path]:
    """A root folder as a COPY of the bundle makes it, and the program. (Its files are links: no test writes one.)"""
    top = tmp_path / "root"
    subprocess.run(["cp", "--archive", "--link", bundle, top], check=True)
    for name in ("proc", "run", "tmp", "etc", "bin", "data"):
        (top / name).mkdir()
    subprocess.run(["cp", show, top / "bin/show"], check=True)
    yield top
    subprocess.run(["rm", "-rf", top], check=True)


Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(root: Path) -> Start:
    """Run words in the root folder, with just this environment and the PATH."""

    def start(*words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter", str(root)]
        given = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **env}
        return subprocess.run(
            [*unshare, *words],
            env=given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return start


# -- what lies there ------------------------------------------------------------------------------


def entries(folder: Path) -> "dict[str, os.stat_result]":
    return {str(path.relative_to(folder)): path.lstat() for path in sorted(folder.rglob("*"))}


def test_it_says_what_it_made(made: Made) -> None:
    folder, said = made
    files = [status for status in entries(folder).values() if stat.S_ISREG(status.st_mode)]
    size = sum(status.st_size for status in files) / 1e6
    version = sys.version.partition(" ")[0]
    assert said == f"{folder}: Python {version} and pydrop for /opt/pydrop, {len(files)} files, {size:.1f} MB\n"


def test_as_json_it_is_one_object_with_the_keys_of_the_page(pydrop_only: Made) -> None:
    folder, said = pydrop_only[0], json.loads(pydrop_only[1])
    files = [status for status in entries(folder).values() if stat.S_ISREG(status.st_mode)]
    assert (said["files"], said["bytes"]) == (len(files), sum(status.st_size for status in files))
    assert (said["folder"], said["prefix"]) == (str(folder), PREFIX)
    page = Path(__file__).parents[2].joinpath("docs/without-python.md").read_text()
    assert list(said) == list(json.loads(re.findall(r"`(\{.*?\})`", page, re.DOTALL)[0]))


def test_it_is_the_same_each_time_whatever_the_umask_is_and_roots_alone(bundle: Path, tmp_path: Path) -> None:
    """Nobody but root can write it, everybody can read it, and a rebuild changes no byte."""
    assert make(str(tmp_path / "b"), umask=0o077).returncode == 0
    subprocess.run(["diff", "--recursive", "--no-dereference", bundle, tmp_path / "b"], check=True)
    for folder in (bundle, tmp_path / "b"):
        for name, status in entries(folder).items():
            program = name.startswith("opt/pydrop/bin/") or name.endswith("/ld.so") or stat.S_ISDIR(status.st_mode)
            assert status.st_uid == 0
            if not stat.S_ISLNK(status.st_mode):
                assert stat.S_IMODE(status.st_mode) == (0o755 if program else 0o644), name


def test_it_has_no_source_and_no_module_that_only_tests_need(bundle: Path) -> None:
    names = set(entries(bundle))
    assert not [name for name in names if name.endswith(".py") or "/__pycache__" in name]
    assert not [name for name in names if re.search(r"/(tests?|unittest|idlelib|tkinter|asyncio)(/|$)", name)]


def test_pydrop_only_leaves_out_pydropctl_and_what_it_needs(bundle: Path, pydrop_only: Made) -> None:
    folder, _ = pydrop_only
    left_out = set(entries(bundle)) - set(entries(folder))
    assert {"usr/local/bin/pydropctl", "opt/pydrop/bin/pydropctl"} <= left_out
    packages = folder / "opt/pydrop/lib" / PYTHON / "site-packages"
    assert {path.name.partition(".")[0] for path in packages.iterdir()} == {"pydrop", "_prctl"}
    assert not (packages / "pydrop/ctl").exists()
    assert set(entries(folder)) <= set(entries(bundle))


def test_every_import_that_a_file_of_pydrops_names_can_be_made(start: Start, bundle: Path) -> None:
    """Also one in a function. Only what Python itself brings built in is no file."""
    package = Path(str(sys.modules["pydrop"].__file__)).parent
    named = {name for path in package.rglob("*.py") for name in needed_modules.imports("", str(path)) if name}
    missing = [name for name in named if name.partition(".")[0] in sys.stdlib_module_names]
    script = "import sys\nfor name in sys.argv[1:]:\n  try: __import__(name)\n  except ImportError as e: print(name, e)"
    python = (f"{PREFIX}/bin/python3", "-I", "-S", "-c", script)
    done = start(*python, *[name for name in missing if is_module(name)], LD_LIBRARY_PATH=f"{PREFIX}/lib")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def is_module(name: str) -> bool:
    """And no function of one."""
    try:
        __import__(name)
    except ImportError:
        return False
    return True


# -- what works there -----------------------------------------------------------------------------


def test_a_start_makes_the_account_and_the_program_gets_its_environment_untouched(start: Start, root: Path) -> None:
    """There is no passwd yet. What would bring foreign code into the loader is handed on and not obeyed."""
    os.chown(root / "data", 999, 999)
    kept = {"LD_LIBRARY_PATH": "/data", "LD_PRELOAD": "/data/x.so", "PYTHONHOME": "/data", "LC_ALL": "xx"}
    done = start("pydrop", "show", PUID="1500", PYDROP_CHOWN="/data", **kept)
    assert "made account app 1500:1500" in done.stderr, done.stderr
    who, *lines = done.stdout.splitlines()
    assert who.split() == ["1500", "1500"]
    got = dict(line.split("=", 1) for line in lines)
    assert {name: got.pop(name) for name in kept} == kept
    assert got.keys() - {"PWD", "OLDPWD"} == {"PUID", "PYDROP_CHOWN", "PATH", "HOME", "USER", "LOGNAME"}
    assert re.match("app:.:1500:1500:", (root / "etc/passwd").read_text())
    assert (root / "data").stat().st_uid == 1500


def test_init_mode_stays_and_is_called_what_it_is(start: Start) -> None:
    done = start("pydrop", "show", "title", PUID="1500", PYDROP_INIT="1")
    assert done.stdout.splitlines()[0] == "1500 1500 pydrop: init of show", str(done)


def test_what_is_loaded_late_is_there(start: Start, root: Path) -> None:
    """The settings file's parser, kept capabilities, patterns, a word for what is misspelt."""
    (root / "etc/pydrop.toml").write_text('keep-caps = ["chown"]\n[[volume]]\npath = "/data"\nexclude = ["*.tmp"]\n')
    (root / "data/a.tmp").touch()
    (root / "data/b").touch()
    done = start("pydrop", "show", PUID="1500", PYDROP_LOG_FORMAT="json")
    assert done.stdout.startswith("1500 1500"), str(done)
    assert all(json.loads(line) for line in done.stderr.splitlines())
    assert ((root / "data/a.tmp").stat().st_uid, (root / "data/b").stat().st_uid) == (0, 1500)
    assert "PYDROP_CHOWN" in start("pydrop", "show", PUID="1500", PYDROP_CHWON="/data").stderr


@pytest.mark.parametrize("name", sorted(SUBCOMMANDS))
def test_each_subcommand_can_be_loaded(name: str, start: Start) -> None:
    done = start("pydropctl", name, "--help")
    assert done.stdout.startswith("Usage: pydropctl"), str(done)


WORK = {
    "check": (("check", "/etc/pydrop.toml"), 0, ""),
    "chown": (("chown", "/data", "--user", "1500:1500", "--json"), 0, '"/data"'),
    "completion": (("completion", "zsh"), 0, "#compdef"),
    "doctor": (("doctor",), 0, "works here: the program would run as app 1500:1500"),
    "install": (("install", "gosu", "--into", "/usr/local/bin"), 0, "gosu -> /opt/pydrop/bin/pydrop"),
    "plan": (("plan", "--", "show"), 0, "account app is 1500:1500"),
    "verify": (("verify",), 1, "files are root's alone"),
}


@pytest.mark.parametrize("name", sorted(WORK))
def test_subcommands_do_their_work(name: str, start: Start, root: Path) -> None:
    words, code, told = WORK[name]
    (root / "etc/pydrop.toml").write_text('umask = "027"\n')
    done = start("pydropctl", *words, PUID="1500")
    assert (done.returncode, told in done.stdout) == (code, True), str(done)


def test_pydropctl_timeline_tells_of_the_start_in_that_container(start: Start) -> None:
    done = start("pydrop", "--user", "root", "pydropctl", "timeline")
    assert done.returncode == 0 and "ms" in done.stdout, str(done)


def test_nothing_but_the_bundle_is_loaded(bundle: Path, tmp_path: Path) -> None:
    """On this machine, which has a Python, a libc and these very libraries of its own."""
    log, script = tmp_path / "log", 'mount --bind "$1/opt" /opt && mount -t tmpfs tmpfs /run && shift && exec "$@"'
    words = ["unshare", "--mount", "sh", "-c", script, "enter", str(bundle)]
    trace = ["strace", "-f", "-o", str(log), "-e", "trace=execve,open,openat,mmap"]
    subprocess.run([*words, *trace, f"{PREFIX}/bin/pydrop", "--version"], check=True, capture_output=True)
    opened = re.findall(r'(?:execve|openat)\((?:AT_FDCWD, )?"([^"]+)".* = \d', log.read_text())
    assert {f"{PREFIX}/bin/python3", f"{PREFIX}/lib/libc.so.6", f"{PREFIX}/lib/libcap.so.2"} <= set(opened)
    assert [path for path in opened if ".so" in path and not path.startswith(f"{PREFIX}/")] == []
    assert [path for path in opened if "python" in path and not path.startswith(f"{PREFIX}/")] == []


# -- where it cannot be made, or cannot run -------------------------------------------------------


REFUSED = {
    "a relative prefix": (("--prefix", "opt"), "is not the path of a folder"),
    "one that the loader would split": (("--prefix", "/opt/a:b"), "is not the path of a folder"),
    "one that is too long": (
        ("--prefix", "/opt/a-long-name-for-a-folder"),
        "name a shorter folder: --prefix /opt/pydrop",
    ),
    "words that are none": (("--prefx", "/opt"), "Did you mean '--prefix'?"),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_wrong_words_make_nothing(case: str, tmp_path: Path) -> None:
    words, told = REFUSED[case]
    done = make(str(tmp_path / "b"), *words)
    assert done.returncode == 125 and told in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_folder_that_has_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = make(str(tmp_path))
    assert (done.returncode, [path.name for path in tmp_path.iterdir()]) == (125, ["mine"])
    assert done.stderr == f"pydrop: {tmp_path} is not empty; name a folder that is not there yet\n"
    assert "Not a directory" in make(str(tmp_path / "mine")).stderr


def test_a_bundle_makes_no_bundle(start: Start) -> None:
    done = start("pydropctl", "bundle", "/data/b")
    assert (done.returncode, "is a bundle itself" in done.stderr) == (125, True)


def test_where_it_was_not_made_for_it_says_so(bundle: Path, tmp_path: Path) -> None:
    subprocess.run(["cp", "-a", bundle / "opt/pydrop", tmp_path / "elsewhere"], check=True)
    done = subprocess.run([tmp_path / "elsewhere/bin/pydrop", "true"], capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert "lay the bundle where it was made for: pydropctl bundle --prefix PREFIX" in done.stderr


BROKEN = {"no ELF": b"#!/bin/sh\n", "32 bits": b"\x7fELF\x01\x01", "empty": b""}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_a_python_that_is_no_ordinary_executable_is_told(case: str) -> None:
    with pytest.raises(PydropError, match="an ordinary dynamic executable"):
        elf.loader_of(BROKEN[case], "/usr/bin/python3")


def test_a_static_executable_names_no_loader() -> None:
    with pytest.raises(PydropError, match="names no loader"):
        elf.loader_of(Path(f"{sys.prefix}/bin/pydrop").read_bytes(), "/opt/pydrop/bin/pydrop")


def test_a_library_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "f.c").write_text("int f(void) { return 1; }")
    (tmp_path / "m.c").write_text("int f(void); int main(void) { return f(); }")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "libgone.so", "f.c"], cwd=tmp_path, check=True)
    subprocess.run(["cc", "-o", "program", "m.c", "-L.", "-lgone"], cwd=tmp_path, check=True)
    program = str(tmp_path / "program")
    with pytest.raises(PydropError, match=r"of .*/program: libgone\.so: cannot open"):
        elf.libraries(elf.loader_of(Path(program).read_bytes(), program), program)
