"""The `[[volume]]` tables of a settings file: the keys of each, and what is wrong with them."""

from pydrop.errors import BadSetting
from pydrop.model import CHOWN_POLICIES
from pydrop.settings.flags import choice, flag
from pydrop.settings.ids import identifier
from pydrop.settings.nearest import misspelt
from pydrop.settings.raw_setting import BLANKS, RawSetting, quoted
from pydrop.settings.values import few, path, text, texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Place = tuple[str | int, ...]

WHOSE = "ugoa"  # of chmod(1): the users whose permissions a clause changes
PERMISSIONS = "rwxXst"
MOST_PROBLEMS = 101  # one more than `check` shows, for which it says that there are more
LONGEST_MODE = 200  # characters
LONGEST_PATTERN = 4096  # characters, PATH_MAX


def described(given: RawSetting) -> "dict[str, dict[str, Any]]":
    """Path -> the fields of its Volume that the table gives. Raises BadSetting for the first thing that is wrong."""
    volumes, refused = review(given, 1)
    if refused:
        raise refused[0][1]
    return volumes


def review(
    given: RawSetting, most: int = MOST_PROBLEMS
) -> "tuple[dict[str, dict[str, Any]], list[tuple[Place, BadSetting]]]":
    """The volumes as `described` has them, and what is wrong, each with its place: (0, "policy") or (0,).

    No more is looked at once more than `most` things are wrong. Raises BadSetting for too many tables."""
    if not isinstance(given.value, list) or not all([isinstance(item, dict | None) for item in given.value]):
        return {}, [((), given.refuse("is not a list of tables", "begin each volume with a line [[volume]]"))]
    few(given, given.value)
    volumes: dict[str, dict[str, Any]] = {}
    refused: list[tuple[Place, BadSetting]] = []
    for index, table in enumerate(given.value):
        if len(refused) >= most:
            break
        if table is None:  # its path was filled with nothing
            continue
        place = f"[[volume]] {index + 1} of {given.file}"
        fields, faults = _fields(table, place)
        if "path" not in table:
            faults.append(("", BadSetting(f"{place} has no path", 'add path = "/data"')))
        elif fields.get("path") in volumes:
            problem = f"{place} has the path {quoted(fields['path'])} of another [[volume]]"
            faults.append(("path", BadSetting(problem, "put both into one")))
        elif "path" in fields:
            volumes[fields["path"]] = {**fields, "source": place}
        refused += [((index, key) if key else (index,), fault) for key, fault in faults]
    return volumes, refused


def _fields(table: dict[str, object], place: str) -> "tuple[dict[str, Any], list[tuple[str, BadSetting]]]":
    fields: dict[str, Any] = {}
    faults: list[tuple[str, BadSetting]] = []
    for key, value in table.items():
        try:
            parse = KEYS.get(key)
            if parse is None:
                raise misspelt(f"{quoted(key)} in {place} is not a key of a volume", key, {name: name for name in KEYS})
            fields[key.replace("-", "_")] = parse(
                RawSetting(name=key, source=f"{key} in {place}", value=value, file=place)
            )
        except BadSetting as fault:
            faults.append((key, fault))
    return fields, faults


def _policy(given: RawSetting) -> str:
    return choice(given, CHOWN_POLICIES)


def _patterns(given: RawSetting) -> tuple[str, ...]:
    patterns = texts(given, ":")
    long = [pattern for pattern in patterns if len(pattern) > LONGEST_PATTERN]
    if long:
        raise given.refuse(f"has {quoted(long[0])}, which is longer than any path", "shorten the pattern")
    return tuple(patterns)


def _owner(given: RawSetting) -> tuple[int | None, int | None]:
    """(uid, gid) of ``UID:GID``, ``UID`` or ``:GID``; None matches any id."""
    value = given.value
    word = str(value) if isinstance(value, int) and not isinstance(value, bool) else text(given)
    uid, _, gid = word.partition(":")
    if not uid.strip(BLANKS) and not gid.strip(BLANKS):
        raise given.refuse("names no number", 'write "999:999", "999" or ":999"')
    return (
        identifier(given, uid) if uid.strip(BLANKS) else None,
        identifier(given, gid) if gid.strip(BLANKS) else None,
    )


def _mode(given: RawSetting) -> str:
    """chmod(1)'s octal or symbolic form, checked and kept as text."""
    remedy = 'write it as chmod takes it, in quotes: "u=rwX,g=rX" or "0750"'
    if isinstance(given.value, int):
        raise given.refuse("is a number, of which nobody can tell whether it was octal", remedy)
    word = text(given).strip(BLANKS)
    if len(word) > LONGEST_MODE:
        raise given.refuse("is not a mode", remedy)
    octal = word.isascii() and word.isdigit()
    if octal and (word.strip("01234567") or len(word) not in (3, 4)):
        raise given.refuse("is not an octal mode", remedy)
    if not octal and not all([_is_clause(clause) for clause in word.split(",")]):
        raise given.refuse("is not a mode", remedy)
    return word


def _is_clause(clause: str) -> bool:
    """``[ugoa]*`` and then one or more of ``[+-=]`` with ``[rwxXst]*`` or one of ``u``, ``g``, ``o``."""
    rest = clause.lstrip(WHOSE)
    if rest[:1] not in ("+", "-", "="):
        return False
    parts = rest.replace("-", "+").replace("=", "+").split("+")[1:]
    return all([part in ("u", "g", "o") or not part.strip(PERMISSIONS) for part in parts])


KEYS = {
    "path": path,
    "policy": _policy,
    "mode": _mode,
    "exclude": _patterns,
    "across-mounts": flag,
    "only-from": _owner,
    "create": flag,
    "hard-links": flag,
}
