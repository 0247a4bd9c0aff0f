"""`docker` as the pages write it, by this project's podman: `docker.py NAME FOLDER COMMAND [ARG]...`, as a program.

NAME keeps the containers and volumes of one test apart from all others. FOLDER gets a file with the id of each
container in `ids`, so that the test can remove it, and of each image in `images`: the images themselves stay, as those
of tools/images.py do, so that the next test has all their layers.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.container.engine import PODMAN, podman
from tests.container.engine import image as made_image
from tests.container.pages import Run, run_of


def podmans(run: Run, where: Path, volume: Callable[[str], str], devices: dict[str, Path]) -> list[str]:
    """The options of podman that do what docker does by these: docker mounts nothing on a read-only root by itself,
    and its tmpfs is empty, anybody's and noexec. There is no network here, so no port is published. A folder that
    does not exist is made by root, as docker does; `volume` gives a named volume its name, `devices` what stands for
    one."""
    made = ["--read-only-tmpfs=false"]
    for option, value in run.options:
        if option == "-v":
            source, rest = value.split(":", 1)
            if source.startswith(".") and not (where / source).exists():
                (where / source).mkdir()
            made += [option, f"{where / source if source.startswith('.') else volume(source)}:{rest}"]
        elif option == "--tmpfs":
            path, _, options = value.partition(":")
            made.append(f"--tmpfs={path}:{options or 'mode=1777'},noexec,notmpcopyup")
        elif option == "--device" and value in devices:
            made.append(f"--device={devices[value]}:{value}/{devices[value].name}")
        elif option not in ("-p", "-d", "--rm", "--name"):
            made += [option, value] if value else [option]
    return made


class Docker:
    """The commands that the pages show. One that is not known here fails."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.ids, self.images = name, folder / "ids", folder / "images"

    def own(self, name: str) -> str:
        return f"{self.name}-{name}"

    def image(self, name: str) -> str:
        """The id of one that the page has built, else of one that tools/images.py makes."""
        built = self.images / name
        return built.read_text() if built.exists() else made_image(name)

    def call(self, command: str, *words: str) -> int:
        code: int = getattr(self, f"do_{command}")(*words)
        return code

    def do_build(self, *words: str) -> int:
        """What is said where it succeeds is docker's, and no page shows it."""
        options = dict(zip(words[:-1:2], words[1:-1:2], strict=True))
        name, stage = options.pop("-t"), options.pop("--target", "")
        assert not options, f"{options}: teach the tests what it is"
        if stage == "dist":  # in this project's folder
            (self.images / name).write_text(made_image("pydrop"))
            return 0
        tag, where = f"localhost/pydrop-page-{name}", str(Path(words[-1]).resolve())
        before = podman("image", "inspect", "--format={{.Id}}", tag).stdout.strip()
        out = ("--network=host", "--pull=never", f"--tag={tag}", f"--iidfile={self.images / name}")
        pydrop = f"--build-context=pydrop=container-image://{self.image('pydrop')}"  # its tag may move meanwhile
        done = podman("build", *out, pydrop, where, timeout=600)
        if done.code:
            print(done, file=sys.stderr)
        elif before and before != self.image(name).removeprefix("sha256:"):
            podman("rmi", before)  # fails, rightly, while something is made of it
        return done.code

    def do_run(self, *words: str) -> int:
        return self.run(Run(list(words)))

    def run(self, run: Run) -> int:
        """A podman in place of each, whose streams are docker's."""
        file = self.ids / str(len(os.listdir(self.ids)))
        named = [f"--name={self.own(name)}" for name in run.values("--name")]
        kept = [option for option, _ in run.options if option in ("-d", "--rm")]
        options = podmans(run, Path.cwd(), self.own, {})
        words = ["run", "--passwd=false", f"--cidfile={file}", *kept, *named, *options, self.image(run.image)]
        shown = subprocess.DEVNULL if "-d" in kept else None  # the id, which is another each time
        return subprocess.run([PODMAN, *words, *run.command], check=False, stdout=shown).returncode

    def do_exec(self, container: str, *words: str) -> int:
        return subprocess.run([PODMAN, "exec", self.own(container), *words], check=False).returncode

    def do_logs(self, container: str) -> int:
        return subprocess.run([PODMAN, "logs", self.own(container)], check=False).returncode

    def do_stop(self, container: str) -> int:
        """It answers with the name, as docker does."""
        done = podman("stop", "--time=10", self.own(container))
        print(done if done.code else container)
        return done.code

    def do_wait(self, container: str) -> int:
        return subprocess.run([PODMAN, "wait", "--interval=20ms", self.own(container)], check=False).returncode

    def do_compose(self, *words: str) -> int:
        """`compose up`, of services that end by themselves."""
        assert words == ("up",), f"{words}: teach the tests what it is"
        services = yaml.safe_load(Path("compose.yaml").read_text())["services"]
        return max(self.run(run_of(service)) for service in services.values())


if __name__ == "__main__":
    raise SystemExit(Docker(sys.argv[1], Path(sys.argv[2])).call(*sys.argv[3:]))
