"""Refusals in better words: with the value as it should be, where that can be told, and without what may be a secret.

Loaded only where a value was refused. A value is shown as it should be only where its parser takes it then.
"""

from pydrop.errors import BadSetting
from pydrop.settings.raw_setting import BLANKS, Filled, RawSetting, as_toml, quoted
from pydrop.settings.table import BY_NAME

QUOTES = "\"'"
UNSEEN = "\u00a0\ufeff\u200b\u200e\u2060\u201c\u201d\u2018\u2019"  # copied from a page: blanks, marks, curly quotes
NEVER_SHOWN = ("secrets",)


def better(given: RawSetting, error: BadSetting) -> BadSetting:
    """The error that a person gets for a value that `error` refuses."""
    hidden = secret_of(given.value)
    if hidden:
        problem = f"{given.name} in {given.file} cannot be used as {as_toml(hidden.written)} fills it"
        remedy = f"look what {' and '.join(hidden.names)} holds; it is not shown, since it may be a secret"
        return BadSetting(problem, remedy)
    source = _variable_of(given.value) if given.file else given.source
    if not source or not isinstance(given.value, str) or given.name in NEVER_SHOWN:
        return error
    for value, why in _candidates(given.value, BY_NAME[given.name].separator):
        if value != given.value and _is_taken(given, value):
            return BadSetting(error.problem, f"write {source}={quoted(value)}, {why}")
    if not given.file and "$" in given.value:
        return BadSetting(
            error.problem, f"{error.remedy} (nothing expands a $ here: an env file passes it as it stands)"
        )
    return error


def _variable_of(value: object) -> str:
    """The variable that alone filled the value; "" where none did, or the file adds to it."""
    alone = isinstance(value, Filled) and len(value.names) == 1 and value.written.strip()[-1:] == "}"
    return value.names[0] if alone and value.written.strip().startswith("${") else ""  # type: ignore[attr-defined] # Filled


def secret_of(value: object) -> Filled | None:
    """The first text in the value that was filled from what may be a secret."""
    if isinstance(value, Filled):
        return value if value.secret else None
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for item in inner if (found := secret_of(item))), None)


def _candidates(value: str, separator: str) -> list[tuple[str, str]]:
    """What the value may mean, each with the reason why it is not taken as it is."""
    found = []
    bare = value.strip(BLANKS)
    if bare[:1] in QUOTES and bare[-1:] == bare[:1]:
        found.append((bare[1:-1].strip(BLANKS), "without quotes (an env file keeps them)"))
    if " #" in bare:
        found.append((bare.partition(" #")[0].strip(BLANKS), "without the comment (an env file keeps it)"))
    plain = bare.strip(UNSEEN + BLANKS + ",;")
    if plain and plain[0] != "/":  # a path is shown in better words
        found.append((plain, "without the characters around it, of which some may not be seen"))
    if separator == ",":
        without = bare.strip("[]").translate(dict.fromkeys(map(ord, QUOTES)))
        blanks = without.replace(";", " ").replace(",", " ")
        why = "with commas between the items, and nothing else"
        found += [(",".join(blanks.split()), why), (",".join(blanks.replace(":", " ").split()), why)]
    return found


def _is_taken(given: RawSetting, value: str) -> bool:
    try:
        BY_NAME[given.name].parse(RawSetting(name=given.name, source=given.source, value=value))
    except BadSetting:
        return False
    return True
