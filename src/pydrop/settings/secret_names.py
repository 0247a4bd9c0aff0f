"""Secrets: the variables whose values are read from files, and the paths of these files. No message shows a value."""

from pydrop.errors import BadSetting
from pydrop.model import Secret
from pydrop.settings.raw_setting import BLANKS, RawSetting, quoted
from pydrop.settings.values import texts

PREFIX = "FILE__"
SUFFIX = "_FILE"
NEVER_SECRET = ("PUID", "PGID", "UMASK")  # settings, as are all that begin with PYDROP_
REMEDY_NAME = "write names of variables alone: PYDROP_SECRETS=DB_PASSWORD,API_KEY"


def names(given: RawSetting) -> tuple[str, ...]:
    """The names in the setting `secrets`, each once. An item that is no name may be a secret: no message shows it."""
    try:
        found = [item.strip(BLANKS) for item in texts(given, ",")]
    except BadSetting as error:
        raise BadSetting(f"{given.source} is not a list of names of variables", REMEDY_NAME) from error
    for name in found:
        fault = name_fault(name)
        if fault:
            raise BadSetting(f"{given.source} has a name that {fault}", REMEDY_NAME)
    return tuple(dict.fromkeys(found))


def name_fault(name: str) -> str:
    """Why no variable of this name is read from a file, in words that do not show the name; "" where one can be."""
    if not name:
        return "is empty"
    if "=" in name:
        return "holds a = (a value has no place there)"
    if not name.isprintable() or any([c.isspace() for c in name]):
        return "holds a blank, a control character or a byte that is no UTF-8"
    if not all([c.isalnum() or c in "_.-" for c in name]):
        return "holds a mark that no variable's name has (a file's path stands in NAME_FILE or FILE__NAME)"
    if name in NEVER_SECRET or name.startswith("PYDROP_"):
        return "is a setting of pydrop, which is never read from a secret's file"
    return ""


def found(asked: tuple[str, ...], environment: tuple[str, ...]) -> tuple[Secret, ...]:
    """A Secret for each FILE__NAME, and for each name in `asked` whose NAME_FILE is set.

    A name in `asked` with neither a value nor a file is nothing: an image lists what it could use.
    Raises BadSetting, which names the variables, where one name has both a value and a file, or two files.
    """
    values = _values(environment)
    pointed = [name[len(PREFIX) :] for name, value in values.items() if name.startswith(PREFIX) and value.strip(BLANKS)]
    for name in pointed:
        fault = name_fault(name)
        if fault:
            remedy = "write FILE__ and the name of the variable to set: FILE__DB_PASSWORD=/run/secrets/db"
            raise BadSetting(f"{quoted(PREFIX + name)} names a variable that {fault}", remedy)
    listed = set(asked)
    secrets = [_one(name, name in listed, values) for name in dict.fromkeys([*asked, *pointed])]
    return tuple([secret for secret in secrets if secret])


def _values(environment: tuple[str, ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in environment:
        name, _, value = line.partition("=")
        values.setdefault(name, value)
    return values


def _one(name: str, asked: bool, values: dict[str, str]) -> Secret | None:
    """The secret of one name; None where the variable has its value already, or nothing names a file."""
    pointers = [PREFIX + name, name + SUFFIX] if asked else [PREFIX + name]
    there = [pointer for pointer in pointers if values.get(pointer, "").strip(BLANKS)]
    if values.get(name):
        there.insert(0, name)
    if len(there) > 1:
        remedy = "keep one of them, since pydrop cannot tell which is meant (an empty variable counts as unset)"
        shown = [quoted(each) for each in there]
        raise BadSetting(f"{', '.join(shown[:-1])} and {shown[-1]} are set at the same time", remedy)
    return None if there in ([], [name]) else Secret(name=name, path=_path(there[0], values), pointer=there[0])


def _path(pointer: str, values: dict[str, str]) -> str:
    path = values[pointer].strip(BLANKS)
    if not path.startswith("/"):
        problem = f"{quoted(pointer)} is not an absolute path (it is not shown, since it may be the secret itself)"
        quotes = ", without quotes (an env file keeps them)" if path[:1] in ("'", '"') else ""
        raise BadSetting(problem, f"name the file from / on{quotes}: {quoted(pointer)}=/run/secrets/...")
    return path
