"""The map of the house says what is there: floors, recipes, paths and the diagram of the lifecycle."""

import importlib
import importlib.util
import itertools
import re
from pathlib import Path
from types import ModuleType

import pytest

from pydrop import steps
from pydrop.compat import COMPATIBILITY_NAMES
from pydrop.model import Settings
from pydrop.planning import hook_steps, orders, step_builders
from pydrop.settings.table import ROWS
from pydrop.steps import Step
from tests.shape.source import modules
from tests.shape.test_imports import LAYERS

ROOT = Path(__file__).parent.parent.parent
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md"))]


def recipe(of: str) -> str:
    """The text below the heading ``## To add a ...`` up to the next one."""
    return CONTRIBUTING.partition(f"## To add a {of}\n")[2].partition("\n## ")[0]


def paths_in(text: str) -> list[str]:
    """What the text names in backquotes and is a path of the project by its look."""
    return re.findall(r"`((?:src|tests|docs|launcher|tools|bench|examples)/[A-Za-z0-9_./-]+)`", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    """A renamed file is renamed in the pages too. NAME stands for each compatibility name."""
    names = [path for path in paths_in(page.read_text()) if "NAME" not in path]
    assert [path for path in names if not (ROOT / path).exists()] == []


def test_the_floors_are_those_that_the_imports_obey() -> None:
    """Top to bottom, each module or package of the first level once."""
    rows = re.findall(r"^\| [A-Za-z0-9 ]+ \| ((?:`[a-z0-9_]+`(?:, )?)+) \|", ARCHITECTURE, re.MULTILINE)
    floors = [set(re.findall(r"`([a-z0-9_]+)`", row)) for row in rows]
    assert set().union(*floors) == {name.split(".")[0] for name in modules()} - {""}
    assert sum(len(floor) for floor in floors) == len(set().union(*floors))
    numbers = {name.removesuffix(".*"): number for number, layer in enumerate(LAYERS) for name in layer}
    for above, below in itertools.pairwise(floors):
        assert max(numbers[name] for name in above) <= min(numbers[name] for name in below)


def test_the_diagram_is_drawn_from_the_table() -> None:
    """Otherwise run: python docs/generate_lifecycle.py"""
    generator = loaded("generate_lifecycle")
    assert generator.page(ARCHITECTURE) == ARCHITECTURE
    assert len(generator.arrows()) > len(generator.TABLE)


def loaded(name: str) -> ModuleType:
    """A generator of docs/, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_ten_words_are_ten() -> None:
    assert len(re.findall(r"^\| ", ARCHITECTURE.partition("## Ten words")[2], re.MULTILINE)) == 10 + 1  # and the head


# -- the recipes -----------------------------------------------------------------------------------


def test_a_setting_is_a_row_and_a_field() -> None:
    """Items 1 and 2: what `Settings` can hold comes from rows; nothing else fills it but the command line itself."""
    assert {"src/pydrop/model.py", "src/pydrop/settings/table.py"} <= set(paths_in(recipe("setting")))
    fields = set(Settings.__annotations__) - {"command", "show", "sources"}
    rows = {row.field for row in ROWS if row.field} | {"volumes", "secrets"}
    assert fields == rows


def test_a_setting_is_on_the_pages_that_its_recipe_names() -> None:
    """Item 4: docs/settings.md and the manual page of the file name every setting."""
    pages = [path for path in paths_in(recipe("setting")) if path.endswith((".md", ".5"))]
    assert pages == ["docs/settings.md", "docs/man/pydrop.toml.5"]
    settings, manual = [(ROOT / page).read_text().replace("\\-", "-") for page in pages]
    for row in ROWS:
        assert any(f"`{word}" in settings for word in (row.name, f"[[{row.name}]]", *row.environment)), row.name
        assert not row.key or re.search(rf"^\.SS .*{re.escape(row.name)}", manual, re.MULTILINE), row.name


KINDS = [
    kind for kind in vars(steps).values() if isinstance(kind, type) and issubclass(kind, Step) and kind is not Step
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_step_names_its_kind_and_its_performer(kind: type[Step]) -> None:
    """Items 1 and 4: a module with `perform(step, start)`; an account step's depends on how it goes."""
    assert kind.kind
    names = (
        [kind.performer]
        if isinstance(kind.performer, str)
        else ["pydrop.perform.accountfiles", "pydrop.perform.nss_wrapper"]
    )
    for name in names:
        assert callable(importlib.import_module(name).perform)
    assert {"src/pydrop/steps.py", "src/pydrop/perform/"} <= set(paths_in(recipe("step")))


def test_every_builder_of_a_step_stands_in_an_order() -> None:
    """Items 2 and 3: whoever writes one has to say when it is called; and the drop is always the last."""
    every = (orders.AS_ROOT, orders.AGAIN, orders.IN_HOOK, orders.WITHOUT_ROOT, orders.AGAIN_WITHOUT_ROOT)
    takes_decision = {
        each.__name__
        for each in (*vars(step_builders).values(), *vars(hook_steps).values())
        if callable(each) and list(getattr(each, "__annotations__", {}))[:1] == ["decision"] and each.__name__[0] != "_"
    }
    assert takes_decision == {build.__name__ for order in every for build in order if build.__name__[0] != "_"}
    assert all(order[-1] is step_builders.privileges for order in every)
    assert {"src/pydrop/planning/step_builders.py", "src/pydrop/planning/orders.py"} <= set(paths_in(recipe("step")))


@pytest.mark.parametrize("name", COMPATIBILITY_NAMES)
def test_a_compatibility_name_has_all_that_its_recipe_names(name: str) -> None:
    """Each file of the recipe is there, and those that all names share speak of this one."""
    text = recipe("compatibility name")
    module = COMPATIBILITY_NAMES[name].removeprefix("pydrop.compat.")
    for path in paths_in(text):
        real = path.replace("compat/NAME", f"compat/{module}").replace("from-NAME", f"from-{name}")
        assert (ROOT / real).exists(), real
    assert "src/pydrop/compat/__init__.py" in text
    assert f'"{name}"' in (ROOT / "src/pydrop/compat/__init__.py").read_text()
    words = "".join((ROOT / f"tests/pure/test_compat_{kind}.py").read_text() for kind in ("drops", "inits"))
    assert f'"{name}"' in words
