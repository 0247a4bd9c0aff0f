"""Whatever stands in the settings file's place: `pydropctl doctor`, `plan` and `check` say so in a line, and soon."""

import os
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway

CTL = f"{PYDROP}ctl"
ENV = {"PATH": "/usr/bin:/bin", "PYDROP_CONFIG": "/mnt/theirs/pydrop.toml", "PUID": str(APP)}
PLANTS = {
    "a link to somebody's pipe": "ln -s /proc/1/fd/1",
    "a link to a pipe of one's own": "ln -s /proc/self/fd/2",
    "a FIFO": "mkfifo",
    "a folder": "mkdir",
    "a link to /dev/zero": "ln -s /dev/zero",
    "a link to a directory of the kernel's": "ln -s /proc/self/task",
    "a file of 20 GB": "truncate -s 20G",
}


@pytest.mark.parametrize("words", [("doctor",), ("plan",), ("check",), ("check", "/mnt/theirs/pydrop.toml")])
@pytest.mark.parametrize("plant", PLANTS)
def test_it_is_told_in_words(tmp_path: Path, plant: str, words: tuple[str, ...]) -> None:
    place = Throwaway(tmp_path)
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", APP, APP)
    script = f'{PLANTS[plant]} /mnt/theirs/pydrop.toml && exec "$@"'
    done = place.run("sh", "-c", script, "sh", CTL, *words, env=ENV)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode in (1, 125), said
    assert "itself failed" not in said
    assert "/mnt/theirs/pydrop.toml" in said
