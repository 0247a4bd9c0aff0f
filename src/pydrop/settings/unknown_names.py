"""The errors for names that are no setting, and the variables of Kubernetes and docker that only look like a setting.

No message here shows a value: a variable whose name is unknown may hold a secret.
"""

from pydrop.errors import BadSetting
from pydrop.settings import wishes
from pydrop.settings.nearest import misspelt
from pydrop.settings.raw_setting import quoted
from pydrop.settings.table import BY_VARIABLE, ROWS

SET_FOR_HOOKS = ("PYDROP_ENV", "PYDROP_WORKDIR")
SERVICES = ("service", "services")
ELSEWHERE = {  # names that are no setting in the place where they stand -> where the same thing is set
    "puid": "set the variable PUID (docker: -e PUID=1000), or the user",
    "pgid": "set the variable PGID (docker: -e PGID=1000), or the user",
    "config": "set the variable PYDROP_CONFIG",
    "volume": "name volumes with --chown, PYDROP_CHOWN, or in a [[volume]] table of the settings file",
}
ELSEWHERE["volumes"] = ELSEWHERE["volume"]
LETTERS = {"h": "did you mean --help?", "?": "did you mean --help?", "V": "did you mean --version?"}
PROTOCOLS = ("TCP", "UDP", "SCTP")


def option(word: str) -> BadSetting:
    name = word.lstrip("-")
    if name in SERVICES:
        return services(word, word)
    if name.lower() in ELSEWHERE:
        return BadSetting(f"{word} is not an option of pydrop", ELSEWHERE[name.lower()])
    names = {row.name: f"--{row.name}" for row in ROWS if row.option}
    names.update(help="--help", version="--version")
    wish = LETTERS.get(name) or wishes.for_name(name)
    otherwise = wish or "leave it out, or put -- before a command that begins with a dash (pydrop --help lists all)"
    return misspelt(f"{quoted(word)} is not an option of pydrop", "" if wish else name, names, otherwise)


def without_value(word: str, following: str) -> BadSetting:
    if following:
        problem = f"{word} needs a value, but the option {quoted(following)} follows it"
        return BadSetting(problem, f"write {word}=VALUE, which may begin with a dash too")
    return BadSetting(f"{word} needs a value, and nothing follows it", f"write {word}=VALUE, then the command")


def variable(name: str) -> BadSetting:
    if name in SET_FOR_HOOKS:
        remedy = "take it out of the container's environment"
        return BadSetting(f"{name} is what pydrop itself sets for its hooks, not a setting", remedy)
    rest = name.removeprefix("PYDROP_").lower().replace("_", "-")
    if rest in SERVICES:
        return services(name, name)
    if rest in ELSEWHERE:
        return BadSetting(f"{name} is not a setting of pydrop", ELSEWHERE[rest])
    names = {each.removeprefix("PYDROP_"): each for each in reversed((*BY_VARIABLE, "PYDROP_CONFIG"))}
    wish = wishes.for_name(rest)
    otherwise = wish or f"take {quoted(name)} out of the container's environment (pydrop --help lists the settings)"
    return misspelt(f"{quoted(name)} is not a setting of pydrop", "" if wish else rest, names, otherwise)


def key(name: str, file: str) -> BadSetting:
    if name in SERVICES:
        return services(f"{name} in {file}", f"{name} in {file}")
    names = {row.name: row.name for row in ROWS if row.key}
    if name.lower() == "config":
        return BadSetting(f"{name} in {file} is not a setting of a file", ELSEWHERE[name.lower()])
    wish = wishes.for_name(name)
    otherwise = wish or f"take it out of {file} (pydrop --help lists the settings)"
    return misspelt(f"{quoted(name)} in {file} is not a setting", "" if wish else name, names, otherwise)


def services(what: str, source: str) -> BadSetting:
    remedy = f"leave {source} out, and run one command with --init"
    return BadSetting(f"{what} asks for services, which are not in this version", remedy)


def is_of_a_service(name: str, value: str) -> bool:
    """Whether the variable comes from Kubernetes for a Service called pydrop or pydrop-SOMETHING, or from docker for
    a link of that name: PYDROP_SERVICE_HOST, PYDROP_PORT, PYDROP_WEB_PORT_80_TCP_ADDR …"""
    words = name.split("_")[1:]
    if words == ["PORT"] or (words[-1] == "PORT" and "://" in value):
        return True
    if words[0] == "ENV" and len(words) > 1:  # docker's copy of the linked container's environment
        return True
    if words == ["NAME"] and value.startswith("/"):  # docker's /THIS-CONTAINER/LINKED-CONTAINER
        return True
    if any([words[i] == "SERVICE" and words[i + 1] in ("HOST", "PORT") for i in range(len(words) - 1)]):
        return True
    return any([_is_port(words[i : i + 3]) for i in range(len(words) - 2)])


def _is_port(words: list[str]) -> bool:
    return words[0] == "PORT" and words[1].isdigit() and words[2] in PROTOCOLS
