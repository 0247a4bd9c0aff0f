"""Starts in thousands, and where memory is short: each is a good one, or says in one line that it is none."""

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.onefile.image import Image

HERE = Path(__file__).parent
QUIET = {"PYDROP_LOG_LEVEL": "error", "PUID": "1500"}
# The shell of the test's host starts the file over and over in the image; what differs is counted.
MANY = 'n=0; while [ $n -lt {} ]; do n=$((n+1)); {} || echo "$n: $?"; done'
MIB = 1 << 20


def many(dumped_image: Image, times: int, *words: str) -> str:
    """What was said beside what each start says when it is good: "1500" and nothing else."""
    inside = dumped_image.inside(*words, env=QUIET, pid_1=False)
    # after the namespace is made, the last word of `sh -c ENTER` is run in a loop
    inside[inside.index("-c") + 1] = inside[inside.index("-c") + 1].replace(
        'exec /usr/sbin/chroot . "$@"', MANY.format(times, '/usr/sbin/chroot . "$@"')
    )
    done = subprocess.run(inside, capture_output=True, text=True, check=False, timeout=900)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines.count("1500") == times
    return "\n".join(line for line in lines if line != "1500")


@pytest.mark.soak
@pytest.mark.parametrize(
    ("times", "words"),
    [
        (2000, ("/bin/pydrop", "told", "uid")),
        (1000, ("/bin/pydrop", "--init", "told", "uid")),
        (2000, ("/bin/gosu", "1500", "told", "uid")),
    ],
)
def test_each_of_thousands_of_starts_is_good(times: int, words: "tuple[str, ...]", dumped_image: Image) -> None:
    """Each has its stack, its vdso and its random numbers elsewhere."""
    dumped_image.link("gosu")
    assert many(dumped_image, times, *words) == ""


@pytest.mark.parametrize("words", [("/bin/pydrop",), ("/bin/pydrop", "--init"), ("/bin/gosu", "1500")])
def test_without_a_vdso_it_starts(words: "tuple[str, ...]", dumped_image: Image) -> None:
    """The clock's place in another process's vdso is what a dump could have kept."""
    dumped_image.link("gosu")
    target = dumped_image.folder / "bin/without_vdso"
    subprocess.run(["musl-gcc", "-static", "-O1", "-Wall", "-o", target, HERE / "without_vdso.c"], check=True)
    done = dumped_image.run("/bin/without_vdso", *words, "/bin/told", "uid", env=QUIET)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1500\n", "")


LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_DATA)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("mib", [1, 2, 4, 8, 12, 16, 20, 24, 32, 64])
def test_under_a_limit_it_starts_or_ends(limit: int, mib: int, dumped_image: Image) -> None:
    """Below what the file itself is, the kernel kills it before it begins. From there on it starts, or says that it
    lacks memory; it never runs the command as somebody else."""
    inside = dumped_image.inside("/bin/pydrop", "told", "uid", env=QUIET)

    def limited() -> None:
        resource.setrlimit(limit, (mib * MIB, mib * MIB))

    done = subprocess.run(inside, capture_output=True, text=True, check=False, preexec_fn=limited, timeout=60)
    assert done.stdout in ("", "1500\n")
    assert (done.stdout == "1500\n") == (done.returncode == 0)
    assert mib < 32 or done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.fixture
def strict_overcommit() -> Iterator[None]:
    """vm.overcommit_memory=2."""
    path = Path("/proc/sys/vm/overcommit_memory")
    before = path.read_text()
    path.write_text("2")
    yield
    path.write_text(before)


@pytest.mark.soak
@pytest.mark.usefixtures("strict_overcommit")
def test_where_no_memory_is_promised_that_is_not_there_it_starts(dumped_image: Image) -> None:
    assert many(dumped_image, 200, "/bin/pydrop", "told", "uid") == ""
    assert many(dumped_image, 100, "/bin/pydrop", "--init", "told", "uid") == ""


def test_pid_1_has_little_of_its_own(dumped_image: Image) -> None:
    """At rest, by anonymous pages (proc(5), smaps_rollup): what was dumped is the page cache's."""
    dumped_image.link("tini")
    words = dumped_image.inside("/bin/tini", "--", "/bin/told", "rest")  # as root, who may look
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = process.stdout.readline()
        process.communicate()
    assert int(told.split()[1]) <= 600, told
