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

    def __init__(self, volume: "Volume", uid: int, gid: int, dry: bool = False) -> None:
        """With `dry`, nothing is changed but counted. Raises BadSetting where the volume's mode is none."""
        self.dry = dry
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
        self.former = volume.former
        self.hard_links = volume.hard_links
        self.across_mounts = volume.across_mounts

        # Whether all that is wrong gets the same owner, and nothing else: no more has to be known about an entry
        self.plain = self.mode is None and self.only_from is None and self.former is None and not dry

    def owner(self, info: os.stat_result) -> tuple[int, int]:
        """The owner that an entry which is not right must get."""
        if self.former is None:
            return self.uid, self.gid
        # Each number by itself, as usermod(8) does it: an entry of the account's with another group keeps that group.
        # A number that stays is written again: -1 would keep the owner that an entry has just now, not that of `info`
        uid, gid = self.former
        return (self.uid if info.st_uid == uid else info.st_uid, self.gid if info.st_gid == gid else info.st_gid)

    def reached(self, info: os.stat_result) -> bool:
        """Whether owner and mode are what they must be: of a volume's top they say that all below it is done."""
        if self.former is not None:
            return info.st_uid == self.uid and self.right(info)
        owned = info.st_uid == self.uid and info.st_gid == self.gid
        return owned and (self.mode is None or self.mode(info.st_mode) == info.st_mode)

    def right(self, info: os.stat_result) -> bool:
        """Whether there is nothing to do: also where the entry is none of those that `only_from` or `former` mean."""
        if self.former is not None:
            return info.st_uid != self.former[0] and info.st_gid != self.former[1]
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

    def may_take(self, folder: os.stat_result) -> bool:
        """Whether a folder may be root's while its entries are changed: then nobody can exchange their names.

        Its owner loses it in the end anyway, or it is left alone; root, who then must not seem to be the one wanted, is
        not; and nobody else may write in it (the group's bits are the mask of an ACL where it has one, acl(5)).
        """
        return folder.st_uid not in (self.uid, 0) and self.uid != 0 and self.plain and not folder.st_mode & 0o022

    def give(self, fd: int, info: os.stat_result, opened: bool = False) -> bool:
        """Change exactly the inode behind `fd`; whether it got another owner.

        Owner first: chown clears setuid and setgid, and what the mode becomes must follow from that. What is not
        `opened` but held (O_PATH) is reached through /proc, since fchown(2) refuses it; the link there leads to the
        inode itself, a symlink included.
        """
        itself = fd if opened else f"/proc/self/fd/{fd}"
        uid, gid = self.owner(info)
        given = uid != info.st_uid or gid != info.st_gid
        if self.dry:
            return given
        if given:
            os.chown(itself, uid, gid)
        if self.mode is not None:
            now = os.fstat(fd).st_mode
            mode = self.mode(now)
            if mode != now:
                os.chmod(itself, mode & 0o7777)
        return given
