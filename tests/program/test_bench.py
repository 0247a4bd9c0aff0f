"""bench/run works and prints every row. What it measures is judged by people and by `make bench`, never by a test."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.pip  # and tests/onefile/test_benched.py for the one file

BENCH = str(Path(__file__).parent.parent.parent / "bench" / "run")
SMALL = ("--rounds", "1", "--entries", "60", "--pydrop", f"{sys.prefix}/bin/pydrop")
BARE = "PUID=1500 PGID=1500 pydrop true"
FIND = "find {} ( ! -user 1500 -o ! -group 1500 ) -exec chown -h 1500:1500 {{}} +"
BOXED = "busybox find {} ( ! -user 1500 -o ! -group 1500 ) -exec busybox chown -h 1500:1500 {{}} +"
ALL = "chown -R 1500:1500 hundred-0 hundred-1 … (100 in all)"
HUNDRED = ["PYDROP_CHOWN=hundred-0:hundred-1:… (100 in all)", ALL, f"busybox {ALL}"]


def volume(name: str) -> str:
    return f"PUID=1500 PGID=1500 PYDROP_CHOWN={name} pydrop true"


def three(name: str) -> list[str]:
    return [volume(name), f"chown -R 1500:1500 {name}", FIND.format(name)]


def boxed(name: str) -> list[str]:
    return [*three(name), f"busybox chown -R 1500:1500 {name}", BOXED.format(name)]


SMALL_ONE = [volume("small"), "chown -R 1500:1500 small", "busybox chown -R 1500:1500 small", BARE]
SIZES = [volume(f"wide-{size}") for size in (2, 20, 200)]  # of --entries 60; two make the first
INITS = ["pydrop --init", "tini -s", "dumb-init"]
FIGURES = {"init-memory": r"\d KiB", "init-rest": r" 1 +\d+ *$", "init-signal": r"\d ms", "init-stop": r"\d ms"}
CASES = {
    "start": (["pydrop true", "python3 -I -S -c pass", "gosu 1500:1500 true", "setpriv --reuid 1500", "true"], 1),
    "again": (["pydrop true", "python3 -I -S -c pass"], 0),
    "bundle": (["/run/bundle/bin/pydrop true", BARE, "python3 -I -S -c pass"], 0),
    "job": (["PYDROP_RUN_DIRS=/run/app PYDROP_CHOWN=small pydrop true", "bench/entrypoint.sh true"], 1),
    "init-start": ([f"{BARE[:-5]} --init true", "python3 -I -S -c pass", "tini -s true", "dumb-init true", "true"], 1),
    "init-reap": (["pydrop --init orphans 2", "tini -s orphans 2", "dumb-init orphans 2"], 0),
    "init-memory": (["pydrop --init sleep 60", "python3 -I -S, asleep", "tini -s sleep 60", "dumb-init sleep 60"], 1),
    "init-rest": (INITS, 1),
    "init-signal": (INITS, 1),
    "init-stop": (INITS, 1),
    "small-right": (SMALL_ONE, 2),
    "small-wrong": (SMALL_ONE, 2),
    "hundred-right": ([*HUNDRED, BARE], 1),
    "hundred-wrong": ([*HUNDRED, BARE], 1),
    "right": (boxed("large"), 2),
    "wrong": (boxed("large"), 2),
    "wrong-shared": (three("large"), 0),
    "wrong-group": (three("large"), 0),
    "wide-right": (boxed("wide-200"), 3),
    "wide-wrong": (boxed("wide-200"), 3),
    "restart": ([volume("wide-200:on-root-mismatch"), BARE], 1),
    "growth-right": ([SIZES[0], *SIZES, BARE], 1),
    "growth-wrong": ([SIZES[0], *SIZES, BARE], 1),
    "slow-right": (boxed("slow"), 1),
    "slow-wrong": (boxed("slow"), 1),
}


# The volumes lie in memory: on a disk the bench waits until all is written, also what others write there just now.
IN_MEMORY = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /mnt && TMPDIR=/mnt exec "$@"', "in memory")


def bench(*words: str, around: "tuple[str, ...]" = IN_MEMORY) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*around, BENCH, *SMALL, *words], capture_output=True, text=True, check=False)


def test_every_case_has_its_row_here() -> None:
    """Who names none is told all."""
    assert re.findall(r"the cases are ([^;]+);", bench("nosuch").stderr) == [", ".join(CASES)]


@pytest.mark.parametrize("part", range(8))
def test_the_table_has_every_command_and_fits_a_terminal(part: int) -> None:
    """Both commands of each ratio are shown as they were run, each with its figures; each target says whether it is
    met, and the head says what the volumes lie on."""
    cases = list(CASES)[part::8]
    done = bench(*cases)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if len(line) > 100] == []
    assert re.search(r"^by pip, pydrop [0-9.]+$", done.stdout, re.MULTILINE)
    assert re.search(r"^on Linux .* processors; volumes on \w+ \(/", done.stdout, re.MULTILINE)
    assert re.findall(r"^([a-z-]+): ", done.stdout, re.MULTILINE) == cases
    for case in cases:
        commands, targets = CASES[case]
        block = done.stdout.partition(f"\n{case}: ")[2].partition("\n\n")[0]
        words = " ".join(block.split())  # long commands are folded
        assert [command for command in commands if command not in words] == []
        figure = FIGURES.get(case, r"\d m?s .*\d MB +\d+$")
        rows = [line for line in block.splitlines() if "target: " not in line]
        assert len([line for line in rows if re.search(figure, line)]) == len(commands), block
        assert len(re.findall(r"^  target: .*: (?:met|NOT MET) \(", block, re.MULTILINE)) == targets


def test_the_figures_are_there_for_a_program_too() -> None:
    """--json: the same rows, with seconds and ratios."""
    cases = json.loads(bench("--rounds", "2", "--json", "start", "job").stdout)
    assert [case["case"] for case in cases] == ["start", "job"]
    for case in cases:
        assert len(case["commands"]) == len(CASES[case["case"]][0])
        ours = case["commands"][0]
        assert ours["runs"] == 2 and 0 < ours["least"] <= ours["median"] <= ours["most"]
        assert [c["ratio"] for c in case["commands"]] == [ours["median"] / c["median"] for c in case["commands"]]


def test_what_is_no_duration_is_there_for_a_program_too() -> None:
    (case,) = json.loads(bench("--json", "init-rest").stdout)
    assert [row["command"] for row in case["commands"]] == INITS
    assert [target["met"] for target in case["targets"]] == [case["met"]]


@pytest.mark.parametrize("case", ["init-memory", "init-rest", "init-signal", "init-stop"])
def test_an_init_that_polls_and_is_slow_is_seen_to_be(tmp_path: Path, case: str) -> None:
    """A figure that is always met shows nothing."""
    script = """
import os, signal, sys, time
signal.signal(signal.SIGUSR1, lambda n, f: (time.sleep(0.02), os.kill(child, n)))
signal.signal(signal.SIGTERM, lambda n, f: os.kill(child, n))
kept = bytearray(8_000_000)
child = os.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while os.waitpid(child, os.WNOHANG) == (0, 0):
    time.sleep(0.03)
"""
    program = tmp_path / "poll.py"
    program.write_text(script)
    slow = stand_in(tmp_path, f'#!/bin/sh\nshift 2\nexec {sys.executable} -I {program} "$@"\n')
    (judged,) = json.loads(bench("--pydrop", slow, "--rounds", "2", "--json", case).stdout)
    assert judged["met"] is False


def test_check_fails_where_a_target_is_missed(tmp_path: Path) -> None:
    """A start that takes half a second is no start to ship, and without --check it is only told."""
    slow = stand_in(tmp_path, "#!/bin/sh\nsleep 0.5\n")
    for options, code in (((), 0), (("--check",), 1)):
        done = bench("--rounds", "1", "--pydrop", slow, *options, "start")
        assert (done.returncode, "NOT MET" in done.stdout) == (code, True)


@pytest.mark.parametrize("words", [("sleep",), ("--pydrop", "/nowhere/pydrop"), ("--runs", "3"), ("--rounds", "few")])
def test_what_cannot_be_measured_is_said(words: "tuple[str, ...]") -> None:
    """One line, no traceback."""
    done = bench(*words)
    assert done.returncode != 0
    assert re.fullmatch("bench: .+\n", done.stderr)


def test_the_help_is_no_mistake() -> None:
    done = bench("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "bench/run [--rounds N]" in done.stdout


def stand_in(folder: Path, text: str) -> str:
    """A pydrop that is what the test makes it."""
    program = folder / "bin" / "pydrop"
    program.parent.mkdir()
    program.write_text(text)
    program.chmod(0o755)
    (folder / "bin" / "python3").symlink_to(sys.executable)
    return str(program)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("job", "did not do the whole job"),
        ("wrong", "does not belong to 1500:1500"),
        ("hundred-wrong", "does not belong to 1500:1500"),
        ("slow-wrong", "does not belong to 1500:1500"),
    ],
)
def test_a_job_that_is_not_done_is_no_figure(tmp_path: Path, case: str, said: str) -> None:
    """A pydrop that does nothing would be the fastest of all."""
    done = bench("--pydrop", stand_in(tmp_path, "#!/bin/sh\n"), case)
    assert done.returncode != 0
    assert said in done.stderr and "Traceback" not in done.stderr


WORKER = """#!/bin/sh
chown -R 1500:1500 "$PYDROP_CHOWN"
python3 -c 'import os; os.fork() or [bytearray(80_000_000), os._exit(0)]; os.wait()'
"""


def test_what_workers_hold_and_how_many_there_are_is_seen(tmp_path: Path) -> None:
    """The largest process counts, also where it is a worker's worker, and the bench's own size never does."""
    done = bench("--pydrop", stand_in(tmp_path, WORKER), "--json", "wide-wrong", "small-wrong")
    wide, small = json.loads(done.stdout)
    ours, chown = wide["commands"][:2]
    assert 80e6 < ours["memory"] < 110e6 and chown["memory"] < 5e6
    assert (ours["processes"], chown["processes"]) == (4, 1)
    assert [target["met"] for target in wide["targets"] if "60 MB" in target["target"]] == [False]
    assert [target["met"] for target in small["targets"] if "worker" in target["target"]] == [False]


def test_the_slow_volume_waits_and_does_so_for_many_at_once() -> None:
    """Each entry costs chown -R two calls of a millisecond; sixteen threads are nearly sixteen times as fast."""
    (slow,) = json.loads(bench("--entries", "3000", "--json", "slow-wrong").stdout)
    entries, gain = re.findall(r"^([\d,]+) entries, .* look ([\d.]+) times", slow["title"])[0]
    assert int(entries) == 200 and float(gain) >= 6
    assert slow["commands"][1]["least"] > 2 * 200 * 0.001


def test_nothing_of_it_stays_behind() -> None:
    """Not in the account files, not in /run, no folder, no mount."""

    def seen() -> "list[object]":
        files = [Path(path).read_bytes() for path in ("/etc/passwd", "/etc/group")]
        mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if "pydrop-bench" in line]
        run = [path for path in ("/run/app", "/run/pydrop/record") if os.path.lexists(path)]
        return [*files, mounts, run, sorted(Path(tempfile.gettempdir()).glob("pydrop-bench-*"))]

    before = seen()
    bench("job", "slow-right", around=())
    assert seen() == before
