"""The capabilities that the program keeps, by name."""

from pydrop.capabilities import CAPABILITIES
from pydrop.settings.nearest import misspelt
from pydrop.settings.raw_setting import BLANKS, RawSetting, quoted
from pydrop.settings.values import texts

BACK_TO_ROOT = ("setuid", "setgid")  # a program that keeps one can become root again, so the drop would be none


def kept(given: RawSetting) -> tuple[str, ...]:
    """The names in lower case without ``cap_``, each once."""
    return tuple(dict.fromkeys([_name(given, item.strip(BLANKS)) for item in texts(given, ",")]))


def _name(given: RawSetting, item: str) -> str:
    name = item.lower().removeprefix("cap_")
    if name == "all":
        reason = "asks for ALL capabilities, which would be root by another name"
        raise given.refuse(reason, "name those that the program needs, as net_bind_service")
    if name not in CAPABILITIES:
        problem = f"{given} has {quoted(item)}, which is no capability"
        raise misspelt(problem, name, {each: each for each in CAPABILITIES}, "name it as capabilities(7) does")
    if name in BACK_TO_ROOT:
        reason = f"has {name}, with which the program could become root again"
        raise given.refuse(reason, "leave it out, or ask for root in so many words (PYDROP_USER=root)")
    return name
