"""The one file for arm64, under an emulator: a start, init mode, a drop whose calls fail, a walk.

What the emulator has not is left out: idmapped mounts, a subreaper, set-uid files, and signals from 34 on, which its
own C library keeps."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.faults.throwaway import Throwaway
from tests.onefile.conftest import ROOT

pytestmark = pytest.mark.soak

STATUS = "grep -E '^(Uid|Gid|CapEff|CapPrm|NoNewPrivs):' /proc/self/status"
DROPPED = ["1500"] * 4


@pytest.fixture(scope="module", params=["plain", "dumped"])
def arm64(request: pytest.FixtureRequest) -> str:
    """Its interpreter begins at each start, or was begun at build."""
    subprocess.run([ROOT / "tools/arm64", request.param], check=True)
    return str(ROOT / f"dist/arm64/pydrop-{request.param}")


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path)


def status(said: bytes) -> dict[str, list[str]]:
    return {name: values.split() for name, values in (line.split(":", 1) for line in said.decode().splitlines())}


def test_it_is_what_it_says(arm64: str) -> None:
    """e_machine of elf(5): 183 is EM_AARCH64."""
    assert Path(arm64).read_bytes()[18:20] == (183).to_bytes(2, "little")
    done = subprocess.run([arm64, "--version"], capture_output=True, check=True)
    assert done.stdout.startswith(b"pydrop ") and b"CPython" in done.stdout


@pytest.mark.parametrize("options", [(), ("--init",)])
def test_a_start_drops_root(arm64: str, place: Throwaway, options: tuple[str, ...]) -> None:
    env = {"PUID": "1500", "PGID": "1500", "PATH": os.environ["PATH"]}
    done = place.run(arm64, *options, "sh", "-c", f"{STATUS}; exit 7", env=env)
    assert done.returncode == 7, done
    found = status(done.stdout)
    assert (found["Uid"], found["Gid"]) == (DROPPED, DROPPED)
    assert found["CapEff"] == found["CapPrm"] == ["0" * 16] and found["NoNewPrivs"] == ["1"]


def test_a_walk_gives_a_volume_to_the_program(arm64: str, place: Throwaway) -> None:
    """Of so many entries that several processes share it."""
    for number in range(40):
        folder = place.folder / f"data/{number}"
        folder.mkdir(parents=True)
        for name in range(100):
            (folder / str(name)).touch()
    env = {"PUID": "1500", "PGID": "1500", "PYDROP_CHOWN": "/mnt/data", "PATH": os.environ["PATH"]}
    done = place.run(arm64, "true", env=env)
    assert (done.returncode, b"4041 of 4041 entries" in done.stderr) == (0, True), done
    owners = {entry.lstat().st_uid for entry in (place.folder / "data").rglob("*")}
    assert owners == {1500}


def test_no_call_of_the_drop_fails_without_ending_the_start(arm64: str) -> None:
    """tests/faults/test_drop.py, on this file."""
    pytest_ = [str(ROOT / ".venv/bin/python"), "-m", "pytest", "-q", "-m", "not soak and not pip"]
    words = [*pytest_, "tests/faults/test_drop.py"]
    environment = os.environ | {"PYDROP_UNDER_TEST": arm64}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout
