"""Debian's source packages, by apt, which checks Debian's signatures, from sources of their own: what this machine's
apt is set up for does not matter, and is not changed."""

import hashlib
import re
import subprocess
from pathlib import Path

DEBIAN = """\
Types: deb-src
URIs: http://deb.debian.org/debian
Suites: {release} {release}-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://deb.debian.org/debian-security
Suites: {release}-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def sources(release: str) -> str:
    """An entry for apt: the source packages of one release, with its updates."""
    return DEBIAN.format(release=release)


def download(folder: Path, entries: str, package: str, version: str, *options: str) -> Path:
    """Its .dsc file, which is in `folder` then; the files that it names too, but with `--dsc-only`. SystemExit where
    there is none of this version."""
    for name in ("lists/partial", "archives/partial"):
        (folder / "apt" / name).mkdir(parents=True)
    (folder / "apt/own.sources").write_text(entries)
    (folder / "apt/empty.list").touch()
    places = {
        "Dir::Etc::sourcelist": folder / "apt/empty.list",
        "Dir::Etc::sourceparts": folder / "apt",
        "Dir::State::lists": folder / "apt/lists",
        "Dir::Cache::archives": folder / "apt/archives",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-q", *[f"-o{name}={value}" for name, value in places.items()]]
    run([*apt, "update"], folder, "apt-get update failed")
    words = ["source", "--download-only", "--only-source", *options, f"{package}={version}"]
    run([*apt, *words], folder, f"Debian has no source package {package} {version} (any more)")
    return next(folder.glob("*.dsc"))


def run(words: list[str], folder: Path, problem: str) -> None:
    done = subprocess.run(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True, errors="replace"
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout[-20000:]}onefile: {problem}")


def files(dsc: Path) -> dict[str, str]:
    """SHA-256 by name: of the .dsc itself, and of all files that it names."""
    named = re.search(r"^Checksums-Sha256:\n((?: .*\n)+)", dsc.read_text(), re.MULTILINE)
    rows = [line.split() for line in named[1].splitlines()] if named else []
    return {dsc.name: hashlib.sha256(dsc.read_bytes()).hexdigest()} | {name: digest for digest, _, name in rows}
