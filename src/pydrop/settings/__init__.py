"""Settings: (arguments, environment, a file's table) -> `Settings`, every value checked and typed.

An option wins over the environment, the environment over the file, the file over the default.
Only the value that wins is parsed; a name that is no setting is refused in every source.
"""

from pydrop.errors import BadSetting
from pydrop.model import Settings
from pydrop.option_words import FILE, FILE_VARIABLE, value_of
from pydrop.settings.raw_setting import RawSetting
from pydrop.settings.sources import default_command, from_arguments, merged, parsed_or_refused
from pydrop.settings.table import BY_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pydrop.settings.all_problems import Problem

CONFIG = FILE
# Docker's rule has many a Dockerfile without a command: ENTRYPOINT takes away the CMD that came with FROM.
EXAMPLE = (
    'in the Dockerfile: ENTRYPOINT ["pydrop"] and below it CMD ["gunicorn", "app:app"] (ENTRYPOINT clears the base '
    "image's CMD); by hand: pydrop id"
)


def read(
    arguments: tuple[str, ...],
    environment: tuple[str, ...],
    table: dict[str, object] | None,
    table_name: str = CONFIG,
) -> Settings:
    """All settings. `environment` is NAME=value lines in order, `table` the settings file's, None without one.

    Where the arguments have --help or --version, `show` says which of them, and nothing else is looked at.
    Raises BadSetting for the first thing that is wrong, and where there is no command.
    """
    options, command, show = from_arguments(arguments, default_command(table, environment, table_name))
    if show:
        return Settings(show=show, sources={})
    given = merged(options, environment, table, table_name)
    parsed = {name: parsed_or_refused(each) for name, each in given.items()}
    sources = {name: each.source for name, each in given.items()}
    fields: dict[str, Any] = {BY_NAME[name].field: value for name, value in parsed.items()}
    if "volumes" in fields:
        fields["volumes"] = _volumes(parsed, sources)
    if "secrets" in fields or any([line.startswith("FILE__") for line in environment]):  # as secret_names.PREFIX
        fields["secrets"] = _secrets(parsed, sources, environment)
    if not command:
        raise BadSetting("there is no command to run", f"name one, {EXAMPLE}")
    return Settings(command=command, sources=sources, **fields)


def _volumes(parsed: "dict[str, Any]", sources: dict[str, str]) -> object:
    """The volumes of `chown` and of the [[volume]] tables, which `sources` then has under `chown` together."""
    from pydrop.settings import volumes

    listed_by, tables_in = sources.get("chown", ""), sources.pop("volume", "")
    sources["chown"] = ", ".join([source for source in (listed_by, tables_in) if source])
    policy = parsed.get("chown-policy", Settings.chown_policy)
    hard_links = parsed.get("chown-hard-links", Settings.chown_hard_links)
    return volumes.merged(parsed.get("volume", {}), parsed.get("chown", {}), listed_by, policy, hard_links)


def _secrets(parsed: "dict[str, Any]", sources: dict[str, str], environment: tuple[str, ...]) -> object:
    """The secrets. FILE__NAME variables become sources of the setting too."""
    from pydrop.settings import secret_names

    listed_by = sources.get("secrets", "")
    found = secret_names.found(parsed.get("secrets", ()), environment)
    pointers = [secret.pointer for secret in found if secret.pointer.startswith(secret_names.PREFIX)]
    said = ", ".join([listed_by, *pointers] if listed_by else pointers)
    if said:
        sources["secrets"] = said
    return found


def config_path(environment: tuple[str, ...]) -> tuple[str, bool]:
    """The settings file's path, and whether PYDROP_CONFIG names it (then it must exist)."""
    path = value_of(environment, FILE_VARIABLE)
    if path and not path.startswith("/"):
        given = RawSetting(name="config", source=FILE_VARIABLE, value=path)
        quotes = ", without quotes (an env file keeps them)" if path[0] in "\"'" else ""
        raise given.refuse("is not an absolute path", f"name the file from / on, as {CONFIG}{quotes}")
    return path or CONFIG, bool(path)


def help_text() -> str:
    """What `pydrop --help` prints."""
    from pydrop.settings.help import HELP

    return HELP


def problems(table: dict[str, object], environment: tuple[str, ...] = (), name: str = CONFIG) -> "list[Problem]":
    """Every problem of a file's table at once, filled from `environment`; each with its key and the nearest one."""
    from pydrop.settings.all_problems import problems as all_problems

    return all_problems(table, environment, name)
