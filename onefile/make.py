"""Build dist/pydrop: one static file that holds CPython and pydrop, for images of any kind.

Usage: python onefile/make.py [--plain | --dumped] [--for amd64|arm64] [TARGET]

With --plain its interpreter begins at each start. With --dumped it is begun here, once, and what is written is its
memory (dump.py). Which of them is made without a word stands in DUMPED.

Everything it needs it gets itself: Debian's packages and CPython's source by apt, click and psutil by pip, each pinned
(recipe.py, requirements.txt). CPython is built once for each recipe, and kept in ~/.cache/pydrop/onefile; what changes
with pydrop's sources takes seconds.
"""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import cpython
import patience
from building import CACHE, HERE, ROOT, digest, install, kept, native, run, say, version_of
from recipe import COMPILE, LINK, PYTHON, VERSION
from toolchain import MACHINES, Toolchain

DUMPED = False  # until the dumped file is under 12 MB (docs/one-file.md)
STRICT = "-std=gnu11 -Wall -Wextra -Werror -fno-builtin-malloc".split()
LOOP = "-O3 -DPy_BUILD_CORE -DNDEBUG -fwrapv -std=c11 -w"
# Of psutil, what its own setup.py compiles on Linux.
PSUTIL = ("psutil/_psutil_linux.c", "psutil/arch/all/*.c", "psutil/arch/posix/*.c", "psutil/arch/linux/*.c")


def main(target: Path, tools: Toolchain, *, plain: bool) -> None:
    os.umask(0o022)
    CACHE.mkdir(parents=True, exist_ok=True)
    install(tools.needed)
    note, sources = target.with_name(f".{target.name}.sources"), f"{digest_of_sources(tools)}{' plain' * plain}"
    there = all(file.exists() for file in (target, linker_map(target), note))
    if there and note.read_text() == sources:
        return
    python = cpython.folder_of(tools)
    libraries = kept(libraries_name(), fetch_libraries)
    name = f"psutil-{python.name}-{libraries.name}"
    psutil = kept(name, lambda folder: build_psutil(folder, tools, python, libraries))
    own = [psutil] if plain else [psutil, kept(loop_name(python), lambda folder: build_loop(folder, tools, python))]
    with tempfile.TemporaryDirectory(prefix="pydrop-onefile-") as made:
        freeze(Path(made), cpython.folder_of(Toolchain()), libraries)
        link(Path(made), target, tools, python, own, plain=plain)
    note.write_text(sources)


# -- what is built once ---------------------------------------------------------------------------


def digest_of_sources(tools: Toolchain) -> str:
    """A name for all that the file depends on."""
    folders = (ROOT / "src", HERE, ROOT / "launcher")
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.suffix not in (".pyc", ""))
    content = [b"%s\0%s" % (str(file.relative_to(ROOT)).encode(), file.read_bytes()) for file in files]
    return digest(b"\0".join([cpython.recipe(tools).encode(), *content]))


def libraries_name() -> str:
    return f"libraries-{digest((HERE / 'requirements.txt').read_bytes())}"


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


def build_psutil(folder: Path, tools: Toolchain, python: Path, libraries: Path) -> None:
    """psutil's module in C, as one object file for each of its own."""
    source = libraries / "psutil"
    files = [str(file.relative_to(source)) for pattern in PSUTIL for file in sorted(source.glob(pattern))]
    number = requirements()[1].split()[0].removeprefix("psutil==").replace(".", "")
    defined = [f"-D{name}" for name in ("PSUTIL_POSIX=1", "PSUTIL_LINUX=1", "PSUTIL_SIZEOF_PID_T=4")]
    for file in files:
        target = str(folder / f"{file.replace('/', '_')}.o")
        compile_c(tools, python, file, target, *defined, f"-DPSUTIL_VERSION={number}", cwd=source)


def loop_name(python: Path) -> str:
    text = (HERE / "patience.py").read_text()
    return f"loop-{python.name}-{digest(f'{LOOP} {text}'.encode())}"


def build_loop(folder: Path, tools: Toolchain, python: Path) -> None:
    """The interpreter's loop with patience, which the linker takes before it looks into CPython's library."""
    source = python / "source"
    patience.write(source / "Python", folder)
    headers = [f"-isystem{source / name}" for name in ("Python", "Include/internal")]
    compile_c(tools, python, "ceval.c", str(folder / "ceval.o"), *LOOP.split(), *headers, cwd=folder)


def compile_c(tools: Toolchain, python: Path, source: str, target: str, *words: str, cwd: Path = HERE) -> None:
    """One file in C that is no part of CPython."""
    headers = ("-isystem", f"{python}/source", "-isystem", f"{python}/source/Include")
    run(*tools.cc, *COMPILE.split(), *words, *headers, "-c", source, "-o", target, cwd=cwd)


# -- what is built each time ----------------------------------------------------------------------


def link(folder: Path, target: Path, tools: Toolchain, python: Path, own: list[Path], *, plain: bool) -> None:
    click, psutil_version = [line.split()[0].replace("==", " ") for line in requirements()]
    holds = f"CPython {VERSION}, {click}, {psutil_version}, musl {version_of('musl-dev')}"
    defined = [f'-DHOLDS="{holds}"', f'-DFROZEN_FILE="{folder}/frozen.bin"', "-DPy_BUILD_CORE", f"-I{folder}"]
    defined += [f"-DDUMPED={not plain:d}", f"-DPATIENCE={patience.PATIENCE}"]
    objects = []
    for name in ("main", "module", "cpython_parts", "musl_parts", "memory", *([] if plain else ["sealing", "dump"])):
        objects.append(f"{folder}/{name}.o")
        compile_c(tools, python, f"{name}.c", objects[-1], *STRICT, *defined)
    objects += [str(file) for one in own for file in sorted(one.glob("*.o"))]
    archives = [f"{python}/source/libpython{PYTHON}.a", *map(str, sorted((python / "source/Modules").rglob("*.a")))]
    target.parent.mkdir(parents=True, exist_ok=True)
    made = folder / "pydrop"
    options = [*LINK.split(), "-Wl,--build-id=none", "-Wl,--gc-sections", f"-Wl,-Map={folder}/map"]
    run(*tools.cc, *options, *(["-s"] if plain else []), "-o", str(made), *objects, *archives, "-lm")
    if not plain:
        made.rename(folder / "linked")
        how = [] if tools.own else ["--emulated"]
        run(sys.executable, str(HERE / "dump.py"), *how, str(folder / "linked"), str(made), loud=True)
    shutil.move(made, target)
    shutil.move(folder / "map", linker_map(target))
    with contextlib.suppress(FileExistsError):
        (target.parent / f"{target.name}ctl").symlink_to(target.name)
    say(f"{target} is made: {holds}; {target.stat().st_size / 1e6:.1f} MB")


def linker_map(target: Path) -> Path:
    """The linker's own list of what is in the file: from it sbom.py knows whose work it holds."""
    return target.with_name(f".{target.name}.map")


def freeze(folder: Path, python: Path, libraries: Path) -> None:
    source = python / "source"
    folders = [source / "Lib", ROOT / "src", libraries / "click", libraries / "psutil"]
    run(str(cpython.freezing(python)), str(HERE / "frozen.py"), str(folder), *map(str, folders), loud=True)


def requirements() -> list[str]:
    return (HERE / "requirements.txt").read_text().splitlines()


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build one static file that holds CPython and pydrop.")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--plain", dest="plain", action="store_true", default=not DUMPED, help="begun at each start")
    way.add_argument("--dumped", dest="plain", action="store_false", help="begun once, here")
    parser.add_argument("--for", dest="architecture", choices=sorted(MACHINES), default=native())
    parser.add_argument("target", nargs="?", type=Path, default=ROOT / "dist/pydrop")
    return parser.parse_args()


if __name__ == "__main__":
    given = asked()
    main(given.target.absolute(), Toolchain(given.architecture), plain=given.plain)
