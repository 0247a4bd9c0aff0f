"""What an entry of a volume must be, and the only calls that make it so."""

import posix as os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.model import Volume

    from .patterns import Patterns


class Target:
    """The owner that all entries must have."""

    mode: "Callable[[int], int] | None" = None  # what becomes of an entry's
    excluded: "Patterns | None" = None  # of entries that are to be left alone
    others: "frozenset[tuple[int, int]]" = frozenset()  # (device, inode) of other volumes' tops, left alone
    other_inodes: "frozenset[int]" = frozenset()  # of those
    dry = False
    plain = True  # all that is wrong gets the same owner, and nothing else: no more has to be known about an entry

    def __init__(self, volume: "Volume", uid: int, gid: int) -> None:
        self.uid = uid
        self.gid = gid
        self.hard_links = volume.hard_links
        # Whose files may be given away though they have several names: never root's, unless the user is root
        named = [pair[0] for pair in (volume.only_from, volume.former) if pair and pair[0]]
        self.owners = {uid, *named}
        self.across_mounts = volume.across_mounts

    def owner(self, _info: os.stat_result) -> tuple[int, int]:
        """The owner that an entry which is not right must get."""
        return self.uid, self.gid

    def reached(self, info: os.stat_result) -> bool:
        """Whether owner and mode are what they must be: of a volume's top they say that all below it is done."""
        return info.st_uid == self.uid and info.st_gid == self.gid

    def right(self, info: os.stat_result) -> bool:
        """Whether there is nothing to do: also where the entry is one to be left alone."""
        return (info.st_uid == self.uid and info.st_gid == self.gid) or self.is_other(info)

    def leave_out(self, others: "frozenset[tuple[int, int]]") -> None:
        """Leave the tops of other volumes alone, with all below them."""
        self.others = others
        self.other_inodes = frozenset([inode for _, inode in others])

    def is_other(self, info: os.stat_result) -> bool:
        """Whether it is the top of another volume, whose own policy holds for it and all below it."""
        return bool(self.others) and (info.st_dev, info.st_ino) in self.others

    def may_take(self, folder: os.stat_result) -> bool:
        """Whether a folder may be root's while its entries are changed: then nobody can exchange their names.

        Only a folder whose owner loses it in the end anyway, and in which nobody else may write (the group's bits are
        the mask of an ACL where it has one, acl(5)). Not where the user is root: a walk that was killed would leave
        the folder looking right.
        """
        return folder.st_uid not in (self.uid, 0) and self.uid != 0 and self.plain and not folder.st_mode & 0o022

    def give(self, fd: int, info: os.stat_result, opened: bool = False) -> bool:
        """Change exactly the inode behind `fd`; whether it got another owner.

        What is not `opened` but held (O_PATH) is reached through /proc, since fchown(2) refuses it; the link there
        leads to the inode itself, a symlink included.
        """
        uid, gid = self.owner(info)
        given = uid != info.st_uid or gid != info.st_gid
        if given and not self.dry:
            os.chown(fd if opened else f"/proc/self/fd/{fd}", uid, gid)
        return given
