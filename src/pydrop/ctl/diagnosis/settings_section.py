"""The settings in force: each with where it stands, and what is wrong with them."""

import os
import tomllib

from pydrop import settings
from pydrop.ctl.diagnosis.findings import Change, Fact, Section, advice
from pydrop.ctl.diagnosis.world import World
from pydrop.errors import PydropError
from pydrop.settings.raw_setting import RawSetting
from pydrop.settings.secret_names import PREFIX
from pydrop.settings.sources import from_arguments, from_environment, from_file

SECRET = ("secrets",)  # what stands behind these may be a secret itself
LARGEST_FILE = 1 << 20  # bytes of a settings file that are looked at


def examine(world: World) -> tuple[Section, list[Change]]:
    changes: list[Change] = []
    facts = [*_file(world, changes), *_given(world)]
    if world.settings is None and world.error:
        facts.append(Fact(name="problem", found=world.error.problem, level="problem"))
    return Section(title="Settings", facts=tuple(facts)), changes


def _path(world: World) -> str:
    try:
        return settings.config_path(world.start.environment)[0]
    except PydropError:
        return settings.CONFIG


def _table(path: str) -> dict[str, object] | None:
    """For telling only, so whose file it is does not matter; a FIFO is not waited for."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
            return tomllib.loads(file.read(LARGEST_FILE).decode())
    except (OSError, ValueError):
        return None


def _file(world: World, changes: list[Change]) -> list[Fact]:
    path = _path(world)
    if not os.path.lexists(path):
        return [Fact(name="settings file", found=f"{path} is not there, and need not be")]
    table = _table(path)
    if table is None:
        return [Fact(name="settings file", found=f"{path} cannot be read here, or is no TOML", level="note")]
    wrong = settings.problems(table, path)
    if not wrong:
        return [Fact(name="settings file", found=path)]
    for problem in wrong:
        changes.append(advice(f"setting {problem.key}", problem.problem, problem.remedy))
    return [Fact(name="settings file", found=f"{path}: {problem}", level="problem") for problem in wrong]


def _given(world: World) -> list[Fact]:
    """Everything that somebody gave, as he gave it; built-in values are not listed."""
    environment = world.start.environment
    found: dict[str, RawSetting] = {}
    for given in (_in_the_file, _in_the_environment, _in_the_words):
        try:
            found |= given(world)
        except PydropError:
            continue
    facts = [Fact(name=name, found=each.source if name in SECRET else str(each)) for name, each in found.items()]
    pointers = [line.partition("=")[0] for line in environment if line.startswith(PREFIX)]
    if pointers:
        facts.append(Fact(name="secrets", found=", ".join(pointers)))
    return facts or [Fact(name="given", found="nothing: a start goes by what is built in")]


def _in_the_file(world: World) -> dict[str, RawSetting]:
    return from_file(_table(_path(world)) or {}, _path(world))


def _in_the_environment(world: World) -> dict[str, RawSetting]:
    return from_environment(world.start.environment)


def _in_the_words(world: World) -> dict[str, RawSetting]:
    return from_arguments(world.start.arguments)[0]
