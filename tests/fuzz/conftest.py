"""Where PYDROP_FUZZ asks for one case, that one runs alone; else all the others do."""

from pathlib import Path

import pytest

from tests.fuzz.test_fuzz import ONE, test_the_one_case_that_is_asked_for


def pytest_collection_modifyitems(config: pytest.Config, items: "list[pytest.Item]") -> None:
    the_one = test_the_one_case_that_is_asked_for.__name__
    left = [item for item in items if item.path.parent == Path(__file__).parent and (item.name == the_one) != bool(ONE)]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]
