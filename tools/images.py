#!/usr/bin/python3
"""Make this project's container images where they are missing or their recipe has changed.

Usage: tools/images.py NAME...   prints one image id a line; says on standard error what it makes, and why

Images cannot be pulled everywhere, so the bases are made of Debian's packages and tagged under the names that real
Dockerfiles have in their FROM lines. An image carries the digest of its recipe as a label; the images and podman's
layers are kept in the cache folder of tools/podman, outside this folder, so that a new clone finds them.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PODMAN = str(ROOT / "tools" / "podman")
LABEL = "pydrop.recipe"
CERTIFICATES = Path(os.environ.get("PIP_CERT") or "/etc/ssl/certs/ca-certificates.crt")

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
    "alpine": ("bookworm", MUSL),
}

# name -> (Dockerfile, images that it names, whether it copies this project's sources)
BUILT = {
    # The same image twice: under the second name the examples take pydrop out of it.
    "pydrop-example": ("Dockerfile.example", ["debian:bookworm-slim"], True),
    "pydrop": ("Dockerfile.example", ["debian:bookworm-slim"], True),
    "pydrop-programs": ("tests/container/programs.Dockerfile", ["debian:bookworm-slim", "pydrop-example"], False),
    "pydrop-bare": ("tests/container/bare.Dockerfile", ["pydrop", "debian:trixie-slim", "alpine"], False),
    "pydrop-minimal": ("tests/container/minimal.Dockerfile", ["pydrop", "debian:bookworm-slim"], False),
    "pydrop-unlike": ("tests/container/unlike.Dockerfile", ["pydrop", "debian:trixie-slim"], False),
    "pydrop-tests": ("tests/container/trixie.Dockerfile", ["debian:trixie-slim"], True),
}

# `example-NAME` is examples/NAME, and `example-A-B` examples/A/B, built as a reader builds it: with that folder alone.
EXAMPLES = {
    "-".join(("example", *file.parent.relative_to(ROOT / "examples").parts)): file.parent
    for file in sorted((ROOT / "examples").glob("**/Dockerfile"))
}


def ready(name: str) -> str:
    """The id of the image, which is made first where there is none of today's recipe."""
    recipe = recipe_of(name)
    found = inspect(name)
    if found and found[1] == recipe:
        return found[0]
    say(f"{name}: {'its recipe changed' if found else 'not there yet'}, making it")
    began = time.monotonic()
    if name in BASES:
        make_base(name, recipe)
    else:
        build(name, recipe)
    if found:
        # Fails, rightly, while a container or another image is made of it.
        podman("rmi", found[0], check=False)
    say(f"{name}: made in {time.monotonic() - began:.0f} s")
    return inspect(name)[0]


def recipe_of(name: str) -> str:
    """A digest of all that an image is made of; makes the images that it is built on, whose ids are part of it."""
    digest = hashlib.sha256()
    if name in BASES:
        digest.update(" ".join(debootstrap(name)).encode())
    else:
        file, bases, _, sources = built(name)
        digest.update(file.read_bytes())
        for base in bases:
            digest.update(ready(base).encode())
        for path in sources:
            digest.update(b"\0%s\0%s" % (str(path.relative_to(ROOT)).encode(), path.read_bytes()))
    return digest.hexdigest()[:16]


def built(name: str) -> tuple[Path, list[str], Path, list[Path]]:
    """(Dockerfile, images that it names, folder that it is given, files that it may copy) of an image that is built."""
    if name in EXAMPLES:
        folder = EXAMPLES[name]
        file = folder / "Dockerfile"
        text = file.read_text()
        stages = re.findall(r"^FROM \S+ AS (\S+)", text, re.MULTILINE)
        named = re.findall(r"^(?:FROM |COPY --from=)(\S+)", text, re.MULTILINE)
        bases = [name for name in dict.fromkeys(named) if name not in stages]
        copied = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".md", ".yaml"))
        return file, bases, folder, sorted(copied)
    file, bases, sources = BUILT[name]
    return ROOT / file, bases, ROOT, list(source_files()) if sources else []


def source_files() -> Iterator[Path]:
    """What .dockerignore lets through, in a fixed order."""
    yield from (ROOT / name for name in (".dockerignore", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"))
    for folder in ("src", "launcher", "docs/man"):
        yield from sorted(p for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix != ".pyc")


def inspect(name: str) -> tuple[str, str]:
    """(id, recipe) of an image that is there, else ()."""
    done = podman("image", "inspect", "--format", f'{{{{.Id}}}} {{{{index .Labels "{LABEL}"}}}}', name, check=False)
    return tuple(done.stdout.split()) if done.returncode == 0 else ()


def debootstrap(name: str) -> list[str]:
    release, words = BASES[name]
    return ["mmdebstrap", "--quiet", *words, release, "-"]


def make_base(name: str, recipe: str) -> None:
    # In a session of its own: where its output is cut off, mmdebstrap sends HUP to its whole process group.
    with subprocess.Popen(debootstrap(name), stdout=subprocess.PIPE, start_new_session=True) as debian:
        podman("import", "--change", f"LABEL {LABEL}={recipe}", "--change", "CMD bash", "-", name, stdin=debian.stdout)
    if debian.returncode:
        podman("rmi", name)
        raise subprocess.CalledProcessError(debian.returncode, debian.args)


def build(name: str, recipe: str) -> None:
    """Builds the Dockerfile as it stands; what pip needs of this machine is mounted where pip looks for it."""
    file, _, folder, _ = built(name)
    with tempfile.TemporaryDirectory() as pip:
        words = ["[global]", "disable-pip-version-check = true", "root-user-action = ignore"]
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, pip)
            words.append(f"cert = /root/.config/pip/{CERTIFICATES.name}")
        Path(pip, "pip.conf").write_text("\n".join(words) + "\n")
        podman(
            *("build", "--pull=never", "--network", "host", "--volume", f"{pip}:/root/.config/pip:ro"),
            *("--label", f"{LABEL}={recipe}", "--tag", name, "--file", str(file), str(folder)),
        )


def podman(*arguments: str, check: bool = True, stdin: object = None) -> subprocess.CompletedProcess[str]:
    """Quiet where it succeeds; where it fails and must not, all that it said is shown."""
    done = subprocess.run([PODMAN, *arguments], cwd=ROOT, stdin=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()
    return done


def say(words: str) -> None:
    print("images:", words, file=sys.stderr, flush=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One at a time, of all processes that share the cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pydrop"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        with alone():
            for wanted in sys.argv[1:]:
                print(ready(wanted))
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"images: {error}") from None
