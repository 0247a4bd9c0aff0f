"""The settings that are given: each with its source, and what is wrong with them."""

import os

from pydrop import settings
from pydrop.ctl.diagnosis.findings import Change, Fact, Section, advice
from pydrop.ctl.diagnosis.world import World
from pydrop.errors import PydropError
from pydrop.inspection.settings_file import content_of
from pydrop.settings.secret_names import PREFIX
from pydrop.settings.sources import from_arguments, merged
from pydrop.settings.toml_text import table_of

SECRET = ("secrets",)  # settings of which only the source is shown: by mistake a value may hold a secret itself


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
    """The file's table, which is only shown, so the file's owner does not matter. A FIFO is not waited for."""
    try:
        return table_of(content_of(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)), path)
    except (OSError, PydropError):
        return None


def _file(world: World, changes: list[Change]) -> list[Fact]:
    path = _path(world)
    if not os.path.lexists(path):
        return [Fact(name="settings file", found=f"{path} is not there, and need not be")]
    table = _table(path)
    if table is None:
        return [Fact(name="settings file", found=f"{path} cannot be read here, or is no TOML", level="note")]
    wrong = settings.problems(table, world.start.environment, path)
    if not wrong:
        return [Fact(name="settings file", found=path)]
    for problem in wrong:
        changes.append(advice(f"setting {problem.key}", problem.problem, problem.remedy))
    return [Fact(name="settings file", found=f"{path}: {problem}", level="problem") for problem in wrong]


def _given(world: World) -> list[Fact]:
    """Every setting that is given, as it is given; defaults are not listed."""
    options, environment = from_arguments(world.start.arguments)[0], world.start.environment
    path = _path(world)
    found = merged(options, environment, _table(path), path, skip_refused=True)
    facts = [Fact(name=name, found=each.source if name in SECRET else str(each)) for name, each in found.items()]
    pointers = [line.partition("=")[0] for line in environment if line.startswith(PREFIX)]
    if pointers:
        facts.append(Fact(name="secrets", found=", ".join(pointers)))
    return facts or [Fact(name="given", found="nothing: a start goes by what is built in")]
