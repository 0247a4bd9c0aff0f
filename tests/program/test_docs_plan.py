"""docs/plan.md: what it shows is what is printed."""

import itertools
import json
import re
import shlex
from pathlib import Path

import pytest

from tests.faults.throwaway import PYDROP, Throwaway

CTL = f"{PYDROP}ctl"
PAGE = (Path(__file__).parent.parent.parent / "docs/plan.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PLAN, ROWS, PLANNED, _, PROBLEMS, CHECKED, INSTALLED = (text for _, text in BLOCKS)
APP = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n", b"root:x:0:\napp:x:1000:\n"
FILE = 'usr = "app"\nrun-dirs = ["web"]\n'


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    place = Throwaway(tmp_path, *APP)
    (tmp_path / "data").mkdir()
    (tmp_path / "etc/pydrop.toml").write_text(FILE)
    return place


def plan(place: Throwaway, *more: str) -> str:
    """The page's `docker run`, in namespaces: the volume is below /mnt there."""
    (place.folder / "etc/pydrop.toml").unlink()
    words = shlex.split(PLAN.replace("--chown /data", "--chown /mnt/data"))
    env = {"PATH": "/usr/bin:/bin"} | dict(w.split("=", 1) for before, w in itertools.pairwise(words) if before == "-e")
    done = place.run(CTL, "plan", *more, *words[words.index("plan") + 1 :], env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def test_the_table_of_a_plan_is_what_is_printed(place: Throwaway) -> None:
    printed = [re.sub(r" {2,}", "  ", line.replace("/mnt/data", "/data")) for line in plan(place).splitlines()]
    assert printed == [re.sub(r" {2,}", "  ", line) for line in ROWS.splitlines()]


def test_the_object_of_a_plan_is_what_is_printed(place: Throwaway) -> None:
    """Of the steps the page shows one."""
    printed, shown = json.loads(plan(place, "--json")), json.loads(PLANNED)
    assert printed | {"steps": printed["steps"][:1]} == shown


def test_the_problems_of_a_file_are_what_is_printed(place: Throwaway) -> None:
    done = place.run(CTL, "check", env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stdout.decode()) == (1, PROBLEMS)
    printed = json.loads(place.run(CTL, "check", "--json", env={"PATH": "/usr/bin:/bin"}).stdout)
    assert printed | {"problems": printed["problems"][:1]} == json.loads(CHECKED)


def test_the_array_of_install_is_what_is_printed(place: Throwaway) -> None:
    own_folder = "mount -t tmpfs -o mode=755 none /usr/local/bin"
    script = f"{own_folder} && {CTL} install gosu >&2 && exec {CTL} install --list --json gosu su-exec"
    done = place.run("sh", "-c", script, env={"PATH": "/usr/local/bin:/usr/bin:/bin"})
    assert json.loads(done.stdout) == json.loads(INSTALLED), done.stderr
