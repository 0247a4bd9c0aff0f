"""`pydropctl bundle DIR`: pydrop with a Python of its own, for images that have none, or another libc.

What lies in DIR is copied onto an image's root. It holds the launcher, the interpreter of this Python, the modules that
pydrop needs, compiled (bundling/needed.py), the shared libraries of both, and the loader that starts them:

    PREFIX/bin/pydrop, pydropctl, python3
    PREFIX/lib/ld.so, lib*.so.*             its own loader and libraries, which nothing else in the image looks for
    PREFIX/lib/pythonX.Y/...                modules
    usr/local/bin/pydrop, pydropctl         links, so that no shell is needed to make them
"""

import json
import os
import sys

import click

from pydrop.ctl import completion_items
from pydrop.ctl.bundle_python import LOADER, is_bundle
from pydrop.ctl.bundling import bundle_folder, elf, needed_modules
from pydrop.ctl.install import own_file
from pydrop.ctl.usage_errors import Strict
from pydrop.errors import BadSetting, PydropError
from pydrop.report import Report, escaped

PREFIX = "/opt/pydrop"
LINKS = "usr/local/bin"
LAUNCHERS = ("pydrop", "pydropctl")


@click.command(
    "bundle",
    cls=Strict,
    short_help="Put pydrop and a Python of its own into a folder, for images without Python.",
    epilog="Exit codes: 0 the bundle is in DIR; 125 wrong words, or it could not be made.",
)
@click.argument("folder", metavar="DIR", shell_complete=completion_items.folders)
@click.option(
    "--prefix",
    default=PREFIX,
    show_default=True,
    metavar="PREFIX",
    help="Where in the image the bundle is to lie; it runs only there.",
)
@click.option("--pydrop-only", is_flag=True, help="Without pydropctl and what only that needs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the line.")
def command(folder: str, prefix: str, pydrop_only: bool, as_json: bool) -> None:
    """Put pydrop, this Python's interpreter, and just the modules and libraries that pydrop needs into DIR.

    Copied onto the root of an image, it runs there, whatever the image has or lacks: Python, a shell, a libc.

    \b
    FROM pydrop AS bundle
    RUN ["pydropctl", "bundle", "/bundle"]
    FROM alpine
    COPY --from=bundle /bundle /
    """
    try:
        check_prefix(prefix)
        check_folder(folder)
        count, size = bundle(folder, prefix, not pydrop_only)
    except PydropError as error:
        Report().error(str(error))
        raise click.exceptions.Exit(error.code) from error
    python = sys.version.partition(" ")[0]
    if as_json:
        made = {"folder": escaped(folder), "prefix": prefix, "python": python, "files": count, "bytes": size}
        click.echo(json.dumps(made, indent=2))
        return
    click.echo(escaped(f"{folder}: Python {python} and pydrop for {prefix}, {count} files, {size / 1e6:.1f} MB"))


def check_prefix(prefix: str) -> None:
    """It becomes a search path of the loader's, where some characters mean something."""
    if prefix != os.path.normpath(prefix) or not prefix.startswith("/") or prefix == "/" or set(prefix) & set(":;$\0"):
        raise BadSetting(f"--prefix={prefix} is not the path of a folder", "write one as /opt/pydrop")


def check_folder(folder: str) -> None:
    """Nothing may be in it: all of it gets into the image."""
    if is_bundle():
        raise PydropError("this pydrop is a bundle itself", "make another with the pydrop that this one was made of")
    try:
        there = os.listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise PydropError(f"unable to bundle into {folder}: {error.strerror}", "name another folder") from error
    if there:
        raise PydropError(f"{folder} is not empty", "name a folder that is not there yet")


def bundle(folder: str, prefix: str, with_ctl: bool) -> tuple[int, int]:
    """Lay all files into the folder. How many they are, and their bytes."""
    tree = None
    try:
        tree = bundle_folder.Tree(folder)
        modules = needed_modules.modules(with_ctl)
        lay_launchers(tree, prefix, LAUNCHERS if with_ctl else LAUNCHERS[:1])
        lay_interpreter(tree, prefix, [module.file for module in modules if ".so" in module.file])
        for module in modules:
            tree.module(prefix, module)
    except OSError as error:
        problem = f"unable to bundle into {folder}: {error.filename}: {error.strerror}"
        raise PydropError(problem, "name a folder that you may write, with 30 MB of room") from error
    finally:
        if tree:
            tree.close()
    return tree.count, tree.size


def lay_launchers(tree: bundle_folder.Tree, prefix: str, names: tuple[str, ...]) -> None:
    """The programs, and the links to them."""
    own = own_file()
    for name in names:
        tree.copy(own, f"{prefix}/bin/{name}", bundle_folder.PROGRAM)
        tree.link(f"{prefix}/bin/{name}", f"{LINKS}/{name}")


def lay_interpreter(tree: bundle_folder.Tree, prefix: str, extensions: list[str]) -> None:
    """The interpreter, which names the loader that lies there, and every library that it or a module needs."""
    file = os.path.realpath(sys.executable)
    with open(file, "rb") as executable:
        content = executable.read()
    loader = elf.loader_of(content, file)
    tree.write(elf.with_loader(content, file, f"{prefix}/{LOADER}"), f"{prefix}/bin/python3", bundle_folder.PROGRAM)
    tree.copy(loader, f"{prefix}/{LOADER}", bundle_folder.PROGRAM)
    found: dict[str, str] = {}
    for needing in (file, *extensions):
        found.update(elf.libraries(loader, needing))
    for name, place in sorted(found.items()):
        if not os.path.samefile(place, loader):
            tree.copy(place, f"{prefix}/lib/{os.path.basename(name)}")
