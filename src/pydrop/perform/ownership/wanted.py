"""What an entry of a volume must be, and the only calls that make it so."""

import posix as os
from _stat import S_ISDIR
from errno import ENOENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.model import Volume


class Wanted:
    """Owner and mode that entries must have, and which entries are meant."""

    __slots__ = ("across_mounts", "excluded", "gid", "hard_links", "mode", "only_from", "uid")

    def __init__(self, volume: "Volume", uid: int, gid: int) -> None:
        """Raises BadSetting where the volume's mode is none."""
        self.uid = uid
        self.gid = gid
        self.mode: Callable[[int], int] | None = None
        self.excluded: Callable[[str], object] | None = None
        if volume.mode:
            from . import modes

            self.mode = modes.rule(volume.mode)
        if volume.exclude:
            from . import patterns

            self.excluded = patterns.matcher(volume.exclude)
        self.only_from = volume.only_from
        self.hard_links = volume.hard_links
        self.across_mounts = volume.across_mounts

    def owned(self, info: os.stat_result) -> bool:
        return info.st_uid == self.uid and info.st_gid == self.gid

    def reached(self, info: os.stat_result) -> bool:
        """Whether owner and mode are what they must be."""
        return self.owned(info) and (self.mode is None or self.mode(info.st_mode) == info.st_mode)

    def right(self, info: os.stat_result) -> bool:
        """Whether there is nothing to do: also where the entry is none of those that `only_from` means."""
        if info.st_uid == self.uid and info.st_gid == self.gid:
            return self.mode is None or self.mode(info.st_mode) == info.st_mode
        if self.only_from is None:
            return False
        uid, gid = self.only_from
        return uid not in (None, info.st_uid) or gid not in (None, info.st_gid)

    def of_others(self, info: os.stat_result) -> bool:
        """Whether this is a file of root's with more names: the others may lie outside the volume."""
        return info.st_uid == 0 and info.st_nlink > 1 and not self.hard_links and not S_ISDIR(info.st_mode)

    def unsure(self, folder: int, name: str, info: os.stat_result) -> bool:
        """Whether a file with `info`, held and once found by `name` in `folder`, may have other names after all.

        Somebody could link a file of root's in here and take the name away again between our open and our look. Then
        the count is one, but the name is gone, for which FileNotFoundError is raised; if it is put back, it counts two.
        """
        if info.st_uid != 0 or self.hard_links or S_ISDIR(info.st_mode):
            return False
        if info.st_nlink > 1:
            return True
        again = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if (info.st_dev, info.st_ino) != (
            again.st_dev,
            again.st_ino,
        ) or again.st_nlink == 0:  # 0: removed within that call
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT))
        return again.st_nlink > 1

    def give(self, fd: int, info: os.stat_result, opened: bool = False) -> bool:
        """Change exactly the inode behind `fd`; whether it got another owner.

        Owner first: chown clears setuid and setgid, and what the mode becomes must follow from that. What is not
        `opened` but held (O_PATH) is reached through /proc, since fchown(2) refuses it; the link there leads to the
        inode itself, a symlink included.
        """
        itself = fd if opened else f"/proc/self/fd/{fd}"
        given = not self.owned(info)
        if given:
            os.chown(itself, self.uid, self.gid)
        if self.mode is not None:
            now = os.fstat(fd).st_mode
            mode = self.mode(now)
            if mode != now:
                os.chmod(itself, mode & 0o7777)
        return given
