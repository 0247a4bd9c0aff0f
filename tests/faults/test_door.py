"""The door is locked: nothing that the program's user can write runs as root, whatever the image's
environment says; and the program gets that environment byte for byte."""

import os
from pathlib import Path

import pytest

from .plants import ALL, IN_SHELL, PLANTS, Plant, put_cached_bytecode
from .throwaway import APP, PYDROP, Throwaway

HOOKS = {
    "10-sh": "#!/bin/sh\nid -u && readlink /proc/self/exe && uname && chown root /mnt/home && dirname /a/b\n",
    "20-bash": "#!/bin/bash\necho hook && env && python3 -c pass\n",
    "30-python": "#!/usr/bin/env python3\nimport json, signal, stat, tomllib\nprint('hook')\n",
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
        self.root_writes(HOOKS)

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
    env: dict[str, str] = {}
    for plant in plants:
        plant.name = plant.name or "mark"
        plant.put(planted.plants)
        env |= plant.env
        if plant.name == "pycache":
            put_cached_bytecode(planted.plants)
    planted.give_away()
    return env


def program_found(stdout: bytes) -> "list[bytes]":
    """The environment that `cat /proc/self/environ` prints last, without what pydrop sets."""
    block = stdout[stdout.rindex(b"\nENVIRONMENT\n") + len(b"\nENVIRONMENT\n") :]
    lines = block.removesuffix(b"\0").split(b"\0")
    return sorted([line for line in lines if not line.startswith((b"HOME=", b"USER=", b"LOGNAME="))])


SHOW = ("/usr/bin/printf", "\\nENVIRONMENT\\n")


@pytest.mark.parametrize("name", ALL)
def test_planted_code_does_not_run_as_root(name, planted):
    """The first half shows that it would: the same plant, and a command that does not lock its door."""
    env = put([ALL[name]], planted)
    planted.place.run(*ALL[name].bite, env=env, cwd=ALL[name].cwd)
    assert "0" in planted.marks(), "the plant does not bite, so this test could not fail"
    planted.wipe_marks()

    env |= OURS
    result = planted.place.run(PYDROP, "/bin/cat", "/proc/self/environ", env=env, cwd=ALL[name].cwd)
    assert planted.marks() <= {str(APP)}
    assert (result.returncode, result.stderr) == (0, b"")
    for line in [os.fsencode(f"{key}={value}") for key, value in env.items() if key != "HOME"]:
        assert line in result.stdout.split(b"\0") or line in result.stdout.splitlines()
