"""The file that a start is loaded from holds what the sources say, and all that a start needs."""

import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.throwaway import APART

pytestmark = [pytest.mark.python, pytest.mark.pip]

ROOT = Path(__file__).parent.parent.parent
PYDROP = f"{sys.prefix}/bin/pydrop"
START = Path(f"{sys.prefix}/lib/pydrop/{sys.implementation.cache_tag}")
PACKAGE = next(Path(sys.prefix, "lib").glob("python*/site-packages/pydrop"))
NOTHING_TO_DO = {"PUID": "1500", "PGID": "1500", "PATH": "/usr/bin:/bin", "PYDROP_LOG_LEVEL": "error"}
# /etc has the account, /run is a fresh tmpfs, and no package speaks of /run.
RIGHT = (
    f"{APART}\n"
    + """
echo 'bench:*:1500:1500::/:/bin/sh' >"$1/passwd" && echo 'bench:x:1500:' >"$1/group" && mkdir "$1/none" || exit 99
mount --bind "$1" /etc && mount -t tmpfs -o mode=755 tmpfs /run && mkdir -m 1777 /run/lock || exit 99
[ ! -d /usr/lib/tmpfiles.d ] || mount --bind -o ro "$1/none" /usr/lib/tmpfiles.d || exit 99
shift; exec "$@"
"""
)


def start(
    folder: Path, *before: str, program: str = PYDROP, options: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    """`pydrop true` in a throwaway mount namespace in which nothing is to be done."""
    folder.chmod(0o755)
    words = ["unshare", "--mount", "sh", "-c", RIGHT, "enter", str(folder), *before, program, *options, "true"]
    return subprocess.run(words, env=NOTHING_TO_DO, capture_output=True, text=True, check=False)


def modules_in(file: Path) -> "tuple[object, dict[str, tuple[bool, object]]]":
    content = file.read_bytes()
    first, sizes, size = marshal.loads(content)
    assert size == len(content)
    at = size - sum(sizes)
    modules = []
    for part in sizes:
        modules += marshal.loads(content[at : at + part])
        at += part
    return first, {name: (is_package, code) for name, is_package, code in modules}


def test_they_are_compiled_from_the_installed_sources(tmp_path: Path) -> None:
    """Nobody runs other code as root than what is to be read in the package's folder."""
    options = ["-I", "-S", "-X", "no_debug_ranges"]
    command = [sys.executable, *options, str(ROOT / "launcher/freeze.py"), str(PACKAGE.parent), str(tmp_path / "anew")]
    subprocess.run(command, check=True)
    for kind in ("", ".init", ".ask", ".named", ".volumes", ".walk"):
        assert modules_in(START.with_name(START.name + kind)) == modules_in(tmp_path / f"anew{kind}"), kind


@pytest.mark.parametrize("options", [(), ("--init",)])
def test_a_start_with_nothing_to_do_reads_no_other_module(options: tuple[str, ...], tmp_path: Path) -> None:
    """What it needs and is not in the file costs 0.2 ms a module; launcher/freeze.py names the roots."""
    trace = tmp_path / "trace"
    done = start(tmp_path, "strace", "-f", "-qq", "-e", "trace=openat", "-o", str(trace), options=options)
    assert (done.returncode, done.stderr) == (0, "")
    assert ".rare" not in trace.read_text()
    opened = [line for line in trace.read_text().splitlines() if f'"{PACKAGE}' in line]
    assert opened == []
    assert str(START) in trace.read_text()


@pytest.mark.parametrize("init", [(), ("--init",)])
@pytest.mark.parametrize(
    ("policy", "second", "files"),
    [("", False, ".walk"), (":on-root-mismatch", False, ".volumes"), ("", True, ".volumes .rare")],
)
def test_a_start_whose_environment_names_volumes_looks_for_nothing(policy, second, files, init, tmp_path) -> None:
    """What a guess at the environment finds comes in files of its own; the second file is for what was not guessed, as
    that a second start in a container (not PID 1, and a record is there) owns a volume."""
    trace, data = tmp_path / "trace", tmp_path / "data"
    if "on-root-mismatch" in policy:
        data.mkdir()  # a file may have been put in the volume's place, which takes a closer look
    else:
        data.touch()  # no folder: a walk that is traced may take long, and load what shares it out
    os.chown(data, 1500, 1500)
    strace = ("strace", "-f", "-qq", "-e", "trace=openat", "-o", str(trace))
    words = ["env", f"PYDROP_CHOWN={data}{policy}", *strace]
    record = "mkdir /run/pydrop && touch /run/pydrop/record; " if second else ""
    done = start(tmp_path, "sh", "-c", f'{record}exec "$@"', "sh", *words, options=init)
    assert (done.returncode, done.stderr) == (0, "")
    opened = [line for line in trace.read_text().splitlines() if '"' in line]
    assert not [line for line in opened if f'"{PACKAGE}' in line]
    others = {
        line.partition('"')[2].partition('"')[0].removeprefix(str(START)) for line in opened if f'"{START}' in line
    }
    expected = {"", *files.split()} | ({".ask", ".init"} if init else set())
    assert others == expected


def test_a_start_with_nothing_to_do_loads_no_os(tmp_path: Path) -> None:
    """It costs 1.2 ms; `posix` has the calls. (The interpreter itself loads os only with site.)"""
    _, modules = modules_in(START)
    names = [name for name, (_, code) in modules.items() if "os" in _imported(code)]
    assert names == []


def test_the_init_process_holds_nothing_of_a_start() -> None:
    """A module costs PID 1 memory for as long as the container lives."""
    _, modules = modules_in(START.with_name(f"{START.name}.init"))
    units = {name.split(".")[1] for name in modules if "." in name}
    held = {"capabilities", "encoding", "errors", "kernel", "lifecycle", "perform", "pid1", "process", "report"}
    assert units == held | {"signals", "inherited", "distribution", "calls_by_libraries"}


@pytest.mark.parametrize("name", ["gosu", "su-exec", "s6-setuidgid"])
def test_a_compatibility_name_reads_no_module_alone(name: str, tmp_path: Path) -> None:
    """All that it needs comes in the first file and in one bundle of the second."""
    link, trace = tmp_path / name, tmp_path / "trace"
    link.symlink_to(PYDROP)
    words = ["strace", "-f", "-qq", "-e", "trace=openat,open", "-o", str(trace), str(link), "1500:1500", "/bin/true"]
    subprocess.run(words, env=NOTHING_TO_DO, check=True)
    opened = trace.read_text()
    assert f'"{PACKAGE}' not in opened
    assert opened.count(f'"{START}.rare"') == 2  # its index, the bundle


def test_what_becomes_the_command_by_an_inits_name_is_no_start() -> None:
    """No setting is read there, no account looked up, nothing planned; and python-prctl is not loaded.

    What it can say of a command that cannot be executed is what a start says."""
    _, modules = modules_in(START.with_name(f"{START.name}.named"))
    units = {name.split(".")[1] for name in modules if "." in name}
    assert units == {
        "capabilities",
        "command_lookup",
        "encoding",
        "errors",
        "executable",
        "handover",
        "compat",
        "pid1",
        "process",
        "report",
        "signals",
        "inherited",
    }


@pytest.mark.parametrize("name", ["tini", "dumb-init"])
def test_by_an_inits_name_no_other_file_is_read(name: str, tmp_path: Path) -> None:
    """Both processes come from a file each, and no settings file is opened."""
    trace, link = tmp_path / "trace", tmp_path / name
    link.symlink_to(PYDROP)
    strace = ("strace", "-f", "-qq", "-e", "trace=openat", "-o", str(trace))
    done = subprocess.run([*strace, link, "true"], env=NOTHING_TO_DO, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    opened = [line.partition('"')[2].partition('"')[0] for line in trace.read_text().splitlines()]
    ours = {path for path in opened if "pydrop" in path and not path.startswith(str(tmp_path))}
    assert ours == {f"{START}.init", f"{START}.named"}


@pytest.mark.parametrize("named", ["tini", "pydrop"])
def test_a_failure_that_nobody_is_there_to_hear_is_no_traceback(named: str) -> None:
    """The other process is gone, and its end of the pipe with it."""
    script = f"""
import os, sys
sys.path.insert(0, {str(ROOT / "src")!r})
from pydrop import boot_files
reading, writing = os.pipe()
os.close(reading)
sys.argv = ["-c", f"--:----:7:G:1:0:{{writing}}", {named!r}]
boot_files._say("pydrop: broken\\n")
"""
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "pydrop: broken\n" if named == "tini" else "")


def _imported(code: object) -> "set[str]":
    """What a module imports when it is loaded: the names behind IMPORT_NAME."""
    import dis

    return {str(i.argval) for i in dis.get_instructions(code) if i.opname == "IMPORT_NAME"}  # type: ignore[arg-type] # code


@pytest.mark.parametrize("options", [(), ("--init",), ("--chown", "/mnt/volume")])
@pytest.mark.parametrize("instead", ["nothing", "another Python's", "a part of each", "what is none in each"])
def test_without_it_a_start_is_slower_but_the_same(instead: str, options: tuple[str, ...], tmp_path: Path) -> None:
    """A wheel that was made with another Python: every module is then imported as ever."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    if instead == "another Python's":
        (hidden / "cpython-27").write_bytes(b"\0")
    elif instead != "nothing":
        for file in START.parent.iterdir():
            content = file.read_bytes()[:-1] if instead == "a part of each" else b"none"
            (hidden / file.name).write_bytes(content)
    instead_of_it = f'mount -t tmpfs tmpfs /mnt && mkdir /mnt/volume && mount --bind "{hidden}" "{START.parent}"'
    done = start(tmp_path, "sh", "-c", f'{instead_of_it} && exec "$@"', "without", options=options)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", ["pydrop", "pydrop --init", "gosu nobody", "tini", "dumb-init"])
def test_a_module_that_cannot_be_loaded_is_one_line(words: str, tmp_path: Path) -> None:
    """python-prctl's library is missing in many a slim image. One line, also where two processes load it."""
    broken = tmp_path / "broken"
    broken.write_bytes(b"")
    binding = next(PACKAGE.parent.glob("_prctl.*.so"))
    name, *options = words.split()
    (tmp_path / name).symlink_to(PYDROP)
    hide = ("sh", "-c", f'mount --bind "{broken}" "{binding}" && exec "$@"', "broken")
    done = start(tmp_path, *hide, program=str(tmp_path / name), options=tuple(options))
    assert done.returncode == 125, done.stderr
    assert done.stderr.startswith("pydrop: unable to load python-prctl: ") and done.stderr.count("\n") == 1
