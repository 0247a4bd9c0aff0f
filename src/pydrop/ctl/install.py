"""`pydropctl install NAME...`: creates links to pydrop under its compatibility names, for image builds."""

import json
import os
import shutil
import sys
from collections.abc import Callable

import click

import pydrop
from pydrop.checked_reads import is_privileged
from pydrop.compat import COMPATIBILITY_NAMES
from pydrop.ctl import completion_items
from pydrop.ctl.usage_errors import Strict
from pydrop.distribution import ONE_FILE
from pydrop.errors import FAILED, BadSetting, PydropError, Untrusted
from pydrop.model import Value
from pydrop.report import Report, escaped
from pydrop.settings.nearest import misspelt
from pydrop.trust import open_trusted

USUAL = "/usr/local/bin"
NOT_INSTALLED = 1


@click.command(
    "install",
    cls=Strict,
    short_help="Let pydrop be called as gosu, su-exec and others.",
    epilog="Exit codes: 0 every NAME is there; 1 something else has a name already; 125 wrong words, or a folder that "
    "is not there, may not be written, or is not root's alone.",
)
@click.argument("names", nargs=-1, metavar="NAME...", shell_complete=completion_items.offer(*COMPATIBILITY_NAMES))
@click.option(
    "--into",
    metavar="DIR",
    help=f"The folder for the links. Without it: the one pydrop is in, or {USUAL}.",
    shell_complete=completion_items.folders,
)
@click.option("--force", is_flag=True, help="Put the link in place of another program of that name.")
@click.option("--list", "as_list", is_flag=True, help="Show which names there are and what each is here.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array of what each name is here, then.")
def command(names: tuple[str, ...], into: str | None, force: bool, as_list: bool, as_json: bool) -> None:
    """Make links to pydrop. Called as NAME it takes that tool's arguments, and does and exits as that tool.

    \b
    RUN pydropctl install gosu
    RUN pydropctl install su-exec --into /sbin
    """
    try:
        wanted = known(names)
        own = own_file()
        folder = os.path.abspath(into) if into else usual_folder(own)
        if not wanted and not as_list:
            raise BadSetting("no NAME is given", f"name some of {', '.join(COMPATIBILITY_NAMES)}")
        code = 0 if as_list else install(wanted, own, folder, force, nothing if as_json else click.echo)
        if as_list or as_json:
            found = [InstalledName.of(name, own, folder) for name in wanted or COMPATIBILITY_NAMES]
            click.echo(as_array(found) if as_json else "\n".join(table(found, own)))
    except PydropError as error:
        Report().error(str(error))
        raise click.exceptions.Exit(error.code) from error
    raise click.exceptions.Exit(code)


def known(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, each once. Raises BadSetting, which suggests the nearest name, for one that pydrop cannot have."""
    for name in names:
        if name not in COMPATIBILITY_NAMES:
            choices = {one: one for one in COMPATIBILITY_NAMES}
            raise misspelt(f"{name!r} is no name that pydrop can be called by", name, choices)
    return tuple(dict.fromkeys(names))


def own_file() -> str:
    """The `pydrop` executable: the one file, or PREFIX/bin/pydrop for a package in PREFIX/lib/PYTHON/PACKAGES."""
    if ONE_FILE:
        return sys.executable
    prefix = os.path.realpath(pydrop.__file__)
    for _ in range(5):
        prefix = os.path.dirname(prefix)
    path = os.path.join(prefix, "bin", "pydrop")
    if not os.path.isfile(path):
        raise PydropError(f"there is no {path}, which the links would lead to", "install pydrop with pip, into PREFIX")
    return path


def usual_folder(own: str) -> str:
    """The folder of PATH that has this `pydrop` or a link to it; else USUAL."""
    found = shutil.which("pydrop")
    return os.path.dirname(os.path.abspath(found)) if found and os.path.realpath(found) == own else USUAL


def nothing(_line: str) -> None:
    """Discard a line: with --json only the array is printed."""


def install(names: tuple[str, ...], own: str, folder: str, force: bool, tell: Callable[[str], None]) -> int:
    """Create the missing links, tell the result of each, and return the exit code. PydropError where `folder` fails."""
    opened = open_folder(folder)
    try:
        failed = [name for name in names if not linked(name, own, folder, opened, force, tell)]
    finally:
        os.close(opened)
    for name in names:
        if name not in failed:
            warn_of_another(name, own, folder)
    return NOT_INSTALLED if failed else 0


def warn_of_another(name: str, own: str, folder: str) -> None:
    """Warn where a script that calls `name` would not get this pydrop."""
    first = shutil.which(name)
    if first is None:
        Report().warn(f"{name} is not found by its name, since PATH does not have {folder}")
    elif os.path.realpath(first) != own:
        Report().warn(f"{name} is still {first} for who calls it by name; remove that, or use --into")


def open_folder(folder: str) -> int:
    """A descriptor of the folder. Where root installs, the folder must be root's alone.

    A user who could write the folder could replace the link, and the image's scripts would run the replacement as
    root."""
    flags = os.O_PATH | os.O_DIRECTORY
    try:
        return open_trusted(folder, flags) if is_privileged() else os.open(folder, flags | os.O_CLOEXEC)
    except Untrusted as error:
        problem = f"a link in {folder} could be replaced, and what came in its place would run as root: {error.problem}"
        raise Untrusted(problem, "name a folder of root's alone: --into DIR") from error
    except OSError as error:
        remedy = "make it first, or name another one: --into DIR"
        raise PydropError(f"unable to install into {folder}: {error.strerror}", remedy) from error


def linked(name: str, own: str, folder: str, opened: int, force: bool, tell: Callable[[str], None]) -> bool:
    """Create one link, and tell the result. False where something else has the name."""
    path = f"{folder}/{name}"
    if os.path.realpath(path) == own:
        tell(escaped(f"{path} leads to {own} already"))
        return True
    try:
        place(name, own, opened, force)
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        why = "a folder" if os.path.isdir(path) and not os.path.islink(path) else "another program"
        remedy = "remove it" if why == "a folder" else "add --force to put pydrop in its place"
        Report().error(f"{path} is there and is {why}; {remedy}, or name another folder: --into DIR")
        return False
    except OSError as error:
        remedy = "do it as root, or name a folder that you may write: --into DIR"
        raise PydropError(f"unable to make {path}: {error.strerror}", remedy, FAILED) from error
    tell(escaped(f"{path} -> {own}"))
    return True


def place(name: str, own: str, opened: int, force: bool) -> None:
    """Create the link in one call, which fails where the name is taken.

    With `force` the link is created under another name, and then renamed over the name."""
    if not force:
        os.symlink(own, name, dir_fd=opened)
        return
    beside = f".{name}.pydrop-{os.getpid()}"
    os.symlink(own, beside, dir_fd=opened)
    try:
        os.rename(beside, name, src_dir_fd=opened, dst_dir_fd=opened)
    except OSError:
        os.unlink(beside, dir_fd=opened)
        raise


class InstalledName(Value):
    """The state of a compatibility name in this container. `path` is "" where nothing has the name."""

    name: str
    path: str
    is_pydrop: bool

    @classmethod
    def of(cls, name: str, own: str, folder: str) -> "InstalledName":
        for path in (f"{folder}/{name}", shutil.which(name)):
            if path and os.path.lexists(path):
                return cls(name=name, path=path, is_pydrop=os.path.realpath(path) == own)
        return cls(name=name, path="", is_pydrop=False)


def table(found: list[InstalledName], own: str) -> list[str]:
    """A line for each name: the path where it is pydrop or another program, or that it is not installed."""
    width = max(len(each.name) for each in found)
    return [escaped(f"{each.name:<{width}}  {state(each, own)}") for each in found]


def state(found: InstalledName, own: str) -> str:
    if not found.path:
        return "not installed"
    return f"{found.path} -> {own}" if found.is_pydrop else f"{found.path}, another program"


def as_array(found: list[InstalledName]) -> str:
    """[{"name", "path", "is_pydrop"}]"""
    return json.dumps([{name: getattr(each, name) for name in each.fields} for each in found], indent=2)
