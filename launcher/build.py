"""Build hook: compile the launcher and put it into the wheel as the scripts `pydrop` and `pydropctl`.

The launcher is one static C program (see launcher.c for why it is not a Python script). A compiler is
needed where the wheel is built, as python-prctl needs one too; the image that runs it needs none.
"""

import os
import shutil
import subprocess
import sysconfig
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s", "-fstack-protector-strong"]


class DoorHook(BuildHookInterface):  # type: ignore[type-arg] # hatchling's own hooks leave the builder's type open
    """Adds the compiled launcher to `shared_scripts` and names the platform in the wheel's tag."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            raise SystemExit("pydrop cannot be installed with --editable: its launcher reads no .pth file")
        self.folder = tempfile.TemporaryDirectory()
        launcher = os.path.join(self.folder.name, "launcher")
        compile_launcher(os.path.join(self.root, "launcher", "launcher.c"), launcher)
        for name in ("pydrop", "pydropctl"):
            build_data["shared_scripts"][shutil.copy(launcher, os.path.join(self.folder.name, f"{name}-launcher"))] = (
                name
            )
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platforms()}"

    def finalize(self, *_: object) -> None:
        self.folder.cleanup()


def platforms() -> str:
    """Where the wheel may be installed: on every libc of this processor, since the launcher is static and the rest is
    Python. An index takes no `linux_x86_64`, which would say nothing of a libc."""
    machine = sysconfig.get_platform().removeprefix("linux-").replace("-", "_").replace(".", "_")
    return ".".join(f"{libc}_{machine}" for libc in ("manylinux2014", "manylinux_2_17", "musllinux_1_1"))


def compile_launcher(source: str, target: str) -> None:
    """Statically, by $CC, else musl's where it is, which begins 0.35 ms sooner than glibc's, else by `cc`.

    A compiler's failure ends the build with its own words."""
    compiler = os.environ.get("CC") or shutil.which("musl-gcc") or "cc"
    try:
        subprocess.run([compiler, *FLAGS, "-o", target, source], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"pydrop: unable to compile its launcher with {compiler}: {error}; "
            "install a C compiler and the static C library "
            "(Debian: gcc libc6-dev, Alpine: gcc musl-dev, Fedora: gcc glibc-static)"
        ) from error
