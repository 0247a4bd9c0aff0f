"""The bench measures the file as it does the pip way, beside the same peers, and says which of both it measured."""

import json
import re
import subprocess
from pathlib import Path

from tests.onefile.conftest import ROOT
from tests.program.test_bench import IN_MEMORY

CASES = ("start", "init-start", "init-rest", "right", "wrong")


def bench(onefile: Path, *words: str) -> str:
    command = [*IN_MEMORY, f"{ROOT}/bench/run", "--rounds", "1", "--entries", "60", "--pydrop", str(onefile), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_file_is_measured_and_said_to_be(onefile: Path) -> None:
    """A bare Python, which the file has not beside it, is the pip way's."""
    said = bench(onefile, *CASES)
    assert re.search(r"^one file, pydrop [0-9.]+ \(CPython ", said, re.MULTILINE)
    assert tuple(re.findall(r"^([a-z-]+): ", said, re.MULTILINE)) == CASES
    assert len(re.findall(r"^  python3 -I -S -c pass .*\d ms", said, re.MULTILINE)) == 2


def test_a_program_is_told_too(onefile: Path) -> None:
    (case,) = json.loads(bench(onefile, "--json", "start"))
    assert case["pydrop"].startswith("one file, pydrop ")
