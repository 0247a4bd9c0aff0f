"""The devices and sockets that a setting names: found behind links of root's, and missing without ending a start."""

import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from pydrop.inspection import named_devices
from pydrop.model import Settings

pytestmark = pytest.mark.quick


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def found_at(*paths: "Path | str", root: bool = True) -> tuple[dict[str, int], list[str]]:
    """(path -> gid of each device that is found, the problem of each path without one)."""
    found, absent = named_devices.look(Settings(devices=tuple(map(str, paths)), sources={}), root)
    return {device.path: device.gid for device in found}, [each.problem for each in absent]


def node(path: Path, gid: int = 993) -> Path:
    os.mknod(path, 0o660 | stat.S_IFCHR, os.makedev(1, 3))
    os.chown(path, 0, gid)
    return path


def bound_socket(path: Path, gid: int = 993) -> Path:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
    os.chown(path, 0, gid)
    return path


def test_devices_of_a_folder_are_found_and_other_files_are_not(roots: Path) -> None:
    node(roots / "null")
    (roots / "inner").mkdir()
    node(roots / "inner/zero")
    (roots / "note").write_text("")
    assert found_at(roots) == ({f"{roots}/null": 993, f"{roots}/inner/zero": 993}, [])


def test_a_socket_is_found_by_its_path_in_a_folder_and_behind_links_of_roots(roots: Path) -> None:
    """/var/run/docker.sock lies behind the link /var/run."""
    run = roots / "run"
    run.mkdir()
    sock = bound_socket(run / "docker.sock")
    (roots / "var").symlink_to("run")
    for path in (sock, roots / "var/docker.sock"):
        assert found_at(path) == ({str(path): 993}, [])
    assert found_at(run) == ({str(sock): 993}, [])


@pytest.mark.parametrize("root", [True, False])
def test_links_in_a_folder_of_devices_are_followed(roots: Path, root: bool) -> None:
    """/dev/dri/by-path and /dev/serial/by-id hold nothing else. A device that is found twice counts once."""
    (roots / "by-path").mkdir()
    card = node(roots / "card0")
    (roots / "by-path/pci-card").symlink_to("../card0")
    (roots / "by-path/gone").symlink_to("../nothing")
    assert found_at(roots / "by-path", root=root) == ({f"{roots}/by-path/pci-card": 993}, [])
    assert found_at(roots / "by-path/pci-card", root=root) == ({f"{roots}/by-path/pci-card": 993}, [])
    assert list(found_at(roots / "by-path", card, root=root)[0].values()) == [993]


ABSENT = {
    "nothing": "which does not exist",
    "file": "is no device or socket and holds none",
    "file/below": "cannot be looked at: Not a directory",
    "empty": "is no device or socket and holds none",
    "fifo": "is no device or socket and holds none",
    "loop": "",
    "files": "is no device or socket and holds none",
}


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("name", ABSENT)
def test_what_is_not_there_or_no_device_is_said_and_ends_nothing(roots: Path, name: str, root: bool) -> None:
    """An image names what it could use. An empty /dev/dri is as if it were not there."""
    (roots / "file").write_text("")
    (roots / "empty").mkdir()
    (roots / "files").mkdir()
    (roots / "files/note").write_text("")
    os.mkfifo(roots / "fifo")
    (roots / "loop").symlink_to("loop")
    good = node(roots / "good")
    found, (problem,) = found_at(roots / name, good, root=root)
    assert found == {str(good): 993}
    assert ABSENT[name] in problem


def test_a_link_that_the_user_could_have_made_brings_no_group(roots: Path) -> None:
    """Root goes by no name of the user's: a link to a disk would make the next start join the disk's group."""
    mine = roots / "mine"
    mine.mkdir()
    disk = node(roots / "disk", gid=6)
    (mine / "link").symlink_to(disk)
    (mine / "way").symlink_to(roots)
    os.link(disk, mine / "name")
    os.chown(mine, 1500, 1500)
    for path in ("link", "way/disk", "name"):
        found, (problem,) = found_at(mine / path)
        assert found == {}
        assert "can be replaced by somebody other than root" in problem
    assert found_at(mine)[0] == {}


def test_a_socket_in_a_folder_of_another_service_is_found(roots: Path) -> None:
    """php-fpm's, say: no link is on the way to it, and it has one name."""
    service = roots / "php"
    service.mkdir()
    sock = bound_socket(service / "fpm.sock", gid=33)
    os.chown(service, 33, 33)
    assert found_at(sock) == ({str(sock): 33}, [])
    assert found_at(service) == ({str(sock): 33}, [])


def test_a_deep_folder_is_not_gone_through_to_its_end(roots: Path) -> None:
    """By whoever made it so deep that Python would give up."""
    before = os.getcwd()
    try:
        os.chdir(roots)
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        assert found_at(roots)[0] == {}
    finally:
        os.chdir(before)
        subprocess.run(["rm", "-rf", roots / "d"], check=True)  # pytest cannot either
