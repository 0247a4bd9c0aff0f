"""The pages that are read from top to end: their files are written, their commands run; what they show must come."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from engine import ROOT
from pages import Step, level, steps


def shown(text: str) -> re.Pattern[str]:
    """What must come, word for word but for times; a line `…` stands for any lines that the page leaves out."""
    return re.compile(re.escape(level(text)).replace("…\\\n", "(?:.*\n)*"))


class Reader:
    """Somebody in a folder of his own who does what the page says, with our `docker` first in the PATH."""

    def __init__(self, folder: Path, docker: str) -> None:
        self.folder, self.docker = folder, docker

    def does(self, step: Step) -> None:
        if step.file:
            (self.folder / step.file).write_text(step.text)
            return
        assert step.language == "sh", f"neither a file with a name nor commands: {step.text}"
        found = "".join(self.types(command) for command in step.commands)
        assert step.shows is None or shown(step.shows).fullmatch(level(found)), f"{step.text}\n--- came:\n{found}"

    def types(self, command: str) -> str:
        """What comes on the terminal: the program's words behind pydrop's, which come in two streams."""
        environment = os.environ | {"PATH": f"{self.docker}:{os.environ['PATH']}"}
        words = ["sh", "-uc", command]
        done = subprocess.run(
            words, cwd=self.folder, env=environment, capture_output=True, encoding="utf-8", timeout=600, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stderr + done.stdout


@pytest.fixture
def reader(tmp_path: Path, docker: str) -> Reader:
    tmp_path.chmod(0o755)
    (tmp_path / "new").mkdir()
    return Reader(tmp_path / "new", docker)


def test_the_guide(reader):
    for step in steps((ROOT / "docs" / "guide.md").read_text()):
        reader.does(step)
