"""An image that holds nothing but the one file: a folder that is the root of throwaway namespaces."""

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
# /proc is what every runtime mounts; /dev/null and the streams are there as a runtime makes them.
ENTER = """\
mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && mount -t tmpfs none dev && mknod -m 666 dev/null c 1 3 \
|| exit 99
ln -s /proc/self/fd/0 dev/stdin; ln -s /proc/self/fd/1 dev/stdout; ln -s /proc/self/fd/2 dev/stderr
exec /usr/sbin/chroot . "$@"
"""


class Image:
    """`told` and `enter` are programs of ours, in C and static: what the one prints, and the other is for, they say."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        for name in ("proc", "dev", "etc", "run", "data", "bin"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        shutil.copy(program, folder / "bin/pydrop")
        self.link("pydropctl")
        for name in ("told", "enter"):
            words = ["musl-gcc", "-static", "-O1", "-Wall", "-Wextra", "-Werror"]
            subprocess.run([*words, "-o", f"{folder}/bin/{name}", f"{HERE}/{name}.c"], check=True)

    def link(self, name: str) -> None:
        """Another name of the file."""
        (self.folder / "bin" / name).symlink_to("pydrop")

    def write(self, path: str, content: str, mode: int = 0o644) -> None:
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(mode)

    def inside(self, *words: str, env: "dict[str, str] | None" = None, cwd: str = "/", pid_1: bool = True) -> list[str]:
        """The words that run `words` in the image, as PID 1, with just `env` and a PATH."""
        given = [f"{name}={value}" for name, value in ({"PATH": "/bin"} | (env or {})).items()]
        unshare = ["unshare", "--mount", *(["--pid", "--fork"] if pid_1 else [])]
        return [*unshare, "sh", "-c", ENTER, str(self.folder), "/bin/enter", cwd, *given, "--", *words]

    def run(
        self, *words: str, env: "dict[str, str] | None" = None, **streams: int
    ) -> "subprocess.CompletedProcess[str]":
        """As PID 1. `streams` are subprocess.run's stdin, stdout and stderr."""
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        with subprocess.Popen(self.inside(*words, env=env), text=True, **given) as process:  # type: ignore[call-overload] # three streams
            out, errors = process.communicate(timeout=30)
        return subprocess.CompletedProcess(words, process.returncode, out, errors)
