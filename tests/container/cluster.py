"""The manifests of examples/kubernetes as pods that podman plays.

There is no cluster here. What a cluster's own programs do with a manifest is done by this module, and no more:
controllers make pods and claims of it, the kubelet makes emptyDirs, gives volumes to fsGroup and starts initContainers
one after the other. The containers themselves are made by `podman kube play`.
"""

import copy
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.container.engine import Container, image, podman
from tests.container.pages import EXAMPLES

MANIFESTS = sorted(path.stem for path in (EXAMPLES / "kubernetes").glob("*.yaml"))
NOT_HERE = ("ports", "readinessProbe", "livenessProbe")  # no network; and podman makes timers of systemd of probes
Document = dict[str, Any]  # as YAML has it


def documents(name: str) -> list[Document]:
    return list(yaml.safe_load_all((EXAMPLES / "kubernetes" / f"{name}.yaml").read_text()))


def workload(name: str) -> Document:
    (found,) = [document for document in documents(name) if "template" in document["spec"]]
    return found


def template(name: str) -> Document:
    """The spec of its pods."""
    spec: Document = workload(name)["spec"]["template"]["spec"]
    return spec


def containers(spec: Document) -> list[Document]:
    """In the order in which they start."""
    return [*spec.get("initContainers", []), *spec["containers"]]


def claims(name: str, replica: int) -> dict[str, Document]:
    """Each claim that a pod of this manifest has, by its name; a StatefulSet's are each replica's own."""
    found = {one["metadata"]["name"]: one for one in documents(name) if one["kind"] == "PersistentVolumeClaim"}
    for one in workload(name)["spec"].get("volumeClaimTemplates", []):
        own = f"{one['metadata']['name']}-{workload(name)['metadata']['name']}-{replica}"
        found[own] = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "spec": one["spec"]}
    return found


class Pod:
    """A pod that podman has made and not started."""

    def __init__(self, name: str, spec: Document) -> None:
        self.name = name
        self.inits = [Container(f"{name}-{one['name']}") for one in spec.get("initContainers", [])]
        self.programs = [Container(f"{name}-{one['name']}") for one in spec["containers"]]
        self.program = self.programs[0]
        self.grace: int = spec["terminationGracePeriodSeconds"]

    def start(self) -> "Pod":
        """One by one: podman itself would wait 20 seconds behind each initContainer, whose end is written down by a
        process that waits for the pod's lock."""
        for one in self.inits:
            one.start()
            assert one.wait() == 0, str(one.logs())
        self.program.start()
        return self

    def stop(self) -> int:
        """As the kubelet does: TERM, and KILL when the time of grace is over; the exit code."""
        podman("stop", f"--time={self.grace}", self.program.id)
        return self.program.wait()


class Cluster:
    """Pods and claims of one test, under names that no other has."""

    def __init__(self, folder: Path, tmpfs: Callable[[str], Path]) -> None:
        self.folder, self.tmpfs = folder, tmpfs
        self.image = image("example-kubernetes")
        self.pods: list[str] = []
        self.made = 0  # pods, ever
        self.volumes: dict[str, Path] = {}

    def _own(self, name: str) -> str:
        return f"pydrop-test-{os.getpid()}-{name}"

    def _played(self, document: Document, name: str) -> None:
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(document))
        done = podman("kube", "play", "--start=false", "--network=none", str(file))
        assert done.code == 0, str(done)

    def volume(self, manifest: str, replica: int = 0) -> Path:
        """The folder behind its claim: played where it is not there yet, and root's as a new filesystem is."""
        ((name, claim),) = claims(manifest, replica).items()
        if name not in self.volumes:
            own = self._own(name)
            self._played({**claim, "metadata": {**claim["metadata"], "name": own}}, own)
            # Podman gives a volume the owner and mode of the image's folder when it is used first; a cluster does not.
            assert podman("run", "--rm", "--entrypoint=true", f"--volume={own}:/data", self.image).code == 0
            folder = Path(podman("volume", "inspect", "--format={{.Mountpoint}}", own).stdout.strip())
            folder.chmod(0o755)
            os.chown(folder, 0, 0)
            self.volumes[name] = folder
        return self.volumes[name]

    def pod(self, manifest: str, replica: int = 0, change: Callable[[Document], object] = lambda spec: None) -> Pod:
        """A pod of this manifest, whose spec `change` may change."""
        spec = copy.deepcopy(template(manifest))
        change(spec)
        folder = self.volume(manifest, replica)
        group = spec["securityContext"].get("fsGroup")
        if group is not None:
            given_to_group(folder, group)
            spec["securityContext"].setdefault("supplementalGroups", []).append(group)
        for one in containers(spec):
            one["image"] = self.image
            for key in NOT_HERE:
                one.pop(key, None)
        (claim,) = claims(manifest, replica)
        spec["volumes"] = list(self._volumes(spec, self._own(claim)))
        spec["restartPolicy"] = "Never"
        self.made += 1
        name = self._own(f"{self.made}")
        self.pods.append(name)
        self._played({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}, name)
        return Pod(name, spec)

    def _volumes(self, spec: Document, claim: str) -> Iterator[Document]:
        """Podman's own emptyDirs are one for all pods, and have the mode of the image's folder."""
        yield {"name": "data", "persistentVolumeClaim": {"claimName": claim}}
        for number, one in enumerate(spec.get("volumes", [])):
            if "emptyDir" in one:
                folder = self._empty(f"empty-{self.made}-{number}", spec, one["emptyDir"])
                yield {"name": one["name"], "hostPath": {"path": str(folder), "type": "Directory"}}
            elif "persistentVolumeClaim" not in one:
                yield one

    def _empty(self, name: str, spec: Document, asked: Document) -> Path:
        """Anybody may write in it, as in the kubelet's; fsGroup is its group."""
        if asked.get("medium") == "Memory":
            folder = self.tmpfs("mode=777")
        else:
            folder = self.folder / name
            folder.mkdir()
        folder.chmod(0o777)
        group = spec["securityContext"].get("fsGroup")
        if group is not None:
            os.chown(folder, 0, group)
            folder.chmod(0o2777)
        return folder

    def remove(self, *names: str) -> None:
        """Ended first: podman waits three seconds for the cgroup of a pod that it removes while it runs."""
        podman("pod", "stop", "--time=0", *names)
        podman("pod", "rm", "--force", "--time=0", *names)
        for name in names:
            self.pods.remove(name)

    def close(self) -> None:
        if self.pods:
            self.remove(*self.pods)
        if self.volumes:
            podman("volume", "rm", "--force", *map(self._own, self.volumes))


def given_to_group(top: Path, group: int) -> None:
    """What the kubelet does for fsGroup, by the policy OnRootMismatch: the group changes, which may then read and write
    all of it; folders pass their group on; owners stay."""
    if os.stat(top).st_gid == group and os.stat(top).st_mode & 0o2770 == 0o2770:
        return
    for path in [*top.rglob("*"), top]:
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            os.chown(path, -1, group)
            path.chmod(mode | (0o2770 if path.is_dir() else 0o660))


def admitted_by_openshift(spec: Document) -> None:
    """What the security context constraint restricted-v2 adds: numbers of the project's own range, and group 0."""
    spec["securityContext"] |= {"runAsUser": 1000680000, "runAsGroup": 0, "fsGroup": 1000680000}


def without_entry(folder: Path) -> Callable[[Document], None]:
    """A change: the runtime writes nothing into /etc/passwd, as containerd does not. Podman and CRI-O write a line of
    their own for an unknown number."""
    file = folder / "passwd"
    file.write_text("root:x:0:0:root:/root:/bin/bash\n")

    def change(spec: Document) -> None:
        spec["volumes"].append({"name": "passwd", "hostPath": {"path": str(file), "type": "File"}})
        mount = {"name": "passwd", "mountPath": "/etc/passwd", "readOnly": True}
        spec["containers"][0]["volumeMounts"].append(mount)

    return change
