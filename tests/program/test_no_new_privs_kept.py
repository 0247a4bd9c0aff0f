"""`no-new-privs = false` under a runtime that has set it: nothing can take it back, and it is said everywhere."""

import json
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway

CTL = f"{PYDROP}ctl"
ENV = {"PATH": "/usr/bin:/bin", "PUID": str(APP), "PGID": str(APP), "PYDROP_NO_NEW_PRIVS": "0"}
RUNTIME = ("setpriv", "--no-new-privs")
IGNORED = "PYDROP_NO_NEW_PRIVS is ignored, since the runtime has set no_new_privs"


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    return Throwaway(tmp_path)


@pytest.mark.parametrize("user", [(), (f"--reuid={APP}", f"--regid={APP}", "--clear-groups")])
def test_a_start_warns_and_so_does_the_plan(place: Throwaway, user: tuple[str, ...]) -> None:
    for words in ((PYDROP, "true"), (CTL, "plan", "--", "true")):
        done = place.run(*RUNTIME, *user, *words, env=ENV)
        assert done.returncode == 0, done
        assert IGNORED in (done.stderr + done.stdout).decode().replace("\n", " ")


@pytest.mark.parametrize("asked", ["1", ""])
def test_who_did_not_ask_is_told_nothing(place: Throwaway, asked: str) -> None:
    done = place.run(*RUNTIME, PYDROP, "true", env=ENV | {"PYDROP_NO_NEW_PRIVS": asked})
    assert (done.returncode, b"ignored" in done.stderr) == (0, False), done


def test_where_the_runtime_leaves_it_nothing_is_said(place: Throwaway) -> None:
    done = place.run(PYDROP, "true", env=ENV)
    assert (done.returncode, b"ignored" in done.stderr) == (0, False), done


def test_doctor_has_a_problem_and_the_line_that_helps(place: Throwaway) -> None:
    done = place.run(*RUNTIME, CTL, "doctor", "--json", env=ENV)
    found = json.loads(done.stdout)
    facts = [fact for section in found["sections"] for fact in section["facts"] if fact["name"] == "no_new_privs"]
    assert [fact["level"] for fact in facts] == ["problem"]
    assert any("no-new-privileges" in json.dumps(change["lines"]) for change in found["changes"])


def test_verify_warns(place: Throwaway) -> None:
    user = (f"--reuid={APP}", f"--regid={APP}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")
    done = place.run(*RUNTIME, *user, CTL, "verify", "--json", env=ENV)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["no_new_privs"]["verdict"] == "warn", checks["no_new_privs"]
    assert "on, by the runtime" in checks["no_new_privs"]["found"]
