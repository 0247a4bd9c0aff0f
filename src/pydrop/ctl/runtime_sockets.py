"""Finds the sockets of container runtimes: by which places they usually have, by what is mounted, and by variables.

Whether the program can write one is for `host_reach` to ask.
"""

import os
from collections.abc import Iterator

from pydrop.ctl.mount_list import Mount, is_kernels

# Below a folder for runtime files. None of them gives its powers to who may not write it, as libvirt's or systemd's do.
SOCKETS = (
    *("docker.sock", "docker/docker.sock", "containerd/containerd.sock", "docker/containerd/containerd.sock"),
    *("k3s/containerd/containerd.sock", "k0s/containerd.sock", "crio/crio.sock", "podman/podman.sock"),
    *("cri-dockerd.sock", "dockershim.sock", "balena-engine.sock", "buildkit/buildkitd.sock"),
    *("lxd.socket", "lxd/unix.socket", "incus/unix.socket", "lxd/common/lxd/unix.socket"),
)
FOLDERS = ("/run", "/var/run", "/var/lib", "/var/snap", "/run/host", "")  # "": at the top of what is mounted
OF_A_USER = ("docker.sock", "podman/podman.sock", "containerd/containerd.sock")  # those of rootless daemons
WORDS = (
    *("docker", "containerd", "podman", "crio", "cri-o", "buildkit", "lxd", "incus", "balena", "dockershim"),
    *("nerdctl", "moby"),
)
VARIABLES = ("DOCKER_HOST", "CONTAINER_HOST", "CONTAINERD_ADDRESS", "CONTAINER_RUNTIME_ENDPOINT", "BUILDKIT_HOST")
MOST = 200  # mounts, and folders of users, that are looked into


def candidates(environment: tuple[str, ...], mounts: tuple[Mount, ...]) -> Iterator[str]:
    """Paths where such a socket may be; most are not there."""
    for _, value in _named(environment):
        if value.removeprefix("unix://").startswith("/"):
            yield value.removeprefix("unix://")
    own = [mount for mount in mounts if mount.point != "/" and not is_kernels(mount)]
    for mount in own:  # a socket that is mounted by itself may have any name here
        if any([word in f"{mount.root}\0{mount.point}".lower() for word in WORDS]):
            yield mount.point
    for top in ("", *[mount.point for mount in own[:MOST]]):
        for folder in FOLDERS if top else FOLDERS[:-1]:
            yield from [f"{top}{folder}/{socket}" for socket in SOCKETS]
        for folder in (f"{top}/run/user", f"{top}/user"):
            yield from [f"{folder}/{user}/{socket}" for user in _names(folder) for socket in OF_A_USER]


def remote(environment: tuple[str, ...]) -> str:
    """``VARIABLE=tcp://...`` of a daemon that is elsewhere; "" where none is named."""
    for name, value in _named(environment):
        if "://" in value and not value.startswith("unix:"):
            return f"{name}={value}"
    return ""


def _named(environment: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = [line.partition("=")[::2] for line in environment]
    return [(name, value) for name, value in pairs if name in VARIABLES]


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))[:MOST]
    except OSError:
        return []
