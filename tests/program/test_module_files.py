"""pydrop's modules are ordinary files: what pip compiled of them counts while it is of the source; none is written."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.throwaway import APART
from tests.program.test_start import installed_anew

pytestmark = [pytest.mark.python, pytest.mark.pip]

PYDROP = f"{sys.prefix}/bin/pydrop"
BARE = (sys.executable, "-I", "-S", "-B", "-c")
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


@pytest.mark.parametrize("options", [(), ("--init",)])
def test_a_start_reads_no_source_and_writes_nothing(options: tuple[str, ...], tmp_path: Path) -> None:
    """Each module is opened once: what pip has compiled of it."""
    trace = tmp_path / "trace"
    done = start(tmp_path, "strace", "-f", "-qq", "-e", "trace=openat", "-o", str(trace), options=options)
    assert (done.returncode, done.stderr) == (0, "")
    opened = [line for line in trace.read_text().splitlines() if f'"{PACKAGE}' in line]
    assert len(opened) > 50
    assert not [line for line in opened if '.py"' in line or "O_WRONLY" in line or "O_RDWR" in line]


def test_what_stays_in_init_mode_forks_before_anything_of_a_start_is_loaded(tmp_path: Path) -> None:
    """One interpreter is started, and the process that stays never reads a module of a start."""
    trace = tmp_path / "trace"
    strace = ("strace", "-f", "-qq", "-e", "trace=openat,execve,clone,fork,vfork", "-o", str(trace))
    done = start(tmp_path, *strace, options=("--init",))
    assert (done.returncode, done.stderr) == (0, "")
    lines = trace.read_text().splitlines()
    first = lines[0].split()[0]
    assert len([line for line in lines if " execve(" in line and "/python3" in line.partition(",")[0]]) == 1
    read = {name: [line.split()[0] for line in lines if f"/{name}." in line] for name in ("init", "entry", "table")}
    assert set(read["init"]) == {first} and read["entry"] and first not in read["entry"] + read["table"]


@pytest.mark.parametrize("left", ["nothing", "what another Python compiled", "one by its hash", "one that is older"])
def test_what_is_not_of_the_source_does_not_count(left: str, tmp_path: Path) -> None:
    """An image that was changed by hand, or whose files have other times, starts later, and right."""
    copy = installed_anew(tmp_path / "opt")
    (package,) = copy.glob("lib/python3*/site-packages/pydrop")
    source = package / "settings/help.py"
    (compiled,) = package.glob("settings/__pycache__/help.*.pyc")
    content = compiled.read_bytes()
    source.write_text(source.read_text().replace("Usage: pydrop", "Change: pydrop"))
    if left == "nothing":
        compiled.unlink()
    elif left == "what another Python compiled":
        compiled.write_bytes(b"\0" + content[1:])
    elif left == "one by its hash":
        compile_by_hash = ("-m", "compileall", "-q", "-f", "--invalidation-mode", "checked-hash", source)
        subprocess.run([sys.executable, *compile_by_hash], check=True)
        source.write_text(source.read_text().replace("Change: pydrop", "Change: again"))
    before = compiled.read_bytes() if compiled.exists() else None
    done = subprocess.run([copy / "bin/pydrop", "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout[:7]) == (0, "", "Change:")
    assert (compiled.read_bytes() if compiled.exists() else None) == before


def loaded(script: str) -> "set[str]":
    """The parts of pydrop that are loaded behind `script`, in a bare interpreter which finds them as in a start."""
    prepare = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); from pydrop import by_pip"
    finds = "sys.meta_path.insert(0, by_pip.OwnModules)"
    words = [*BARE, f"{prepare}\n{finds}\n{script}\nprint(*sys.modules)"]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env={})
    return {name for name in done.stdout.split() if name.split(".")[0] == "pydrop" or name == "os"}


def test_what_every_start_loads_is_named_in_the_order_in_which_it_runs() -> None:
    """What is missing there is looked for one by one, and what is too much PID 1 does without, and others need not."""
    script = """
from pydrop import every_start
named, order = list(every_start.NAMES), []
del every_start.NAMES[:]
run = by_pip.OwnModules.exec_module
def noted(module):
    run(module)
    order.append(module.__name__.removeprefix("pydrop."))
by_pip.OwnModules.exec_module = noted
import _prctl, pydrop.called_as, pydrop.inherited
del order[:]
import pydrop.entry
for name in ("settings", "perform.streams", "perform.record_file", "perform.privileges"):
    __import__(f"pydrop.{name}")
order.remove("entry")
assert order == named, f"NAMES should be: {' '.join(order)}"
"""
    loaded(script)


def test_a_start_loads_no_os() -> None:
    """It costs 1.2 ms; `posix` has the calls. (The interpreter itself loads os only with site.)"""
    names = ("called_as", "entry", "settings", "perform.streams", "perform.record_file", "perform.privileges")
    assert "os" not in loaded("\n".join([f"import pydrop.{name}" for name in names]))


def test_the_init_process_holds_nothing_of_a_start() -> None:
    """A module costs PID 1 memory for as long as the container lives."""
    held = "by_pip called_as calls_by_libraries capabilities compat distribution encoding errors inherited init_asked"
    held += " kernel lifecycle option_words perform pid1 process report signals"
    names = loaded("import pydrop.called_as, pydrop.inherited, pydrop.pid1.forking, pydrop.pid1.init")
    assert {name.split(".")[1] for name in names if "." in name} == set(held.split())


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
    assert done.stderr.startswith(f"{name}: unable to load python-prctl: ") and done.stderr.count("\n") == 1
