"""The commonest failure of all is said: a volume that the program's user cannot write, and that no setting names."""

import json
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway
from tests.program.test_ctl_verify import checks, run

CTL = f"{PYDROP}ctl"
ENV = {"PATH": "/usr/sbin:/usr/bin:/bin", "PUID": str(APP), "PGID": str(APP)}
DATA = "mkdir -p /mnt/home/data && mount -t tmpfs -o mode=755 none /mnt/home/data"
POINT = "/mnt/home/data"


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    made = Throwaway(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "x").mkdir()
    return made


def start(place: Throwaway, plant: str, *words: str, **env: str) -> list[str]:
    """The warnings of a start that runs, behind what root has mounted."""
    script = f'{plant} && exec "$0" "$@"'
    done = place.run("sh", "-c", script, *(words or (PYDROP,)), "true", env={**ENV, **env})
    assert done.returncode == 0, done
    return [line for line in done.stderr.decode().splitlines() if "warning" in line]


@pytest.mark.quick
@pytest.mark.python
def test_a_start_says_so_in_one_warning_with_the_line_that_helps(place: Throwaway) -> None:
    (said,) = start(place, DATA)
    assert said == (
        f"pydrop: warning: app ({APP}:{APP}) cannot write the mounted {POINT}, which no setting names; to own it, add "
        f'environment: {{PYDROP_CHOWN: "{POINT}"}} in compose (docker run: -e PYDROP_CHOWN={POINT}); '
        "what is only read can be mounted read-only (:ro)"
    )


def test_the_line_helps(place: Throwaway) -> None:
    assert start(place, DATA, PYDROP_CHOWN=POINT) == []


QUIET = {
    "it can be written": f"{DATA} && chmod 777 {POINT}",
    "it is the user's": f"{DATA} && chown {APP} {POINT}",
    "it is read-only": f"{DATA} && mount -o remount,bind,ro {POINT}",
    "it is a file": "touch /mnt/home/f && mount --bind /mnt/home/f /mnt/home/f",
    "another mount lies over it": f"{DATA} && mount -t tmpfs -o mode=777 none {POINT}",
    "another mount lies over the folder above": f"{DATA} && mount -t tmpfs -o mode=777 none /mnt/home",
    "it is the kernel's": f"mkdir {POINT} && mount -t proc none {POINT}",
    "it is the runtime's": "mkdir -p /run/secrets && mount -t tmpfs -o mode=755 none /run/secrets",
}


@pytest.mark.parametrize("case", QUIET)
def test_nothing_is_said_where(case: str, place: Throwaway) -> None:
    assert start(place, QUIET[case]) == []


def test_a_hook_may_have_made_it_right(place: Throwaway) -> None:
    text = f"#!/bin/sh\\nchown {APP} {POINT}\\n"
    hook = f"mkdir /etc/pydrop.d && printf '{text}' >/etc/pydrop.d/1 && chmod 755 /etc/pydrop.d/1"
    assert start(place, f"{DATA} && {hook}") == []


def test_without_root_it_is_said_too(place: Throwaway) -> None:
    user = ("setpriv", f"--reuid={APP}", f"--regid={APP}", "--clear-groups", PYDROP)
    said = start(place, f"chown {APP} /mnt/home && {DATA}", *user)
    assert any(f"cannot write the mounted {POINT}, which" in line and "on the host: chown" in line for line in said), (
        said
    )


def test_a_second_pydrop_is_quiet(place: Throwaway) -> None:
    script = (
        f"{DATA}; {PYDROP} sleep 60 2>/dev/null & while ! [ -s /run/pydrop/record ]; do :; done; {PYDROP} true; kill $!"
    )
    assert place.run("sh", "-c", script, env=ENV | {"PYDROP_LOG_LEVEL": "warn"}).stderr == b""


def test_a_thousand_mounts_are_one_line_and_no_second_of_work(place: Throwaway) -> None:
    bind = 'import ctypes; [ctypes.CDLL(None).mount(b"%d" % n, b"%d" % n, None, 4096, None) for n in range(1, 1001)]'
    many = f"cd /mnt/x && mkdir $(seq 1000) && python3 -I -S -c '{bind}' && cd /"
    many = f"mount -t tmpfs -o mode=755 none /mnt/x && {many}"
    (said,) = start(place, many, PYDROP_LOG_LEVEL="warn")
    assert said.count("/mnt/x/") == 3 + 2 * 3 and "and 997 more" in said  # of 1001


def test_plan_shows_the_look(place: Throwaway) -> None:
    done = place.run("sh", "-c", f"{DATA} && {CTL} plan --json", env=ENV)
    kinds = {step["kind"]: step["words"] for step in json.loads(done.stdout)["steps"]}
    assert kinds["mounts"] == f"app can write {POINT}, or a warning says so"


def test_doctor_has_one_line_for_all(place: Throwaway) -> None:
    two = f"{DATA} && mkdir /mnt/home/b && mount -t tmpfs -o mode=755 none /mnt/home/b"
    done = place.run("sh", "-c", f"{two} && {CTL} doctor --json", env={**ENV, "PYDROP_RUN_DIRS": "/run/web"})
    changes = [change for change in json.loads(done.stdout)["changes"] if "cannot write" in change["why"]]
    lines = {line["where"]: line["line"] for line in changes[0]["lines"]}
    assert len(changes) == 1 and lines["docker run"] == f"-e PYDROP_CHOWN=/mnt/home/b:{POINT}"


def test_doctor_tells_nobody_to_give_the_hooks_away(place: Throwaway) -> None:
    plant = "mkdir /etc/pydrop.d && mount -t tmpfs -o mode=755 none /etc/pydrop.d"
    done = place.run("sh", "-c", f"{plant} && {CTL} doctor --json", env=ENV)
    assert "PYDROP_CHOWN" not in done.stdout.decode()


def test_verify_warns(place: Throwaway) -> None:
    done = run(place, plant="mount -t tmpfs -o mode=755 none /mnt/x", env={"PYDROP_CHOWN": "/mnt/home"})
    row = checks(done)["other mounts"]
    assert (done.returncode, row["verdict"]) == (0, "warn")
    assert row["found"].startswith("/mnt/x cannot be written") and "PYDROP_CHOWN=/mnt/home:/mnt/x" in row["remedy"]
    never = run(place, plant="mount -t tmpfs -o mode=755 none /mnt/x", env={"PYDROP_CHOWN": "/mnt/home:/mnt/x:never"})
    assert checks(never)["other mounts"]["verdict"] == "ok"
