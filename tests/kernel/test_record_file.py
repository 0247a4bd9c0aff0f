"""Writing the record: two containers that share /run may start at the same time."""

import os
from pathlib import Path

import pytest

from pydrop import record
from pydrop.perform import record_file


def test_another_containers_start_that_takes_the_new_file_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has renamed what this one wrote, and its own record follows."""
    folder = os.open(tmp_path, os.O_RDONLY)
    rename = os.rename

    def taken(new: str, name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        rename(new, name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        rename(new, name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr("pydrop.perform.record_file.os.rename", taken)
    record_file._write(folder, b"mine")
    assert (tmp_path / record.NAME).read_bytes() == b"mine"
    os.close(folder)


def test_a_file_that_a_killed_start_left_is_replaced(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / f".{record.NAME}").write_bytes(b"half")
    (tmp_path / record.NAME).write_bytes(b"old")
    record_file._write(folder, b"mine")
    assert [path.name for path in tmp_path.iterdir()] == [record.NAME]
    assert (tmp_path / record.NAME).read_bytes() == b"mine"
    os.close(folder)
