"""A second `pydrop` in the same container: it waits for the start, goes on by its record, and changes nothing."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway
from tests.program.test_hooks import COUNTED, ENV, GROUP, PASSWD, add

Found = TypeVar("Found")
WAITS = "until [ -e /mnt/go ]; do sleep 0.01; done"
STAYS = ("sleep", "600")


def until(condition: Callable[[], Found]) -> Found:
    end = time.monotonic() + 8
    while not (result := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
    return result


class Container:
    """A start that goes on while others come in, as `docker exec` lets them."""

    def __init__(self, folder: Path) -> None:
        self.place = Throwaway(folder, PASSWD, GROUP)
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def begin(self, *words: str, **env: str) -> "subprocess.Popen[bytes]":
        given = [f"{name}={value}" for name, value in (ENV | env).items()]
        command = self.place.inside("env", "-i", *given, *words)
        return self.piped(command)

    def piped(self, command: "list[str | bytes]") -> "subprocess.Popen[bytes]":
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.processes.append(subprocess.Popen(command, **streams))  # type: ignore[call-overload] # three streams
        return self.processes[-1]

    def first_pid(self) -> int:
        """Of the container's first process, seen from here."""
        pid = self.processes[0].pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        return int(until(lambda: children.read_text().split())[0])

    def exec(self, *words: str, **env: str) -> "subprocess.Popen[bytes]":
        given = [f"{name}={value}" for name, value in (ENV | env).items()]
        return self.piped(["nsenter", "-t", str(self.first_pid()), "-m", "-p", "env", "-i", *given, *words])

    def runs(self, name: str = "sleep") -> None:
        """Wait until the program runs."""
        record = self.folder / "run/pydrop/record"
        until(record.exists)
        until(lambda: self.program() == name)

    def program(self) -> str:
        pids = [self.first_pid()]
        children = Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split()
        names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in [*pids, *map(int, children)]]
        return "sleep" if "sleep" in names else names[0]


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    made = Container(tmp_path)
    yield made
    if made.processes and made.processes[0].poll() is None:
        os.kill(made.first_pid(), signal.SIGKILL)  # and the kernel ends all others
    for process in made.processes:
        process.communicate()


def ended(process: "subprocess.Popen[bytes]") -> tuple[int, bytes, str]:
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err.decode()


SCRIPT = ("sh", "-c", '"$@"; sleep 600', "sh")  # its pydrop is not PID 1, and may end before the container does


@pytest.mark.parametrize("around", [(), SCRIPT])
def test_it_waits_while_hooks_run_and_then_is_who_the_program_is(container: Container, around: tuple[str, ...]) -> None:
    """No hook runs twice, however many come."""
    add(container.place, a=COUNTED, b=f"touch /mnt/begun; {WAITS}; echo ADDED=1 >>$PYDROP_ENV")
    container.begin(*around, PYDROP, *STAYS)
    until((container.folder / "begun").exists)
    others = [container.exec(PYDROP, "sh", "-c", "id -u; echo $ADDED") for _ in range(3)]
    late = container.exec("sh", "-c", f"env -i {PYDROP} /usr/bin/id -u")
    time.sleep(0.2)
    assert [each.poll() for each in (*others, late)] == [None] * 4
    (container.folder / "go").touch()
    for each in others:
        assert ended(each) == (0, b"1500\n1\n", "")
    assert ended(late) == (0, b"1500\n", "")
    assert (container.folder / "count").read_text() == "ran\n"


@pytest.mark.parametrize("how", ["the hook fails", "the start is killed", "the start is stopped"])
def test_it_ends_with_125_where_the_start_that_it_waits_for_ends(container: Container, how: str) -> None:
    """It never makes the start itself."""
    add(container.place, a=COUNTED, b=f"echo $PPID >/mnt/start; touch /mnt/begun; {WAITS}; exit 3")
    container.begin(*SCRIPT, PYDROP, *STAYS)
    until((container.folder / "begun").exists)
    others = [container.exec(PYDROP, "touch", "/mnt/never") for _ in range(2)]
    time.sleep(0.2)
    if how == "the hook fails":
        (container.folder / "go").touch()
    else:
        number = "KILL" if how == "the start is killed" else "TERM"
        assert ended(container.exec("sh", "-c", f"kill -{number} $(cat /mnt/start)"))[0] == 0
    for each in others:
        code, out, err = ended(each)
        assert (code, out) == (125, b"")
        assert err.startswith("pydrop: this container's start, for which this pydrop has waited, failed or was ended; ")
        assert err.count("\n") == 1
    assert (container.folder / "count").read_text() == "ran\n"


def test_a_signal_ends_the_waiting(container: Container) -> None:
    add(container.place, b=f"touch /mnt/begun; {WAITS}")
    container.begin(PYDROP, *STAYS)
    until((container.folder / "begun").exists)
    other = container.exec(PYDROP, "true")
    lock = container.folder / "run/pydrop/lock"
    inode = f":{lock.stat().st_ino} "
    until(lambda: any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines()))
    pids = Path(f"/proc/{other.pid}/task/{other.pid}/children").read_text().split() or [str(other.pid)]
    os.kill(int(pids[0]), signal.SIGTERM)
    assert ended(other)[0] in (143, -signal.SIGTERM)


def test_a_daemon_that_a_hook_left_behind_waits_too(container: Container) -> None:
    """Its parent is the start by then, where that is PID 1: so descent alone does not make it the hook's."""
    daemon = f"(setsid sh -c 'touch /mnt/daemon; {WAITS}; pydrop id -u >/mnt/out; touch /mnt/done' >/dev/null 2>&1 &)"
    add(container.place, a=COUNTED, b=daemon, c="touch /mnt/go; sleep 0.5; [ ! -e /mnt/done ] && touch /mnt/waited")
    container.begin(PYDROP, *STAYS)
    until((container.folder / "done").exists)
    assert (container.folder / "waited").exists()
    assert (container.folder / "out").read_text() == "1500\n"
    assert (container.folder / "count").read_text() == "ran\n"


def state(folder: Path) -> dict[str, object]:
    """All that a start could change: the account files, /run, and who owns the volume."""
    found: dict[str, object] = {}
    for top in ("etc", "run", "data"):
        for path in [path for path in (folder / top, *(folder / top).rglob("*")) if os.path.lexists(path)]:
            status = path.lstat()
            text = path.read_bytes() if path.is_file() and path.name != "lock" else b""
            found[str(path)] = (status.st_uid, status.st_gid, status.st_mode, text)
    return found


SECOND = {  # options -> what `id` says
    "the program's": ((), "uid=1500(app) gid=1500(app) groups=1500(app)"),
    "an account": (("--user", "other"), "uid=7(other) gid=7(other) groups=7(other),50(staff)"),
    "a number without an account": (("--user", "4242"), "uid=4242 gid=4242 groups=4242"),
    "a number with an account": (("--user=7",), "uid=7(other) gid=7(other) groups=7(other),50(staff)"),
    "a number and a group": (("--user", "7:staff"), "uid=7(other) gid=50(staff) groups=50(staff)"),
    "a group": (("--user=:staff",), "uid=1500(app) gid=50(staff) groups=50(staff)"),
    "more groups": (("--groups", "staff"), "uid=1500(app) gid=1500(app) groups=1500(app),50(staff)"),
    "root": (("--user", "root"), "uid=0(root) gid=0(root) groups=0(root)"),
    "the owner of a path": (("--owner-of", "/mnt/theirs"), "uid=7(other) gid=50(staff) groups=50(staff)"),
}


@pytest.mark.parametrize("case", SECOND)
def test_it_becomes_who_the_options_name_and_changes_nothing(container: Container, case: str) -> None:
    """It is quiet at info, and what variables say of PUID or volumes is the start's alone."""
    options, expected = SECOND[case]
    (container.folder / "etc/group").write_bytes(GROUP.replace(b"staff:x:50:", b"staff:x:50:other"))
    (container.folder / "data").mkdir()
    add(container.place, a=COUNTED)
    env = {"PYDROP_CHOWN": "/mnt/data", "PYDROP_INIT": "1", "PYDROP_READY_FILE": "/run/app/ready"}
    env["PYDROP_RUN_DIRS"] = "/run/app"
    container.begin(PYDROP, *STAYS, **env)
    container.runs()
    (container.folder / "theirs").touch()
    os.chown(container.folder / "theirs", 7, 50)
    until((container.folder / "run/app/ready").exists)
    before = state(container.folder)
    assert ended(container.exec(PYDROP, *options, "id", **env, PYDROP_HOOKS="/none")) == (
        0,
        f"{expected}\n".encode(),
        "",
    )
    assert state(container.folder) == before
    assert (container.folder / "count").read_text() == "ran\n"


REFUSED = {
    "--chown=/mnt/data": "run: pydropctl chown /mnt/data",
    "--run-dirs=/run/x": "leave --run-dirs out",
    "--hooks=/etc/pydrop.d": "leave --hooks out",
    "--home=/x": "leave --home out",
    "--user=nobodyhere": "has no account 'nobodyhere'",
    "--owner-of=/etc": "belongs to root",
}


@pytest.mark.parametrize("option", REFUSED)
def test_what_it_cannot_be_asked_is_refused_in_one_line(container: Container, option: str) -> None:
    container.begin(PYDROP, *STAYS)
    container.runs()
    before = state(container.folder)
    code, out, err = ended(container.exec(PYDROP, option, "id"))
    assert (code, out, err.count("\n")) == (125, b"", 1)
    assert REFUSED[option] in err
    assert state(container.folder) == before


def test_a_start_that_is_not_the_first_process_makes_the_start_each_time(container: Container) -> None:
    """docker --init, a pod that shares its PID namespace, a script: what an ended program has left holds no longer."""
    add(container.place, a=COUNTED)
    script = f'{PYDROP} id -u; {PYDROP} sh -c "id -u; exit 4"; {PYDROP} id -u; exit 0'
    code, out, err = ended(container.begin("sh", "-c", script))
    assert (code, out) == (0, b"1500\n" * 3), err
    assert (container.folder / "count").read_text() == "ran\n" * 3


def test_a_start_again_in_the_same_container_is_a_start(container: Container) -> None:
    """What the run before has left in /run, the lock's file too, is nobody's any more."""
    add(container.place, a=COUNTED)
    for _ in range(2):
        assert container.place.run("sh", "-c", f"{PYDROP} true; exit 0", env=ENV).returncode == 0
        assert container.place.run(PYDROP, "true", env=ENV).returncode == 0
    assert (container.folder / "count").read_text() == "ran\n" * 4


def test_without_root_it_just_runs_the_command(container: Container) -> None:
    """While the start is at work, too: it sees that there is one, and waits for nothing."""
    add(container.place, a=COUNTED, b=f"touch /mnt/begun; {WAITS}")
    container.begin(PYDROP, *STAYS)
    until((container.folder / "begun").exists)
    user = ("setpriv", "--reuid=1234", "--regid=1234", "--clear-groups")
    assert ended(container.exec(*user, PYDROP, "id", "-u")) == (0, b"1234\n", "")


def test_nobody_inherits_the_lock(container: Container) -> None:
    """Neither a hook, nor what it leaves behind, nor the program."""
    look = "ls -l /proc/self/fd | grep -c pydrop/lock"
    add(container.place, a=f"{look} >/mnt/hook; true", b="sleep 600 >/dev/null 2>&1 &")
    code, out, err = ended(container.begin(*SCRIPT[:2], '"$@"', "sh", PYDROP, "sh", "-c", f"{look}; true"))
    assert (code, out) == (0, b"0\n"), err
    assert (container.folder / "hook").read_text() == "0\n"


def test_gosu_and_its_kind_wait_for_nothing(container: Container) -> None:
    add(container.place, b=f"touch /mnt/begun; {WAITS}")
    (container.folder / "gosu").symlink_to(PYDROP)
    container.begin(PYDROP, *STAYS)
    until((container.folder / "begun").exists)
    assert ended(container.exec("/mnt/gosu", "other", "id", "-u")) == (0, b"7\n", "")


@pytest.mark.parametrize("number", range(3))
def test_of_many_at_once_one_makes_the_start(container: Container, number: int) -> None:
    """None is the first process; the others go on by the record of the one that was first."""
    add(container.place, a=COUNTED)
    script = f'for n in 1 2 3 4; do {PYDROP} sh -c "id -u; sleep 1" & done; wait'
    code, out, err = ended(container.begin("sh", "-c", script))
    assert (code, out) == (0, f"{APP}\n".encode() * 4), err
    assert (container.folder / "count").read_text() == "ran\n"
