"""The `exclude` of a volume: shell patterns on paths relative to it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def matcher(patterns: tuple[str, ...]) -> "Callable[[str], object]":
    """A test for relative paths like ``a/b``: whether one of the patterns, at least one, means it.

    As in fnmatch(3) without flags, ``*`` also matches slashes. ``*/lost+found`` means the one at the top too, and
    ``/cache`` is the same as ``cache``: the one at the top alone.
    """
    import fnmatch  # brings `re`, 6 ms: only where something is excluded
    import re

    trimmed = [pattern.removeprefix("./").strip("/") for pattern in patterns]
    trimmed += [pattern[2:] for pattern in trimmed if pattern.startswith("*/")]
    return re.compile("|".join([fnmatch.translate(pattern) for pattern in trimmed])).match
