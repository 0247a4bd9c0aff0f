"""A start killed at every call that changes something, and the start after it.

SIGKILL comes when the call is entered, so the call is not done: the kills at all calls show every
state between two of them. After each, the account files hold every line they had, and the next
start completes, with the very result of a start that nobody disturbed.

`make test` kills around the calls by which files change hands, and at a spread of the others; `make soak` at every one.
"""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .test_drop import found
from .throwaway import APP, PASSWD, PYDROP, Throwaway, Traced, strace

ALWAYS_CHANGE = (
    "write writev pwrite64 pwritev sendfile copy_file_range splice truncate ftruncate fallocate fsync fdatasync "
    "rename renameat renameat2 unlink unlinkat rmdir mkdir mkdirat mknod mknodat symlink symlinkat link linkat "
    "chmod fchmod fchmodat chown lchown fchown fchownat setxattr lsetxattr fsetxattr removexattr "
    "utimensat mount umount2 move_mount fsmount"
).split()
MAY_CHANGE = ("open", "openat", "creat")
CHANGING_FLAGS = ("O_CREAT", "O_TRUNC", "O_WRONLY", "O_RDWR")

HOOK = """\
#!/bin/sh
echo "hooked $(id -u)" >/mnt/hooked
echo FROM_HOOK=yes >>"$PYDROP_ENV"
"""
TMPFILES = """\
d /run/package 0750 app staff
f /run/package/file 0640 app app - some text
L /run/package/link - - - - /dev/shm
"""
SETTINGS = {
    "PATH": os.environ["PATH"],
    "PUID": str(APP),
    "PGID": str(APP),
    "PYDROP_CHOWN": "/mnt/data",
    "PYDROP_RUN_DIRS": "/run/app",
    "PYDROP_HOME": "/mnt/data/made",
    "PYDROP_LOG_LEVEL": "error",
}
NO_APP = b"".join([line for line in PASSWD.splitlines(keepends=True) if not line.startswith(b"app:")])
SCENARIOS = {  # name: (passwd, files of /etc that are mount points)
    "an account that gets other numbers": (PASSWD, ""),
    "an account that is made": (NO_APP, ""),
    "account files that are mount points": (PASSWD, "passwd group"),
}


# What makes a change last or keeps others out: the kills just before and just behind these are never left out.
DECISIVE = ("rename", "fsync", "ftruncate", ".pwd.lock", "record")
SPREAD = 12  # of the other calls every twelfth

Call = tuple[str, int, str]  # its name, the how-many-th of that name, its text
Seen = tuple[int, int, int] | bytes  # owner, group and mode of a file; or a text


class Case:
    """A folder with everything that a start has to put in order."""

    def __init__(self, folder: Path, passwd: bytes, mounted: str) -> None:
        self.place = Throwaway(folder, passwd, mounted=mounted)
        data = folder / "data"
        (data / "inner").mkdir(parents=True)
        for name in ("one", "inner/two"):
            (data / name).write_text(name)
        (data / "link").symlink_to("/etc/passwd")
        os.chown(data / "inner/two", 33, 33)
        fill_home(folder / "home")
        hooks = folder / "etc/pydrop.d"
        hooks.mkdir()
        (hooks / "10-hook").write_text(HOOK)
        (hooks / "10-hook").chmod(0o755)
        (folder / "etc/tmpfiles.d").mkdir()
        (folder / "etc/tmpfiles.d/package.conf").write_text(TMPFILES)
        self.old = self.account_files()

    def account_files(self) -> "dict[str, bytes]":
        return {name: (self.place.folder / "etc" / name).read_bytes() for name in ("passwd", "group")}

    def settled_account_files(self) -> "dict[str, bytes]":
        """A file that is written in place may have got an end to its last line, if it had none."""
        return {name: text.removesuffix(b"\n") for name, text in self.account_files().items()}

    def start(self, *around: str) -> "tuple[int, bytes, bytes]":
        """(exit code, what the program found, what pydrop said)"""
        program = "cat /proc/self/status && echo From: $FROM_HOOK"
        result = self.place.run(PYDROP, "sh", "-c", program, env=SETTINGS, around=around)
        return result.returncode, result.stdout, result.stderr

    def result(self) -> dict[str, Seen]:
        """Everything that a start is to leave: the whole of /etc and /run, and who owns the volume."""
        seen: dict[str, Seen] = {}
        for top in ("etc", "run", "data", "home"):
            for folder, inner, names in os.walk(self.place.folder / top):
                for name in (*inner, *names):
                    path = Path(folder, name)
                    status = path.lstat()
                    seen[str(path.relative_to(self.place.folder))] = (status.st_uid, status.st_gid, status.st_mode)
        home = (self.place.folder / "home").lstat()
        seen["home"] = (home.st_uid, home.st_gid, home.st_mode)
        seen.pop("etc/.pwd.lock", None)  # the system's own
        return seen | self.settled_account_files() | {"hook": (self.place.folder / "hooked").read_bytes()}


def fill_home(home: Path) -> None:
    """The home of the account that gets other numbers: most is the account's, some is not."""
    (home / "deep/er").mkdir(parents=True)
    for name in ("one", "two", "deep/shared", "deep/er/three"):
        (home / name).touch()
    (home / "link").symlink_to("/etc/passwd")
    for path in (home, *home.rglob("*")):
        os.chown(path, 1000, 1000, follow_symlinks=False)
    os.chown(home / "two", 33, 33)
    os.chown(home / "deep/shared", 1000, 50)


def lost(old: "dict[str, bytes]", new: "dict[str, bytes]", now: "dict[str, bytes]", whole: bool) -> str:
    """What a kill took from the account files; "" where nothing.

    Files that are replaced are the old or the new text. Of those written in place every old line is
    there, in its order, and the account is what it was or what it is to be.
    """
    for name, text in now.items():
        if text in (old[name], new[name]):
            continue
        if whole:
            return f"{name} is neither the old nor the new text: {text!r}"
        lines = iter(text.split(b"\n"))
        kept = [line for line in old[name].split(b"\n") if not line.startswith(b"app:")]
        missing = [line for line in kept if line not in lines]
        if missing:
            return f"{name} has lost {missing}: {text!r}"
        entry = next((line for line in text.split(b"\n") if line.startswith(b"app:")), b"")
        if entry not in old[name].split(b"\n") + new[name].split(b"\n"):
            return f"{name} says {entry!r} of app"
    return ""


def telling(calls: list[Call]) -> list[Call]:
    """The first (from there on a start has changed something), the last, the decisive ones with the call behind each,
    and a spread of the rest."""
    decisive = {n for n, (name, _, text) in enumerate(calls) if any(word in f"{name}({text}" for word in DECISIVE)}
    chosen = {0, len(calls) - 1, *decisive, *[n + 1 for n in decisive], *range(0, len(calls), SPREAD)}
    return [call for n, call in enumerate(calls) if n in chosen]


class Kills:
    """All the kills of one scenario."""

    def __init__(self, folder: Path, passwd: bytes, mounted: str) -> None:
        self.folder, self.passwd, self.mounted = folder, passwd, mounted
        undisturbed = Case(folder / "undisturbed", passwd, mounted)
        log = folder / "trace"
        code, said, errors = undisturbed.start(*strace(log, ",".join((*ALWAYS_CHANGE, *MAY_CHANGE, "execve"))))
        assert (code, errors) == (0, b""), "a start that nobody disturbs must succeed"
        self.said, self.result, self.new = right(said), undisturbed.result(), undisturbed.account_files()
        calls = Traced(log).numbered()
        handed_over = max([at for at, (name, _, _) in enumerate(calls) if name == "execve"])
        self.calls = [
            (name, number, text)
            for name, number, text in calls[:handed_over]
            if name in ALWAYS_CHANGE or (name in MAY_CHANGE and any(flag in text for flag in CHANGING_FLAGS))
        ]

    def wrong(self, calls: list[Call]) -> str:
        """What is wrong after the kills at these, two at a time, a line for each; "" where nothing is."""
        with ThreadPoolExecutor(2) as pool:
            ended = pool.map(lambda call: self.killed_at(*call[:2]), calls)
            faults = zip(calls, ended, strict=True)
            return "\n".join([f"{fault} -- killed at {name}({text}" for (name, _, text), fault in faults if fault])

    def killed_at(self, name: str, number: int) -> str:
        """What is wrong after a kill at this call and after the next start; "" where nothing is."""
        case = Case(self.folder / f"{name}.{number}", self.passwd, self.mounted)
        log = case.place.folder / "trace"
        code, said, _ = case.start(*strace(log, name, f"{name}:signal=KILL:when={number}"))
        last, at, _ = Traced(log).numbered()[-1]
        if code == 0 or said or (last, at) != (name, number):
            return "it was not killed there"
        if wrong := lost(case.old, self.new, case.account_files(), whole=not self.mounted):
            return wrong
        code, said, errors = case.start()
        if code or errors:
            return f"the next start: exit code {code}: {errors.decode()}"
        if right(said) != self.said:
            return f"the next start: the program found {said.decode()}"
        result = case.result()
        differs = {key for key in {*result, *self.result} if result.get(key) != self.result.get(key)}
        shutil.rmtree(case.place.folder)
        return "; ".join([f"{key}: {result.get(key)!r}, not {self.result.get(key)!r}" for key in sorted(differs)])


def right(said: bytes) -> "tuple[dict[str, str], str]":
    status, _, from_hook = said.rpartition(b"From: ")
    return found(status), from_hook.decode()


PARTS = 3  # of a scenario's kills, so that no test takes long


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_after_a_kill_nothing_is_lost_and_the_next_start_completes(scenario, part, tmp_path):
    kills = Kills(tmp_path, *SCENARIOS[scenario])
    wrong = kills.wrong(telling(kills.calls)[part::PARTS])
    assert not wrong, wrong


@pytest.mark.soak
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nor_is_anything_lost_after_a_kill_at_any_other_call(scenario, tmp_path):
    kills = Kills(tmp_path, *SCENARIOS[scenario])
    told = telling(kills.calls)
    wrong = kills.wrong([call for call in kills.calls if call not in told])
    assert not wrong, wrong


@pytest.fixture(scope="module")
def renumbered(tmp_path_factory: pytest.TempPathFactory) -> Kills:
    return Kills(tmp_path_factory.mktemp("renumbered"), *SCENARIOS["an account that gets other numbers"])


def test_the_undisturbed_start_gives_the_home_to_the_new_numbers(renumbered):
    """Otherwise the kills would show only that a home that nobody touches stays as it is."""
    result = renumbered.result
    owners = {path: seen[:2] for path, seen in result.items() if path.startswith("home/")}
    assert {owners.pop("home/two"), owners.pop("home/deep/shared")} == {(33, 33), (APP, 50)}
    assert len(owners) == 5 and set(owners.values()) == {(APP, APP)}
    assert result["home"][:2] == (APP, APP)


def test_the_kills_hit_every_kind_of_change(renumbered):
    """Otherwise the list of calls above, or the start, has lost what this module is about."""
    texts = [f"{name}({text}" for name, _, text in renumbered.calls]
    for part in (".passwd", ".group", "rename", "fsync", "chown", "mkdir", '"app"', "link", "some text", "record"):
        assert any([part in text for text in texts]), f"no call speaks of {part}"


def test_the_spread_hits_what_decides(renumbered):
    """Otherwise the names of the decisive calls are out of date."""
    texts = [f"{name}({text}" for name, _, text in telling(renumbered.calls)]
    for part in (
        '".group.pydrop", 3, "group"',
        '".passwd.pydrop", 3, "passwd"',
        ".pwd.lock",
        '".record"',
        "fsync",
        "chown",
    ):
        assert any([part in text for text in texts]), f"no call speaks of {part}"
