"""What a settings file says of accounts and groups that the image does not have: a problem of `pydropctl check`."""

from pydrop import accounts, checked_reads
from pydrop.errors import BadSetting, PydropError
from pydrop.model import Settings
from pydrop.settings.sources import from_environment, from_key
from pydrop.settings.table import BY_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAMES = ("user", "groups")  # keys that may name what has to be in the account files
NUMBERS = ("puid", "pgid", "owner-of")  # what gives an account that is not there its numbers
SOME_OWNER = (1000, 1000)  # of a path that may be there only when the container runs


def found(table: "dict[str, Any]", file: str, environment: tuple[str, ...]) -> list[tuple[str, BadSetting]]:
    """Each such key with its fault. The table's texts are filled, and it has no other problem.

    A start decides as `accounts` does here, by this image's account files and the numbers of this environment."""
    if not any([name in table for name in NAMES]):
        return []
    given = {key: from_key(key, value, file) for key, value in table.items() if key in (*NAMES, *NUMBERS)}
    given |= _numbers(environment)
    values: dict[str, Any] = {BY_NAME[key].field: BY_NAME[key].parse(each) for key, each in given.items()}
    sources = {key: each.source for key, each in given.items()}
    groups = values.pop("groups", ())
    if fault := _fault(Settings(sources=sources, **values)):
        return [("user", fault)]
    fault = _fault(Settings(sources=sources, groups=groups, **values))
    return [("groups", fault)] if fault else []


def _numbers(environment: tuple[str, ...]) -> "dict[str, Any]":
    """The numbers that the image's own variables give, which a start has too."""
    try:
        return {name: given for name, given in from_environment(environment).items() if name in NUMBERS}
    except BadSetting:
        return {}


def _fault(settings: Settings) -> BadSetting | None:
    try:
        texts = checked_reads.text("/etc/passwd"), checked_reads.text("/etc/group")
        accounts.identity(settings, *texts, SOME_OWNER if settings.owner_of else None, (), ())
    except BadSetting as fault:
        return fault
    except PydropError:  # the account files cannot be read, which is nothing of the settings file's
        return None
    return None
