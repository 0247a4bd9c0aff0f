"""`pydropctl verify` in real containers, in the three ways in which people run it."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.container.engine import ROOT

VERIFY = ["pydropctl", "verify", "--json"]


def verdicts(result) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in json.loads(result.stdout)["checks"]}


def amiss(result) -> dict[str, str]:
    return {name: verdict for name, verdict in verdicts(result).items() if verdict in ("warn", "fail")}


def test_behind_the_entrypoint_all_is_well(run, volume):
    folder = volume({"file": (999, 999)})
    env = {"PUID": "1500", "PYDROP_CHOWN": "/data", "PYDROP_RUN_DIRS": "/run/web"}
    result = run(f"--volume={folder}:/data", env=env, command=[*VERIFY, "--strict"])
    assert (result.code, amiss(result)) == (0, {}), str(result)
    assert {"volume /data", "run-dir /run/web"} <= verdicts(result).keys()


def test_as_the_entrypoint_itself_it_is_root_and_says_what_to_do(run):
    result = run("--entrypoint=pydropctl", env={"PUID": "1500"}, command=VERIFY[1:2])
    assert result.code == 1
    assert "this is root, not the program's user" in result.stdout
    assert "docker run --rm IMAGE pydropctl verify" in " ".join(result.stdout.split())


def test_in_a_container_that_runs_all_is_well_behind_pydrop_and_nothing_without(container):
    same = container(env={"PUID": "1500"})
    same.runs("sleep")
    behind = same.exec("pydrop", *VERIFY)
    assert (behind.code, amiss(behind)) == (0, {}), str(behind)
    without = same.exec(*VERIFY)
    assert without.code == 1
    assert verdicts(without)["not root"] == "fail"


def test_an_arbitrary_uid_has_no_name_and_roots_group(run):
    """OpenShift: with PGID=0 somebody has said that the group is meant."""
    found = amiss(run("--user=12345:0", command=VERIFY))
    assert (found["own name"], found["not in root's group"]) == ("fail", "fail")
    meant = amiss(run("--user=12345:0", env={"PGID": "0"}, command=VERIFY))
    assert meant["not in root's group"] == "warn"
    assert "bounding set" not in meant


def test_a_read_only_root_shows_what_cannot_be_written(run, volume):
    options = ("--read-only", "--read-only-tmpfs=false", f"--volume={volume({})}:/data:ro")
    found = amiss(run(*options, env={"PUID": "1500", "PYDROP_CHOWN": "/data"}, command=VERIFY))
    assert (found["HOME"], found["/tmp"], found["volume /data"], found["own name"]) == ("fail",) * 4


def test_colours_are_for_terminals(run):
    assert "\x1b[32mok" in run("--tty", env={"TERM": "xterm"}, command=VERIFY[:2]).stdout
    assert "\x1b" not in run("--tty", env={"TERM": "xterm", "NO_COLOR": "1"}, command=VERIFY[:2]).stdout
    assert "\x1b" not in run(command=VERIFY[:2]).stdout


def test_no_new_privs_off_finds_the_images_set_uid_programs(run):
    result = run(env={"PUID": "1500", "PYDROP_NO_NEW_PRIVS": "0"}, command=VERIFY)
    assert (result.code, amiss(result)) == (1, {"bounding set": "fail", "set-uid files": "fail"}), str(result)
    assert "/usr/bin/" in result.stdout


def documented() -> "list[tuple[str, ...]]":
    """The rows of the table in docs/verify.md: options of docker run, exit code, what is not ok, the first of it."""
    row = r"^\| `(-.*?)` \| (\d) \| (.*?) ?\| (?:`(.*)` )?\|$"
    return re.findall(row, Path(ROOT, "docs/verify.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("options", "code", "not_ok", "said"), documented())
def test_docs_verify_md_tells_the_truth(run, volume, options, code, not_ok, said):
    folder = volume({"file": (999, 999)}, top=(999, 999))
    result = run(*shlex.split(options.replace("./data", str(folder))), command=VERIFY)
    found = json.loads(result.stdout[result.stdout.index("{\n") :])["checks"]  # on a terminal, a line is before it
    amiss = [each for each in found if each["verdict"] in ("fail", "warn")]
    names = [(word, ", ".join(e["name"] for e in amiss if e["verdict"] == word)) for word in ("fail", "warn")]
    assert (str(result.code), "; ".join(f"{word}: {them}" for word, them in names if them)) == (code, not_ok)
    assert not said or said in f"{amiss[0]['found']}: {amiss[0]['remedy']}"


@pytest.mark.quick
def test_the_docs_show_more_than_ten_containers():
    assert len(documented()) == 17
