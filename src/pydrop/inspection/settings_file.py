"""Reads the settings file, which root obeys: so for root it counts only where no other user could have written it.

`settings` gives the table its meaning.
"""

import os

from pydrop.errors import WHOLE_PYTHON, BadSetting, PydropError
from pydrop.trust import open_trusted


def read(path: str) -> dict[str, object]:
    """The settings file as a table.

    Raises BadSetting where it cannot be read or is no TOML, Untrusted where another user than root could have written
    it, PydropError where Python has no tomllib."""
    try:
        file = open_trusted(path) if os.geteuid() == 0 else os.open(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise BadSetting(f"the settings file {path} is not there", "check PYDROP_CONFIG, or leave it out") from error
    except OSError as error:
        raise BadSetting(f"unable to read {path}: {error.strerror}", "make it a readable file of root's") from error
    try:
        import tomllib
    except ImportError as error:  # python3-minimal lacks it
        os.close(file)
        raise PydropError(f"unable to read {path}: {error}", WHOLE_PYTHON) from error

    try:
        with open(file, "rb") as content:
            return tomllib.load(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path} is no TOML: {error}", f"try it with: pydropctl check {path}") from error
    except OSError as error:
        raise BadSetting(f"unable to read {path}: {error.strerror}", "make it a readable file of root's") from error
