"""In place of the standard library's gettext, which looks for translations below sys.base_prefix: there are none.

click's messages are English, as pydrop's own are."""


def gettext(message: str) -> str:
    return message


def ngettext(one: str, several: str, number: int) -> str:
    return one if number == 1 else several
