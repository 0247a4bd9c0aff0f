"""Where the bench runs: a mount namespace whose /etc, /run and volumes are its own, put back before each run.

/etc and the volumes are copies on the disk, where a container has them too; /run is a tmpfs. The
tmpfiles.d of the image are those of debian:bookworm-slim, which has one file that says nothing of /run.
"""

import os
import shutil
import subprocess

ACCOUNT_FILES = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
WANTED = 1500
FORMER = 1000
OTHER = 999
SMALL = 100  # files of the small volume
TMPFILES = "/usr/lib/tmpfiles.d"


class Room:
    """One mount namespace, and the states in which a run may find it.

    `app` is an account of the image, 1000:1000. Raises CalledProcessError where something cannot be mounted."""

    def __init__(self, folder: str, pydrop: str, entries: int) -> None:
        self.folder = folder
        self.pydrop = pydrop
        self.python = os.path.join(os.path.dirname(pydrop), "python3")
        self.entries = entries
        os.chmod(folder, 0o755)
        self._own_etc()
        self._own_run()
        self.small = self._volume("small", SMALL)
        self.large = ""

    def leave(self) -> None:
        """Unmount what lies in the folder, so that it can be removed."""
        subprocess.run(["umount", "/run", "/etc", *[TMPFILES] * os.path.isdir(TMPFILES)], check=True)

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

    def _volume(self, name: str, entries: int) -> str:
        """A folder with that many entries, a hundred files to a folder, all root's."""
        root = self._path(name)
        for number in range(entries):
            if number % SMALL == 0:
                os.makedirs(f"{root}/{number // SMALL}")
            else:
                os.close(os.open(f"{root}/{number // SMALL}/{number}", os.O_CREAT | os.O_WRONLY, 0o644))
        return root

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
        owned(self.small, OTHER)
        shutil.rmtree("/run/app", ignore_errors=True)
        self.forget()

    def large_volume(self) -> str:
        """The large volume, made when it is first asked for."""
        if not self.large:
            self.large = self._volume("large", self.entries)
        return self.large

    def large_owned(self, number: int) -> None:
        """The large volume belongs to `number`; no start was here before."""
        owned(self.large_volume(), number)
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


def owned(root: str, number: int) -> None:
    """Everything below and at `root` belongs to `number`."""
    for folder, _, names in os.walk(root):
        os.chown(folder, number, number)
        for name in names:
            os.chown(f"{folder}/{name}", number, number)


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
