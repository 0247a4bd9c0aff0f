"""Build dist/pydrop: one static file that holds CPython and pydrop, for images of any kind.

Usage: python onefile/make.py [--plain | --dumped] [TARGET]

With --plain its interpreter begins at each start. With --dumped it is begun here, once, and what is written is its
memory (dump.py). Which of them is made without a word stands in DUMPED.

Everything it needs it gets itself: Debian's packages and CPython's source by apt, click and psutil by pip, each pinned
(recipe.py, requirements.txt). CPython is built once for each recipe, and kept in ~/.cache/pydrop/onefile; what changes
with pydrop's sources takes seconds.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import patience
from recipe import COMPILE, CONFIGURE, DSC_SHA256, LINK, OFF, PACKAGE, PYTHON, SOURCES, VERSION

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pydrop" / "onefile"
NEEDED = "musl-tools gcc make dpkg-dev linux-libc-dev binutils xz-utils debian-archive-keyring".split()
DUMPED = False  # until the dumped file is under 12 MB (docs/one-file.md)
STRICT = "-std=gnu11 -Wall -Wextra -Werror -fno-builtin-malloc".split()
LOOP = "-O3 -DPy_BUILD_CORE -DNDEBUG -fwrapv -std=c11 -w"
# Of psutil, what its own setup.py compiles on Linux.
PSUTIL = ("psutil/_psutil_linux.c", "psutil/arch/all/*.c", "psutil/arch/posix/*.c", "psutil/arch/linux/*.c")


def main(target: Path, *, plain: bool) -> None:
    os.umask(0o022)
    CACHE.mkdir(parents=True, exist_ok=True)
    install(NEEDED)
    note, sources = target.with_name(f".{target.name}.sources"), f"{digest_of_sources()}{' plain' * plain}"
    if target.exists() and note.exists() and note.read_text() == sources:
        return
    with alone():
        python = kept(f"cpython-{recipe()}", build_python)
        libraries = kept(f"libraries-{digest((HERE / 'requirements.txt').read_bytes())}", fetch_libraries)
        psutil = kept(f"psutil-{recipe()}-{libraries.name}", lambda folder: build_psutil(folder, python, libraries))
        own = [psutil] if plain else [psutil, kept(f"loop-{loop()}", lambda folder: build_loop(folder, python))]
    with tempfile.TemporaryDirectory(prefix="pydrop-onefile-") as made:
        link(Path(made), target, python, libraries, own, plain=plain)
    note.write_text(sources)


# -- what is built once ---------------------------------------------------------------------------


def recipe() -> str:
    """A name for all that CPython's build depends on."""
    packages = [version_of(name) for name in ("gcc-12", "musl-dev", "linux-libc-dev", "binutils")]
    files = [(HERE / name).read_text() for name in ("musl_extra.h", "cc")]
    return digest(repr((VERSION, DSC_SHA256, COMPILE, LINK, CONFIGURE, OFF, packages, files)).encode())


def digest_of_sources() -> str:
    """A name for all that the file depends on."""
    folders = (ROOT / "src", HERE, ROOT / "launcher")
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.suffix not in (".pyc", ""))
    content = [b"%s\0%s" % (str(file.relative_to(ROOT)).encode(), file.read_bytes()) for file in files]
    return digest(b"\0".join([recipe().encode(), *content]))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def kept(name: str, build: Callable[[Path], None]) -> Path:
    """The folder of that name in the cache. Where it is missing it is built, and gets its name when it is complete."""
    folder = CACHE / name
    if not folder.is_dir():
        say(f"making {name}")
        unfinished = CACHE / f"{name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        build(unfinished)
        unfinished.rename(folder)
    return folder


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One at a time, of all processes that share the cache folder."""
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(packages: list[str]) -> None:
    lacking = [name for name in packages if not version_of(name)]
    if lacking:
        say(f"installing {' '.join(lacking)}")
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "-q", env=environment)
        run("apt-get", "install", "-y", "-q", "--no-install-recommends", *lacking, env=environment)


def version_of(package: str) -> str:
    """The version of an installed package, else ""."""
    words = ["dpkg-query", "-W", "-f=${db:Status-Status} ${Version}", package]
    status, _, version = subprocess.run(words, capture_output=True, text=True, check=False).stdout.partition(" ")
    return version if status == "installed" else ""


def build_python(folder: Path) -> None:
    """CPython's library with all its modules, and the Python of the same source that freezes ours."""
    source = fetch_source(folder)
    site = folder / "config.site"
    site.write_text("".join([f"py_cv_module_{name}=n/a\n" for name in OFF]) + "ac_cv_func_close_range=yes\n")
    # pkg-config would find libraries of the other libc.
    given = {"CC": compiler(), "CFLAGS": COMPILE, "LDFLAGS": LINK, "OPT": "-DNDEBUG", "PKG_CONFIG": "false"}
    given |= {"MODULE_BUILDTYPE": "static", "CONFIG_SITE": str(site), **reproducible(source)}
    run("./configure", *CONFIGURE, cwd=source, env=os.environ | given)
    with (source / "pyconfig.h").open("a") as header:
        header.write((HERE / "musl_extra.h").read_text())
    run(
        "make",
        f"-j{len(os.sched_getaffinity(0))}",
        f"LDFLAGS={LINK}",
        f"libpython{PYTHON}.a",
        cwd=source,
        env=os.environ | given,
    )
    for left in source.rglob("*.o"):
        left.unlink()


def reproducible(source: Path) -> dict[str, str]:
    """The time that stands in `sys.version`: that of Debian's last change."""
    words = ["dpkg-parsechangelog", "-l", str(source / "debian/changelog"), "-S", "Timestamp"]
    return {"SOURCE_DATE_EPOCH": subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()}


def fetch_source(folder: Path) -> Path:
    """Debian's source, patched, in `folder`/source. apt checks Debian's signature, and this the version's digest."""
    for name in ("lists/partial", "archives/partial"):
        (folder / "apt" / name).mkdir(parents=True)
    (folder / "apt/own.sources").write_text(SOURCES)
    (folder / "apt/empty.list").touch()
    options = {
        "Dir::Etc::sourcelist": folder / "apt/empty.list",
        "Dir::Etc::sourceparts": folder / "apt",
        "Dir::State::lists": folder / "apt/lists",
        "Dir::Cache::archives": folder / "apt/archives",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-q", *[f"-o{name}={value}" for name, value in options.items()]]
    run(*apt, "update")
    try:
        run(*apt, "source", "--download-only", "--only-source", f"{PACKAGE}={VERSION}", cwd=folder)
    except SystemExit as error:
        raise SystemExit(
            f"onefile: Debian has no {PACKAGE} {VERSION} any more: name its newer one in recipe.py"
        ) from error
    dsc = next(folder.glob("*.dsc"))
    if hashlib.sha256(dsc.read_bytes()).hexdigest() != DSC_SHA256:
        raise SystemExit(f"onefile: {dsc.name} is not what recipe.py says")
    run("dpkg-source", "--extract", dsc.name, "source", cwd=folder)
    return folder / "source"


def fetch_libraries(folder: Path) -> None:
    """click and psutil, unpacked side by side as click/ and psutil/, each with its package in it."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ]
    run(*pip, "--no-binary", "psutil", "-r", str(HERE / "requirements.txt"), "-d", str(folder))
    for archive in [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]:
        kind = "zip" if archive.suffix == ".whl" else "gztar"
        shutil.unpack_archive(archive, folder / "unpacked", kind)
    (folder / "unpacked").rename(folder / "click")
    next((folder / "click").glob("psutil-*")).rename(folder / "psutil")


def build_psutil(folder: Path, python: Path, libraries: Path) -> None:
    """psutil's module in C, as one object file for each of its own."""
    source = libraries / "psutil"
    files = [str(file.relative_to(source)) for pattern in PSUTIL for file in sorted(source.glob(pattern))]
    number = requirements()[1].split()[0].removeprefix("psutil==").replace(".", "")
    defined = [f"-D{name}" for name in ("PSUTIL_POSIX=1", "PSUTIL_LINUX=1", "PSUTIL_SIZEOF_PID_T=4")]
    for file in files:
        target = str(folder / f"{file.replace('/', '_')}.o")
        compile_c(python, file, target, *defined, f"-DPSUTIL_VERSION={number}", cwd=source)


def loop() -> str:
    """A name for all that the interpreter's loop depends on."""
    return digest(f"{recipe()} {LOOP} {(HERE / 'patience.py').read_text()}".encode())


def build_loop(folder: Path, python: Path) -> None:
    """The interpreter's loop with patience, which the linker takes before it looks into CPython's library."""
    source = python / "source"
    patience.write(source / "Python", folder)
    headers = [f"-isystem{source / name}" for name in ("Python", "Include/internal")]
    words = [*LOOP.split(), *headers]
    compile_c(python, "ceval.c", str(folder / "ceval.o"), *words, cwd=folder)


def compiler() -> str:
    """musl's, with the kernel's headers, which musl does not bring: last, and nothing else of /usr/include."""
    headers = CACHE / "headers"
    if not headers.is_dir():
        headers.mkdir()
        words = ["gcc", "-print-multiarch"]
        triplet = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
        for name, place in (("linux", "linux"), ("asm-generic", "asm-generic"), ("asm", f"{triplet}/asm")):
            (headers / name).symlink_to(f"/usr/include/{place}")
    return f"{HERE}/cc -idirafter {headers}"


def compile_c(python: Path, source: str, target: str, *words: str, cwd: Path = HERE) -> None:
    """One file in C that is no part of CPython."""
    headers = ("-isystem", f"{python}/source", "-isystem", f"{python}/source/Include")
    run(*compiler().split(), *COMPILE.split(), *words, *headers, "-c", source, "-o", target, cwd=cwd)


# -- what is built each time ----------------------------------------------------------------------


def link(folder: Path, target: Path, python: Path, libraries: Path, own: list[Path], *, plain: bool) -> None:
    freeze(folder, python, libraries)
    click, psutil_version = [line.split()[0].replace("==", " ") for line in requirements()]
    holds = f"CPython {VERSION}, {click}, {psutil_version}, musl {version_of('musl-dev')}"
    defined = [f'-DHOLDS="{holds}"', f'-DFROZEN_FILE="{folder}/frozen.bin"', "-DPy_BUILD_CORE", f"-I{folder}"]
    defined += [f"-DDUMPED={not plain:d}", f"-DPATIENCE={patience.PATIENCE}"]
    objects = []
    for name in ("main", "module", "cpython_parts", "musl_parts", "memory", *([] if plain else ["sealing", "dump"])):
        objects.append(f"{folder}/{name}.o")
        compile_c(python, f"{name}.c", objects[-1], *STRICT, *defined)
    objects += [str(file) for one in own for file in sorted(one.glob("*.o"))]
    archives = [f"{python}/source/libpython{PYTHON}.a", *map(str, sorted((python / "source/Modules").rglob("*.a")))]
    target.parent.mkdir(parents=True, exist_ok=True)
    made = folder / "pydrop"
    options = [*LINK.split(), "-Wl,--build-id=none", "-Wl,--gc-sections"]
    run(*compiler().split(), *options, *(["-s"] if plain else []), "-o", str(made), *objects, *archives, "-lm")
    if not plain:
        made.rename(folder / "linked")
        run(sys.executable, str(HERE / "dump.py"), str(folder / "linked"), str(made), loud=True)
    shutil.move(made, target)
    with contextlib.suppress(FileExistsError):
        (target.parent / f"{target.name}ctl").symlink_to(target.name)
    say(f"{target} is made: {holds}; {target.stat().st_size / 1e6:.1f} MB")


def freeze(folder: Path, python: Path, libraries: Path) -> None:
    source = python / "source"
    folders = [source / "Lib", ROOT / "src", libraries / "click", libraries / "psutil"]
    run(str(source / "_bootstrap_python"), str(HERE / "frozen.py"), str(folder), *map(str, folders), loud=True)


def requirements() -> list[str]:
    return (HERE / "requirements.txt").read_text().splitlines()


def run(*words: str, loud: bool = False, **how: Any) -> None:
    """Run a command; what it says is shown where it fails, or with `loud`."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **how)
    if done.returncode or loud:
        sys.stderr.buffer.write(done.stdout[-20000:])
    if done.returncode:
        raise SystemExit(f"onefile: {words[0]} ended with exit code {done.returncode}")


def say(words: str) -> None:
    print("onefile:", words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    options = {word for word in sys.argv[1:] if word.startswith("--")}
    given = [word for word in sys.argv[1:] if word not in options]
    if len(given) > 1 or len(options) > 1 or options - {"--plain", "--dumped"}:
        sys.exit(__doc__)
    dumped = "--dumped" in options or (DUMPED and not options)
    main(Path(given[0] if given else ROOT / "dist/pydrop").absolute(), plain=not dumped)
