"""The pages that are read from top to end: their files are written, their commands run; what they show must come."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.engine import ROOT, Container, image, podman, until
from tests.container.pages import Step, Table, level, steps


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


# docker's client, where there is nothing but a shell: what is asked goes out through one pipe, what came of it comes
# back through three.
CLIENT = """#!/bin/sh
exec 9>/docker/lock && flock 9
printf '%s\\0' "$PWD" "$@" >/docker/asked
cat /docker/err >&2 &
cat /docker/out
wait
read -r code </docker/code
exit "$code"
"""


class Newcomer(Reader):
    """One who works in a fresh container, which has our `docker` and nothing else that its image has not."""

    def __init__(self, folder: Path, docker: str, pipes: Path, container: Container) -> None:
        super().__init__(folder, docker)
        self.pipes, self.container = pipes, container
        self.server = threading.Thread(target=self.serve, daemon=True)
        self.server.start()

    def serve(self) -> None:
        """Be docker's server, to which the paths are what they are to its client."""
        while asked := (self.pipes / "asked").read_bytes():
            folder, *words, _ = asked.decode().split("\0")
            with open(self.pipes / "out", "wb") as out, open(self.pipes / "err", "wb") as err:
                done = subprocess.run(
                    [f"{self.docker}/docker", *words], cwd=folder, stdout=out, stderr=err, timeout=600, check=False
                )
            (self.pipes / "code").write_text(f"{done.returncode}\n")

    def leaves(self) -> None:
        """A server that waits hears that nothing is asked any more."""
        os.close(os.open(self.pipes / "asked", os.O_WRONLY | os.O_NONBLOCK))
        self.server.join(10)
        assert not self.server.is_alive()

    def types(self, command: str) -> str:
        options = (f"--workdir={self.folder}", "--env=PATH=/docker:/usr/bin:/bin")
        done = self.container.exec("sh", "-uc", command, options=options)
        assert done.code == 0, f"{command}\n{done}"
        return done.stderr + done.stdout


@pytest.fixture
def reader(tmp_path: Path, docker: str) -> Reader:
    tmp_path.chmod(0o755)
    (tmp_path / "new").mkdir()
    return Reader(tmp_path / "new", docker)


@pytest.fixture
def newcomer(tmp_path: Path, docker: str, container) -> Iterator[Newcomer]:
    new, pipes = tmp_path / "new", tmp_path / "pipes"
    new.mkdir()
    pipes.mkdir()
    for name in ("asked", "out", "err", "code"):
        os.mkfifo(pipes / name)
    (pipes / "docker").write_text(CLIENT)
    (pipes / "docker").chmod(0o755)
    mounts = (f"--volume={new}:{new}", f"--volume={pipes}:/docker")
    fresh = container(*mounts, image=image("debian:bookworm-slim"))
    somebody = Newcomer(new, docker, pipes, fresh)
    yield somebody
    somebody.leaves()


def test_the_guide(newcomer):
    """Somebody follows it who has a shell and docker."""
    assert newcomer.types("for name in python3 pydrop docker; do command -v $name || true; done") == "/docker/docker\n"
    for step in steps((ROOT / "docs" / "guide.md").read_text()):
        newcomer.does(step)


def test_the_readme(reader):
    """Its image is what its two fragments say, on top of an image with gunicorn; its volume has three wrong entries."""
    page = steps((ROOT / "README.md").read_text())
    base = f"FROM {image('example-python')}\nRUN echo 'umask = \"027\"' >/etc/pydrop.toml\n"
    fragments = [step.text for step in page if step.language == "dockerfile"]
    reader.does(Step("dockerfile", base + "".join(fragments), "Dockerfile"))
    reader.does(Step("sh", "docker build -t myimage-of-the-readme .", ""))
    for name in ("data", "data/a", "data/b", "data/c", "data/d"):
        (reader.folder / name).mkdir()
    for name in ("data/a", "data/b"):
        os.chown(reader.folder / name, 1500, 1500)
    commands = [step for step in page if step.language == "sh"]
    assert len(commands) == 4 and sum(bool(step.shows) for step in commands) == 1
    for step in commands:
        step.text = step.text.replace("myimage", "myimage-of-the-readme")
        if step.shows:  # it serves until it is ended, and this test goes on
            reader.types(step.text.replace("docker run ", "docker run -d --name served ").strip())
            until(lambda: "Listening at" in reader.types("docker logs served"))
            said = level(reader.types("docker logs served"))
            assert shown(step.shows).match(said), said
            reader.types("docker stop served")
        elif step.text.startswith("make "):
            assert all(f"\n{line.split()[1]}: " in (ROOT / "Makefile").read_text() for line in step.text.splitlines())
        else:
            reader.does(step)


@pytest.mark.parametrize("name", ["from-linuxserver", "from-fixuid"])
def test_what_the_page_shows_after_is_built_and_started(name, reader):
    _, _, after = (ROOT / "docs" / f"{name}.md").read_text().partition("## After")
    for step in steps(after):
        reader.does(step)


def test_the_readmes_table_says_how_much_pydrop_adds_to_an_image(run):
    by_pip = run("--entrypoint=du", command=["-s", "--bytes", "/opt/pydrop"]).stdout.split()[0]
    alone = podman("image", "inspect", "--format={{.Size}}", image("pydrop")).stdout
    told = f"{int(alone) / 1e6:.0f} MB; by pip {int(by_pip) / 1e6:.0f} MB, and Python"
    assert Table(ROOT / "README.md", "").cell("size", "pydrop") == told
