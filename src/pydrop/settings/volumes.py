"""Volumes: the `chown` list, and what it and the `[[volume]]` tables say together."""

from pydrop.model import Volume
from pydrop.settings.raw_setting import RawSetting
from pydrop.settings.table import CHOWN_POLICIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def listed(given: RawSetting) -> dict[str, str | None]:
    """Path -> policy, or None where none is named. The policy stands behind the path and a colon."""
    found = {} if given.file else plainly_listed(str(given.value))
    if found:
        return found
    from pydrop.settings import volume_list

    return volume_list.listed(given)


def plainly_listed(value: str) -> dict[str, str | None]:
    """What a text says that is written plainly, as nearly every one: volumelist finds the same. Else nothing."""
    found: dict[str, str | None] = {}
    where = ""
    for word in value.split(":"):
        if word in CHOWN_POLICIES and where and not found[where]:
            found[where] = word
        elif word[:1] == "/" != word[-1:] and not ("//" in word or "/." in word or "\0" in word or word in found):
            found[where := word] = None
        else:
            return {}
    return found


def merged(
    tables: "dict[str, dict[str, Any]]", paths: dict[str, str | None], source: str, policy: str
) -> tuple[Volume, ...]:
    """The volumes of the tables and of the `chown` list from `source`.

    A path in both is as its table says, but for a policy that the list names. `policy` is for those without.
    """
    volumes = {where: dict(fields) for where, fields in tables.items()}
    for where, named in paths.items():
        fields = volumes.setdefault(where, {"path": where, "source": source})
        if named:
            fields.update(policy=named, source=source)
    return tuple([Volume(**{"policy": policy, **fields}) for fields in volumes.values()])
