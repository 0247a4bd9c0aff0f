"""No start and no subcommand leaves compiled code behind, which the next one would load: whatever the umask is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pydrop
from tests.program.initmode import ENV

pytestmark = [pytest.mark.python, pytest.mark.pip]

PREFIX = Path(sys.prefix)
COMMANDS = [
    ("pydrop", "--user", "1500", "true"),
    ("pydropctl", "plan", "true"),
    ("pydropctl", "check"),
    ("pydropctl", "doctor", "true"),
    ("pydropctl", "verify", "true"),
    ("pydropctl", "chown", "/mnt", "--user", "1:1", "--dry-run"),
    ("pydropctl", "timeline"),
    ("pydropctl", "completion", "bash"),
    ("pydropctl", "install", "--help"),
]
# As in an image that ships no compiled code: the package, and of the standard library the json that pydropctl loads
SCRIPT = """
set -e
for folder in "$1" "$2"; do
    name=$(basename "$folder")
    cp -a "$folder" "$3/$name"
    find "$3/$name" -name __pycache__ -prune -exec rm -r {} +
    mount --bind "$3/$name" "$folder"
done
mount -t tmpfs tmpfs /run
umask 0
shift 3
exec "$@"
"""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_compiled_code_is_left_behind(words: tuple[str, ...], tmp_path: Path) -> None:
    package, library = os.path.dirname(pydrop.__file__), os.path.dirname(subprocess.__file__) + "/json"
    installed = str(next((PREFIX / "lib").glob("python3*/site-packages/pydrop"), package))
    arguments = (
        "sh",
        "-c",
        SCRIPT,
        "sh",
        installed,
        library,
        str(tmp_path),
        str(PREFIX / "bin" / words[0]),
        *words[1:],
    )
    done = subprocess.run(
        ["unshare", "--mount", *arguments], env=ENV, capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in done.stderr, done
    assert sorted(str(path) for path in tmp_path.rglob("__pycache__")) == [], done
