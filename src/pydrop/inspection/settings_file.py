"""Reads the settings file, which root obeys: so for root, and for whoever holds capabilities, it counts only where no
other user could have written it.

`settings` gives the table its meaning.
"""

import os

from pydrop import checked_reads
from pydrop.errors import WHOLE_PYTHON, BadSetting, PydropError
from pydrop.settings import toml_text
from pydrop.trust import open_trusted

REMEDY = "make it a readable file of root's"


def read(path: str) -> dict[str, object]:
    """The settings file as a table.

    Raises BadSetting where it cannot be read or is no TOML, Untrusted where another user than root could have written
    it, PydropError where Python has no tomllib."""
    content = whole(path)
    try:
        return toml_text.table_of(content, path)
    except ImportError as error:  # python3-minimal lacks it
        raise PydropError(f"unable to read {path}: {error}", WHOLE_PYTHON) from error


def whole(path: str) -> bytes:
    """The bytes of the settings file, and one more than it may have where it has too many."""
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
        file = open_trusted(path) if checked_reads.is_privileged() else os.open(path, flags)
    except FileNotFoundError as error:
        raise BadSetting(f"the settings file {path} is not there", "check PYDROP_CONFIG, or leave it out") from error
    except OSError as error:
        raise BadSetting(f"unable to read {path}: {error.strerror}", REMEDY) from error
    try:
        return content_of(file)
    except OSError as error:
        raise BadSetting(f"unable to read {path}: {error.strerror}", REMEDY) from error


def content_of(file: int) -> bytes:
    """The bytes of an open settings file, which is closed. OSError where it is none: a pipe or a device has no end."""
    try:
        return checked_reads.whole(file, checked_reads.SMALL)
    finally:
        os.close(file)
