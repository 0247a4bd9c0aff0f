"""What was asked of the start, and what this process is: all that the checks go by."""

import os

from pydrop import accounts, checked_reads, inspection, kernel
from pydrop.ctl.pydrop_arguments import start_of
from pydrop.ctl.verifying.check_result import Check, fail, ok, warn
from pydrop.ctl.verifying.name_lookup import Names, looked_up
from pydrop.errors import BadSetting, PydropError, Untrusted
from pydrop.inspection import named_devices, named_paths
from pydrop.model import AbsentDevice, Credentials, Device, Identity, Settings, Value
from pydrop.settings import config_path, read
from pydrop.settings.parsers import secret_names
from pydrop.settings.secret_names import PREFIX, SUFFIX
from pydrop.settings.sources import from_arguments, merged

FILE = "settings file"  # the name of a check


class Subject(Value):
    """`command` is () where none was named. `wanted` is whom a start as root would become, None with the reason in
    `undecided` where this user cannot find out."""

    settings: Settings
    command: tuple[str, ...]
    secrets: tuple[str, ...]  # names of variables that are read from files
    environment: dict[str, str]
    held: Credentials
    wanted: Identity | None
    undecided: str
    devices: tuple[Device | AbsentDevice, ...]
    names: Names
    file: Check

    @property
    def is_root(self) -> bool:
        return 0 in self.held.uids

    @property
    def root_was_asked_for(self) -> bool:
        return self.wanted is not None and self.wanted.uid == 0

    @property
    def groups(self) -> set[int]:
        """All the groups that this process is in, the effective gid too."""
        return {*self.held.groups, *self.held.gids}

    def asked(self, *names: str) -> str:
        """Where the first of these settings that was given stands; "" where none was."""
        return next((self.settings.sources[name] for name in names if name in self.settings.sources), "")


def subject(words: tuple[str, ...]) -> Subject:
    """Ask as `pydrop` with these words in this environment would be asked. Raises PydropError for what it would
    refuse to understand, and where there is no /proc."""
    start, command = start_of(words)
    environment = {line.partition("=")[0]: line.partition("=")[2] for line in start.environment}
    path, named = config_path(start.environment)
    table, file = _settings_file(path, named)
    secrets = _secrets(start.arguments, start.environment, table, path)
    settings = read(start.arguments, _as_if_arrived(environment, secrets), table, path)
    held = _credentials()
    devices, absent = named_devices.look(settings, 0 in held.uids)
    wanted, undecided = _wanted(settings, held, devices)
    return Subject(
        settings=settings,
        command=command,
        secrets=secrets,
        environment=environment,
        held=held,
        wanted=wanted,
        undecided=undecided,
        devices=(*devices, *absent),
        names=looked_up(held.uids[1], held.gids[1], environment),
        file=file,
    )


def _settings_file(path: str, named: bool) -> tuple[dict[str, object] | None, Check]:
    """The file's table as far as this user may read it, and what is to be said about that."""
    try:
        table = inspection.settings_table(path, named)
    except Untrusted as error:
        return None, fail(FILE, error.problem, error.remedy)
    except BadSetting as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        return None, warn(
            FILE,
            f"{path} cannot be read by this user, so what it asks for was not looked at",
            "say it again in options: pydropctl verify --chown /data; or make the file readable: chmod a+r",
        )
    return table, ok(FILE, f"{path} was read" if table is not None else f"there is no {path}")


def _secrets(
    arguments: tuple[str, ...], lines: tuple[str, ...], table: dict[str, object] | None, path: str
) -> tuple[str, ...]:
    """The names that the setting `secrets` lists."""
    given = merged(from_arguments(arguments)[0], lines, table, path).get("secrets")
    return secret_names(given) if given else ()


def _as_if_arrived(environment: dict[str, str], secrets: tuple[str, ...]) -> tuple[str, ...]:
    """The environment with a value for every secret: whether it is there is a check, not a mistake in the settings."""
    pointers = {f"{name}{SUFFIX}" for name in secrets}
    kept = {n: v for n, v in environment.items() if not n.startswith(PREFIX) and n not in pointers}
    return tuple([f"{name}={value}" for name, value in {**kept, **dict.fromkeys(secrets, "set")}.items()])


def _credentials() -> Credentials:
    try:
        status = kernel.open_status()
        try:
            return kernel.credentials(status)
        finally:
            os.close(status)
    except (OSError, KeyError) as error:
        raise PydropError(
            f"unable to read /proc/self/status: {error}", "mount /proc: nothing can be told without"
        ) from error


def _wanted(settings: Settings, held: Credentials, devices: tuple[Device, ...]) -> tuple[Identity | None, str]:
    """Whom a start as root would become, by the account files as they are now. BadSetting where it would refuse."""
    passwd, group = _text("/etc/passwd"), _text("/etc/group")
    owner: tuple[int, int] | None = None
    if settings.owner_of and not (settings.puid and settings.pgid):
        try:
            owner = named_paths.owner(settings)
        except (BadSetting, Untrusted) as error:
            return None, error.problem
    return accounts.identity(settings, passwd, group, owner, held.groups, devices)[0], ""


def _text(path: str) -> str:
    try:
        return checked_reads.text(path)
    except PydropError:
        return ""
