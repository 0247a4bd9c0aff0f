"""The manifests of examples/kubernetes: valid, let in by the profiles that the pages name, and played as pods."""

import copy
import fcntl
import itertools
import os
import re
import stat
import time
from functools import partial
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.container.cluster import (
    MANIFESTS,
    Cluster,
    Document,
    Pod,
    admitted_by_openshift,
    claims,
    containers,
    documents,
    template,
    without_entry,
)
from tests.container.engine import ROOT, owner, pids, until, waited, waits_for
from tests.container.pages import EXAMPLES, FENCE, level
from tests.container.profiles import added, profile
from tests.container.test_examples import fetch, ids, pydrops, works

FOLDER = EXAMPLES / "kubernetes"
PAGE = ROOT / "docs" / "kubernetes.md"
NOTHING = "/data: nothing to change for 1500:1500, 1 entry looked at"
USERS = dict.fromkeys(MANIFESTS, (1500, 1500)) | {"openshift": (1000680000, 0)}


@pytest.fixture
def cluster(tmp_path, tmpfs):
    tmp_path.chmod(0o755)
    made = Cluster(tmp_path, tmpfs)
    yield made
    made.close()


@pytest.fixture
def node(tmp_path):
    """What admission and the node's runtime add to a pod of this manifest."""
    entry = without_entry(tmp_path)

    def node(name: str):
        return {"openshift": admitted_by_openshift, "puid": lambda spec: None}.get(name, entry)

    return node


def used(volume: Path) -> Path:
    """A volume that an image with another user has written: a closed folder, a set-uid file, a key."""
    (volume / "old").mkdir(mode=0o700, exist_ok=True)
    for file in ("tool", "key"):
        (volume / "old" / file).write_text("text\n")
    for path in (volume, *volume.rglob("*")):
        os.chown(path, 999, 999)
    (volume / "old" / "tool").chmod(0o4755)
    (volume / "old" / "key").chmod(0o600)
    return volume


def is_ready(name: str, pod: Pod) -> bool:
    """As the kubelet asks."""
    (one,) = template(name)["containers"]
    return pod.program.exec(*one["readinessProbe"]["exec"]["command"]).code == 0


def is_root_somewhere(name: str) -> bool:
    return any(added(one["securityContext"]) for one in containers(template(name)))


def all_is_the_users(volume: Path) -> bool:
    """And the key is as closed as it was."""
    owners = {owner(path) for path in (volume, *volume.rglob("*"))}
    return owners == {(1500, 1500)} and stat.S_IMODE((volume / "old" / "key").stat().st_mode) == 0o600


def probed(name: str) -> int:
    """The port that the liveness probe asks: the container's."""
    (one,) = template(name)["containers"]
    assert [port["containerPort"] for port in one["ports"]] == [one["livenessProbe"]["tcpSocket"]["port"]]
    return int(one["livenessProbe"]["tcpSocket"]["port"])


def told(pod: Pod) -> list[str]:
    """What its containers said, in the order in which they ran, without what is another number each time."""
    inits = [line for one in pod.inits for line in one.logs().stdout.splitlines()]
    return [level(line) for line in (*inits, *pydrops(pod.program.logs()))]


def shown(name: str) -> list[str]:
    """What examples/kubernetes/README.md has them say."""
    fences = FENCE.findall((FOLDER / "README.md").read_text())
    shells = {shell: after for (_, shell), (kind, after) in itertools.pairwise(fences) if kind == "text"}
    (text,) = [after for shell, after in shells.items() if f"apply -f {name}.yaml" in shell]
    return [level(line) for line in text.splitlines()]


# -- without a container --------------------------------------------------------------------------

VERSIONS = ("1.25", "1.37")  # the oldest and the newest whose schemas are there


def fragments() -> list[Document]:
    """The YAML blocks of the pages, each as the pod whose spec it is a part of."""
    found = []
    for page in (PAGE, ROOT / "docs" / "volumes.md", FOLDER / "README.md"):
        for kind, text in FENCE.findall(page.read_text()):
            if kind == "yaml":
                spec = {"containers": [{"name": "app"}], **yaml.safe_load(text)}
                found.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": spec})
    return found


def is_valid(document: Document) -> None:
    for version in VERSIONS:
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.quick
@pytest.mark.parametrize("name", MANIFESTS)
def test_each_manifest_is_as_the_published_schemas_ask(name):
    assert kubernetes_validate.latest_version().startswith(VERSIONS[-1])
    for document in documents(name):
        is_valid(document)


@pytest.mark.quick
def test_each_block_of_the_pages_is_as_the_published_schemas_ask():
    assert len(fragments()) >= 3
    for document in fragments():
        is_valid(document)


@pytest.mark.quick
def test_the_blocks_of_the_page_say_what_the_manifests_say():
    """As far as they go; the block of the probe adds the image's own variables."""
    blocks = [yaml.safe_load(text) for kind, text in FENCE.findall(PAGE.read_text()) if kind == "yaml"]
    group, init, puid, probe = blocks
    assert group["securityContext"].items() <= template("restricted")["securityContext"].items()
    for name in ("statefulset", "shared"):
        assert init["initContainers"][0].items() <= template(name)["initContainers"][0].items()
    (theirs,), (ours,) = template("puid")["containers"], puid["containers"]
    assert ours.items() <= theirs.items()
    (theirs,), (ours,) = template("restricted")["containers"], probe["containers"]
    assert ours["readinessProbe"]["exec"] == theirs["readinessProbe"]["exec"]
    for one in ours["env"]:
        assert f"{one['name']}={one['value']}" in (FOLDER / "Dockerfile").read_text()


PLANTED = {
    "a misspelt key": ("containers", 0, "securityContext", "capabilties", {"drop": ["ALL"]}),
    "a number that is text": ("securityContext", "runAsUser", "1500"),
    "a word where a list is asked for": ("containers", 0, "securityContext", "capabilities", "drop", "ALL"),
    "a key of the pod's in a container": ("containers", 0, "securityContext", "fsGroup", 1500),
    "a policy that does not exist": ("securityContext", "fsGroupChangePolicy", ["OnRootMismatch"]),
}


@pytest.mark.quick
@pytest.mark.parametrize("mistake", PLANTED)
def test_a_mistake_in_a_manifest_is_found(mistake):
    document = copy.deepcopy(documents("restricted")[1])
    *way, key, value = PLANTED[mistake]
    inner = document["spec"]["template"]["spec"]
    for step in way:
        inner = inner[step]
    inner[key] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        is_valid(document)


def rows(page: Path) -> dict[str, str]:
    """Manifest -> profile, of a page's table."""
    return dict(re.findall(r"^\| \[(\w+)\.yaml\]\(\S+\) \|.*\| `(\w+)` \|$", page.read_text(), re.M))


@pytest.mark.quick
@pytest.mark.parametrize("page", [PAGE, FOLDER / "README.md"], ids=["docs", "example"])
def test_the_pages_say_which_profile_lets_each_manifest_in(page):
    assert rows(page) == {name: profile(template(name)) for name in MANIFESTS}


LOOSER = {
    "no seccomp profile": ("baseline", lambda spec: spec["securityContext"].pop("seccompProfile")),
    "root": ("baseline", lambda spec: spec["containers"][0]["securityContext"].update(runAsUser=0)),
    "may be root": ("baseline", lambda spec: spec["securityContext"].pop("runAsNonRoot")),
    "escalation": ("baseline", lambda spec: spec["containers"][0]["securityContext"].pop("allowPrivilegeEscalation")),
    "capabilities": ("baseline", lambda spec: spec["containers"][0]["securityContext"].pop("capabilities")),
    "a folder of the node": ("privileged", lambda spec: spec["volumes"].append({"name": "x", "hostPath": {}})),
    "the node's network": ("privileged", lambda spec: spec.update(hostNetwork=True)),
    "more capabilities than docker's": (
        "privileged",
        lambda spec: spec["containers"][0]["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
    ),
}


@pytest.mark.quick
@pytest.mark.parametrize("case", LOOSER)
def test_what_is_looser_is_not_called_restricted(case):
    expected, change = LOOSER[case]
    spec = copy.deepcopy(template("restricted"))
    assert profile(spec) == "restricted"
    change(spec)
    assert profile(spec) == expected


@pytest.mark.quick
def test_pydrop_kills_before_the_kubelet_does():
    (seconds,) = re.findall(r"PYDROP_STOP_TIMEOUT=(\d+)s", (FOLDER / "Dockerfile").read_text())
    assert min(template(name)["terminationGracePeriodSeconds"] for name in MANIFESTS) > int(seconds)


# -- played ---------------------------------------------------------------------------------------


def kubectl_exec_is_the_user(name: str, pod: Pod) -> None:
    """With pydrop. Without it, it is root where the container started as root."""
    shell = pod.program.exec("pydrop", "sh", "-c", "id -u; id -g; whoami; cat /proc/self/status").stdout
    assert shell.split()[:2] == [str(number) for number in USERS[name]]
    assert re.findall(r"Cap(?:Prm|Eff):\t(\w+)", shell) == ["0" * 16] * 2
    without = pod.program.exec("sh", "-c", "id -u; whoami")
    assert without.stdout.split()[0] == ("0" if name == "puid" else str(USERS[name][0]))
    if name == "restricted":
        assert shell.split()[2] == "app"
        assert "cannot find name" in without.stderr


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_pod_works_as_its_user_says_what_the_page_says_and_stops_in_time(name, cluster, node):
    """The second one, on the same volume, finds nothing to do there."""
    volume = used(cluster.volume(name))
    for visit in (1, 2):
        pod = cluster.pod(name, change=node(name)).start()
        until(partial(is_ready, name, pod))
        said = told(pod)
        if visit == 1:
            works(pod.program, fetch("/", probed(name)), r"visit 1, counted by (app|1000680000)\n")
            assert ids(pod.program) == {USERS[name]}
            assert (volume / pod.name).stat().st_uid == USERS[name][0]
            assert said == shown(name)
            assert not is_root_somewhere(name) or all_is_the_users(volume)
        else:
            assert [line for line in said if "/data: " in line and NOTHING not in line] == []
            kubectl_exec_is_the_user(name, pod)
        assert len([line for line in said if line.startswith("pydrop: ")]) <= 2
        began = time.monotonic()
        assert pod.stop() == 0, str(pod.program.logs())
        assert time.monotonic() - began < 3
        cluster.remove(pod.name)


def test_each_replica_of_a_statefulset_has_a_volume_of_its_own(cluster, node):
    folders = [used(cluster.volume("statefulset", replica)) for replica in (0, 1)]
    assert [sorted(claims("statefulset", replica)) for replica in (0, 1)] == [["data-counter-0"], ["data-counter-1"]]
    for replica in (0, 1):
        cluster.pod("statefulset", replica, node("statefulset")).start()
        assert [owner(folder) == (1500, 1500) for folder in folders] == [True, replica == 1]


NEEDED = {  # capability -> what is said without it
    "CHOWN": "root lacks capabilities here: add cap_add: [CHOWN",
    "DAC_OVERRIDE": "root may not look in there: add cap_add: [DAC_OVERRIDE]",
    "FOWNER": "root lacks capabilities here: add cap_add: [FOWNER]",
}


def lacking_one_each(container: Document) -> list[Document]:
    """The container again and again, each time without one of its capabilities, and named for it."""
    found = []
    for capability in sorted(added(container["securityContext"])):
        found.append(copy.deepcopy(container) | {"name": capability.lower().replace("_", "-")})
        found[-1]["securityContext"]["capabilities"]["add"].remove(capability)
    return found


def test_the_init_container_needs_each_of_its_capabilities(cluster):
    """A closed folder needs DAC_OVERRIDE, a set-uid file FOWNER. Where one refuses, the pod does not start."""

    def without(spec: Document) -> None:
        spec["initContainers"] = lacking_one_each(spec["initContainers"][0])

    volume = cluster.volume("statefulset")
    inits = cluster.pod("statefulset", change=without).inits
    for capability, own in zip(sorted(NEEDED), inits, strict=True):
        used(volume)
        own.start()
        assert own.wait() == 1, capability
        assert NEEDED[capability] in own.logs().stdout, f"{capability}: {own.logs()}"


def test_puid_needs_each_of_its_capabilities(cluster):
    """What it says without one names that one."""

    def without(spec: Document) -> None:
        spec["containers"] = lacking_one_each(spec["containers"][0])

    volume = cluster.volume("puid")
    pod = cluster.pod("puid", change=without)
    capabilities = sorted(added(template("puid")["containers"][0]["securityContext"]))
    for capability, own in zip(capabilities, pod.programs, strict=True):
        used(volume)
        own.start()
        asked = re.compile(rf"cap_add: \[.*\b{capability}\b")
        until(partial(lambda own, asked: asked.search(own.logs().stderr), own, asked))


def test_of_replicas_that_share_a_volume_one_walks_and_the_others_wait_and_find_nothing_to_do(cluster, node):
    """They meet because somebody else has the lock until all are there."""
    volume = used(cluster.volume("shared"))
    pods = [cluster.pod("shared", replica, node("shared")) for replica in range(3)]
    assert len(pods) == documents("shared")[1]["spec"]["replicas"]
    held = os.open(volume, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    inits = [pod.inits[0] for pod in pods]
    for own in inits:
        own.start()
    until(lambda: all(waits_for(pid, volume) for pid in pids(inits)))
    os.close(held)
    assert waited(inits) == [0, 0, 0]
    said = sorted(pod.inits[0].logs().stdout for pod in pods)
    assert [bool(re.match(r"/data: 4 of 4 entries given to 1500:1500", line)) for line in said] == [True, False, False]
    assert all(NOTHING in line for line in said[1:]), said
    assert any("of waiting for another container" in line for line in said), said
    for pod in pods:
        pod.program.start()
    for pod in pods:
        until(partial(is_ready, "shared", pod))
        works(pod.program, fetch("/", 8080), "visit 1, counted by app\n")
    assert {pod.name for pod in pods} < {path.name for path in volume.iterdir()}


# -- what docs/kubernetes.md says -----------------------------------------------------------------


def test_without_fsgroup_or_an_owner_the_program_is_told_that_it_cannot_write(cluster, node):
    def without(spec: Document) -> None:
        node("restricted")(spec)
        del spec["securityContext"]["fsGroup"], spec["securityContext"]["fsGroupChangePolicy"]

    used(cluster.volume("restricted"))
    pod = cluster.pod("restricted", change=without).start()
    until(lambda: len(pydrops(pod.program.logs())) == 2)
    assert "started as 1500:1500 and not as root, so PYDROP_CHOWN cannot be had" in pod.program.logs().stderr


def test_the_image_names_a_random_number_itself_where_passwd_belongs_to_group_0(cluster, tmp_path):
    """The runtime's own line is left alone; so the file is the test's here."""
    (tmp_path / "group-writable").write_text("root:x:0:0:root:/root:/bin/bash\n")
    (tmp_path / "group-writable").chmod(0o664)

    def change(spec: Document) -> None:
        admitted_by_openshift(spec)
        file = {"path": str(tmp_path / "group-writable"), "type": "File"}
        spec["volumes"].append({"name": "passwd", "hostPath": file})
        spec["containers"][0]["volumeMounts"].append({"name": "passwd", "mountPath": "/etc/passwd"})

    pod = cluster.pod("openshift", change=change).start()
    until(lambda: is_ready("openshift", pod))
    works(pod.program, fetch("/", 8080), "visit 1, counted by app\n")
    assert "app:*:1000680000:0:" in (tmp_path / "group-writable").read_text()


def test_the_probe_fails_until_the_program_says_that_it_is_ready(cluster, node):
    def late(spec: Document) -> None:
        node("restricted")(spec)
        wait = "until test -e /tmp/go; do sleep 0.02; done; exec python3 /app/counter.py"
        spec["containers"][0]["args"] = ["sh", "-c", wait]

    pod = cluster.pod("restricted", change=late).start()
    until(lambda: pydrops(pod.program.logs()))
    assert not is_ready("restricted", pod)
    assert pod.program.exec("touch", "/tmp/go").code == 0
    until(lambda: is_ready("restricted", pod))


def test_what_ignores_a_stop_is_named_before_the_kubelet_would_kill_it(cluster, node):
    def deaf(spec: Document) -> None:
        node("restricted")(spec)
        spec["containers"][0]["args"] = ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"]
        spec["containers"][0]["env"] = [{"name": "PYDROP_STOP_TIMEOUT", "value": "300ms"}]

    pod = cluster.pod("restricted", change=deaf).start()
    until(lambda: "up" in pod.program.logs().stdout)
    assert pod.stop() == 137
    assert re.search(r"killed sh .*: the stop timeout is over", pod.program.logs().stderr), str(pod.program.logs())


def test_where_the_pods_containers_share_their_processes_init_mode_is_not_pid_1_and_works_the_same(cluster, node):
    """PID 1 is the pause container's then; orphans come to pydrop all the same."""

    def sharing(spec: Document) -> None:
        node("restricted")(spec)
        spec["shareProcessNamespace"] = True
        spec["containers"][0]["args"] = ["sh", "-c", "(sh -c 'sleep 1000 &'); exec python3 /app/counter.py"]

    pod = cluster.pod("restricted", change=sharing).start()
    until(lambda: is_ready("restricted", pod))
    look = "cat /proc/1/comm; for p in /proc/[0-9]*; do grep -l sleep $p/comm; done; cat /proc/*/comm"
    processes = pod.program.exec("sh", "-c", look).stdout
    assert processes.splitlines()[0] == "catatonit", processes
    (orphan,) = re.findall(r"/proc/(\d+)/comm", processes)
    parent = pod.program.exec("sh", "-c", f"cat /proc/$(awk '/^PPid/ {{print $2}}' /proc/{orphan}/status)/cmdline")
    assert "pydrop" in parent.stdout, parent.stdout
    assert pod.stop() == 0, str(pod.program.logs())


def diagnosed() -> list[list[str]]:
    """The rows of the page's table of what doctor says: manifest, words."""
    return [list(row) for row in re.findall(r"^\| `(\w+)\.yaml` \| `(.*)` \|$", PAGE.read_text(), re.M)]


@pytest.mark.parametrize("name", sorted({name for name, _ in diagnosed()}))
def test_doctor_says_in_each_pod_what_the_page_says(name, cluster, node):
    def change(spec: Document) -> None:
        node(name)(spec)
        one = spec["containers"][0]
        one["command"] = ["pydropctl", "doctor"]
        one["env"] = [*one.get("env", []), {"name": "COLUMNS", "value": "400"}]

    pod = cluster.pod(name, change=change).start()
    assert pod.program.wait() == 0, str(pod.program.logs())
    text = " ".join(pod.program.logs().stdout.split())
    assert [said for manifest, said in diagnosed() if manifest == name and said not in text] == []


@pytest.mark.quick
def test_the_page_shows_doctor_in_each_way():
    assert {name for name, _ in diagnosed()} == {"restricted", "openshift", "puid"}
