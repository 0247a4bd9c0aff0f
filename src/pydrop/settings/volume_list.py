"""The `chown` list with all spellings that are allowed, and what is wrong with a list."""

from pydrop.errors import BadSetting
from pydrop.model import CHOWN_POLICIES
from pydrop.settings.raw_setting import RawSetting, quoted
from pydrop.settings.values import absolute, require_colons, texts


def listed(given: RawSetting) -> dict[str, str | None]:
    """Path -> its policy, None where the list names no policy. A policy stands behind its path and a colon."""
    require_colons(given)
    found: dict[str, str | None] = {}
    for where, policy in _pairs(given):
        if where in found:
            raise given.refuse(f"names {quoted(where)} twice", "keep one of them")
        found[where] = policy
    return found


def _pairs(given: RawSetting) -> list[tuple[str, str | None]]:
    pairs: list[tuple[str, str | None]] = []
    for word in _words(given):
        if word.startswith("/"):
            pairs.append((absolute(given, word), None))
        elif not pairs:
            raise _not_absolute(given, word)
        elif word not in CHOWN_POLICIES:
            raise _no_policy(given, word)
        elif pairs[-1][1]:
            fault = f"names two policies behind {quoted(pairs[-1][0])}"
            raise given.refuse(fault, "a policy stands behind its path, once")
        else:
            pairs[-1] = (pairs[-1][0], word)
    return pairs


def _words(given: RawSetting) -> list[str]:
    """Paths and policies in their order. An item of a file's array is one path, with its policy behind a colon."""
    if not given.file:
        return texts(given, ":")
    words: list[str] = []
    for item in texts(given, ":"):
        where, colon, policy = item.partition(":")
        if not item.startswith("/"):
            raise _not_absolute(given, item)
        if ":" in policy or policy.startswith("/"):
            raise _no_policy(given, policy)
        words += [where, policy] if colon else [where]
    return words


def _not_absolute(given: RawSetting, word: str) -> BadSetting:
    return given.refuse(f"has {quoted(word)}, which is not an absolute path", "name the folder from / on")


def _no_policy(given: RawSetting, word: str) -> BadSetting:
    """With the policy that was meant, where one is near; else the word may be a part of a path."""
    from pydrop.settings import wishes
    from pydrop.settings.nearest import misspelt

    policies = ", ".join(CHOWN_POLICIES)
    problem = f"{given} has {quoted(word)}, which is neither an absolute path nor a policy ({policies})"
    otherwise = "name folders from / on; a path with a colon in it goes into a [[volume]] table"
    wish = wishes.for_value("chown-policy", word)
    return misspelt(problem, "" if wish else word, {name: name for name in CHOWN_POLICIES}, wish or otherwise)
