"""Nothing that a test of init mode started outlives it, also where it fails."""

from collections.abc import Iterator

import pytest

from tests.program.initmode import Running


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    while Running.started:
        Running.started.pop().kill()
