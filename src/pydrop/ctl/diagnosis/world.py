"""The inputs of a diagnosis. Everything is looked at once; a failure is noted instead of raised."""

import os

from pydrop import accounts, inspection, kernel, planning, record
from pydrop.ctl import mount_list
from pydrop.ctl.pydrop_arguments import start_of
from pydrop.errors import PydropError
from pydrop.model import Credentials, Facts, Identity, Settings, Start, Value
from pydrop.planning import limits
from pydrop.steps import Plan


class World(Value):
    """`settings`, `facts`, `plan` and `wanted` are None where not available; `error` says why there is no plan.

    `start` has the arguments and the environment. `command` is () where none was given."""

    start: Start
    command: tuple[str, ...]
    held: Credentials
    status: dict[str, str]  # the fields of /proc/self/status
    mounts: tuple[mount_list.Mount, ...]
    settings: Settings | None
    facts: Facts | None
    plan: Plan | None
    wanted: Identity | None
    error: PydropError | None
    entered: bool  # pydrop has already been the entrypoint of this container

    @property
    def is_root(self) -> bool:
        return self.held.uids[1] == 0


def look(words: tuple[str, ...]) -> World:
    """Look at everything once. Raises PydropError for a usage error, and where /proc cannot be read."""
    start, command = start_of(words)
    held, status, table = _kernels()
    settings, facts, plan, error = None, None, None, None
    left = any(os.path.lexists(f"{place}/{record.NAME}") for place in record.PLACES)
    entered = held.uids[1] != 0 and left
    try:
        settings = inspection.read_settings(start)
        facts = inspection.look(settings, start)
        entered = entered or facts.record is not None
        facts = _fresh(facts)
        plan = planning.plan(settings, facts)
    except PydropError as failed:
        error = failed
    if facts is None:
        facts = _without_settings(start)
    return World(
        start=start,
        command=command,
        held=held,
        status=status,
        mounts=tuple(table),
        settings=settings,
        facts=facts,
        plan=plan,
        wanted=plan.identity if plan else _wanted(settings, facts),
        error=error,
        entered=entered,
    )


def _kernels() -> tuple[Credentials, dict[str, str], list[mount_list.Mount]]:
    try:
        descriptor = kernel.open_status()
        try:
            held = kernel.credentials(descriptor)
            text = os.pread(descriptor, 65536, 0).decode("ascii", "replace")
        finally:
            os.close(descriptor)
        fields = dict([line.partition(":\t")[::2] for line in text.splitlines()])
        return held, fields, mount_list.mounted()
    except (OSError, KeyError, ValueError) as error:
        raise PydropError(f"unable to read /proc: {error}", "mount /proc: nothing can be told without") from error


def _fresh(facts: Facts) -> Facts:
    """The facts as the entrypoint finds them: a second pydrop in the container would only use the record."""
    facts.record, facts.second_time = None, False
    return facts


def _without_settings(start: Start) -> Facts | None:
    """The facts that do not depend on settings, for settings that cannot be understood."""
    try:
        return _fresh(inspection.look(Settings(command=("true",), hooks="", sources={}), start))
    except PydropError:
        return None


def _wanted(settings: Settings | None, facts: Facts | None) -> Identity | None:
    """The identity that a start would give the program if this container allowed that."""
    if settings is None or facts is None or facts.credentials.uids[1] != 0:
        return None
    try:
        return accounts.identity(
            settings, facts.passwd, facts.group, facts.owner, limits.granted_groups(facts), facts.devices
        )[0]
    except PydropError:
        return None
