"""Kubernetes' Pod Security Standards, as far as the manifests of the examples go: which profile lets a pod in.

Written after https://kubernetes.io/docs/concepts/security/pod-security-standards/. What this module does not know it
refuses, so that no field goes unlooked at.
"""

from collections.abc import Iterator

from tests.container.cluster import Document, containers

BASELINE_CAPS = {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"}
BASELINE_CAPS |= {"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected"}
RESTRICTED_VOLUMES |= {"secret"}
OF_POD = {"runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "fsGroupChangePolicy", "supplementalGroups"}
OF_POD |= {"seccompProfile"}
OF_CONTAINER = {"runAsNonRoot", "runAsUser", "runAsGroup", "allowPrivilegeEscalation", "readOnlyRootFilesystem"}
OF_CONTAINER |= {"capabilities", "seccompProfile", "privileged"}


def profile(spec: Document) -> str:
    """The strictest that lets this pod in."""
    if list(against_baseline(spec)):
        return "privileged"
    return "baseline" if list(against_restricted(spec)) else "restricted"


def against_baseline(spec: Document) -> Iterator[str]:
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    yield from (f"volume {one['name']}" for one in spec.get("volumes", []) if "hostPath" in one)
    assert spec.get("securityContext", {}).keys() <= OF_POD, "teach the tests what it is"
    for one in containers(spec):
        context = one.get("securityContext", {})
        assert context.keys() <= OF_CONTAINER, "teach the tests what it is"
        yield from (f"capability {name}" for name in added(context) - BASELINE_CAPS)
        if context.get("privileged"):
            yield "privileged"
        if any(port.get("hostPort") for port in one.get("ports", [])):
            yield "hostPort"
        if seccomp(spec, context) == "Unconfined":
            yield "seccompProfile"


def against_restricted(spec: Document) -> Iterator[str]:
    for volume in spec.get("volumes", []):
        if not volume.keys() - {"name"} <= RESTRICTED_VOLUMES:
            yield f"volume {volume['name']}"
    for one in containers(spec):
        context = one.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False:
            yield "allowPrivilegeEscalation"
        if {**spec.get("securityContext", {}), **context}.get("runAsNonRoot") is not True:
            yield "runAsNonRoot"
        if 0 in (spec.get("securityContext", {}).get("runAsUser"), context.get("runAsUser")):
            yield "runAsUser"
        if seccomp(spec, context) not in ("RuntimeDefault", "Localhost"):
            yield "seccompProfile"
        if "ALL" not in context.get("capabilities", {}).get("drop", []) or added(context) - {"NET_BIND_SERVICE"}:
            yield "capabilities"


def added(context: Document) -> set[str]:
    return set(context.get("capabilities", {}).get("add", []))


def seccomp(spec: Document, context: Document) -> str:
    """Of the container, else of the pod; "" where neither says."""
    return str({**spec.get("securityContext", {}), **context}.get("seccompProfile", {}).get("type", ""))
