"""Containers that share a volume, as the replicas of a deployment do."""

import fcntl
import json
import os
import subprocess

import pytest

from tests.container.engine import pids, until, waited, waits_for

ENTRIES = 20_001
CHOWN = ["chown", "/data", "--user", "1500:1500", "--json"]


@pytest.fixture
def shared(tmp_path):
    """200 folders of 99 files, all of them of 999."""
    top = tmp_path / "shared"
    for number in range(200):
        (top / f"{number}").mkdir(parents=True)
        for file in range(99):
            (top / f"{number}/{file}").touch()
    subprocess.run(["chown", "-R", "999:999", top], check=True)
    return top


def test_of_eight_containers_one_walks_and_the_others_wait_and_find_nothing_to_do(container, shared):
    """They come together because somebody else has the lock until all eight are there."""
    held = os.open(shared, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    options = (f"--volume={shared}:/data", "--entrypoint=/opt/pydrop/bin/pydropctl")
    eight = [container(*options, command=CHOWN) for _ in range(8)]
    all_pids = pids(eight)
    until(lambda: all(waits_for(pid, shared) for pid in all_pids))
    os.close(held)
    assert waited(eight) == [0] * 8
    volumes = [json.loads(each.logs().stdout)["volumes"][0] for each in eight]
    print("entries looked at:", sum(volume["looked_at"] for volume in volumes), "of", ENTRIES)
    assert sorted(volume["changed"] for volume in volumes) == [0] * 7 + [ENTRIES]
    assert sorted(volume["looked_at"] for volume in volumes) == [1] * 7 + [ENTRIES]
    assert all(volume["waited"] > 0 for volume in volumes)
    left = subprocess.run(["find", shared, "!", "-user", "1500"], stdout=subprocess.PIPE, check=True)
    assert left.stdout == b""
