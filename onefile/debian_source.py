"""Debian's packages and sources of any release, by an apt whose lists are its own: what this machine's apt has is not
changed. They come from where this machine has Debian's packages, and apt checks Debian's signatures."""

import hashlib
import re
import subprocess
from pathlib import Path

from building import native

OURS = re.compile(r"/debian(-security)?/?$")  # how the address of Debian's archive ends, and of its security updates
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def entries(kind: str, release: str) -> str:
    """For apt: the packages (`deb`) or sources (`deb-src`) of a release with its updates, from where this machine has
    Debian's. SystemExit where it has them from nowhere."""
    if not listed():
        run(["apt-get", "update", "-q"], Path("/"), "apt-get update failed")
    mirrors = listed()
    if not mirrors:
        raise SystemExit("onefile: apt is set up for no archive of Debian's packages")
    return "\n".join([entry(kind, mirror, release) for mirror in mirrors])


def listed() -> list[str]:
    """The addresses of Debian's archives that apt has lists of."""
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return sorted({line for line in said.splitlines() if OURS.search(line)})


def entry(kind: str, mirror: str, release: str) -> str:
    suites = f"{release}-security" if "-security" in mirror else f"{release} {release}-updates"
    return f"Types: {kind}\nURIs: {mirror}\nSuites: {suites}\nComponents: main\nSigned-By: {KEYS}\n"


def apt(folder: Path, sources: str, architectures: str) -> list[str]:
    """The words of an apt-get whose sources, lists and archives are its own, in `folder`; its lists are up to date."""
    for name in ("lists/partial", "archives/partial"):
        (folder / "apt" / name).mkdir(parents=True)
    (folder / "apt/own.sources").write_text(sources)
    (folder / "apt/empty.list").touch()
    places = {
        "Dir::Etc::sourcelist": folder / "apt/empty.list",
        "Dir::Etc::sourceparts": folder / "apt",
        "Dir::State::lists": folder / "apt/lists",
        "Dir::Cache::archives": folder / "apt/archives",
        "APT::Architectures": architectures,
        "APT::Sandbox::User": "root",
    }
    words = ["apt-get", "-q", *[f"-o{name}={value}" for name, value in places.items()]]
    run([*words, "update"], folder, "apt-get update failed")
    return words


def download(folder: Path, release: str, package: str, version: str, *options: str) -> Path:
    """Its .dsc file, which is in `folder` then; the files that it names too, but with `--dsc-only`. SystemExit where
    there is none of this version."""
    words = ["source", "--download-only", "--only-source", *options, f"{package}={version}"]
    problem = f"Debian has no source package {package} {version} (any more)"
    run([*apt(folder, entries("deb-src", release), native()), *words], folder, problem)
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
