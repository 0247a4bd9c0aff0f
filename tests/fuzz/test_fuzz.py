"""Nothing but pydrop's own errors, and nothing over a second, whatever stands in its settings, files and words.

Each case goes by its seed alone: PYDROP_FUZZ=SUBJECT:SEED pytest -m '' tests/fuzz runs that one.
`make test` runs the same few at every time, `make soak` new ones for some minutes.
"""

import os
import time
from pathlib import Path
from random import Random

import pytest

from pydrop.errors import MOST_SAID, PydropError
from tests.faults.throwaway import GROUP, PASSWD, PYDROP, Throwaway
from tests.fuzz.subjects import FILE, SUBJECTS, arguments, environment, toml

pytestmark = pytest.mark.python
ONE = os.environ.get("PYDROP_FUZZ", "")
FEW = {"the_file": 40, "all_settings": 60, "account_files": 60, "huge_values": 15, "tmpfiles_lines": 400}
USUAL = 200  # cases of the other subjects in `make test`, in all two or three seconds
LONG = 20  # seconds of a subject in `make soak`


def try_one(subject: str, seed: int) -> float:
    """Run one case; the seconds of CPU that it took. Fails with what runs it again."""
    again = f"again: PYDROP_FUZZ={subject}:{seed} pytest -m '' tests/fuzz"
    began = time.process_time()
    try:
        SUBJECTS[subject](Random(f"{subject}:{seed}"))
    except PydropError as error:
        assert len(error.problem.encode("utf-8", "replace")) <= MOST_SAID, again
        assert not [word for word in str(error).split(" ") if len(word) > MOST_SAID], again
    except BaseException as bug:
        raise AssertionError(f"{type(bug).__name__}: {str(bug)[:200]}; {again}") from bug
    took = time.process_time() - began
    assert took < 1, f"{took:.1f} s; {again}"
    return took


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_few_inputs_of_each_kind(subject: str) -> None:
    for seed in range(FEW.get(subject, USUAL)):
        try_one(subject, seed)


@pytest.mark.soak
@pytest.mark.parametrize("subject", SUBJECTS)
def test_new_inputs_of_each_kind_for_a_while(subject: str) -> None:
    base, count, longest = time.time_ns() // 1000 % 10**12, 0, 0.0
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        longest = max(longest, try_one(subject, base + count))
        count += 1
    print(f"{subject}: {count} cases from seed {base}, the longest {longest:.2f} s")
    assert count > 100


def test_the_one_case_that_is_asked_for() -> None:
    subject, _, seed = ONE.partition(":")
    try_one(subject, int(seed))


# -- by the installed program ----------------------------------------------------------------------


def try_program(folder: Path, seed: int) -> None:
    """A start, and a check of its file, in namespaces of their own."""
    random = Random(f"program:{seed}")
    place = Throwaway(folder, PASSWD, GROUP)
    if random.random() < 0.5:
        (folder / "etc/pydrop.toml").write_bytes(toml(random).encode("utf-8", "surrogatepass"))
    env = {"PATH": "/usr/bin:/bin", "PYDROP_HOME": "/mnt/home"}
    lines = [line.encode("utf-8", "replace").decode() for line in environment(random)]
    env |= dict([line.partition("=")[::2] for line in lines if not line.startswith("=")])
    words = tuple([word.encode("utf-8", "replace") for word in arguments(random)[:50]])
    began = time.monotonic()
    done = place.run(PYDROP, *words, env=env)
    checked = place.run(f"{PYDROP}ctl", "check", "--content-only", FILE, env=env)
    assert time.monotonic() - began < 6, seed
    assert checked.returncode in (0, 1, 125), (seed, checked)  # 125: the variables name no file to check
    for line in (done.stderr + checked.stderr + checked.stdout).splitlines():
        assert b"itself failed" not in line and b"Traceback" not in line, (seed, line)
        assert len(line) <= 4096, (seed, line)


def test_a_few_starts(tmp_path: Path) -> None:
    for seed in range(4):
        try_program(tmp_path / str(seed), seed)


@pytest.mark.soak
def test_many_starts(tmp_path: Path) -> None:
    base = time.time_ns() // 1000 % 10**12
    print(f"from seed {base}")
    for seed in range(base, base + 100):
        try_program(tmp_path / str(seed), seed)
