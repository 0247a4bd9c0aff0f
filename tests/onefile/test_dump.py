"""What is dumped points nowhere out of the file, and dump.py refuses what does."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.onefile.conftest import ROOT

sys.path.append(str(ROOT / "onefile"))
dump = importlib.import_module("dump")

HERE = Path(__file__).parent
PLANTS = {
    1: r"points to \[stack\]",
    2: r"points to \[vdso\]",
    3: "points to a mapping",  # one that is gone
    4: "memory is mapped at 0x",
    5: "is mapped at 0x",
}
SEGMENT = dump.Segment(0, dump.PT_LOAD, 6, 0x1000, 0x500000, 0x2000, 0x8000)


def linked(folder: Path, plant: int) -> str:
    target = folder / "linked"
    words = ["musl-gcc", "-static", "-no-pie", "-O1", "-Wall", "-Werror", f"-DPLANT={plant}", "-o", str(target)]
    subprocess.run([*words, str(HERE / "second_life.c")], check=True)
    return str(target)


def test_a_dumped_program_goes_on_with_what_each_start_brings(tmp_path: Path) -> None:
    dump.main(linked(tmp_path, 0), str(tmp_path / "file"))
    for word in ("one", "other"):
        said = subprocess.run([tmp_path / "file", word], env={"CAME": word}, capture_output=True, text=True, check=True)
        assert said.stdout == f"7 {word} {word}\n"


def test_two_dumps_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    """Wherever the kernel laid the stack and the vdso, and whatever random number the canary was."""
    source = linked(tmp_path, 0)
    for name in ("one", "other"):
        dump.main(source, str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("plant", PLANTS)
def test_what_points_out_of_the_file_is_refused(plant: int, tmp_path: Path) -> None:
    """The last of them mapped /etc/localtime in a trial, and the file crashed where a time was asked for."""
    source = linked(tmp_path, plant)
    with pytest.raises(dump.Refused, match=PLANTS[plant]):
        dump.main(source, str(tmp_path / "file"))
    assert not (tmp_path / "file").exists()


def test_a_program_that_ends_before_it_stops_is_refused(tmp_path: Path) -> None:
    source = linked(tmp_path, 0)
    dump.main(source, str(tmp_path / "file"))
    with pytest.raises(dump.Refused, match="did not stop"):
        dump.main(str(tmp_path / "file"), str(tmp_path / "again"))


OWN = "00400000-00500000 r-xp 00000000 08:01 12 /made/linked\n00500000-00502000 rw-p 00001000 08:01 12 /made/linked\n"
KERNELS = (
    "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]\n7ffc00100000-7ffc00102000 r-xp 00000000 00:00 0 [vdso]\n"
)


@pytest.mark.parametrize("row", ["", "00502000-00508000 rw-p 00000000 00:00 0\n"])
def test_the_file_s_own_mappings_and_the_kernel_s_are_nothing_foreign(row: str) -> None:
    dump.require_no_other(dump.parsed(OWN + row + KERNELS), "/made/linked", SEGMENT)


@pytest.mark.parametrize(
    "row",
    [
        "00502000-0050a000 rw-p 00000000 00:00 0\n",  # longer than the segment
        "01000000-01021000 rw-p 00000000 00:00 0 [heap]\n",
        "7f0000000000-7f0000001000 r--p 00000000 08:01 99 /etc/localtime\n",
        "7f0000000000-7f0000001000 rw-p 00000000 00:00 0\n",
        "7f0000000000-7f0000001000 rw-p 00000000 08:01 12 /made/linked (deleted)\n",
    ],
)
def test_any_other_mapping_is(row: str) -> None:
    with pytest.raises(dump.Refused, match="which no start would have"):
        dump.require_no_other(dump.parsed(OWN + row + KERNELS), "/made/linked", SEGMENT)


@pytest.mark.parametrize("place", [0, 8, 0x4000, 0x7FF8])
def test_a_word_that_points_to_the_stack_is_found_wherever_it_is(place: int) -> None:
    memory = bytearray(0x8000)
    memory[place : place + 8] = (0x7FFC00000010).to_bytes(8, "little")
    with pytest.raises(dump.Refused, match=rf"{0x500000 + place:#x} \(data\) points to \[stack\]"):
        dump.require_no_pointer(bytes(memory), 0x500000, dump.parsed(OWN + KERNELS), {"data": 0x500000})
    memory[place : place + 8] = (0x7FFC00021000).to_bytes(8, "little")  # behind its end
    dump.require_no_pointer(bytes(memory), 0x500000, dump.parsed(OWN + KERNELS), {"data": 0x500000})


def test_nothing_of_where_it_was_built_is_in_the_file(dumped: Path) -> None:
    """Neither as text nor as CPython's wide characters: it differed from build to build."""
    content = dumped.read_bytes()
    for name in ("pydrop-onefile-", "/linked", str(ROOT)):
        assert name.encode() not in content
        assert name.encode("utf-32-le") not in content
