"""verify and doctor say what is more dangerous than root in the container, and nothing where there is no such way."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pydrop.ctl import host_reach
from pydrop.ctl.verifying import host_checks
from tests.faults.throwaway import APP, Throwaway
from tests.program import test_ctl_verify
from tests.program.test_ctl_verify import ADM, CTL, ENV, NO_CAPS, WHO, checks, shell

SOCKET = "python3 -I -S -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' {0}"
NAMES = (
    *("container runtime", "host's processes", "disks and memory", "host's kernel settings", "host's files"),
    "capabilities over the host",
)


@pytest.fixture
def place(tmp_path: Path) -> Throwaway:
    made = Throwaway(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "x").mkdir()
    return made


def run(place: Throwaway, plant: str = ":", **given: Any) -> "subprocess.CompletedProcess[bytes]":
    """verify behind a start, with what root plants for everybody to see."""
    return test_ctl_verify.run(place, plant=f"{{ umask 022; {plant}; umask 027; }}", **given)


def socket(path: str, owner: str, mode: str) -> str:
    """The shell's words that make a socket."""
    return f"mkdir -p {path.rpartition('/')[0]} && {SOCKET.format(path)} && chown {owner} {path} && chmod {mode} {path}"


def mounted(target: str, *options: str) -> str:
    """A socket of docker's, mounted under another name."""
    made = socket("/mnt/host/docker.sock", "0:0", "666")
    bound = f"mount --bind {' '.join(options)} /mnt/host/docker.sock {target}"
    return f"{made} && touch {target} && {bound} && chmod 700 /mnt/host"


REACHED = {
    "docker.sock of everybody": (socket("/run/docker.sock", "0:0", "666"), "/run/docker.sock"),
    "docker.sock of a group that is held": (socket("/run/docker.sock", "0:50", "660"), "/run/docker.sock"),
    "docker.sock of the user": (socket("/run/docker.sock", f"{APP}:0", "600"), "/run/docker.sock"),
    "containerd": (socket("/run/containerd/containerd.sock", "0:0", "666"), "/run/containerd/containerd.sock"),
    "podman": (socket("/run/podman/podman.sock", "0:0", "666"), "/run/podman/podman.sock"),
    "CRI-O": (socket("/run/crio/crio.sock", "0:0", "666"), "/run/crio/crio.sock"),
    "k3s": (socket("/run/k3s/containerd/containerd.sock", "0:0", "666"), "/run/k3s/"),
    "of a rootless daemon": (socket("/run/user/1000/docker.sock", "0:0", "666"), "/run/user/1000/docker.sock"),
    "mounted by another name": (mounted("/run/proxy"), "/run/proxy"),
    "mounted read-only, which is no help": (mounted("/run/proxy", "-o ro"), "/run/proxy"),
    "the host's /run mounted elsewhere": (
        "mkdir /mnt/x/run && mount -t tmpfs -o mode=755 none /mnt/x/run && "
        + socket("/mnt/x/run/docker.sock", "0:0", "666"),
        "/mnt/x/run/docker.sock",
    ),
}


@pytest.mark.parametrize("case", REACHED)
def test_a_runtime_s_socket_that_the_program_can_write_is_a_failure(case: str, place: Throwaway) -> None:
    plant, path = REACHED[case]
    done = run(place, plant=plant)
    row = checks(done)["container runtime"]
    assert (done.returncode, row["verdict"]) == (1, "fail"), row
    assert f"can write {path}" in row["found"] and "PYDROP_GROUPS" in row["remedy"]


def test_a_socket_that_a_variable_names_is_found(place: Throwaway) -> None:
    plant = socket("/mnt/x/odd", "0:0", "666")
    for value in ("unix:///mnt/x/odd", "/mnt/x/odd"):
        row = checks(
            run(place, plant=plant if not (place.folder / "x/odd").exists() else ":", env={"DOCKER_HOST": value})
        )
        assert "/mnt/x/odd" in row["container runtime"]["found"]


def test_one_socket_is_named_once(place: Throwaway) -> None:
    """/var/run is /run."""
    row = checks(run(place, plant=socket("/run/docker.sock", "0:0", "666")))["container runtime"]
    assert row["found"].count("docker.sock") == 1


def test_who_asks_for_its_group_is_warned_only(place: Throwaway) -> None:
    plant = socket("/run/docker.sock", f"0:{ADM}", "660")
    for groups in ("adm", str(ADM)):
        done = run(place, plant=f"rm -f /run/docker.sock && {plant}", env={"PYDROP_GROUPS": groups})
        row = checks(done)["container runtime"]
        assert (done.returncode, row["verdict"]) == (0, "warn")
        assert "(PYDROP_GROUPS asks for it)" in row["found"]
    everybody = run(place, plant=f"rm -f /run/docker.sock && {socket('/run/docker.sock', f'0:{ADM}', '666')}")
    assert checks(everybody)["container runtime"]["verdict"] == "fail"


OUT_OF_REACH = {
    "a socket of root's": socket("/run/docker.sock", "0:0", "660"),
    "a socket of a group that is not held": socket("/run/docker.sock", "0:1999", "660"),
    "a socket in a folder that is closed": f"{socket('/run/crio/crio.sock', '0:0', '666')} && chmod 700 /run/crio",
    "a file of that name": "touch /run/docker.sock && chmod 666 /run/docker.sock",
    "a FIFO of that name": "mkfifo -m 666 /run/docker.sock",
    "a link into nothing": "ln -s /nowhere /run/docker.sock",
    "another program's socket": socket("/run/web/app.sock", "0:0", "666"),
    "a disk of root's": "mount -t tmpfs none /mnt/x && mknod -m 600 /mnt/x/sda b 7 250",
    "a root filesystem that is somebody's work": (
        f"mkdir -p /mnt/x/r/etc /mnt/x/r/usr /mnt/x/r/proc && touch /mnt/x/r/etc/shadow && chown -R {APP} /mnt/x/r && "
        "mount --bind /mnt/x/r /mnt/x/r"
    ),
}


@pytest.mark.parametrize("case", OUT_OF_REACH)
def test_what_the_program_cannot_reach_is_no_alarm(case: str, place: Throwaway) -> None:
    done = run(place, plant=OUT_OF_REACH[case])
    assert {checks(done)[name]["verdict"] for name in NAMES} == {"ok"}, checks(done)


def test_a_daemon_elsewhere_is_mentioned_and_no_failure(place: Throwaway) -> None:
    """A socket proxy is what people are told to use: what it allows cannot be seen from here."""
    done = run(place, env={"DOCKER_HOST": "tcp://socket-proxy:2375"})
    row = checks(done)["container runtime"]
    assert (done.returncode, row["verdict"]) == (0, "ok")
    assert row["found"].startswith("DOCKER_HOST=tcp://socket-proxy:2375: who may command")


def test_a_disk_that_the_program_can_open(place: Throwaway) -> None:
    plant = "losetup -f >/dev/null; mknod -m 666 /mnt/x/disk b 7 0 && touch /dev/shm/pydrop-disk && "
    plant += "mount --bind /mnt/x/disk /dev/shm/pydrop-disk"
    try:
        done = run(place, plant=plant)
        row = checks(done)["disks and memory"]
        assert (done.returncode, row["verdict"]) == (1, "fail"), row
        assert "/dev/shm/pydrop-disk" in row["found"]
        named = run(
            place, plant=plant.replace("mknod", "rm /mnt/x/disk; mknod"), words="--devices /dev/shm/pydrop-disk"
        )
        assert checks(named)["disks and memory"]["verdict"] == "warn"
    finally:
        Path("/dev/shm/pydrop-disk").unlink(missing_ok=True)


def test_the_host_s_root_mounted_whole(place: Throwaway) -> None:
    """What is below is a tmpfs of its own, as a bind mount of / shows it: its root is /."""
    plant = "mkdir /mnt/x/h && mount -t tmpfs -o mode=755 none /mnt/x/h && cd /mnt/x/h && mkdir etc usr proc && "
    plant += f"touch etc/shadow && chown 0:{ADM} etc/shadow && chmod 640 etc/shadow; cd /"
    row = checks(run(place, plant=plant))["host's files"]
    assert row["verdict"] == "fail" and "/mnt/x/h/etc/shadow" in row["found"]


def test_capabilities_that_lead_out(place: Throwaway) -> None:
    drop = f"{WHO} --inh-caps=+sys_admin --ambient-caps=+sys_admin --bounding-set=-all,+sys_admin --no-new-privs"
    done = run(place, drop=drop)
    assert checks(done)["capabilities over the host"]["verdict"] == "fail"
    asked = run(place, drop=drop, env={"PYDROP_KEEP_CAPS": "sys_admin"})
    assert checks(asked)["capabilities over the host"]["verdict"] == "warn"
    weak = f"{WHO} --inh-caps=+net_raw --ambient-caps=+net_raw --bounding-set=-all,+net_raw --no-new-privs"
    assert checks(run(place, drop=weak, env={"PYDROP_KEEP_CAPS": "net_raw"}))[NAMES[-1]]["verdict"] == "ok"


def test_the_host_s_processes_are_a_warning_where_the_pid_namespace_is_the_first(
    place: Throwaway, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checks(run(place))["host's processes"]["verdict"] == "ok"
    looker = host_reach.Looker(who=None, settings=None, environment=(), mounts=(), capabilities=0)
    monkeypatch.setattr(host_reach, "HOSTS_PIDS", os.readlink("/proc/self/ns/pid"))
    way = next(way for way in host_reach.ways(looker) if way.name == "host's processes")
    assert "namespace is the host's" in way.found
    assert host_checks.judged(way, "").verdict == "warn"


# -- doctor ----------------------------------------------------------------------------------------


def facts(done: "object") -> "dict[str, dict[str, str]]":
    found = json.loads(done.stdout)  # type: ignore[attr-defined] # a process that is done
    section = next(section for section in found["sections"] if section["title"] == "Beyond the container")
    return {fact["name"]: fact for fact in section["facts"]}


def test_doctor_looks_as_the_program_s_user(place: Throwaway) -> None:
    """Root itself could write all of them."""
    closed = socket("/run/docker.sock", "0:0", "660")
    mine = socket("/run/podman/podman.sock", f"{APP}:0", "600")
    line = " ".join([f"{name}={value}" for name, value in ENV.items()])
    done = shell(place, f"{closed} && {mine} && exec env -i {line} {CTL} doctor --json", ENV)
    fact = facts(done)["container runtime"]
    assert fact["level"] == "problem"
    assert "/run/podman/podman.sock" in fact["found"] and "docker.sock" not in fact["found"]
    assert any("podman.sock" in change["why"] for change in json.loads(done.stdout)["changes"])


def test_doctor_says_what_is_out_of_reach_and_what_is_elsewhere(place: Throwaway) -> None:
    line = " ".join([f"{name}={value}" for name, value in ENV.items()])
    done = shell(place, f"exec env -i {line} DOCKER_HOST=tcp://x:1 {CTL} doctor --json", ENV)
    assert "container runtime" in facts(done)["out of reach"]["found"]
    assert facts(done)["daemon elsewhere"]["level"] == "note"


# -- files that make their caller somebody else ----------------------------------------------------

OFF = f"{WHO} {NO_CAPS}"


def test_a_folder_that_can_be_entered_and_not_listed_is_told(place: Throwaway) -> None:
    """The user cannot list it, and so can verify not; a usual name is found all the same."""
    made = "mkdir -m 711 /mnt/x/o && cp -p /bin/true /mnt/x/o/{0} && chmod 4755 /mnt/x/o/{0}"
    row = checks(run(place, plant=made.format("odd-name"), drop=OFF))["set-uid files"]
    assert row["verdict"] == "warn" and "can enter /mnt/x/o and not list it" in row["found"]
    row = checks(run(place, plant=f"rm -rf /mnt/x/o; {made.format('su')}", drop=OFF))["set-uid files"]
    assert row["verdict"] == "fail" and "/mnt/x/o/su" in row["found"]


def test_a_closed_folder_is_no_matter(place: Throwaway) -> None:
    plant = "mkdir -m 700 /mnt/x/o && cp -p /bin/true /mnt/x/o/su && chmod 4755 /mnt/x/o/su"
    assert checks(run(place, plant=plant, drop=OFF))["set-uid files"]["verdict"] == "ok"


def test_root_lists_every_folder_and_judges_for_the_program_s_user(place: Throwaway) -> None:
    """Behind a folder that is only entered; not one that is closed, nor one that this user may not execute."""
    plant = (
        "cd /mnt/x; mkdir -m 711 o; mkdir -m 700 c; for f in o/odd c/odd o/roots o/own; do cp -p /bin/true $f; done; "
    )
    plant += f"chown {APP} o/own; chmod 4755 o/odd c/odd o/own; chmod 4700 o/roots; cd /"
    done = run(place, plant=plant, drop="--inh-caps=-all", env={"PYDROP_NO_NEW_PRIVS": "0"})
    row = checks(done)["set-uid files"]
    assert row["verdict"] == "fail"
    assert row["found"].startswith("/mnt/x/o/odd; with")
