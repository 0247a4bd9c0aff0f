"""`pydropctl chown PATH...`: runs the volume engine alone, for initContainers of Kubernetes and for people."""

import _signal
import os
import signal
from collections.abc import Callable

import click

from pydrop import inherited
from pydrop.ctl import chown_results, completion_items, new_owner
from pydrop.ctl.progress_bar import Bar
from pydrop.ctl.usage_errors import Strict
from pydrop.ctl.volume_opening import surroundings, vet_all
from pydrop.errors import BadSetting, Interrupted, PydropError
from pydrop.model import CHOWN_POLICIES, Identity, Start, Volume
from pydrop.perform.ownership import own, progress_messages
from pydrop.perform.ownership.progress import Progress
from pydrop.report import Report, escaped
from pydrop.settings import values, volume_tables
from pydrop.settings.raw_setting import RawSetting
from pydrop.settings.table import BY_NAME

POLICIES = tuple([policy for policy in CHOWN_POLICIES if policy != "idmap"])  # its mount would end with this container


@click.command(
    "chown",
    cls=Strict,
    short_help="Give volumes to a user: quickly, safely, and only where something is wrong.",
    epilog="Exit codes: 0 all is right; 1 an entry was refused or a PATH is missing (--errors warn: 0 then too); "
    "125 wrong words, or not root; 128+N stopped by signal N.",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=completion_items.files)
@click.option(
    "--user",
    metavar="USER[:GROUP]",
    help="Who gets it, by name or number. Without it: whom PUID, PGID, PYDROP_USER or the settings file name.",
)
@click.option(
    "--policy",
    default="mismatch",
    show_default=True,
    metavar="POLICY",
    help=f"{', '.join(POLICIES)}.",
    shell_complete=completion_items.offer(*POLICIES),
)
@click.option("--mode", metavar="MODE", help="Permissions that entries get, as chmod takes them: u=rwX,g=rX.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave alone what this matches; repeatable.")
@click.option("--only-from", metavar="UID:GID", help="Touch only what has this owner; UID and :GID are fine too.")
@click.option("--across-mounts", is_flag=True, help="Enter other mounts below PATH.")
@click.option("--hard-links", is_flag=True, help="Give away files of others that have other names too.")
@click.option("--create", is_flag=True, help="Make the folder where it is missing.")
@click.option(
    "--errors",
    default="fail",
    show_default=True,
    metavar="warn|fail",
    help="Whether a refusal is exit code 1.",
    shell_complete=completion_items.offer("warn", "fail"),
)
@click.option("--dry-run", is_flag=True, help="Change nothing, say what would be; works without root.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of the lines.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, and no line for a volume in which all went well.")
def command(
    paths: tuple[str, ...], user: str | None, errors: str, dry_run: bool, as_json: bool, quiet: bool, **words: object
) -> None:
    """Give PATH and all in it to a user, as a start of pydrop does it with its volumes.

    Symlinks are never followed, other mounts not entered, and what is right already is not written. A run that
    was stopped is taken up by the next.

    \b
    pydropctl chown /data --user 1000:1000
    pydropctl chown /data --user app --policy on-root-mismatch
    """
    report = Report()
    try:
        inherited.occupy_closed_streams()
        inherited.interruptible(_now())
        fail = _parsed("chown-errors", "errors", errors) == "fail"
        todo = [_volume(path, words) for path in dict.fromkeys(paths)]
        who = new_owner.receiver(user, dry_run)
        code = perform(todo, who, Speaking(report, dry_run, as_json, quiet))
    except Interrupted as stop:
        report.warn(f"stopped by {signal.Signals(stop.signum).name}; the next run goes on from here")
        raise click.exceptions.Exit(128 + stop.signum) from stop
    except PydropError as error:
        report.error(str(error))
        raise click.exceptions.Exit(error.code) from error
    raise click.exceptions.Exit(code if fail else 0)


def _now() -> Start:
    """A Start that tells only about signals: a signal that is blocked now stays blocked."""
    blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
    return Start(name="pydropctl", arguments=(), environment=(), ignored=(), blocked=tuple(map(int, blocked)))


# -- the arguments ---------------------------------------------------------------------------------


def _parsed(setting: str, option: str, value: str) -> object:
    """The option's value, read by the parser of the setting of this name."""
    return BY_NAME[setting].parse(RawSetting(name=setting, source=f"--{option}", value=value))


def _volume(path: str, words: dict[str, object]) -> Volume:
    """The volume that the options describe, read by the parsers of the [[volume]] table."""
    fields: dict[str, object] = {"path": whole(path), "source": "pydropctl chown"}
    for name, value in words.items():
        key = name.replace("_", "-")
        if name == "exclude" and isinstance(value, tuple):  # a colon belongs to the pattern
            fields[name] = tuple([values.text(RawSetting(name=key, source=f"--{key}", value=item)) for item in value])
        elif isinstance(value, str):
            fields[name] = volume_tables.KEYS[key](RawSetting(name=key, source=f"--{key}", value=value))
        elif value is not None:
            fields[name] = value
    if fields.get("policy") == "idmap":
        raise BadSetting(
            "--policy idmap is for a start alone: its mount ends with this container", "take another policy"
        )
    return Volume(**fields)  # type: ignore[arg-type] # each parser returns what its field holds


def whole(path: str) -> str:
    """The absolute path; people may name a path in the working folder.

    A `..` behind a name stays, since that name may be a symlink: the engine decides whether following it is safe."""
    if not path:
        raise BadSetting("one PATH is empty", "name the folder to give away, or check the variable that names it")
    try:
        here = "/" if path.startswith("/") else os.getcwd()
    except OSError as error:
        raise BadSetting(f"{path} is not an absolute path", "the working folder is gone: name it from / on") from error
    names = [name for name in path.split("/") if name not in ("", ".")]
    while names[:1] == [".."]:
        here = os.path.dirname(here)
        del names[0]
    return "/" + "/".join([name for name in here.split("/") if name] + names)


# -- the work --------------------------------------------------------------------------------------


class Speaking:
    """The output of this run: a volume's progress on standard error, its result on standard output."""

    def __init__(self, report: Report, dry: bool, as_json: bool, quiet: bool) -> None:
        self.report = report
        self.dry = dry
        self.as_json = as_json
        self.quiet = quiet

    def watch(self, volume: Volume) -> Callable[[Progress], None]:
        """A function that shows a volume's progress. A signal that got lost in the interpreter is raised there."""
        told = progress_messages.ProgressMessages(self.report.progress, self.report.info, self.dry)
        shown = Bar(self.report, volume, self.dry) if os.isatty(2) else told

        def watch(progress: Progress) -> None:
            inherited.require_uninterrupted()
            if not self.quiet:
                shown(progress)

        return watch

    def tell(self, result: chown_results.Result) -> None:
        """Print the lines of one volume as soon as it is done."""
        self.report.clear()
        if self.as_json or (self.quiet and not result.complaints()):
            return
        for line in result.lines():
            click.echo(escaped(line))


def perform(todo: list[Volume], who: Identity, speaking: Speaking) -> int:
    """Chown one volume after the other. Returns 1 where something was refused or is missing, else 0."""
    results = []
    around = surroundings(tuple([volume.path for volume in todo]))
    vet_all(todo, around)
    for volume in todo:
        report = own(volume, who.uid, who.gid, who.groups, speaking.watch(volume), speaking.dry, around)
        results.append(chown_results.Result(volume, f"{who.uid}:{who.gid}", report, speaking.dry))
        speaking.tell(results[-1])
    around.close()
    if speaking.as_json:
        click.echo(chown_results.as_json(results, speaking.dry))
    return 1 if any([result.failed for result in results]) else 0
