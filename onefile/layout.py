"""Lay out what the image `pydrop` holds; dist.py runs this where the libraries for the SBOM are.

Usage: layout.py PROGRAM FOLDER

The program lies in /usr/bin, which is in the PATH of every base and root's alone in every image. /usr/local/bin is not:
in Debian 11 and before the group staff may write it, and images give it to their user; a start refuses to run from such
a folder. All else lies in /usr/share, where each kind is looked for by default. Nothing is below /usr/local, since
podman's COPY gives a folder that is there already the owner and mode of the copied one. The same sources give the same
names, modes, times and bytes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import building
import components
import cpython
import make
import sbom
from toolchain import Toolchain

BIN = "usr/bin"
MAN = "usr/share/man"
DOC = "usr/share/doc/pydrop"
BASH = "usr/share/bash-completion/completions"
ZSH = ("usr/share/zsh/site-functions", "usr/share/zsh/vendor-completions")  # the second one is Debian's
FISH = "usr/share/fish/vendor_completions.d"


def main(program: Path, target: Path) -> None:
    os.umask(0o022)
    python = cpython.folder_of(Toolchain())
    libraries = building.CACHE / make.libraries_name()
    made = int(os.environ.get("SOURCE_DATE_EPOCH") or cpython.reproducible(python / "source")["SOURCE_DATE_EPOCH"])
    held = list(components.held(components.all_of(python, libraries), make.linker_map(program)))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".dist-", dir=target.parent) as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        programs(tree, program)
        pages(tree)
        completion(tree, program)
        papers(tree, program, held, made)
        alike(tree, made)
        shutil.rmtree(target, ignore_errors=True)
        tree.rename(target)
    building.say(f"{target} is laid out")


def programs(tree: Path, program: Path) -> None:
    shutil.copyfile(program, placed(tree, f"{BIN}/pydrop"))
    (tree / BIN / "pydropctl").symlink_to("pydrop")


def pages(tree: Path) -> None:
    for page in sorted((building.ROOT / "docs/man").glob("*.[0-9]")):
        shutil.copyfile(page, placed(tree, f"{MAN}/man{page.suffix[1:]}/{page.name}"))


def completion(tree: Path, program: Path) -> None:
    """Each shell loads a file when the command of its name is completed first, so each command has one."""
    bash, zsh, fish = (printed(program, shell) for shell in ("bash", "zsh", "fish"))
    ours = zsh.index("_pydrop() {")
    alone = zsh[ours:].replace("compdef _pydrop pydrop\n", '_pydrop "$@"\n')
    texts = {
        f"{BASH}/pydrop": bash,
        f"{BASH}/pydropctl": bash,
        f"{FISH}/pydrop.fish": fish,
        f"{FISH}/pydropctl.fish": fish,
    }
    for folder in ZSH:
        texts |= {f"{folder}/_pydropctl": zsh[:ours], f"{folder}/_pydrop": f"#compdef pydrop\n\n{alone}"}
    for name, text in texts.items():
        placed(tree, name).write_text(text)


def printed(program: Path, shell: str) -> str:
    """By the program that is laid out, called by its other name."""
    ctl = program.with_name("pydropctl")
    return subprocess.run([ctl, "completion", shell], check=True, capture_output=True, text=True, env={}).stdout


def papers(tree: Path, program: Path, held: list[components.Component], made: int) -> None:
    """The licence of each component that is in the file, and the SBOM, under a name by which scanners find it."""
    texts = {"pydrop.txt": (building.ROOT / "LICENSE").read_text()}
    for component in held:
        texts |= component.texts
    for name, text in texts.items():
        placed(tree, f"{DOC}/licenses/{name}").write_text(text)
    placed(tree, f"{DOC}/pydrop.cdx.json").write_text(sbom.document(program, version(), held, made))


def version() -> str:
    words = (building.ROOT / "src/pydrop/__init__.py").read_text()
    return words.partition('__version__ = "')[2].partition('"')[0]


def placed(tree: Path, name: str) -> Path:
    file = tree / name
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def alike(tree: Path, made: int) -> None:
    """The modes, and one time for all, the folders last."""
    for folder, _, files in os.walk(tree, topdown=False):
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if folder == str(tree / BIN) else 0o644)
            os.utime(file, (made, made), follow_symlinks=False)
        Path(folder).chmod(0o755)
        os.utime(folder, (made, made))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
