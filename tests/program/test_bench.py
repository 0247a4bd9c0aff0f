"""bench/run works and prints every row. What it measures is judged by people and by `make bench`, never by a test."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

BENCH = str(Path(__file__).parent.parent.parent / "bench" / "run")
SMALL = ("--rounds", "2", "--entries", "60", "--pydrop", f"{sys.prefix}/bin/pydrop")
CASES = {
    "start": ["pydrop true", "python3 -I -S -c pass", "gosu 1500:1500 true", "setpriv --reuid 1500", "true"],
    "again": ["pydrop true", "python3 -I -S -c pass"],
    "job": ["pydrop true", "bench/entrypoint.sh true"],
    "right": ["pydrop true", "chown -R 1500:1500", "find large"],
    "wrong": ["pydrop true", "chown -R 1500:1500", "find large"],
}


def bench(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([BENCH, *SMALL, *words], capture_output=True, text=True, check=False)


def test_the_table_has_every_command_and_fits_a_terminal() -> None:
    """Both commands of each ratio are shown, each with its median; a target says whether it is met."""
    done = bench()
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if len(line) > 100] == []
    for case, commands in CASES.items():
        block = done.stdout.partition(f"\n{case}: ")[2].partition("\n\n")[0]
        assert [command for command in commands if command not in block] == []
        assert len(re.findall(r"\d (?:ms|s)\b", block)) == len(commands)
    assert len(re.findall(r"^  target: .*: (?:met|NOT MET) \(", done.stdout, re.MULTILINE)) == 2


def test_the_figures_are_there_for_a_program_too() -> None:
    """--json: the same rows, with seconds and ratios."""
    cases = json.loads(bench("--json", "start", "job").stdout)
    assert [case["case"] for case in cases] == ["start", "job"]
    for case in cases:
        assert len(case["commands"]) == len(CASES[case["case"]])
        ours = case["commands"][0]
        assert ours["runs"] == 2 and 0 < ours["least"] <= ours["median"] <= ours["most"]
        assert [c["ratio"] for c in case["commands"]] == [ours["median"] / c["median"] for c in case["commands"]]


def test_check_fails_where_a_target_is_missed(tmp_path: Path) -> None:
    """A start that takes half a second is no start to ship, and without --check it is only told."""
    slow = tmp_path / "bin" / "pydrop"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 0.5\n")
    slow.chmod(0o755)
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    words = [BENCH, "--rounds", "1", "--pydrop", str(slow), "start"]
    for options, code in (([], 0), (["--check"], 1)):
        done = subprocess.run([*words, *options], capture_output=True, text=True, check=False)
        assert (done.returncode, "NOT MET" in done.stdout) == (code, True)


@pytest.mark.parametrize("words", [("sleep",), ("--pydrop", "/nowhere/pydrop")])
def test_what_cannot_be_measured_is_said(words: "tuple[str, ...]") -> None:
    """One line, no traceback."""
    done = bench(*words)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr and done.stderr.strip()


def test_a_job_that_is_not_done_is_no_figure(tmp_path: Path) -> None:
    """A pydrop that does nothing would be the fastest of all."""
    idle = tmp_path / "bin" / "pydrop"
    idle.parent.mkdir()
    idle.write_text("#!/bin/sh\n")
    idle.chmod(0o755)
    words = [BENCH, "--rounds", "1", "--pydrop", str(idle), "job"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "did not do the whole job" in done.stderr and "Traceback" not in done.stderr


def test_nothing_of_it_stays_behind() -> None:
    """Not in the account files, not in /run, no folder, no mount."""

    def seen() -> "list[object]":
        files = [Path(path).read_bytes() for path in ("/etc/passwd", "/etc/group")]
        mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if "pydrop-bench" in line]
        run = [path for path in ("/run/app", "/run/pydrop/record") if os.path.lexists(path)]
        return [*files, mounts, run, sorted(Path(tempfile.gettempdir()).glob("pydrop-bench-*"))]

    before = seen()
    bench("job")
    assert seen() == before
