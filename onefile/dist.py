#!/usr/bin/python3
"""Make build/dist: the tree that the image `pydrop` holds, which COPY --from=pydrop / / lays into an image.

Usage: onefile/dist.py [FOLDER]

Any Python 3.11 on Debian 12 will do, as root: what is needed is fetched, each with its digest pinned, and kept in
~/.cache/pydrop/onefile. What the tree holds is in layout.py.
"""

import subprocess
import sys
from pathlib import Path

import building

NEEDS = building.HERE / "sbom_requirements.txt"


def main(folder: Path) -> None:
    building.CACHE.mkdir(parents=True, exist_ok=True)
    python = str(tools() / "bin/python")
    program = building.ROOT / "dist/pydrop"
    for script, paths in (("make.py", [program]), ("layout.py", [program, folder])):
        done = subprocess.run([python, building.HERE / script, *paths], check=False)
        if done.returncode:
            raise SystemExit(done.returncode)


def tools() -> Path:
    """A virtual environment with the libraries that write and check an SBOM."""
    return building.kept(f"sbom-{sys.implementation.cache_tag}-{building.digest(NEEDS.read_bytes())}", make_tools)


def make_tools(folder: Path) -> None:
    building.install(["python3-venv"])
    building.run(sys.executable, "-m", "venv", str(folder))
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    building.run(*pip, "--require-hashes", "--only-binary=:all:", "-r", str(NEEDS))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else building.ROOT / "build/dist").absolute())
