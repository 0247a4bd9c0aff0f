"""Checks the values for a new entry of passwd(5) or group(5): none may forge another field or another line."""

from pydrop.accounts.account_lines import has_control
from pydrop.errors import BadSetting, shortened

LONGEST_NAME = 32  # useradd(8), LOGIN_NAME_MAX
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
ALLOWED = LETTERS | frozenset("0123456789.-")


def is_fit(name: str) -> bool:
    """Whether `name` can be given to a new account or group: useradd(8)'s portable rule.

    A letter or ``_``, then letters, digits, ``_``, ``.`` and ``-``, 32 at most.
    """
    return 0 < len(name) <= LONGEST_NAME and name[0] in LETTERS and ALLOWED.issuperset(name)


def check_name(name: str, source: str) -> None:
    """Raise BadSetting unless `name` can be given to a new account or group."""
    if not is_fit(name):
        raise BadSetting(
            f"{source}={shortened(repr(name))} is not a name that an account or group can be made with",
            "use a letter, then letters, digits, '_', '.' or '-', at most 32, for example app",
        )


def check_field(value: str, source: str) -> None:
    """Raise BadSetting where `value` holds a colon, a newline or another control character."""
    if ":" in value or has_control(value):
        raise BadSetting(
            f"{source}={shortened(repr(value))} is not possible in /etc/passwd",
            "take out the colon, newline or control character, which would forge an entry",
        )


def check_home(home: str, source: str) -> None:
    """Raise BadSetting unless `home` is an absolute path that cannot forge an entry."""
    check_field(home, source)
    if not home.startswith("/"):
        raise BadSetting(
            f"{source}={shortened(repr(home))} is not an absolute path", "begin it with a slash, for example /home/app"
        )
