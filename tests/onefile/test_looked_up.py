"""The one file looks nothing up: no environment is obeyed, no file of an interpreter's or a C library's is opened."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.onefile.conftest import ROOT, frozen, recipe
from tests.onefile.image import Image

# What one plain start opens or asks for by name, and nothing else (docs/boot.md).
ASKED_FOR = {
    "/etc/pydrop.toml",  # settings
    *("/proc/self/exe", "/proc/self/status", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups"),
    *("/proc/self/mountinfo", "/proc/self/ns/mnt", "/proc/self/ns/pid", "/proc/1/stat", "/proc/self/stat"),
    *("/proc/self", "/proc/1/fd"),  # of each process above it: whether one is a hook of a start
    *("/etc", "/etc/passwd", "/etc/group", "/etc/.passwd.pydrop", "/etc/.group.pydrop", "/etc/.pwd.lock"),
    *("/", "/bin", "/bin/pydrop"),  # that nobody else can write its own code
    *("/etc/pydrop.d", "/etc/pydrop.user.d"),  # hooks
}
FOREIGN = re.compile(r"pyvenv|python|encodings|site-packages|\.pyc?\b|\.so|locale|localtime|ld-|/lib|gconv|nsswitch")
CALLS = "open,openat,openat2,stat,lstat,newfstatat,statx,access,faccessat,faccessat2,readlink,readlinkat,execve"
ODD = {
    "PYTHONPATH": "/data",
    "PYTHONHOME": "/data",
    "PYTHONSTARTUP": "/data/x.py",
    "PYTHONVERBOSE": "1",
    "PYTHONDEBUG": "1",
    "PYTHONINSPECT": "1",
    "PYTHONMALLOC": "debug",
    "PYTHONWARNINGS": "error",
    "PYTHONUTF8": "0",
    "PYTHONIOENCODING": "ascii",
    "PYTHONDUMPREFS": "1",
    "PYTHON_FROZEN_MODULES": "off",
    "PYTHONTRACEMALLOC": "5",
    "PYTHONFAULTHANDLER": "1",
    "LD_PRELOAD": "/data/x.so",
    "LD_LIBRARY_PATH": "/data",
    "MUSL_LOCPATH": "/data",
    "LC_ALL": "de_DE.ISO-8859-1",
    "LANG": "tr_TR",
    "TZ": ":/data/zone",
}


def asked(image: Image, *words: str, env: "dict[str, str] | None" = None, cwd: str = "/") -> list[str]:
    """The names that a start asks the kernel for, the command's own among them."""
    log = image.folder.parent / f"{image.folder.name}.trace"
    tracer = ["strace", "-f", "-qq", "-s", "300", "-o", str(log), "-e", f"trace={CALLS}"]
    inside = image.inside(*words, env=env, cwd=cwd, pid_1=False)
    done = subprocess.run([*tracer, *inside], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    text = log.read_text()
    text = text[text.index(f'execve("{words[0]}') :]
    return [match[1] for match in re.finditer(r'^\d+ +\w+\([^"\n]*"([^"]*)"', text, re.MULTILINE)][1:]


def test_a_start_asks_for_no_other_name_than_the_design_says(image: Image) -> None:
    names = {re.sub(r"^/proc/\d+/", "/proc/1/", name) for name in asked(image, *WAYS["a start"])}
    below = (
        "/run",
        "/tmp",
        "/var",
        "/dev",
        "/proc/self/fd",
        "/proc/1/fd/",
        "/usr/lib/tmpfiles.d",
        "/usr/local/lib/tmpfiles.d",
    )
    beyond = {name for name in names - ASKED_FOR if name.startswith("/") and not name.startswith((*below, "/etc/tmp"))}
    assert beyond <= {"/bin/told", "/home", "/home/app"}
    assert "/etc/pydrop.toml" in names, "the trace sees what a start does"


WAYS = {
    "a start": ("/bin/pydrop", "--log-level", "error", "told"),
    "init mode": ("/bin/pydrop", "--log-level", "error", "--init", "told"),
    "gosu": ("/bin/gosu", "1500", "told"),
    "tini": ("/bin/tini", "--", "told"),
    "pydropctl": ("/bin/pydropctl", "plan", "--", "told"),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_an_interpreter_or_a_c_library_is_looked_for(way: str, image: Image) -> None:
    """Nor where the environment and the working folder are full of what CPython and libraries would obey."""
    for name in ("gosu", "tini"):
        image.link(name)
    for planted in ("pyvenv.cfg", "encodings/__init__.py", "pydrop/__init__.py", "pydrop.py", "os.py", "x.py"):
        image.write(f"/data/{planted}", "home = /data\n")
    names = asked(image, *WAYS[way], env=ODD, cwd="/data")
    own = {"/usr/lib/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/lib/tmpfiles.d"}
    foreign = [name for name in names if FOREIGN.search(name) and name not in own and "nss_wrapper" not in name]
    assert foreign == []
    assert [name for name in names if name.startswith("/data")] == []


def test_no_variable_changes_what_it_prints(image: Image) -> None:
    """PYTHONVERBOSE would print every import, PYTHONMALLOC slow each one down."""
    plain = image.run("/bin/pydrop", "told", "uid", env={"PYDROP_LOG_LEVEL": "error"})
    odd = image.run("/bin/pydrop", "told", "uid", env={"PYDROP_LOG_LEVEL": "error"} | ODD)
    assert (
        (odd.returncode, odd.stdout, odd.stderr) == (plain.returncode, plain.stdout, plain.stderr) == (0, "1000\n", "")
    )


def test_what_came_is_what_the_command_gets(image: Image) -> None:
    """The time zone of its own that keeps musl from /etc/localtime is the program's as little."""
    done = image.run("/bin/pydrop", "told", "TZ=", "LANG=", "PYTHONPATH=", env=ODD | {"PYDROP_LOG_LEVEL": "error"})
    assert done.stdout.splitlines() == [":/data/zone", "tr_TR", "/data"]
    without = image.run("/bin/pydrop", "told", "TZ=", env={"PYDROP_LOG_LEVEL": "error"})
    assert without.stdout == "-\n"


def test_it_has_every_codec_that_its_text_names() -> None:
    """A codec is found by its name when it is asked for; one that is missing shows where a name is odd, not before."""
    text = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    named = set(re.findall(r"""(?:encode|decode)\("([^"]+)"|encoding="([^"]+)\"""", text))
    assert {(a or b).replace("-", "_") for a, b in named} <= set(frozen.CODECS) | {"utf_8"}


def test_as_a_set_uid_file_it_refuses(onefile: Path, tmp_path: Path) -> None:
    copy = tmp_path / "pydrop"
    copy.write_bytes(onefile.read_bytes())
    copy.chmod(0o4755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest-", "test_")):
            folder.chmod(0o755)
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(copy), "id"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr.startswith("pydrop: unable to run as a set-uid or set-gid file")


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_a_stream_that_is_a_folder_is_handed_over_as_it_came(stream: int, image: Image) -> None:
    """CPython would end with a line of its own where standard input is one."""
    folder = os.open(image.folder / "data", os.O_RDONLY | os.O_DIRECTORY)
    try:
        how = {
            name: folder if number == stream else subprocess.PIPE
            for number, name in enumerate(("stdin", "stdout", "stderr"))
        }
        done = image.run("/bin/pydrop", "told", "uid", env={"PYDROP_LOG_LEVEL": "error"}, **how)
    finally:
        os.close(folder)
    assert (done.returncode, done.stderr or "") == (0, "")


def test_it_is_static_and_says_what_it_holds(onefile: Path) -> None:
    """No interpreter and no dynamic section in its headers; which CPython it is tells who must rebuild."""
    content = onefile.read_bytes()
    assert kinds_of_segments(content).isdisjoint({2, 3}), "PT_DYNAMIC, PT_INTERP"
    said = subprocess.run([onefile, "--version"], check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(rf"pydrop \S+ \(CPython {re.escape(recipe.VERSION)}, click \S+, psutil \S+, musl \S+\)\n", said)


def kinds_of_segments(content: bytes) -> set[int]:
    """p_type of each program header of a 64-bit ELF file (elf(5))."""
    offset, size, count = (int.from_bytes(content[a:b], "little") for a, b in ((32, 40), (54, 56), (56, 58)))
    return {int.from_bytes(content[offset + n * size :][:4], "little") for n in range(count)}


def test_nothing_that_is_gpl_is_linked_in(onefile: Path) -> None:
    """python-prctl would bind the whole file."""
    content = onefile.read_bytes()
    for name in (b"set_proctitle", b"readline_initialize", b"GNU GENERAL PUBLIC"):
        assert name not in content


@pytest.mark.soak
@pytest.mark.parametrize("way", ["--plain", "--dumped"])
def test_it_is_the_same_byte_for_byte_when_it_is_built_again(way: str, tmp_path: Path) -> None:
    for name in ("one", "other"):
        subprocess.run([sys.executable, ROOT / "onefile/make.py", way, tmp_path / name], check=True)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
