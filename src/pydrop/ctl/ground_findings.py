"""What a settings file would give away that root executes or obeys from: a problem of `pydropctl check`."""

import os

from pydrop.errors import BadSetting
from pydrop.ground import own_ground, system_folders
from pydrop.model import Settings
from pydrop.settings.sources import from_key
from pydrop.settings.table import BY_NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Asked = tuple[tuple[str | int, ...], str, str, bool]  # where, what it is called, the path, across mounts


def found(table: "dict[str, Any]", file: str, names_only: bool) -> list[tuple[tuple[str | int, ...], BadSetting]]:
    """Each such value with its place in the table, whose texts are filled and which has no other problem.

    `names_only`: the file is not looked at in its image, so only the system's folders can be told, by their names."""
    values: dict[str, Any] = {key: BY_NAME[key].parse(from_key(key, value, file)) for key, value in table.items()}
    asked: list[Asked] = []
    for path, policy in values.get("chown", {}).items():
        if policy != "never":
            asked.append((("chown",), "the volume", path, False))
    for index, (path, fields) in enumerate(values.get("volume", {}).items()):
        if fields.get("policy") != "never":
            asked.append((("volume", index, "path"), "the volume", path, fields.get("across_mounts", False)))
    asked += [(("run-dirs",), "the folder", path, False) for path in values.get("run-dirs", ())]
    if values.get("home") not in (None, *own_ground.HOMES):
        asked.append((("home",), "the home", values["home"], False))
    ground = None if names_only or not asked else _ground(values.get("hooks", Settings.hooks))
    faults = [(where, _fault(ground, noun, path, across)) for where, noun, path, across in asked]
    return [(where, fault) for where, fault in faults if fault]


def _ground(hooks: str) -> own_ground.Ground:
    return own_ground.Ground(hooks, "pydrop", tuple([f"{name}={value}" for name, value in os.environ.items()]))


def _fault(ground: "own_ground.Ground | None", noun: str, path: str, across: bool) -> BadSetting | None:
    if ground is None:
        is_system = bool(system_folders.above(path) or system_folders.held(path))
        return own_ground.refusal(noun, path, path, "is part of the system") if is_system else None
    try:
        ground.require_other(noun, path, across)
    except BadSetting as fault:
        return fault
    return None
