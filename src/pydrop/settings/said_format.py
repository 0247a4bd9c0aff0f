"""The log level and the log format of settings in which something is wrong: only what stands there plainly counts."""

from pydrop.model import Settings
from pydrop.settings.raw_setting import BLANKS
from pydrop.settings.table import BY_NAME

QUOTED = BLANKS + "\"'"  # an env file keeps quotes: what was meant is plain
GOOD = {"log-level": ("error", "warn", "info", "debug"), "log-format": ("text", "json")}


def asked(arguments: tuple[str, ...], environment: tuple[str, ...], text: str) -> tuple[str, str]:
    """(log-level, log-format) of the strongest source that has a good value, the level "" where none has: options,
    environment, the file's text."""
    level = _said("log-level", arguments, environment, text)
    return level, _said("log-format", arguments, environment, text) or Settings.log_format


def _said(name: str, arguments: tuple[str, ...], environment: tuple[str, ...], text: str) -> str:
    found = [*_in_options(name, arguments), *_in_environment(name, environment), *_in_file(name, text, environment)]
    return next((word for word in found if word in GOOD[name]), "")


def _in_options(name: str, words: tuple[str, ...]) -> list[str]:
    """The last one first. A word that is no option may be the value of the one before it, else the command begins."""
    found: list[str] = []
    before = ""
    for word in words:
        if word == "--" or not (word.startswith("-") or before.startswith("-")):
            break
        if before == f"--{name}":
            found.insert(0, word)
        elif word.startswith(f"--{name}="):
            found.insert(0, word.partition("=")[2])
        row = BY_NAME.get(word[2:])
        before = "" if row and row.flag else word
    return found


def _in_environment(name: str, lines: tuple[str, ...]) -> list[str]:
    variable = BY_NAME[name].environment[0] + "="
    return [line[len(variable) :].strip(QUOTED) for line in lines if line.startswith(variable)][:1]


def _in_file(name: str, text: str, environment: tuple[str, ...]) -> list[str]:
    """What a line at the file's top says, also where the file as a whole is no TOML."""
    from pydrop.settings import interpolation

    for line in text.split("\n"):
        if line.lstrip(BLANKS).startswith("["):
            break
        key, equals, value = line.partition("=")
        if equals and key.strip(BLANKS + "\"'") == name:
            word = value.partition("#")[0].strip(BLANKS)[1:-1]
            return [str(interpolation.review({name: word}, environment, "")[0].get(name, ""))]
    return []
