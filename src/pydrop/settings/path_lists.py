"""Paths in an option or a variable with odd marks between or around them: what the value should be."""

from pydrop.errors import BadSetting
from pydrop.model import CHOWN_POLICIES
from pydrop.settings.raw_setting import ODD_MARKS, RawSetting, as_toml, quoted

CALLED = {",": "a comma", ";": "a semicolon", '"': "a quote", "'": "a quote", "[": "a bracket", "]": "a bracket"}
CUT = dict.fromkeys(map(ord, ODD_MARKS + ":"), "\0")


def refusal(given: RawSetting, value: str) -> BadSetting:
    """The error for `value`, the trimmed list of `given`, with the list as it should be."""
    problem = f"{given} has something else than : between or around its paths"
    cut = value.translate(CUT).replace(" /", "\0/")
    items = [item for part in cut.split("\0") if (item := part.strip(" "))]
    if items and items[0][0] == "/" and all([item[0] == "/" or item in CHOWN_POLICIES for item in items]):
        return BadSetting(problem, f"write {given.source}={quoted(':'.join(items))}")
    listed = ", ".join([as_toml(part.strip(" ")) for part in value.split(":") if part.strip(" ")][:10])
    remedy = f"name a path that holds such a character in the settings file: {given.name} = [{listed}]"
    return BadSetting(problem, remedy)


def refusal_of_single(given: RawSetting, value: str) -> BadSetting:
    """The error for the value of a setting that takes one path, with the path as it should be."""
    mark = next((CALLED.get(c, "a tab or a line end") for c in value.strip(" ") if c in ODD_MARKS), "")
    problem = f"{given} holds {mark or ('a colon' if ':/' in value else 'a blank')}, where one plain path belongs"
    parts = value.translate(CUT).replace(" /", "\0/").split("\0")
    first = next((item for part in parts if (item := part.strip(" "))), "")
    otherwise = f"or name a path that holds such a character in the settings file: {given.name} = {as_toml(value)}"
    return BadSetting(problem, f"write {given.source}={quoted(first)}, {otherwise}")
