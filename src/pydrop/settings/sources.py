"""Finds the settings in their three sources: options, environment, a file's table. Values stay as they are given."""

from pydrop.errors import BadSetting
from pydrop.option_words import SHOWN, UNKNOWN, WITHOUT_VALUE, cut
from pydrop.settings.raw_setting import BLANKS, RawSetting
from pydrop.settings.table import BY_NAME, BY_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

OUR_VARIABLES = ("PYDROP_", "PUID=", "PGID=", "UMASK=")  # how a line of the environment begins that is a setting
TELL_HOOKS = ("PYDROP_ENV", "PYDROP_UID", "PYDROP_GID")  # pydrop sets all of them for each hook
DEFAULT_COMMAND = "default-command"


def merged(
    options: dict[str, RawSetting],
    environment: tuple[str, ...],
    table: dict[str, object] | None,
    file: str,
    skip_refused: bool = False,
) -> dict[str, RawSetting]:
    """Each setting that is given, from the source that wins: the options over the environment, that over the file.

    Raises BadSetting for a name that is no setting; with `skip_refused` the source that has it is left out.
    """
    found: dict[str, RawSetting] = {}
    readers: tuple[Callable[[], dict[str, RawSetting]], ...] = (
        lambda: from_file(table, environment, file) if table else {},
        lambda: from_environment(environment),
        lambda: options,
    )
    for read in readers:  # from the weakest source on
        try:
            found.update(read())
        except BadSetting:
            if not skip_refused:
                raise
    return found


def from_arguments(
    words: tuple[str, ...], default_command: tuple[str, ...] = ()
) -> tuple[dict[str, RawSetting], tuple[str, ...], str]:
    """The options, the command behind them, and "help" or "version" where one of these options is there.

    The first word that is no option starts the command; `--` ends the options. The last of two options with
    one name holds; those of a list are joined. With a `default_command` an unknown option starts the command too, and
    the default stands in front of a command that begins with a dash, or is not there.
    """
    options, at, end = cut(words)
    if end in SHOWN:
        return {}, (), end
    if (end == UNKNOWN and not default_command) or end == WITHOUT_VALUE:
        raise _refused(words, at, end)
    found: dict[str, list[str]] = {}
    for name, value in options:
        found.setdefault(name, []).append(value)
    given = {name: _joined(name, values) for name, values in found.items()}
    command = words[at:]
    return given, command if command and command[0][:1] != "-" else (*default_command, *command), ""


def _refused(words: tuple[str, ...], at: int, end: str) -> BadSetting:
    from pydrop.settings import unknown_names

    if end == UNKNOWN:
        return unknown_names.option(words[at].partition("=")[0])
    return unknown_names.without_value(words[at], words[at + 1] if at + 1 < len(words) else "")


def _joined(name: str, values: list[str]) -> RawSetting:
    separator = BY_NAME[name].separator
    return RawSetting(name=name, source=f"--{name}", value=separator.join(values) if separator else values[-1])


def from_environment(environment: tuple[str, ...]) -> dict[str, RawSetting]:
    """The settings in the environment. The first of two variables with one name holds, as for getenv(3); an empty
    variable counts as unset."""
    found: dict[str, str] = {}
    for line in environment:
        if line.startswith(OUR_VARIABLES):
            variable, _, value = line.partition("=")
            found.setdefault(variable, value.strip(BLANKS))
    if all([name in found for name in TELL_HOOKS]):  # a hook runs this pydrop
        for name in (*TELL_HOOKS, "PYDROP_WORKDIR"):
            found.pop(name, "")
    given: dict[str, RawSetting] = {}
    for variable, row in BY_VARIABLE.items():
        value = found.pop(variable, "")
        if value and row.name not in given:
            given[row.name] = RawSetting(name=row.name, source=variable, value=value)
    for variable, value in found.items():
        if value and variable != "PYDROP_CONFIG":
            _refuse_unknown(variable, value)
    return given


def _refuse_unknown(variable: str, value: str) -> None:
    from pydrop.settings import unknown_names

    if not unknown_names.is_of_a_service(variable, value):
        raise unknown_names.variable(variable)


def from_file(table: dict[str, object], environment: tuple[str, ...], file: str) -> dict[str, RawSetting]:
    """The settings in a file's table, whose texts are filled from the environment."""
    from pydrop.settings import interpolation

    return {key: from_key(key, value, file) for key, value in interpolation.filled(table, environment, file).items()}


def default_command(table: dict[str, object] | None, environment: tuple[str, ...], file: str) -> tuple[str, ...]:
    """The words that the file has for a command that begins with a dash, or is not there; () where it has none."""
    if not table or DEFAULT_COMMAND not in table:
        return ()
    from pydrop.settings import interpolation

    table = interpolation.filled({DEFAULT_COMMAND: table[DEFAULT_COMMAND]}, environment, file)
    return BY_NAME[DEFAULT_COMMAND].parse(from_key(DEFAULT_COMMAND, table[DEFAULT_COMMAND], file)) if table else ()  # type: ignore[return-value] # its parser's type


def from_key(key: str, value: object, file: str) -> RawSetting:
    """One key of a file; raises BadSetting where there is no such key."""
    row = BY_NAME.get(key)
    if row is None or not row.key:
        from pydrop.settings import unknown_names

        raise unknown_names.key(key, file)
    return RawSetting(name=key, source=f"{key} in {file}", value=value, file=file)


def parsed_or_refused(given: RawSetting) -> object:
    """What the setting's parser makes of the value. Raises BadSetting; its remedy is the value as it should be, where
    that can be told."""
    try:
        return BY_NAME[given.name].parse(given)
    except BadSetting as error:
        from pydrop.settings import refusals

        raise refusals.better(given, error) from error
