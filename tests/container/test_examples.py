"""The examples: each is built as it stands and started in all the ways of its page, with what the page says of it."""

import os
import re
import shutil
import stat
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.container.docker import podmans
from tests.container.engine import PODMAN, Container, Result, image, owner, podman, until
from tests.container.pages import EXAMPLES, Block, Run, blocks, level, printed, run_of, services

WAYS = ("root", "user", "read-only", "no-new-privileges")


class Fetch(tuple[str, ...]):
    """A command that is run in the container's network by this machine's own Python; the image may have none."""


def fetch(path: str, port: int = 80) -> Fetch:
    """The command that prints a page of the container's own server."""
    line = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}{path}', timeout=5).read().decode())"
    return Fetch((sys.executable, "-I", "-S", "-c", line))


def asking(same: Container, ask: tuple[str, ...]) -> list[str]:
    """The words that ask in the container."""
    if isinstance(ask, Fetch):
        return ["nsenter", f"--target={same.pid()}", "--net", *ask]
    return [PODMAN, "exec", same.id, *ask]


def asked(same: Container, ask: tuple[str, ...]) -> str:
    """What comes; "" where nothing does."""
    done = subprocess.run(asking(same, ask), capture_output=True, encoding="utf-8", timeout=60, check=False)
    return done.stdout


class Example:
    """How a program is seen to work: what is asked of it, in its container, and a pattern of the answer; `again` that
    of a container that was started again, where it keeps something in /data. `ends`: the exit code of `docker stop`."""

    def __init__(self, ask: tuple[str, ...], answer: str, ends: int = 0, again: str = "") -> None:
        self.ask, self.answer, self.ends, self.again = ask, answer, ends, again


def sql(text: str) -> tuple[str, ...]:
    return ("psql", "--username=postgres", "--quiet", "--tuples-only", "--no-align", "--command", text)


VISIT = "create table if not exists visits (at text); insert into visits values (now()); select count(*) from visits"

SERVERS = {
    "nginx": Example(fetch("/index.html"), "It works"),
    "redis": Example(("redis-cli", "incr", "visits"), r"^1\n", again=r"^2\n"),
    "from-gosu/after": Example(("redis-cli", "incr", "visits"), r"^1\n", again=r"^2\n"),
    "python": Example(fetch("/", 8000), "visit 1, counted by app\n", again="visit 2, counted by app\n"),
    "php": Example(fetch("/", 8080), r"served by PHP as \d+\n"),
    "postgresql": Example(sql(VISIT), r"^1\n$", again=r"^2\n$"),
    "no-python": Example(
        ("wget", "-qO-", "http://127.0.0.1:8000/"),
        r"visit 1, counted by (app|user \d+)\n",
        again="visit 2, counted by app\n",
    ),
    "nodejs": Example(fetch("/", 3000), "visit 1, counted by app\n", again="visit 2, counted by app\n", ends=143),
}
JOBS = {  # a pattern of what each prints
    "git": r"app <me@example.org>: first\nuser app\nuid={uid}\(app\) gid={gid}\(",
    "device": r"renderD128: opened\nuid {uid}, groups (\d+ )*993( \d+)*\n$",
}
KEEPERS = [name for name in SERVERS if SERVERS[name].again]
# The keepers' two other ways are started below, where more is looked at.
STARTS = [(name, way) for name in SERVERS for way in WAYS if name not in KEEPERS or way not in ("root", "user")]


def block_of(name: str, way: str) -> Block:
    (found,) = [block for block in blocks(EXAMPLES / name) if block.way == way]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of an example's folder, as somebody who is no root has it."""

    def folder(name: str) -> Path:
        copy = tmp_path / name
        shutil.copytree(EXAMPLES / name, copy)
        tmp_path.chmod(0o755)
        return copy

    return folder


@pytest.fixture
def volumes() -> Iterator[dict[str, str]]:
    """Named volumes get names of this test alone, and are removed at its end."""
    names: dict[str, str] = {}
    yield names
    for name in names.values():
        podman("volume", "rm", "--force", name)


@pytest.fixture
def gpu(tmp_path: Path) -> Path:
    """What stands for one, since few machines have it: a null device that root and the group 993 may open."""
    device = tmp_path / "renderD128"
    os.mknod(device, 0o660 | stat.S_IFCHR, os.makedev(1, 3))
    device.chmod(0o660)
    os.chown(device, 0, 993)
    return device


@pytest.fixture
def words(volumes: dict[str, str], gpu: Path) -> Callable[[Run, Path], list[str]]:
    """The words for podman that do what docker does by these, with volumes and a GPU of this test alone."""

    def volume(name: str) -> str:
        return volumes.setdefault(name, f"pydrop-test-{os.getpid()}-{name}")

    return lambda run, where: podmans(run, where, volume, {"/dev/dri": gpu})


@pytest.fixture
def started(container, words, folder) -> Callable[[str, Block], list[Container]]:
    def started(name: str, block: Block) -> list[Container]:
        where = folder(name)
        return [container(*words(run, where), image=image(run.image), command=run.command) for run in block.runs]

    return started


def pydrops(result: Result) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("pydrop: ")]


def agrees(block: Block, said: list[str]) -> None:
    """Word for word, but for the time that it took."""
    assert [level(line) for line in said] == block.says, str(block.page)


def works(same: Container, ask: tuple[str, ...], expected: str) -> None:
    """It answers in time, and as it should."""
    try:
        answer = until(lambda: asked(same, ask))
    except AssertionError:
        pytest.fail(f"no answer: {same.logs()}")
    assert re.search(expected, str(answer)), f"{answer}: {same.logs()}"


LOOKER = (65534, 65533)


def ids(same: Container) -> set[tuple[int, int]]:
    """Uid and gid of all its processes (real, effective, saved and of files) but those that look."""
    looker = (f"--user={LOOKER[0]}:{LOOKER[1]}",)
    texts = same.exec("sh", "-c", "cat /proc/[0-9]*/status", options=looker).stdout
    pairs = zip(re.findall(r"^Uid:\t(.*)", texts, re.M), re.findall(r"^Gid:\t(.*)", texts, re.M), strict=True)
    return {(int(u), int(g)) for us, gs in pairs for u, g in zip(us.split(), gs.split(), strict=True)} - {LOOKER}


def serves(name: str, block: Block, same: list[Container]) -> None:
    """It works as the user, and what pydrop says is what the page says: little."""
    works(same[-1], SERVERS[name].ask, SERVERS[name].answer)
    assert all(ids(one) == {run.user} for one, run in zip(same, block.runs, strict=True))
    said = [pydrops(one.logs()) for one in same]
    agrees(block, [line for lines in said for line in lines])
    assert all(len(lines) <= 2 for lines in said)


def stops_in_time(name: str, same: list[Container]) -> None:
    for one in reversed(same):
        began = time.monotonic()
        assert one.stop() == SERVERS[name].ends, str(one.logs())
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(("name", "way"), STARTS)
def test_a_server_works_as_the_user_says_little_and_stops_in_time(name, way, started):
    """In each way of its page."""
    block = block_of(name, way)
    same = started(name, block)
    serves(name, block, same)
    stops_in_time(name, same)


@pytest.mark.parametrize(("name", "way"), [(name, way) for name in JOBS for way in WAYS])
def test_a_job_does_its_work_as_the_user_and_says_little(name, way, started):
    block = block_of(name, way)
    (same,) = started(name, block)
    assert same.wait() == 0, str(same.logs())
    uid, gid = block.runs[0].user
    expected = JOBS[name].format(uid=uid, gid=gid)
    assert re.match(expected, same.logs().stdout), str(same.logs())
    assert way != "root" or re.match(expected, printed(EXAMPLES / name))
    agrees(block, pydrops(same.logs()))
    assert len(pydrops(same.logs())) <= 2


@pytest.mark.parametrize("name", KEEPERS)
def test_a_folder_that_the_engine_made_is_the_hosts_users_and_what_is_in_it_outlives_a_restart(name, started, tmp_path):
    """The server works and stops as the others do. The second start finds nothing to change in the folder."""
    block = block_of(name, "root")
    (same,) = started(name, block)
    serves(name, block, [same])
    stops_in_time(name, [same])
    kept = [tmp_path / name / "data", *(tmp_path / name / "data").rglob("*")]
    assert len(kept) > 1
    assert {owner(path) for path in kept} == {(1500, 1500)}
    same.start()
    works(same, SERVERS[name].ask, SERVERS[name].again)
    assert [("/data: " in line) for line in pydrops(same.logs())] == [True, False], str(same.logs())


@pytest.mark.parametrize("name", KEEPERS)
def test_a_fresh_volume_has_the_mode_of_the_images_folder_so_that_a_user_of_group_0_can_write_it(name, started):
    """The server works and stops as the others do."""
    block = block_of(name, "user")
    (same,) = started(name, block)
    assert same.exec("stat", "-c", "%g %a", "/data").stdout == "0 770\n"
    serves(name, block, [same])
    stops_in_time(name, [same])


def test_node_needs_a_pid_1_to_end_by_term(container):
    """And with exit-code it ends with 0."""
    ask, answer = SERVERS["nodejs"].ask, SERVERS["nodejs"].answer
    alone = container(image=image("example-nodejs"), command=[], env={"PYDROP_INIT": "0"})
    works(alone, ask, answer)
    podman("stop", "--time=1", alone.id)
    assert alone.wait() == 137
    mapped = container(image=image("example-nodejs"), command=[], env={"PYDROP_EXIT_CODE": "143:0"})
    works(mapped, ask, answer)
    assert mapped.stop() == 0


def test_php_finishes_what_it_serves_when_it_is_stopped(words, container, folder):
    block, where = block_of("php", "root"), folder("php")
    (where / "site" / "slow.php").write_text('<?php touch("/run/php/serving"); sleep(1); echo "finished";')
    php, web = [container(*words(run, where), image=image(run.image), command=run.command) for run in block.runs]
    works(web, SERVERS["php"].ask, SERVERS["php"].answer)
    ask = asking(web, fetch("/slow.php", 8080))
    with subprocess.Popen(ask, stdout=subprocess.PIPE, encoding="utf-8") as client:
        until(lambda: php.exec("test", "-e", "/run/php/serving").code == 0)
        assert php.stop() == 0
        assert client.communicate(timeout=10)[0] == "finished\n", str(php.logs())


def test_gunicorn_needs_tmp(run):
    options = ("--read-only", "--read-only-tmpfs=false", "--tmpfs=/run", "--tmpfs=/data")
    failed = run(*options, image=image("example-python"), command=[])
    assert failed.code not in (0, 125)
    assert "No usable temporary directory found" in failed.stderr


def test_postgresql_ends_its_clients_when_it_is_stopped(started):
    """By INT: with TERM it would wait for them."""
    (same,) = started("postgresql", block_of("postgresql", "root"))
    works(same, SERVERS["postgresql"].ask, r"^1\n$")
    asleep = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)'"
    with subprocess.Popen([PODMAN, "exec", same.id, *sql("select pg_sleep(60)")], stderr=subprocess.DEVNULL) as client:
        until(lambda: same.exec(*sql(asleep)).stdout == "1\n")
        began = time.monotonic()
        assert same.stop() == 0
        assert time.monotonic() - began < 3
        assert client.wait(10) != 0


def test_postgresqls_password_may_be_anybodys_file_is_no_programs_variable_and_its_data_is_the_users(
    words, container, folder
):
    run, where = block_of("postgresql", "root").runs[0], folder("postgresql")
    (where / "password").chmod(0o600)
    os.chown(where / "password", 4321, 4321)
    same = container(*words(run, where), image=image(run.image), command=run.command)
    works(same, SERVERS["postgresql"].ask, r"^1\n$")
    login = (*sql("select 1"), "--host=127.0.0.1")
    assert same.exec(*login, options=("--env=PGPASSWORD=change-me",)).stdout == "1\n"
    assert same.exec(*login, options=("--env=PGPASSWORD=other",)).code != 0
    assert stat.S_IMODE((where / "data" / "15").stat().st_mode) == 0o700
    seen = same.exec("sh", "-c", "cat /proc/[0-9]*/environ", options=("--user=1500:1500",)).stdout
    assert "PGDATA" in seen and "change-me" not in seen


def test_a_checkout_is_worked_on_as_its_owner(words, container, folder):
    """Without PUID and PGID, and without a change of its owner."""
    run, where = block_of("git", "root").runs[0], folder("git")
    for path in (where / "work", *(where / "work").rglob("*")):
        os.chown(path, 1234, 4321)
    run.options = [pair for pair in run.options if not re.match("P[UG]ID", pair[1])]
    same = container(*words(run, where), image=image(run.image), command=run.command)
    assert same.wait() == 0, str(same.logs())
    assert "uid=1234(app) gid=4321(" in same.logs().stdout
    assert {owner(path) for path in (where / "work").rglob("*")} == {(1234, 4321)}


# -- from-gosu ------------------------------------------------------------------------------------

GOSU = EXAMPLES / "from-gosu"
STOPWATCH = 'began=$(date +%s%N); ended=$("$0" date +%s%N 2>/dev/null); echo $((ended - began))'


def test_the_entrypoint_with_gosu_works_so_that_the_comparison_is_fair(container, words, folder):
    before = run_of(services(GOSU / "before")["redis"])
    same = container(*words(before, folder("from-gosu/before")), image=image(before.image), command=before.command)
    works(same, SERVERS["redis"].ask, r"^1\n")
    assert ids(same) == {(1500, 1500)}
    assert same.stop() == 0


def test_the_entrypoint_with_gosu_breaks_where_the_page_says(run, volumes):
    before = image("example-from-gosu-before")
    bare = ("--read-only", "--read-only-tmpfs=false", "--tmpfs=/run", "--tmpfs=/data")
    ended = run(*bare, image=before, command=["true"], env={"PUID": "1500", "PGID": "1500"})
    assert ended.code != 0 and "groupmod: cannot" in ended.stderr, str(ended)
    volumes["before"] = f"pydrop-test-{os.getpid()}-before"
    refused = run("--user=12345:0", f"--volume={volumes['before']}:/data", image=before, command=["touch", "/data/x"])
    assert "Permission denied" in refused.stderr, str(refused)


@pytest.mark.quick
def test_the_lines_of_both_are_as_many_as_the_page_says():
    counted = []
    for side in ("before", "after"):
        files = [path for path in (GOSU / side).iterdir() if path.name in ("Dockerfile", "entrypoint.sh")]
        counted.append(sum(bool(line.strip()) for path in files for line in path.read_text().splitlines()))
    assert f"| {counted[0]} | {counted[1]} |" in (GOSU / "README.md").read_text(), counted


def test_on_root_mismatch_reaches_the_program_sooner_than_chown_from_a_shell_entrypoint(run, tmp_path):
    """Fresh containers in turn, with 10,000 files that are right already. It is a matter of a few times, so that a busy
    machine does not matter."""
    (tmp_path / "full").mkdir()
    for number in range(10_000):
        (tmp_path / "full" / str(number)).touch()
        os.chown(tmp_path / "full" / str(number), 1500, 1500)
    os.chown(tmp_path / "full", 1500, 1500)
    cases = {"gosu": ("before", "/entrypoint.sh"), "on-root-mismatch": ("after", "pydrop")}
    times: dict[str, list[int]] = {case: [] for case in cases}
    for _ in range(3):
        for case, (side, entrypoint) in cases.items():
            options = ("--entrypoint=sh", f"--volume={tmp_path / 'full'}:/data")
            env = {"PUID": "1500", "PGID": "1500", "PYDROP_CHOWN_POLICY": "on-root-mismatch"}
            command = ["-c", STOPWATCH, entrypoint]
            made = image(f"example-from-gosu-{side}")
            times[case].append(int(run(*options, image=made, command=command, env=env).stdout))
    medians = {case: statistics.median(taken) for case, taken in times.items()}
    for case in cases:
        print(f"{case}: {medians[case] / 1e6:.1f} ms, {medians['gosu'] / medians[case]:.2f} times as fast as gosu's")
    assert medians["on-root-mismatch"] < medians["gosu"]


# -- the pages ------------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.parametrize("name", [*SERVERS, *JOBS])
def test_the_page_shows_each_way_once_and_its_first_is_what_the_compose_file_says(name):
    shown = blocks(EXAMPLES / name)
    assert sorted(block.way for block in shown) == sorted(WAYS)
    asked = [run_of(service) for service in services(EXAMPLES / name).values()]
    assert [run.said_alike() for run in shown[0].runs] == [run.said_alike() for run in asked]


@pytest.mark.quick
def test_the_index_names_each_example_and_how_pydrop_is_built():
    index = (EXAMPLES / "README.md").read_text()
    named = set(re.findall(r"^\| \[(.+?)\]\(\1\)", index, re.M))
    assert named == {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert named == {name.split("/")[0] for name in (*SERVERS, *JOBS)} | {"kubernetes"}  # test_kubernetes.py
    assert "docker build --target dist -t pydrop ." in index
