"""Lines of mountinfo, and which mount a path lies on."""

import pytest

from pydrop.ctl.mount_list import Mount, holding, is_kernels
from pydrop.ctl.mount_list import read as read_row
from pydrop.mountinfo import rows


def mount(point: str, kind: str = "ext4", options: str = "rw") -> Mount:
    return Mount(point=point, root="/", type=kind, source="x", options=frozenset(options.split(",")), device="8:1")


def read(line: bytes) -> Mount:
    return read_row(rows(line)[0])


def test_a_line_is_read():
    found = read(b"36 35 98:0 /a /b\\040c\\134 rw,noatime master:1 shared:2 - ext4 /dev/root ro,errors=continue")
    assert (found.point, found.root, found.type, found.source, found.device) == (
        *("/b c\\", "/a", "ext4", "/dev/root"),
        "98:0",
    )
    assert found.read_only
    assert {"noatime", "errors=continue"} <= found.options


def test_a_line_without_optional_fields_and_without_a_source_is_read():
    found = read(b"36 35 0:5 / /x rw - tmpfs  rw")
    assert (found.point, found.type, found.read_only) == ("/x", "tmpfs", False)


def test_bytes_that_are_no_utf_8_survive():
    assert read(b"1 1 0:5 / /\xff rw - tmpfs t rw").point == "/\udcff"


@pytest.mark.parametrize(
    ("point", "kind", "kernels"),
    [
        ("/proc", "proc", True),
        ("/x", "sysfs", True),
        ("/dev/pts", "devpts", True),
        ("/dev/shm", "tmpfs", False),
        ("/data", "nfs4", False),
        ("/device", "ext4", False),
    ],
)
def test_the_kernels_own_are_told_from_the_rest(point, kind, kernels):
    assert is_kernels(mount(point, kind)) is kernels


@pytest.mark.parametrize(
    ("path", "point"), [("/data", "/data"), ("/data/x", "/data"), ("/database", "/"), ("/data/in/x", "/data/in")]
)
def test_the_innermost_mount_holds_a_path(path, point):
    found = holding(path, [mount("/"), mount("/data"), mount("/data/in")])
    assert found is not None
    assert found.point == point
