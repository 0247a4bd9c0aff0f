"""The words before the command, cut into options; the words that say yes or no; and the value of a variable.

`settings` reads all options by this one function. Init mode is decided by it too, before anything else is loaded
(init_asked): PID 1 holds this module for as long as the container lives, and no table of settings.
"""

BLANKS = " \t\r\n"  # characters that env files and shells leave around a value
# Options that need no value: alone they mean yes.
FLAGS = ("chown-hard-links", "no-new-privs", "init", "signal-group", "keep-root")
# Those that take one. What `settings.table` has besides is no option.
VALUED = (
    *("user", "owner-of", "home", "groups", "groups-policy", "devices", "umask", "chown", "chown-policy"),
    *("chown-errors", "run-dirs", "secrets", "hooks", "user-hooks", "keep-caps", "bounding-set", "oom-score-adj"),
    *("stop-signal", "stop-timeout", "kill-grace", "rewrite", "exit-code", "pdeathsig", "ready", "ready-file"),
    *("log-level", "log-format"),
)
SHOWN = ("help", "version")  # options that print a text in place of a start
UNKNOWN, WITHOUT_VALUE = "unknown", "without value"
INIT_VARIABLE = "PYDROP_INIT"
FILE_VARIABLE = "PYDROP_CONFIG"  # names another settings file than this:
FILE = "/etc/pydrop.toml"
YES = ("1", "true", "yes", "on")
NO = ("0", "false", "no", "off")


def cut(words: tuple[str, ...]) -> tuple[list[tuple[str, str]], int, str]:
    """The options as (name, value), where they end, and what ends them.

    That is "" where the command begins there, or nothing is left; one of SHOWN; or UNKNOWN, WITHOUT_VALUE of the option
    that stands there. The first word that is no option is the command; `--` ends the options."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        word = words[at]
        if word == "--":
            return found, at + 1, ""
        name, equals, value = word[2:].partition("=")
        if word[:2] == "--" and word[2:] in SHOWN:
            return found, at, name
        if word[:2] != "--" or name not in (*FLAGS, *VALUED):
            return found, at, UNKNOWN
        if not equals and name in FLAGS:
            value = "true"
        elif not equals:  # the next word is the value; one with a dash is an option, so the value is missing
            if at + 1 == len(words) or words[at + 1].startswith("-"):
                return found, at, WITHOUT_VALUE
            at += 1
            value = words[at]
        found.append((name, value))
        at += 1
    return found, at, ""


def says_yes(value: str) -> bool | None:
    """Whether a value means yes; None where it is neither yes nor no."""
    word = value.strip(BLANKS).lower()
    return word in YES if word in YES or word in NO else None


def value_of(environment: tuple[str, ...], name: str) -> str:
    """A variable's value without blanks around it: the first that has the name, as for getenv(3); "" for none."""
    found = next((line for line in environment if line.startswith(f"{name}=")), "")
    return found[len(name) + 1 :].strip(BLANKS)
