"""A usage error of pydrop and of every subcommand of pydropctl is one line and exit code 125."""

import subprocess
from pathlib import Path

import pytest

from pydrop.ctl.main import SUBCOMMANDS
from tests.faults.throwaway import PYDROP

CTL = f"{PYDROP}ctl"
WRONG = [
    [PYDROP],
    [PYDROP, "--nonsense", "true"],
    [PYDROP, "--umask"],
    [CTL],
    [CTL, "nonsense"],
    [CTL, "chekc"],
    [CTL, "--nonsense"],
    [CTL, "--nonsense", "check"],
    [CTL, "-x", "check"],
    [CTL, "--", "--check"],
    *[[CTL, name, "--nonsense"] for name in SUBCOMMANDS],
    [CTL, "check", "/etc/passwd", "/etc/passwd"],
    [CTL, "check", "/nowhere.toml"],
    [CTL, "check", "/etc"],
    [CTL, "check", "--json", "/nowhere.toml"],
    [CTL, "chown"],
    [CTL, "chown", "--user"],
    [CTL, "install"],
    [CTL, "install", "nonsense"],
    [CTL, "completion"],
    [CTL, "completion", "csh"],
    [CTL, "bundle"],
    [CTL, "timeline", "x"],
    [CTL, "timeline", "--svg"],
    [CTL, "plan", "--umask"],
    [CTL, "verify", "--umask=9", "true"],
]


@pytest.mark.quick
@pytest.mark.parametrize("words", WRONG, ids=[" ".join(words[:1] + words[1:])[-40:] for words in WRONG])
def test_a_usage_error_is_one_line_and_125(words: list[str]) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (125, 1, ""), done
    assert done.stderr.startswith("pydrop: ")


def test_a_settings_file_that_may_not_be_read_is_125(tmp_path: Path) -> None:
    """Nothing was found in it, so 1 would be a lie."""
    file = tmp_path / "closed.toml"
    file.touch(0o600)
    words = ["setpriv", "--reuid=1500", "--clear-groups", CTL, "check", "--content-only", str(file)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert (done.returncode, "Permission denied" in done.stderr) == (125, True), done


def test_findings_are_1(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("nonsense = 1\n")
    assert subprocess.run([CTL, "check", str(file)], check=False, capture_output=True).returncode == 1
