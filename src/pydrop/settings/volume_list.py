"""The `chown` list as anybody may write it, and what is wrong with one."""

from pydrop.errors import BadSetting
from pydrop.settings.raw_setting import RawSetting, quoted
from pydrop.settings.table import CHOWN_POLICIES
from pydrop.settings.values import absolute, texts


def listed(given: RawSetting) -> dict[str, str | None]:
    """Path -> policy, or None where none is named. The policy stands behind the path and a colon."""
    found: dict[str, str | None] = {}
    for where, policy in _pairs(given):
        if policy and found.get(where) not in (None, policy):
            raise given.refuse(f"gives {where} two policies, {found[where]} and {policy}", "keep one")
        found[where] = policy or found.get(where)
    return found


def _pairs(given: RawSetting) -> list[tuple[str, str | None]]:
    pairs: list[tuple[str, str | None]] = []
    for word in _words(given):
        if word.startswith("/"):
            pairs.append((absolute(given, word), None))
        elif not pairs:
            raise _not_absolute(given, word)
        elif word not in CHOWN_POLICIES:
            from pydrop.settings import unknown_names

            raise unknown_names.policy(given, word)
        elif pairs[-1][1]:
            raise given.refuse(f"names two policies behind {pairs[-1][0]}", "a policy stands behind its path, once")
        else:
            pairs[-1] = (pairs[-1][0], word)
    return pairs


def _words(given: RawSetting) -> list[str]:
    """Paths and policies in a row. An array's item is one path, cut at its colon."""
    if not given.file:
        return texts(given, ":")
    words: list[str] = []
    for item in texts(given, ":"):
        where, colon, policy = item.partition(":")
        if not item.startswith("/"):
            raise _not_absolute(given, item)
        if ":" in policy or policy.startswith("/"):
            from pydrop.settings import unknown_names

            raise unknown_names.policy(given, policy)
        words += [where, policy] if colon else [where]
    return words


def _not_absolute(given: RawSetting, word: str) -> BadSetting:
    return given.refuse(f"has {quoted(word)}, which is not an absolute path", "name the folder from / on")
