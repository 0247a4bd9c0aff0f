#!/usr/bin/python3
"""Make this project's container images where they are missing or their recipe has changed.

Usage: tools/images.py NAME...   prints one image id a line; says on standard error what it makes, and why
       tools/images.py --all     all that the tests need; prints no ids

Images cannot be pulled everywhere, so the bases are made of Debian's packages and tagged under the names that real
Dockerfiles have in their FROM lines. An image carries the digest of its recipe as a label, by which it is found again:
folders with other sources share the bases and have their own rest. The images, podman's layers and the packages that
were fetched are kept in the cache folder of tools/podman, outside this folder, so that a new clone finds them.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pydrop"
PODMAN = str(ROOT / "tools" / "podman")
LABEL = "pydrop.recipe"
CERTIFICATES = Path(os.environ.get("PIP_CERT") or "/etc/ssl/certs/ca-certificates.crt")
# A build waits for the network half of its time, and unpacks with one processor the other half.
AT_ONCE = 2

# What Debian's slim images leave out, so that packages added later leave it out too.
SLIM = [
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
]

# What stands for Alpine: its libc and its tools as Debian packages them, its folders and root's account. No apk.
LIKE_ALPINE = """set -e; cd "$1"
for name in $(bin/busybox --list); do [ -e "bin/$name" ] || ln -s busybox "bin/$name"; done
mkdir -p home root; mkdir -pm 1777 tmp var/tmp; ln -s ../run var/run
echo root:x:0:0:root:/root:/bin/sh >etc/passwd; echo root:x:0: >etc/group"""
MUSL = ["--variant=extract", "--include=busybox-static,musl", f"--extract-hook={LIKE_ALPINE}"]

# name -> (release, further words for mmdebstrap)
BASES = {
    "debian:bookworm-slim": ("bookworm", ["--variant=minbase", *SLIM]),
    "debian:trixie-slim": ("trixie", ["--variant=minbase", *SLIM]),
    # Not released yet: the date until which its list of packages is good may have passed.
    "debian:forky-slim": ("forky", ["--variant=minbase", '--aptopt=Acquire::Check-Valid-Until "false"', *SLIM]),
    "alpine": ("bookworm", MUSL),
}

# name -> (Dockerfile, images that it names, whether it copies this project's sources)
BUILT = {
    # The one file, out of which the examples and the tests' bases take it.
    "pydrop": ("Dockerfile", ["debian:bookworm-slim"], True),
    "pydrop-example": ("Dockerfile.example", ["debian:bookworm-slim"], True),
    "pydrop-programs": ("tests/container/programs.Dockerfile", ["debian:bookworm-slim", "pydrop-example"], False),
    "pydrop-tests-3.13": ("tests/container/python.Dockerfile", ["debian:trixie-slim"], True),
    "pydrop-tests-3.14": ("tests/container/python.Dockerfile", ["debian:forky-slim"], True),
    "pydrop-debian-packages-3.11": ("tests/container/debian-packages.Dockerfile", ["debian:bookworm-slim"], False),
    "pydrop-debian-packages-3.14": ("tests/container/debian-packages.Dockerfile", ["debian:forky-slim"], False),
}

# What stands for images that people start from, by the names that they have: each is laid out as that is.
LAID_OUT = {
    "debian:11": "staff",
    "distroless": "distroless",
    "nginx": "nginx",
    "node:slim": "node",
    "python:3.13-slim": "python",
    "static": "static",
}


def folders(above: str, prefix: str) -> dict[str, Path]:
    """`prefix-NAME` is the folder NAME, and `prefix-A-B` the folder A/B."""
    files = sorted((ROOT / above).glob("**/Dockerfile"))
    return {"-".join((prefix, *file.parent.relative_to(ROOT / above).parts)): file.parent for file in files}


# Images that are built as a reader builds them: with the Dockerfile's folder alone.
EXAMPLES = folders("examples", "example")
FOLDERS = EXAMPLES | folders("tests/container/dist", "dist")
FOLDERS |= {name: ROOT / "tests/container/bases" / folder for name, folder in LAID_OUT.items()}


# -- recipes --------------------------------------------------------------------------------------


def needs(name: str) -> list[str]:
    """The images that this one is made of."""
    return [] if name in BASES else built(name)[1]


def depth(name: str) -> int:
    """0 for a base, else one more than the deepest image that it is made of."""
    return max((depth(base) + 1 for base in needs(name)), default=0)


def recipe_of(name: str, base_ids: list[str]) -> str:
    """A digest of all that an image is made of."""
    digest = hashlib.sha256()
    if name in BASES:
        digest.update(" ".join(debootstrap(name)).encode())
    else:
        file, _, _, sources = built(name)
        digest.update(file.read_bytes())
        for base in base_ids:
            digest.update(base.encode())
        for path in sources:
            digest.update(b"\0%s\0%s" % (str(path.relative_to(ROOT)).encode(), path.read_bytes()))
    return digest.hexdigest()[:16]


def built(name: str) -> tuple[Path, list[str], Path, list[Path]]:
    """(Dockerfile, images that it names, folder that it is given, files that it may copy) of an image that is built."""
    if name in FOLDERS:
        folder = FOLDERS[name]
        file = folder / "Dockerfile"
        text = file.read_text()
        stages = re.findall(r"^FROM \S+ AS (\S+)", text, re.MULTILINE)
        named = re.findall(r"^(?:FROM |COPY --from=)(\S+)", text, re.MULTILINE)
        bases = [name for name in dict.fromkeys(named) if name not in (*stages, "scratch")]
        copied = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".md", ".yaml"))
        return file, bases, folder, sorted(copied)
    recipe, bases, sources = BUILT[name]
    return ROOT / recipe, bases, ROOT, list(source_files(name)) if sources else []


def source_files(name: str) -> Iterator[Path]:
    """What .dockerignore lets through and the image is made of, in a fixed order."""
    if name == "pydrop":
        files, folders = ["Makefile", "LICENSE"], ["src", "launcher", "onefile", "docs/man"]
    else:
        files = [".dockerignore", "pyproject.toml", "requirements.txt", "requirements-build.txt"]
        files, folders = [*files, "README.md", "LICENSE", "CHANGELOG.md"], ["src", "launcher", "docs/man"]
    yield from (ROOT / file for file in files)
    for folder in folders:
        yield from sorted(p for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix != ".pyc")


def debootstrap(name: str) -> list[str]:
    release, words = BASES[name]
    return ["mmdebstrap", "--quiet", *words, release, "-"]


# -- what is there and what is made ---------------------------------------------------------------


class Listed:
    """An image that is there, by `podman images`, which adds up their sizes: seconds where there are hundreds."""

    def __init__(self, found: "dict[str, Any]") -> None:
        self.id: str = found["Id"]
        self.names: list[str] = [name.removeprefix("localhost/") for name in found.get("Names") or []]
        self.recipe: str = (found.get("Labels") or {}).get(LABEL, "")
        self.age: float = time.time() - found["Created"]


def listed() -> list[Listed]:
    """The images that have a name: the stages of a build have the label of its recipe too, but no name."""
    return [one for one in map(Listed, json.loads(podman("images", "--format=json"))) if one.names]


class Images:
    """Finds images by their recipes, and makes those that are missing, each behind the images that it is made of."""

    def __init__(self) -> None:
        self.asked: dict[str, Future[str]] = {}
        self.by_recipe: dict[str, str] = {}
        self.made = 0
        names = [*BASES, *BUILT, *EXAMPLES]
        self.by_name = inspected(*names)
        self.by_recipe = {recipe: id for id, recipe in self.by_name.values()}

    def found(self, name: str) -> str:
        """The id of the image, or "" where it is to be made first."""
        bases = [self.found(base) for base in needs(name)]
        return self.of_recipe(recipe_of(name, bases)) if all(bases) else ""

    def of_recipe(self, recipe: str) -> str:
        """The id of the image, or "" where there is none. Another folder's may have taken its other name."""
        if recipe not in self.by_recipe:
            self.by_recipe[recipe] = next((id for id, _ in inspected(f"recipe:{recipe}").values()), "")
        return self.by_recipe[recipe]

    def ids(self, names: list[str], builders: ThreadPoolExecutor) -> list[str]:
        """In the order of the names. Shallow ones are begun first: who waits for an image then never holds the builder
        that would make it."""
        wanted = set(names)
        while more := {base for name in wanted for base in needs(name)} - wanted:
            wanted |= more
        for name in sorted(wanted, key=lambda name: (depth(name), name)):
            bases = [self.asked[base] for base in needs(name)]
            # Two names with one recipe are made once.
            same = [self.asked[other] for other in self.asked if name in BUILT and BUILT[name] == BUILT.get(other)]
            self.asked[name] = builders.submit(self.ready, name, bases, same)
        return [self.asked[name].result() for name in names]

    def ready(self, name: str, bases: "list[Future[str]]", same: "list[Future[str]]") -> str:
        """The id of the image, which is made first where there is none of today's recipe."""
        recipe = recipe_of(name, [base.result() for base in bases])
        for other in same:
            other.result()
        if not self.of_recipe(recipe):
            self.make(name, recipe)
        elif self.by_name.get(name) != (self.by_recipe[recipe], recipe):
            podman("tag", self.by_recipe[recipe], name)
        return self.by_recipe[recipe]

    def make(self, name: str, recipe: str) -> None:
        say(f"{name}: {'its recipe changed' if name in self.by_name else 'not there yet'}, making it")
        began = time.monotonic()
        (make_base if name in BASES else build)(name, recipe)
        say(f"{name}: made in {time.monotonic() - began:.0f} s")
        # Under this name it is there still when another recipe has taken the other name.
        podman("tag", name, f"recipe:{recipe}")
        self.by_recipe[recipe] = podman("image", "inspect", "--format={{.Id}}", name).strip()
        self.made += 1


def inspected(*names: str) -> dict[str, tuple[str, str]]:
    """(id, recipe) of those of these images that are there. One call, which takes as long as for one."""
    said = '{{.Id}} {{index .Labels "' + LABEL + '"}} {{json .RepoTags}}'
    words = [PODMAN, "image", "inspect", f"--format={said}", *names]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    found = {}
    for line in done.stdout.splitlines():
        id, recipe, tags = line.split(" ", 2)
        found |= dict.fromkeys([tag.removeprefix("localhost/") for tag in json.loads(tags)], (id, recipe))
    return {name: found[tagged(name)] for name in names if tagged(name) in found}


def remove_old() -> None:
    """Those that no name is left to but their recipe's, and the steps of builds that are none of an image's. Two days
    old: the tests of another folder may need them. Each that is there costs time at every call of podman."""
    podman("image", "prune", "--force", "--filter=until=48h")
    for one in listed():
        if one.names == [f"recipe:{one.recipe}"] and one.age > 48 * 3600:
            with contextlib.suppress(subprocess.CalledProcessError):  # a container uses it
                podman("rmi", *one.names)


def tagged(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def make_base(name: str, recipe: str) -> None:
    with archives() as own, tempfile.TemporaryFile() as complaints:
        # In a session of its own: where its output is cut off, mmdebstrap sends HUP to its whole process group.
        words = [*debootstrap(name)[:-2], *cached(name, own), *debootstrap(name)[-2:]]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=complaints, start_new_session=True) as debian:
            podman(
                "import", "--change", f"LABEL {LABEL}={recipe}", "--change", "CMD bash", "-", name, stdin=debian.stdout
            )
        if debian.returncode:
            podman("rmi", name)
            complaints.seek(0)
            sys.stderr.write(complaints.read().decode(errors="replace"))
            raise subprocess.CalledProcessError(debian.returncode, debian.args)


def cached(name: str, own: Path) -> list[str]:
    """Options for mmdebstrap by which it keeps its packages in this folder, and none of them in the image."""
    if "--variant=extract" in BASES[name][1]:  # which has no step behind that of its packages
        return []
    place = '"$1"/var/cache/apt/archives'
    begin = f"--setup-hook=mkdir -p {place} && mount --bind '{own}' {place}"
    return ["--skip=essential/unlink", begin, f"--customize-hook=umount {place}"]


def build(name: str, recipe: str) -> None:
    """Builds the Dockerfile as it stands; what pip needs of this machine is mounted where pip looks for it. A folder
    that is mounted is in no layer."""
    file, bases, folder, _ = built(name)
    with archives() as packages, tempfile.TemporaryDirectory() as pip:
        words = ["[global]", "disable-pip-version-check = true", "root-user-action = ignore"]
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, pip)
            words.append(f"cert = /root/.config/pip/{CERTIFICATES.name}")
        Path(pip, "pip.conf").write_text("\n".join(words) + "\n")
        mounts = [f"{pip}:/root/.config/pip:ro", f"{packages}:/var/cache/apt/archives"]
        if name == "pydrop":  # whose CPython is compiled once, here or there
            (CACHE / "onefile").mkdir(exist_ok=True)
            mounts.append(f"{CACHE}/onefile:/root/.cache/pydrop/onefile")
        # One recipe for several releases says `ARG BASE`.
        base = [f"--build-arg=BASE={bases[0]}"] if "ARG BASE\n" in file.read_text() else []
        podman(
            *("build", "--pull=never", "--network=host", *base, *(f"--volume={mount}" for mount in mounts)),
            *("--label", f"{LABEL}={recipe}", "--tag", name, "--file", str(file), str(folder)),
        )


@contextlib.contextmanager
def archives() -> Iterator[Path]:
    """A folder for the packages of one build: it has all that were ever fetched, and what the build adds is kept for
    the next. Its own, as links to the same files, since apt locks the folder, and a build may empty it."""
    kept = CACHE / "packages"
    kept.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=CACHE) as made:
        own = Path(made)
        own.chmod(0o755)  # apt fetches as a user of its own
        linked(kept.glob("*.deb"), own)
        try:
            yield own
        finally:
            linked(own.glob("*.deb"), kept)


def linked(files: Iterable[Path], folder: Path) -> None:
    for file in files:
        with contextlib.suppress(FileExistsError):
            os.link(file, folder / file.name)


def podman(*arguments: str, stdin: IO[bytes] | None = None) -> str:
    """Its output. Where it fails, all that it said is shown."""
    done = subprocess.run([PODMAN, *arguments], cwd=ROOT, stdin=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()
    return done.stdout


def say(words: str) -> None:
    print("images:", words, file=sys.stderr, flush=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One at a time, of all processes that share the cache folder."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "images.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another process that makes images")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in CACHE.glob("build-*"):  # by one that was killed
            shutil.rmtree(left)
        yield


def main(names: list[str]) -> None:
    every = names == ["--all"]
    wanted = [*BASES, *BUILT, *FOLDERS] if every else names
    there = Images()
    ids = [there.found(name) for name in wanted]
    if not all(ids):
        ids = made(wanted)
    if not every:
        print(*ids, sep="\n")


def made(names: list[str]) -> list[str]:
    with alone(), ThreadPoolExecutor(AT_ONCE) as builders:
        began = time.monotonic()
        images = Images()
        ids = images.ids(names, builders)
        remove_old()
        say(f"{images.made} built in {time.monotonic() - began:.0f} s")
    return ids


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"images: {error}") from None
