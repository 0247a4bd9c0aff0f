"""The launcher is locked: nothing that the program's user can write runs as root, whatever the image's
environment says; and the program gets that environment byte for byte."""

import os
from pathlib import Path

import pytest

from .plants import ALL, IN_SHELL, PLANTS, Plant
from .throwaway import APP, PYDROP, Throwaway

HOOKS = {
    "10-sh": "#!/bin/sh\nid -u >/dev/null && readlink /bin/sh >/dev/null && chown root /mnt/home && echo sh done\n",
    "20-bash": "#!/bin/bash\nuname >/dev/null && dirname /a/b >/dev/null && env >/dev/null && echo bash done\n",
    "30-python": "#!/usr/bin/env python3\nimport json, signal, tomllib\nprint('python done')\n",
}
OURS = {"PUID": str(APP), "PGID": str(APP), "PYDROP_LOG_LEVEL": "error"}


class Planted:
    """A container in which somebody has planted something."""

    def __init__(self, folder: Path) -> None:
        self.place = Throwaway(folder)
        self.plants = folder / "plants"
        self.plants.mkdir()
        (folder / "marks").mkdir()
        (folder / "marks").chmod(0o1777)

    def root_writes(self, texts: "dict[str, str]", folder: str = "etc/pydrop.d") -> None:
        for name, text in texts.items():
            path = self.place.folder / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)

    def give_away(self) -> None:
        """The plants to the user, as what lies on a volume is."""
        for folder, _, names in os.walk(self.plants):
            for path in (folder, *[f"{folder}/{name}" for name in names]):
                os.chown(path, APP, APP)

    def marks(self) -> set[str]:
        """Who ran planted code: the euids."""
        return {name.rpartition(".")[2] for name in os.listdir(self.place.folder / "marks")}

    def wipe_marks(self) -> None:
        for name in os.listdir(self.place.folder / "marks"):
            (self.place.folder / "marks" / name).unlink()


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path)


def put(plants: "list[Plant]", planted: Planted) -> "dict[str, str]":
    """The plants in their places; the variables that lead there."""
    env: dict[str, str] = {}
    for plant in plants:
        plant.put(planted.plants)
        env |= plant.env
    planted.give_away()
    return env


@pytest.mark.parametrize("name", ALL)
def test_planted_code_does_not_run_as_root(name, planted):
    """The first half shows that it would: the same plant, and a command that does not lock its launcher."""
    env = put([ALL[name]], planted)
    planted.place.run(*ALL[name].bite, env=env, cwd=ALL[name].cwd)
    assert "0" in planted.marks(), "the plant does not bite, so this test could not fail"
    planted.wipe_marks()

    env |= OURS
    result = planted.place.run(PYDROP, "/bin/cat", "/proc/self/environ", env=env, cwd=ALL[name].cwd)
    assert planted.marks() <= {str(APP)}
    assert (result.returncode, result.stderr) == (0, b"")
    assert set(env.items()) <= {tuple(os.fsdecode(line).split("=", 1)) for line in result.stdout.split(b"\0")[:-1]}


# The first plant of each way in, which is a set of variables. The others are planted all together below, and one by one
# by `make soak`.
TELLING = {frozenset(plant.env): name for name, plant in reversed(ALL.items())}.values()
SOME = [pytest.param(name, marks=() if name in TELLING else pytest.mark.soak) for name in ALL]


@pytest.mark.parametrize("name", SOME)
def test_nor_does_it_run_in_a_hook_of_roots(name, planted):
    env = put([ALL[name]], planted)
    planted.root_writes(HOOKS)
    result = planted.place.run(PYDROP, "/bin/true", env=env | OURS, cwd=ALL[name].cwd)
    assert planted.marks() <= {str(APP)}
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout == b"sh done\nbash done\npython done\n"


@pytest.mark.quick
@pytest.mark.python
def test_all_of_it_together_is_no_more_than_its_parts(planted):
    env = put(list(ALL.values()), planted)
    planted.root_writes(HOOKS)
    result = planted.place.run(PYDROP, "/bin/true", env=env | OURS, cwd=f"{PLANTS}/cwd")
    assert planted.marks() <= {str(APP)}
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.quick
@pytest.mark.python
def test_pydropctl_is_behind_the_same_launcher(planted):
    env = put(list(ALL.values()), planted)
    result = planted.place.run(f"{PYDROP}ctl", "plan", "--", "true", env=env | OURS, cwd=f"{PLANTS}/cwd")
    assert planted.marks() == set()
    assert (result.returncode, result.stderr) == (0, b"")


def test_a_preload_that_was_meant_for_the_program_works_there(planted):
    env = put([ALL["LD_PRELOAD"]], planted)
    planted.place.run(PYDROP, "/bin/true", env=env | OURS)
    assert planted.marks() == {str(APP)}


# -- settings and hooks that somebody else can write ----------------------------------------------

MARKING_HOOK = {"10-planted": "#!/bin/sh\n" + IN_SHELL.format("hook")}


def refused(planted: Planted, env: "dict[str, str]") -> str:
    """The one line with which a start ends."""
    result = planted.place.run(PYDROP, "/bin/echo", "ran", env=env | OURS)
    said = result.stderr.decode()
    assert (result.returncode, result.stdout, said.count("\n")) == (125, b"", 1)
    assert planted.marks() == set()
    return said


@pytest.mark.quick
def test_settings_of_the_users_are_refused_and_the_same_of_roots_are_obeyed(planted):
    planted.root_writes(MARKING_HOOK, "hooks")
    planted.root_writes({"settings.toml": 'hooks = "/mnt/hooks"\n'}, "plants")
    env = {"PYDROP_CONFIG": f"{PLANTS}/settings.toml"}
    planted.give_away()
    assert "/settings.toml" in refused(planted, env)
    for path in (planted.plants, planted.plants / "settings.toml"):
        os.chown(path, 0, 0)
    planted.place.run(PYDROP, "/bin/true", env=env | OURS)
    assert planted.marks() == {"0"}


def theirs(planted: Planted) -> None:
    os.chown(planted.place.folder / "etc/pydrop.d/10-planted", APP, APP)


def their_folder(planted: Planted) -> None:
    os.chown(planted.place.folder / "etc/pydrop.d", APP, APP)


def everybodys(planted: Planted) -> None:
    (planted.place.folder / "etc/pydrop.d/10-planted").chmod(0o777)


def everybodys_folder(planted: Planted) -> None:
    (planted.place.folder / "etc/pydrop.d").chmod(0o777)


def their_groups(planted: Planted) -> None:
    os.chown(planted.place.folder / "etc/pydrop.d/10-planted", 0, APP)
    (planted.place.folder / "etc/pydrop.d/10-planted").chmod(0o775)


def a_link_to_theirs(planted: Planted) -> None:
    hook = planted.place.folder / "etc/pydrop.d/10-planted"
    hook.rename(planted.plants / "hook")
    hook.symlink_to(f"{PLANTS}/hook")
    planted.give_away()


def a_link_into_their_folder(planted: Planted) -> None:
    a_link_to_theirs(planted)
    os.chown(planted.plants / "hook", 0, 0)


def their_folder_behind_a_link(planted: Planted) -> None:
    folder = planted.place.folder / "etc/pydrop.d"
    folder.rename(planted.plants / "hooks")
    folder.symlink_to(f"{PLANTS}/hooks")
    os.chown(planted.plants, APP, APP)


def etc_is_theirs(planted: Planted) -> None:
    os.chown(planted.place.folder / "etc", APP, APP)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (theirs, "10-planted"),
        (their_folder, "root's hooks is not root's alone, so that one could be missing: /etc/pydrop.d "),
        (everybodys, "10-planted"),
        (everybodys_folder, "root's hooks is not root's alone, so that one could be missing: /etc/pydrop.d "),
        (their_groups, "10-planted"),
        (a_link_to_theirs, "10-planted"),
        (a_link_into_their_folder, "10-planted"),
        (their_folder_behind_a_link, "can be replaced"),
        (etc_is_theirs, "/etc belongs to user 1500"),
    ],
)
def test_a_hook_that_somebody_else_can_write_or_replace_is_refused(spoil, named, planted):
    """Before it is spoilt it runs, as root."""
    planted.root_writes(MARKING_HOOK)
    planted.place.run(PYDROP, "/bin/true", env=OURS)
    assert planted.marks() == {"0"}
    planted.wipe_marks()
    spoil(planted)
    assert named in refused(planted, {})
