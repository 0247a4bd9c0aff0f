"""A start with 0, 1 or 2 closed: files that root opens then get these numbers, and no line of
pydrop's may land in one of them."""

from itertools import combinations

import pytest

from .test_kill import SETTINGS, Case
from .throwaway import PASSWD, PYDROP

pytestmark = pytest.mark.quick

CLOSE = {0: "<&-", 1: ">&-", 2: "2>&-"}


@pytest.mark.parametrize("numbers", [some for size in (1, 2, 3) for some in combinations(CLOSE, size)])
def test_no_message_lands_in_a_file_that_took_the_number_of_a_closed_stream(numbers, tmp_path):
    undisturbed = Case(tmp_path / "undisturbed", PASSWD, "")
    assert undisturbed.start()[0] == 0
    case = Case(tmp_path / "closed", PASSWD, "")
    close = " ".join([CLOSE[number] for number in numbers])
    wordy = SETTINGS | {"PYDROP_LOG_LEVEL": "debug", "PYDROP_RUN_DIRS": "/run/app:/mnt/data"}
    result = case.place.run("sh", "-c", f'exec "$@" {close}', "sh", PYDROP, "true", env=wordy)
    assert result.returncode == 0
    assert (b"pydrop: " in result.stderr) == (2 not in numbers)
    assert case.result() == undisturbed.result()
    said = [path for path in tmp_path.rglob("*") if path.is_file() and b"pydrop: " in path.read_bytes()]
    assert said == []
