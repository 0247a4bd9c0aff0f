"""README.md, "What the others do": each cell of a tool that Debian has is what the tool does here, side by side.

The columns of su-exec and fixuid, and of s6-overlay but for s6-setuidgid, are from their manuals and sources.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.pages import Table
from tests.faults.throwaway import ONE_FILE, PYDROP, Throwaway

from .inits import CHILD, PYTHON, Alive, made

README = Table(Path(__file__).resolve().parent.parent.parent / "README.md", "")
FILES = {
    "pydrop": PYDROP,
    "gosu": "/usr/sbin/gosu",
    "setpriv": "/usr/bin/setpriv",
    "tini": "/usr/bin/tini",
    "dumb-init": "/usr/bin/dumb-init",
    "s6-overlay": "/usr/bin/s6-setuidgid",
}
TOOLS = tuple(FILES)
INITS = ("tini", "dumb-init")
DROPPERS = tuple(tool for tool in TOOLS if tool not in INITS)
UNTESTED = {"time of a start, where `true` is 1"}  # a bench's, where nothing else runs
NUMBERS = {"PUID": "1500", "PGID": "1500"}
PLAIN = {"PATH": "/usr/bin:/bin", "HOME": "/root", "PYDROP_LOG_LEVEL": "error"}


def words(tool: str, who: str = "1500") -> tuple[str, ...]:
    """The tool as one calls it for this account or number; pydrop is told by PUID and PGID, the inits are not told."""
    numbers = f"{who}:{who}" if who.isdigit() else who
    given: dict[str, tuple[str, ...]] = {
        "gosu": (numbers,),
        "s6-overlay": (numbers,),
        "tini": ("--",),
        "dumb-init": ("--",),
    }
    given["setpriv"] = (f"--reuid={who}", f"--regid={who}", "--clear-groups")
    return (FILES[tool], *given.get(tool, ()))


class Place:
    """A throwaway container in which one tool after the other is called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.inside = folder, Throwaway(folder)
        (folder / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\n")  # s6-setuidgid asks by it

    def calls(self, *command: str, env: dict[str, str], around: tuple[str, ...] = ()) -> str:
        """What comes on standard output; "" where nothing was run."""
        return self.inside.run(*command, env=PLAIN | env, around=around).stdout.decode()

    def status(self, *command: str, env: dict[str, str] = NUMBERS, around: tuple[str, ...] = ()) -> dict[str, str]:
        text = self.calls(*command, "/bin/cat", "/proc/self/status", env=env, around=around)
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield Place(tmp_path)
    while Alive.started:
        Alive.started.pop().kill()


def told(found: bool) -> str:
    return "yes" if found else "no"


def row(name: str, tools: tuple[str, ...] = TOOLS) -> pytest.MarkDecorator:
    """A test of this row for each of these tools; it gets the cell."""
    README.held_by(name)
    cells = [(tool, README.cell(name, tool)) for tool in tools]
    return pytest.mark.parametrize(("tool", "cell"), cells, ids=tools)


@row("drops root")
def test_drops_root(tool, cell, place):
    uids = place.status(*words(tool))["Uid"].split()
    assert uids in (["1500"] * 4, ["0"] * 4)
    assert cell == told(uids == ["1500"] * 4)


LIE = ("strace", "-f", "-o", "/dev/null", "-e", "inject=setuid,setresuid,setreuid:retval=0")


@row("runs nothing where the kernel only says that it dropped", DROPPERS)
def test_a_call_that_lies(tool, cell, place):
    """Each call that changes the uid reports success, and does nothing."""
    status = place.status(*words(tool), around=LIE)
    assert not status or status["Uid"].split() == ["0"] * 4
    assert cell == told(not status)


@row("no_new_privs", DROPPERS)
def test_what_could_give_root_back(tool, cell, place):
    def gone(*command: str) -> bool:
        return bool(place.status(*command)["NoNewPrivs"] == "1")

    asked = (*words(tool), "--no-new-privs")
    assert cell == ("if asked" if tool == "setpriv" and gone(*asked) else told(gone(*words(tool))))
    assert tool != "setpriv" or not gone(*words(tool))


@row("PUID and PGID")
def test_puid_and_pgid(tool, cell, place):
    assert cell == told(place.status(*words(tool, "app"))["Uid"].split()[0] == "1500")


@row("a name for a number that has none")
def test_a_name(tool, cell, place):
    """The inits change no number, so they are started with it."""
    before = ("setpriv", "--reuid=4242", "--regid=4242", "--clear-groups") if tool in INITS else ()
    numbers = {"PUID": "4242", "PGID": "4242"}
    uid, name = place.calls(*before, *words(tool, "4242"), "sh", "-c", "id -u; id -un || echo", env=numbers).split(
        "\n"
    )[:2]
    assert uid == "4242"
    assert cell == told(name not in ("", "4242"))


NOT_S6 = tuple(tool for tool in TOOLS if tool != "s6-overlay")


@row("owners of volumes", NOT_S6)
def test_owners_of_volumes(tool, cell, place):
    (place.folder / "data").mkdir()
    place.status(*words(tool), env=NUMBERS | {"PYDROP_CHOWN": "/mnt/data"})
    assert cell == told(os.stat(place.folder / "data").st_uid == 1500)


@row("folders in `/run`", NOT_S6)
def test_folders_in_run(tool, cell, place):
    place.status(*words(tool), env=NUMBERS | {"PYDROP_RUN_DIRS": "/run/app"})
    assert cell == told((place.folder / "run/app").exists())


@row("secrets from files")
def test_secrets(tool, cell, place):
    (place.folder / "etc/secret").write_text("known\n")
    shown = place.calls(*words(tool), "sh", "-c", "echo $SECRET", env=NUMBERS | {"FILE__SECRET": "/etc/secret"})
    assert cell == told(shown == "known\n")


@row("hooks of root", NOT_S6)
def test_hooks(tool, cell, place):
    hook = place.folder / "etc/pydrop.d/first"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nid -u >/mnt/hooked\n")
    hook.chmod(0o755)
    place.status(*words(tool))
    assert cell == told((place.folder / "hooked").exists())


@row("under `--user` the program runs all the same", NOT_S6)
def test_under_another_user(tool, cell, place):
    before = ("setpriv", "--reuid=12345", "--regid=0", "--clear-groups")
    assert cell == told(place.calls(*before, *words(tool), "echo", "runs", env=NUMBERS) == "runs\n")


ORPHAN = """
import os, time
told, tell = os.pipe()
child = os.fork()
if child == 0:
    orphan = os.fork()
    if orphan:
        os.write(tell, b'%d' % orphan)
    os._exit(0)
os.waitpid(child, 0)
orphan, end = f'/proc/{os.read(told, 9).decode()}', time.monotonic() + 2
while os.path.exists(orphan) and time.monotonic() < end and not (
    os.getpid() == 1 and open(orphan + '/stat').read().rpartition(') ')[2].startswith('Z 1 ')
):
    time.sleep(0.01)
print('no' if os.path.exists(orphan) else 'yes')
"""


@row("a PID 1 that reaps", NOT_S6)
def test_reaping(tool, cell, place):
    """As PID 1; for a tool that becomes the program this is the program, which does not reap here: its own zombie."""
    reaps = [place.calls(*words(tool), *options, *PYTHON, ORPHAN, env=NUMBERS).strip() for options in INIT[tool]]
    assert reaps == [cell] if tool != "pydrop" else (reaps, cell) == (["no", "yes"], "`--init`")


INIT = {tool: [()] for tool in TOOLS} | {"pydrop": [(), ("--init",)]}


@row("a stop that ends", ("pydrop", *INITS))
def test_a_stop_that_ends(tool, cell, tmp_path, place):
    """For a command that ignores TERM."""
    options = ("--stop-timeout", "200ms", "--log-level", "error") if tool == "pydrop" else ()
    alive = Alive(made(tmp_path / "inits"), tool, *options, "--", CHILD, "stubborn")
    alive.send(signal.SIGTERM)
    if cell == "no":
        assert alive.state() == "SS"
    else:
        assert (alive.end(), cell) == (137, "`--init`")


@row("several services", ("pydrop",))
def test_services_are_said_not_to_be_there(tool, cell, place):
    (place.folder / "etc/pydrop.toml").write_text('[services.web]\ncommand = ["true"]\n')
    done = place.inside.run(*words(tool), "true", env=PLAIN | NUMBERS)
    assert (cell, done.returncode) == ("not yet", 125)
    assert b"services, which are not in this version" in done.stderr


@pytest.mark.pip
@row("in an image without Python")
def test_without_python(tool, cell, place):
    """The file alone, in a folder in which nothing else is. What pydrop is as one file, tests/container/test_dist.py
    shows."""
    (place.folder / "alone").mkdir()
    shutil.copy(FILES[tool], place.folder / "alone" / "tool")
    runs = place.calls("/mnt/alone/tool", *words(tool)[1:], "echo", "runs", env=NUMBERS) == "runs\n"
    if tool == "pydrop":
        assert (cell, runs) == ("as one static file", ONE_FILE)
    else:
        assert cell == told(runs)


@row("size", tuple(tool for tool in NOT_S6 if tool != "pydrop"))
def test_sizes(tool, cell):
    size = os.stat(FILES[tool]).st_size
    assert cell == (f"{size / 1e6:.1f} MB" if size > 1e6 else f"{size / 1000:.0f} KB")


def test_each_row_is_held_and_each_tool_has_a_column():
    assert README.held | UNTESTED == set(README.rows)
    assert set(TOOLS) | {"su-exec", "fixuid"} == set(README.columns)
