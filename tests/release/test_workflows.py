""".github/workflows: actionlint and zizmor find nothing, and what a release promises is in them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.release.conftest import ROOT

pytestmark = pytest.mark.quick

FOLDER = ROOT / ".github/workflows"
WORKFLOWS = {path.stem: path for path in sorted(FOLDER.glob("*.yml"))}
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+){2}")
BIN = Path(sys.prefix, "bin")


def lint(folder: Path) -> "list[str]":
    """What either of them says against the workflows of a repository."""
    zizmor = [f"{BIN}/zizmor", "--offline", "--no-progress", "--color=never", ".github"]
    checks = ([f"{BIN}/actionlint", "-no-color"], zizmor)
    done = [subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False) for words in checks]
    return [one.stdout + one.stderr for one in done if one.returncode]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def test_actionlint_and_zizmor_find_nothing(repository: Path) -> None:
    assert lint(repository) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("needs: tests", "needs: test", 'job "image" needs job "test"'),
        ("runs-on: ${{ matrix.runner }}", "runs-on: ${{ matrix.runer }}", '"runer" is not defined'),
        ("rm dist/release/*.tar.gz", 'rm "dist', "shellcheck"),
        ("${{ github.token }}", "${{ secrets.TOKEN", "expression"),
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
        ("run: tools/release\n", "run: tools/release ${{ github.ref_name }}\n", "template-injection"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7", "unpinned-uses"),
        ("cancel-in-progress: false", "cancel-in-progres: false", "cancel-in-progres"),
        ('tags: ["v[0-9]*"]', "tag: [v1]", '"tag"'),
    ],
)
def test_they_would_find(old: str, new: str, said: str, repository: Path) -> None:
    """Plants, each of which one of the two must see."""
    path = repository / ".github/workflows/release.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert said in "".join(lint(repository))


def parsed(name: str) -> "dict[Any, Any]":
    found: dict[Any, Any] = yaml.safe_load(WORKFLOWS[name].read_text())
    return found


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_one_that_a_hash_names_with_its_version_beside_it(name: str) -> None:
    lines = re.findall(r"uses: (.*)", WORKFLOWS[name].read_text())
    assert lines
    assert [line for line in lines if not line.startswith("./") and not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_is_allowed_but_what_a_job_names(name: str) -> None:
    """No secret is asked for, and only the jobs that publish may write anything."""
    assert parsed(name)["permissions"] == {}
    text = WORKFLOWS[name].read_text()
    assert "secrets." not in text and "pull_request_target" not in text
    may_write = {job for job, body in parsed(name)["jobs"].items() if "write" in body["permissions"].values()}
    assert may_write == ({"image", "pypi", "names", "page"} if name == "release" else set())


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_program_of_ours_that_they_run_is_there(name: str) -> None:
    text = WORKFLOWS[name].read_text()
    for program in re.findall(r"(?<![\w./-])tools/[\w-]+", text):
        assert (ROOT / program).stat().st_mode & 0o111, program
    targets = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]+)$", text, re.MULTILINE):
        assert re.search(rf"^{target}:", targets, re.MULTILINE), target


def test_nothing_is_published_before_the_tests_and_both_processors() -> None:
    jobs = parsed("release")["jobs"]
    assert jobs["tests"]["uses"] == "./.github/workflows/tests.yml"
    for job in ("python", "image"):
        assert jobs[job]["needs"] == "tests"
        assert [one["processor"] for one in jobs[job]["strategy"]["matrix"]["include"]] == ["amd64", "arm64"]
    for job in ("pypi", "names"):
        assert set(jobs[job]["needs"]) == {"python", "image"} and jobs[job]["environment"]
    assert set(jobs["page"]["needs"]) == {"pypi", "names"}


def test_a_release_has_an_sbom_provenance_and_a_signature() -> None:
    text = WORKFLOWS["release"].read_text()
    for part in (
        "--target dist",
        "--provenance=mode=max --sbom=true",
        "actions/attest-build-provenance@",
        "sbom-path: ",
        "cosign sign --yes --recursive",
        "cosign sign-blob --yes",
        "attestations: true",
    ):
        assert part in text, part
    publish = next(
        step for step in parsed("release")["jobs"]["pypi"]["steps"] if "pypi-publish" in step.get("uses", "")
    )
    assert not {"password", "user"} & set(publish["with"])  # a trusted publisher has none


def test_every_day_somebody_asks_whether_debians_cpython_has_moved_on() -> None:
    cpython = parsed("cpython")
    minute, hour, *rest = cpython[True]["schedule"][0]["cron"].split()  # YAML 1.1 reads `on` as true
    assert minute.isdigit() and hour.isdigit() and rest == ["*", "*", "*"]
    assert any(step.get("run") == "tools/cpython-moved-on" for step in cpython["jobs"]["moved-on"]["steps"])
