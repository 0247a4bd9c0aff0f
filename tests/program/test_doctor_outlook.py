"""Where doctor says that a start works, it works; and what would end one at a step, doctor and plan say beforehand."""

import json
import shlex
from pathlib import Path

import pytest

from tests.faults.throwaway import APP, PYDROP, Throwaway

CTL = f"{PYDROP}ctl"
ENV = {"PATH": "/usr/bin:/bin", "PUID": str(APP), "PYDROP_HOME": "/mnt/made"}
PLAIN = "setpriv --bounding-set=-sys_admin,-sys_resource --inh-caps=-all"  # as docker starts root, more or less


def without(*capabilities: str) -> str:
    names = ",".join([f"-{name}" for name in ("sys_admin", "sys_resource", *capabilities)])
    return f"setpriv --bounding-set={names} --inh-caps=-all"


class Case:
    """`plant` is what root does before; `said` is how doctor's error begins; `code` is the start's."""

    def __init__(
        self, said: str, plant: str = ":", words: str = "true", code: int = 125, caps: str = PLAIN, **env: str
    ) -> None:
        self.said, self.plant, self.words, self.code, self.caps = said, plant, words, code, caps
        self.env = {**ENV, **env}


RUN_WEB = "unable to make /run/web (PYDROP_RUN_DIRS): "
READ_ONLY = "mount --bind /run /run && mount -o remount,bind,ro /run"
ON_TMPFS = "mount -t tmpfs none /mnt/home && "
ENDS = {
    # run-dirs
    "a run-dir on a read-only /run": Case(f"{RUN_WEB}/run is read-only", READ_ONLY, PYDROP_RUN_DIRS="/run/web"),
    "a run-dir elsewhere on a read-only mount, with SYS_ADMIN": Case(
        "unable to make /mnt/ro/web (PYDROP_RUN_DIRS): /mnt/ro is read-only",
        "mkdir /mnt/ro && mount -t tmpfs -o ro none /mnt/ro",
        caps="",
        PYDROP_RUN_DIRS="/mnt/ro/web",
    ),
    "a run-dir below /run, where a tmpfs would hide what is mounted there": Case(
        f"{RUN_WEB}/run is read-only",
        "mkdir /run/secrets && mount -t tmpfs none /run/secrets && mount --rbind /run /run && "
        "mount -o remount,bind,ro /run",
        caps="",
        PYDROP_RUN_DIRS="/run/web",
    ),
    "a file in a run-dir's place": Case(
        f"{RUN_WEB}something that is no folder", "touch /run/web", PYDROP_RUN_DIRS="/run/web"
    ),
    "a file on the way to a run-dir": Case(
        "unable to make /run/a/web (PYDROP_RUN_DIRS): a on the way there is no folder",
        "touch /run/a",
        PYDROP_RUN_DIRS="/run/a/web",
    ),
    "links in a circle": Case(
        f"{RUN_WEB}it leads through too many links", "ln -s web /run/web", PYDROP_RUN_DIRS="/run/web"
    ),
    "a run-dir without CHOWN": Case(
        f"{RUN_WEB}this root may not change it", caps=without("chown"), PYDROP_RUN_DIRS="/run/web"
    ),
    # secrets
    "a secret that is a folder": Case("FILE__A=/etc is no file", FILE__A="/etc"),
    "a secret with a NUL byte": Case("FILE__A=/etc/nul holds a NUL", r"printf 'a\0b' >/etc/nul", FILE__A="/etc/nul"),
    "a secret that is too large": Case(
        "FILE__A=/etc/large is larger", "head -c 200000 /dev/zero | tr '\\0' x >/etc/large", FILE__A="/etc/large"
    ),
    "a secret in a folder of the user's": Case(
        "FILE__A=/mnt/home/a is not safe to read as root",
        f"touch /mnt/home/a && chown {APP} /mnt/home",
        FILE__A="/mnt/home/a",
    ),
    # hooks
    "a hook without a first line": Case(
        "unable to run the hook /etc/pydrop.d/1: Exec format error",
        "mkdir /etc/pydrop.d && echo true >/etc/pydrop.d/1 && chmod 755 /etc/pydrop.d/1",
    ),
    "a hook whose interpreter is missing": Case(
        "unable to run the hook /etc/pydrop.d/1: No such file",
        "mkdir /etc/pydrop.d && echo '#!/no/such' >/etc/pydrop.d/1 && chmod 755 /etc/pydrop.d/1",
    ),
    "a hook on a noexec mount": Case(
        "unable to run the hook /etc/pydrop.d/1: Permission denied",
        "mkdir /etc/pydrop.d && mount -t tmpfs -o noexec,mode=755 none /etc/pydrop.d && cp /bin/true /etc/pydrop.d/1",
    ),
    # accounts
    "passwd is a link to a file of the user's": Case(
        "/etc/passwd is a symbolic link to a file that others than root may write",
        f"mv /etc/passwd /mnt/home/ && ln -s /mnt/home/passwd /etc/ && chown {APP} /mnt/home/passwd",
    ),
    "group is no file": Case("unable to read /etc/group: it is no regular file", "rm /etc/group && mkfifo /etc/group"),
    # volumes
    "a volume that must be owned, without CHOWN": Case(
        "the volume /mnt/home cannot be owned: root lacks CHOWN",
        caps=without("chown"),
        PYDROP_CHOWN="/mnt/home",
        PYDROP_CHOWN_ERRORS="fail",
    ),
    "a home that must be given, without CHOWN": Case(
        "unable to give the home /mnt/home to 1500:1000",
        "chown -R 1000 /mnt/home && touch /mnt/home/x && chown 1000 /mnt/home/x",
        caps=without("chown"),
        PYDROP_CHOWN_ERRORS="fail",
    ),
    # the process
    "oom_score_adj without SYS_RESOURCE": Case("unable to set oom_score_adj to -500", PYDROP_OOM_SCORE_ADJ="-500"),
    "nobody behind NOTIFY_SOCKET": Case(
        "unable to reach NOTIFY_SOCKET=/run/nobody", NOTIFY_SOCKET="/run/nobody", PYDROP_INIT="1", PYDROP_READY="notify"
    ),
    # the command
    "a command that is missing": Case("unable to run the command: nonsense was not found", words="nonsense", code=127),
    "a command that is a folder": Case("unable to run the command: /etc is a directory", words="/etc", code=126),
    "a command that root alone may execute": Case(
        "unable to run /mnt/p: ", "cp /bin/true /mnt/p && chmod 700 /mnt/p", "/mnt/p", 126
    ),
    "a command below a folder that is closed": Case(
        "unable to run /mnt/closed/p: ", "mkdir -m 700 /mnt/closed && cp /bin/true /mnt/closed/p", "/mnt/closed/p", 126
    ),
    "a command on a noexec mount": Case(
        "unable to run the command: /mnt/n/true lies on a mount that is noexec",
        "mkdir /mnt/n && mount -t tmpfs -o noexec,mode=755 none /mnt/n && cp /bin/true /mnt/n/",
        "/mnt/n/true",
        126,
    ),
    "a command whose interpreter is missing": Case(
        "unable to run the command: /mnt/s is there", "echo '#!/no/such' >/mnt/s && chmod 755 /mnt/s", "/mnt/s", 127
    ),
    "a command that is no program": Case(
        "unable to run /mnt/s: Exec format error", "echo true >/mnt/s && chmod 755 /mnt/s", "/mnt/s", 126
    ),
}


def asked(place: Throwaway, case: Case) -> "tuple[dict[str, object], dict[str, object], int, str]":
    """What doctor and plan say in this container, and how the start ends in the very same."""
    line = shlex.join([f"{name}={value}" for name, value in case.env.items()])
    inside = f"{case.caps} env -i {line}"
    script = (
        f"({case.plant}) || exit 99; {inside} {CTL} doctor --json -- {case.words} >/mnt/doctor; "
        f"{inside} {CTL} plan --json -- {case.words} >/mnt/plan; exec {inside} {PYDROP} -- {case.words}"
    )
    done = place.run("sh", "-c", script, env={"PATH": "/usr/sbin:/usr/bin:/bin"})
    texts = [(place.folder / name).read_text() for name in ("doctor", "plan")]
    return json.loads(texts[0]), json.loads(texts[1] or "{}"), done.returncode, done.stderr.decode()


@pytest.mark.parametrize("name", ENDS)
def test_what_ends_a_start_is_said_beforehand(name: str, tmp_path: Path) -> None:
    case = ENDS[name]
    doctor, plan, code, said = asked(Throwaway(tmp_path), case)
    assert code == case.code, said  # a start does end so
    assert doctor["works"] is False
    assert str(doctor["error"]).startswith(case.said), doctor["error"]
    if plan:
        assert f"a start would end here: {case.said}" in " ".join(plan["warnings"]), plan  # type: ignore[arg-type] # a list
    else:  # it ends before there is a plan, which then says so in the same words
        assert said.count(case.said) == 2


WORKS = {
    "nothing asked": Case(""),
    "a run-dir on a read-only /run, where pydrop may mount": Case("", READ_ONLY, caps="", PYDROP_RUN_DIRS="/run/web"),
    "a run-dir that is there, right, and read-only": Case(
        "", f"mkdir /run/web && chown {APP}:1000 /run/web && {READ_ONLY}", PYDROP_RUN_DIRS="/run/web"
    ),
    "a run-dir by root's link": Case("", "mkdir /run/x && ln -s x /run/web", PYDROP_RUN_DIRS="/run/web"),
    "a link of the user's in a run-dir's place": Case(
        "",
        f"ln -s /tmp /run/web && chown -h {APP} /run/web",
        PYDROP_RUN_DIRS="/run/web",
    ),
    "a run-dir that belongs to a third user in a folder of another's": Case(
        "",
        "mkdir -p /run/a/web && chown 34 /run/a && chown 33 /run/a/web",
        PYDROP_RUN_DIRS="/run/a/web",
    ),
    "a run-dir in a folder that is closed to root without DAC_OVERRIDE": Case(
        "",
        "mkdir /run/a && chown 33 /run/a",
        caps=without("dac_override", "dac_read_search"),
        PYDROP_RUN_DIRS="/run/a/web",
    ),
    "a run-dir through /var/run": Case("", PYDROP_RUN_DIRS="/var/run/web"),
    "a run-dir that is root's without DAC_OVERRIDE": Case(
        "", "mkdir /run/web", caps=without("dac_override"), PYDROP_RUN_DIRS="/run/web"
    ),
    "a secret of the host's user": Case("", "touch /etc/a && chown 1000 /etc/a && chmod 600 /etc/a", FILE__A="/etc/a"),
    "a hook by env": Case(
        "", "mkdir /etc/pydrop.d && echo '#!/usr/bin/env -S sh -e' >/etc/pydrop.d/1 && chmod 755 /etc/pydrop.d/1"
    ),
    "a hook that cannot be read": Case("", "mkdir /etc/pydrop.d && install -m 111 /bin/true /etc/pydrop.d/1"),
    "a higher oom_score_adj": Case("", PYDROP_OOM_SCORE_ADJ="900"),
    "a volume that may fail, without CHOWN": Case("", caps=without("chown"), PYDROP_CHOWN="/mnt/home"),
    "a command that the user's group may execute": Case(
        "", "cp /bin/true /mnt/p && chmod 750 /mnt/p && chgrp 1000 /mnt/p", "/mnt/p"
    ),
    "a command that cannot be read": Case("", "install -m 111 /bin/true /mnt/p", "/mnt/p"),
    "a command by the second folder of PATH": Case(
        "", "mkdir /mnt/b && touch /mnt/b/true && chmod 600 /mnt/b/true", PATH="/mnt/b:/usr/bin:/bin"
    ),
}


@pytest.mark.parametrize("name", WORKS)
def test_where_it_says_that_a_start_works_it_works(name: str, tmp_path: Path) -> None:
    doctor, plan, code, said = asked(Throwaway(tmp_path), WORKS[name])
    assert (code, doctor["works"]) == (0, True), (said, doctor["error"])
    assert "would end here" not in json.dumps(plan["warnings"])


def test_without_root_too(tmp_path: Path) -> None:
    """A secret that is missing, and a command that this user may not execute; one that it may not read is a warning."""
    user = f"setpriv --reuid={APP} --regid={APP} --clear-groups --inh-caps=-all"
    for case in (
        Case("FILE__A=/nowhere is not there", caps=user, FILE__A="/nowhere"),
        Case("unable to run /mnt/p: ", "install -m 700 /bin/true /mnt/p", "/mnt/p", 126, user),
        Case("", "touch /etc/a; chmod 600 /etc/a", "true", 0, user, FILE__A="/etc/a"),
    ):
        place = Throwaway(tmp_path)
        doctor, _, code, said = asked(place, case)
        assert (code, doctor["works"]) == (case.code, not case.said), (said, doctor)
        assert str(doctor["error"]).startswith(case.said)
