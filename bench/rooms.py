"""Where the bench runs: a mount namespace whose /etc, /run and volumes are its own, put back before each run.

/etc and the volumes are copies on the disk, where a container has them too; /run is a tmpfs. The
tmpfiles.d of the image are those of debian:bookworm-slim, which has one file that says nothing of /run.
"""

import os
import shutil
import subprocess

from programs import compiled, run
from trees import SlowTree, Tree, own

ACCOUNT_FILES = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
WANTED = 1500
FORMER = 1000
OTHER = 999
SMALL = 100  # entries of a small volume
HUNDRED = 100  # small volumes that are owned together
LARGE = 300_000  # entries of the large volume; the others' numbers follow from how many it has
WIDE = 1_000_000  # entries of the volume that is one folder
SLOW = 20_000  # entries of the volume on a server far away
TMPFILES = "/usr/lib/tmpfiles.d"
PIP = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".venv/bin")  # made by `make setup`


class Room:
    """One mount namespace, and the states in which a run may find it.

    `app` is an account of the image, 1000:1000. Raises CalledProcessError where something cannot be mounted."""

    def __init__(self, folder: str, pydrop: str, entries: int) -> None:
        self.folder = folder
        self.pydrop = pydrop
        beside = os.path.join(os.path.dirname(pydrop), "python3")
        self.python = beside if os.path.exists(beside) else f"{PIP}/python3"  # the one file has none beside it
        self.entries = entries
        os.chmod(folder, 0o755)
        self._leave_the_machines_mounts()
        self._own_etc()
        self._own_run()
        self.witness = compiled("witness", folder)
        self._trees: dict[str, Tree] = {}
        self._slow: SlowTree | None = None
        self.small = self.tree("small", SMALL).path

    def leave(self) -> None:
        """Unmount what lies in the folder, so that it can be removed."""
        if self._slow:
            self._slow.unmount()
        subprocess.run(["umount", "/run", "/etc", *[TMPFILES] * os.path.isdir(TMPFILES)], check=True)

    def _leave_the_machines_mounts(self) -> None:
        """A mount that can be written is a volume that no setting names, which a start looks at; an image has none."""
        with open("/proc/self/mountinfo", encoding="utf-8") as table:
            points = [line.split()[4] for line in table]
        system = ("/", "/proc", "/sys", "/dev")
        for point in reversed(points):
            in_system = any(f"{point}/".startswith(f"{kept}/") for kept in system[1:])
            if point not in system and not in_system and not f"{self.folder}/".startswith(f"{point}/"):
                # Not found where another mount lies over it: no start sees it then.
                subprocess.run(["umount", "--lazy", "--", point], check=False, stderr=subprocess.DEVNULL)

    def _own_etc(self) -> None:
        etc = self._path("etc")
        shutil.copytree("/etc", etc, symlinks=True)
        _without_account(etc, "app")
        _append(f"{etc}/passwd", f"app:x:{FORMER}:{FORMER}::/home/app:/bin/sh")
        _append(f"{etc}/group", f"app:x:{FORMER}:")
        _append(f"{etc}/shadow", "app:*:19000:0:99999:7:::")
        _append(f"{etc}/gshadow", "app:!::")
        _bind(etc, "/etc")
        before = self._path("before")
        os.mkdir(before)
        for name in ACCOUNT_FILES:
            if os.path.exists(f"{etc}/{name}"):
                shutil.copy2(f"{etc}/{name}", f"{before}/{name}")

    def _own_run(self) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
        os.mkdir("/run/lock")
        os.chmod("/run/lock", 0o1777)
        if os.path.isdir(TMPFILES):
            slim = self._path("tmpfiles.d")
            os.mkdir(slim)
            with open(f"{slim}/passwd.conf", "w", encoding="utf-8") as file:
                file.write("r! /etc/passwd.lock\nr! /etc/group.lock\n")
            _bind(slim, TMPFILES)
            # An image's own files are no mount: one that can be written would be a volume that no setting names.
            subprocess.run(["mount", "-o", "remount,bind,ro", TMPFILES], check=True)

    def tree(self, name: str, entries: int, wide: bool = False) -> Tree:
        """The volume of this name, made when it is first asked for."""
        if name not in self._trees:
            self._trees[name] = Tree(self._path(name), entries, wide)
        return self._trees[name]

    def large(self) -> Tree:
        return self.tree("large", self.entries)

    def wide(self, entries: int = WIDE) -> Tree:
        """A volume that is one folder, of so many entries where the large one has LARGE."""
        share = self.share(entries)
        return self.tree(f"wide-{share}", share, wide=True)

    def slow(self) -> SlowTree:
        """The volume on a server far away, not mounted yet."""
        if not self._slow:
            self._slow = SlowTree(self._path("slow"), self.share(SLOW), compiled("slowfs", self.folder))
        return self._slow

    def disk(self) -> str:
        """Where the volumes lie, and the filesystem's type."""
        return f"{run('df', '--output=fstype', self.folder).split()[-1]} ({os.path.dirname(self.folder)})"

    def share(self, entries: int) -> int:
        """As many for this bench's large volume as `entries` are for one of LARGE."""
        return max(entries * self.entries // LARGE, 2)

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    # -- states, each made before a run and not timed ------------------------------------------------

    def named(self) -> None:
        """The account has the wanted numbers already, and no start was here before."""
        self.reset_accounts()
        for name, what in (("passwd", f"x:{FORMER}:{FORMER}:"), ("group", f"x:{FORMER}:")):
            path = f"/etc/{name}"
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(f"app:{what}", f"app:{what.replace(str(FORMER), str(WANTED))}"))
        self.forget()

    def forget(self) -> None:
        """No start was here before: /run/pydrop is gone."""
        shutil.rmtree("/run/pydrop", ignore_errors=True)

    def reset_accounts(self) -> None:
        """The account has the numbers of the image."""
        for name in os.listdir(self._path("before")):
            shutil.copy2(f"{self._path('before')}/{name}", f"/etc/{name}")

    def reset(self) -> None:
        """All that the whole job changes, as it was: accounts, the small volume, /run."""
        self.reset_accounts()
        own(OTHER, OTHER, self.small)
        shutil.rmtree("/run/app", ignore_errors=True)
        self.forget()

    def job_is_done(self) -> bool:
        """Whether what the whole job is about is true now."""
        if not os.path.isdir("/run/app"):
            return False
        paths = ["/run/app", *[f"{folder}/{name}" for folder, _, names in os.walk(self.small) for name in names]]
        numbers = {(os.lstat(path).st_uid, os.lstat(path).st_gid) for path in paths}
        with open("/etc/passwd", encoding="utf-8") as passwd, open("/etc/group", encoding="utf-8") as group:
            entries = (f"app:x:{WANTED}:{WANTED}:" in passwd.read()) and (f"app:x:{WANTED}:" in group.read())
        return entries and numbers == {(WANTED, WANTED)}


def _bind(source: str, target: str) -> None:
    subprocess.run(["mount", "--bind", source, target], check=True)


def _append(path: str, line: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def _without_account(etc: str, name: str) -> None:
    """Take out what this machine may have under the account's name or numbers."""
    for file in ACCOUNT_FILES:
        path = f"{etc}/{file}"
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="surrogateescape") as lines:
                kept = [line for line in lines if not _collides(line, name)]
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as out:
                out.writelines(kept)


def _collides(line: str, name: str) -> bool:
    fields = line.rstrip("\n").split(":")
    return fields[0] == name or fields[2:3] in ([str(FORMER)], [str(WANTED)])
