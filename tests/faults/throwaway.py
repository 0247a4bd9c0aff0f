"""A container's worth of namespaces around one command, so that pydrop may change what it likes.

The folder given is `/mnt` inside; its `etc` and `run` lie over the machine's own, whose tmpfiles.d
is out of sight. It outlives the namespaces: a second start in the same folder finds what the first
one left, as a container does that is started again.
"""

import functools
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

ONE_FILE = bool(os.environ.get("PYDROP_UNDER_TEST"))  # such as dist/pydrop; else what pip installed
PYDROP = os.environ.get("PYDROP_UNDER_TEST") or f"{sys.prefix}/bin/pydrop"
APP = 1500  # the number that the tests ask for

PASSWD = b"""\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
# a comment: with colons
weird:x:abc:xyz:a number that is none:/:/bin/sh

+@netgroup::::::
app:x:1000:1000:An app:/mnt/home:/bin/sh
caf\xe9:x:1200:1200:\xe9t\xe9:/:/bin/false
short:x:1300
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
unended:x:1400:1400::/:/bin/false"""
GROUP = b"""\
root:x:0:
adm:x:4:root
cdrom:x:24:root
# a comment: with colons
weird:x:xyz:app
staff:x:50:app

+::
app:x:1000:
gar\xe7on:x:1200:
short:x
nogroup:x:65534:"""

ENTER = Path(__file__).parent / "enter.c"
# The machine's own volumes, /boot or /home, are none of the container's: read-only, no start has a word about them.
APART = """\
while read -r _ _ _ _ point _; do
    case "$point/" in //|/proc/*|/sys/*|/dev/*|/run/*|/tmp/|/var/tmp/|/mnt/*) continue ;; esac
    case "$1/" in "$point"/*) continue ;; esac
    mount -o remount,bind,ro "$(printf %b "$point")" 2>/dev/null
done </proc/self/mountinfo
"""


@functools.cache
def compiled(source: Path, *flags: str) -> str:
    """The program of a C file, which lies beside this Python: made anew only where the file or the flags changed."""
    words = ["gcc", "-O1", "-Wall", "-Wextra", "-Werror", *flags]
    digest = hashlib.sha256(" ".join(words).encode() + source.read_bytes()).hexdigest()[:16]
    program = f"{sys.prefix}/{source.stem}-{digest}"
    if not os.path.exists(program):
        own = f"{program}.{threading.get_native_id()}"
        subprocess.run([*words, "-o", own, source], check=True)
        os.replace(own, program)  # whole at once, for whoever makes it at the same time
    return program


class Throwaway:
    """The folder and what is in it; `mounted` names files of /etc that are mount points."""

    def __init__(self, folder: Path, passwd: bytes = PASSWD, group: bytes = GROUP, mounted: str = "") -> None:
        self.folder = folder
        self.mounted = mounted
        for name in ("etc", "run/lock", "home"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        (folder / "run/lock").chmod(0o1777)
        (folder / "etc/passwd").write_bytes(passwd)
        (folder / "etc/group").write_bytes(group)

    def inside(self, *words: "str | bytes") -> list["str | bytes"]:
        """The words that run `words` in the namespaces, as PID 1."""
        unshare = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"]
        return [*unshare, compiled(ENTER), str(self.folder), self.mounted, *words]

    def run(
        self,
        *words: "str | bytes",
        env: "dict[str, str]",
        around: "tuple[str, ...]" = (),
        cwd: str = "/",
        groups: "tuple[int, ...]" = (0,),
        umask: int = 0o022,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run `words` with just `env`. `around` is a tracer, which sees neither `env` nor `cwd`."""
        given = [os.fsencode(f"{name}={value}") for name, value in env.items()]
        return subprocess.run(
            self.inside(*around, "env", "-i", f"--chdir={cwd}", *given, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            # Only where they differ: with them subprocess cannot use vfork, and a fork of all the tests takes its time.
            extra_groups=None if list(groups) == os.getgroups() else groups,
            umask=umask,
            timeout=60,
            check=False,
        )


class Traced:
    """What strace wrote of one process: its calls in their order, as (name, text from the bracket on)."""

    def __init__(self, log: Path) -> None:
        self.text = log.read_text(errors="replace")
        lines = [line for line in self.text.splitlines() if "(" in line and line[0].isalpha()]
        self.calls = [(name, rest) for name, _, rest in [line.partition("(") for line in lines]]

    def numbered(self) -> "list[tuple[str, int, str]]":
        """(name, how many-th call of that name from 1, text): the number is strace's `when=`."""
        seen: dict[str, int] = {}
        found = []
        for name, rest in self.calls:
            seen[name] = seen.get(name, 0) + 1
            found.append((name, seen[name], rest))
        return found


def strace(log: Path, calls: str, *injections: str) -> "tuple[str, ...]":
    """strace of one process alone, which stays PID 1 (-D); what it forks is not followed."""
    options = [word for injection in injections for word in ("-e", f"inject={injection}")]
    return ("strace", "-D", "-o", str(log), "-e", f"trace={calls}", *options)
