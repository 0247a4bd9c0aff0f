"""The parsers that the rows of the table name: a function for each kind of value.

Each function loads the module that knows its kind only when a setting of that kind is given, since every module
costs a start time. What nearly every start has is parsed here, where it is written plainly.
"""

from pydrop.model import NumberAsked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pydrop.model import UserAsked
    from pydrop.settings.raw_setting import RawSetting

    Parser = Callable[[RawSetting], object]

PLAIN_ID = 9  # digits: no id of so many is too large


def command(given: "RawSetting") -> tuple[str, ...]:
    from pydrop.settings import values

    return values.command(given)


def number(given: "RawSetting") -> NumberAsked:
    """PUID or PGID. Up to nine ASCII digits are always an id; `ids` decides about everything else."""
    word = given.value if isinstance(given.value, str) else ""
    if word.isascii() and word.isdigit() and len(word) <= PLAIN_ID:
        return NumberAsked(number=int(word), source=given.source)
    from pydrop.settings import ids

    return ids.number(given)


def one_of(*choices: str) -> "Callable[[RawSetting], str]":
    """The parser of a setting that takes one of these words."""

    def parse(given: "RawSetting") -> str:
        if isinstance(given.value, str) and given.value in choices:
            return given.value
        from pydrop.settings import flags

        return flags.choice(given, choices)

    return parse


def flag(given: "RawSetting") -> bool:
    from pydrop.settings import flags

    return flags.flag(given)


def path(given: "RawSetting") -> str:
    from pydrop.settings import values

    return values.path(given)


def paths(given: "RawSetting") -> tuple[str, ...]:
    from pydrop.settings import values

    return values.paths(given)


def umask(given: "RawSetting") -> int:
    from pydrop.settings.umask import umask

    return umask(given)


def user(given: "RawSetting") -> "UserAsked":
    from pydrop.settings import account_names

    return account_names.user(given)


def groups(given: "RawSetting") -> tuple[str | int, ...]:
    from pydrop.settings import account_names

    return account_names.groups(given)


def home(given: "RawSetting") -> str:
    from pydrop.settings import account_names

    return account_names.home(given)


def capabilities(given: "RawSetting") -> tuple[str, ...]:
    from pydrop.settings import kept_capabilities

    return kept_capabilities.kept(given)


def secret_names(given: "RawSetting") -> tuple[str, ...]:
    from pydrop.settings import secret_names

    return secret_names.names(given)


def volume_paths(given: "RawSetting") -> dict[str, str | None]:
    from pydrop.settings import volumes

    return volumes.listed(given)


def volume_tables(given: "RawSetting") -> "dict[str, dict[str, Any]]":
    from pydrop.settings import volume_tables

    return volume_tables.described(given)


def oom_score_adj(given: "RawSetting") -> int:
    from pydrop.settings import init_values

    return init_values.oom_score_adj(given)


def signal(given: "RawSetting") -> int:
    from pydrop.settings import init_values

    return init_values.signal(given)


def seconds(given: "RawSetting") -> float | None:
    from pydrop.settings import init_values

    return init_values.seconds(given)


def grace(given: "RawSetting") -> float:
    from pydrop.settings import init_values

    return init_values.grace(given)


def rewrites(given: "RawSetting") -> tuple[tuple[int, int], ...]:
    from pydrop.settings import init_values

    return init_values.rewrites(given)


def exit_codes(given: "RawSetting") -> tuple[tuple[int, int], ...]:
    from pydrop.settings import init_values

    return init_values.exit_codes(given)


def readiness(given: "RawSetting") -> str:
    from pydrop.settings import init_values

    return init_values.readiness(given)
