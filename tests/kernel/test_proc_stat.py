"""What /proc says of processes: the name that no later process gets, and the parent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pydrop import proc_stat
from tests.kernel.forked import forked

pytestmark = [pytest.mark.quick, pytest.mark.python]

SOURCES = str(Path(__file__).parent.parent.parent / "src")


def python(script: str, *around: str) -> str:
    """What a child prints that runs `script` inside `around` (unshare, setpriv)."""
    path = f"import sys; sys.path[:0] = {[SOURCES, *sys.path]!r}"
    command = [*around, sys.executable, "-c", f"{path}\nimport os\nfrom pydrop import proc_stat\n{script}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


IN_A_CONTAINER = ("unshare", "--mount", "--pid", "--fork", "--mount-proc")
TWICE = """
import subprocess
print(proc_stat.instance(1), flush=True)
path = f"import sys; sys.path[:0] = {sys.path}; from pydrop import proc_stat; print(proc_stat.instance(1))"
subprocess.run([sys.executable, "-c", path])
"""


def test_an_instance_is_the_same_in_an_exec() -> None:
    """A second process of the same container gives the same name, as root and as anybody."""
    first, second = python(TWICE, *IN_A_CONTAINER).splitlines()
    assert first == second

    def as_anybody() -> str:
        os.setresuid(1500, 1500, 1500)
        return proc_stat.instance(1)

    assert forked(as_anybody) == proc_stat.instance(1)


def test_an_instance_differs_between_containers_and_after_a_restart() -> None:
    """The start time of the first process, in hundredths of a second, or the PID namespace is another."""
    names = {python(TWICE, *IN_A_CONTAINER).split("\n")[0] for _ in range(4)}
    assert len(names) == 4
    assert proc_stat.instance(1) not in names


def test_a_process_that_is_gone_has_no_name() -> None:
    """So what it left behind speaks of nobody."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(OSError, match="No such file"):
        proc_stat.instance(child)


def test_a_first_process_with_an_odd_name_is_read() -> None:
    """Its name stands in brackets and may hold brackets and blanks (proc(5))."""
    script = """
import ctypes
ctypes.CDLL(None).prctl(15, b") R 1 (a b", 0, 0, 0)
print(proc_stat.instance(1).split()[2] == open("/proc/self/stat").read().rpartition(")")[2].split()[19], os.getpid())
"""
    assert python(script, *IN_A_CONTAINER) == "True 1"


def test_an_instance_is_the_same_in_another_mount_namespace() -> None:
    """`unshare -m` in the container leaves it the same container."""
    unshared = TWICE.replace("([sys.executable", "(['unshare', '-m', sys.executable")
    first, second = python(unshared, *IN_A_CONTAINER).splitlines()
    assert first == second


def test_a_name_lives_as_long_as_its_process() -> None:
    name = proc_stat.instance(os.getpid())
    assert proc_stat.lives(name)
    container, pid, started = name.split()
    others = (
        f"{container}x {pid} {started}",
        f"{container} {pid} {int(started) + 1}",
        f"{container} 4194305 {started}",
    )
    assert not any(proc_stat.lives(other) for other in (*others, "", "x", "x y z", "mnt:[1] -1 0"))


def test_the_parent_is_found_and_the_first_process_has_none() -> None:
    assert proc_stat.parent(proc_stat.own_number()) == os.getppid()
    assert python("print(proc_stat.parent(1))", *IN_A_CONTAINER) == "0"
