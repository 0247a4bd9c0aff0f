"""The volumes that a `chown` list written plainly names, and those of the list and the `[[volume]]` tables together."""

from pydrop.model import CHOWN_POLICIES, Volume
from pydrop.settings.raw_setting import LONGEST_PATH, MOST_ITEMS, ODD_MARKS, RawSetting

NOT_PLAIN = ("//", "/.", "\0", " ", *ODD_MARKS)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def listed(given: RawSetting) -> dict[str, str | None]:
    """Path -> its policy, None where the list names no policy. A policy stands behind its path and a colon."""
    value = str(given.value)
    long = len(value) > LONGEST_PATH or value.count(":") >= MOST_ITEMS
    found = {} if given.file or long else plainly_listed(value)
    if found:
        return found
    from pydrop.settings import volume_list

    return volume_list.listed(given)


def plainly_listed(value: str) -> dict[str, str | None]:
    """The same for a list that is written plainly, as most are, without loading `volume_list`; {} for other lists."""
    found: dict[str, str | None] = {}
    where = ""
    for word in value.split(":"):
        if word in CHOWN_POLICIES and where and not found[where]:
            found[where] = word
        elif word[:1] == "/" != word[-1:] and word not in found and not any([mark in word for mark in NOT_PLAIN]):
            found[where := word] = None
        else:
            return {}
    return found


def merged(
    tables: "dict[str, dict[str, Any]]",
    paths: dict[str, str | None],
    source: str,
    policy: str,
    hard_links: bool = False,
) -> tuple[Volume, ...]:
    """The volumes of the tables, and of the `chown` list that `source` has.

    A path in both is as its table says, but for a policy that the list names. Volumes without a policy get `policy`,
    those that say nothing of hard links `hard_links`.
    """
    volumes = {where: dict(fields) for where, fields in tables.items()}
    for where, named in paths.items():
        fields = volumes.setdefault(where, {"path": where, "source": source})
        if named:
            fields.update(policy=named, source=source)
    return tuple([Volume(**{"policy": policy, "hard_links": hard_links, **fields}) for fields in volumes.values()])
