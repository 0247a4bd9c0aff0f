"""What entries must be where more is asked for than an owner: a mode, only some of them, or only a count of them."""

import posix as os

from .target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.model import Volume


class Special(Target):
    """Owner and mode that entries must have, and which entries are meant."""

    def __init__(self, volume: "Volume", uid: int, gid: int, dry: bool = False) -> None:
        """Raises BadSetting where the volume's mode is none."""
        super().__init__(volume, uid, gid)
        self.dry = dry
        if volume.mode:
            from . import modes

            self.mode = modes.rule(volume.mode)
        if volume.exclude:
            from . import patterns

            self.excluded = patterns.Patterns(volume.exclude)
        self.only_from = volume.only_from
        self.former = volume.former
        self.plain = self.mode is None and self.only_from is None and self.former is None and not dry

    def owner(self, info: os.stat_result) -> tuple[int, int]:
        if self.former is None:
            return self.uid, self.gid
        # Each number by itself, as usermod(8) does it: an entry of the account's with another group keeps that group.
        # A number that stays is written again: -1 would keep the owner that an entry has just now, not that of `info`
        uid, gid = self.former
        return (self.uid if info.st_uid == uid else info.st_uid, self.gid if info.st_gid == gid else info.st_gid)

    def reached(self, info: os.stat_result) -> bool:
        if self.former is not None:
            return info.st_uid == self.uid and self.right(info)
        return super().reached(info) and self._has_mode(info)

    def right(self, info: os.stat_result) -> bool:
        if self.is_other(info):
            return True
        if self.former is not None:
            return info.st_uid != self.former[0] and info.st_gid != self.former[1]
        if super().right(info):
            return self._has_mode(info)
        if self.only_from is None:
            return False
        uid, gid = self.only_from
        return uid not in (None, info.st_uid) or gid not in (None, info.st_gid)

    def _has_mode(self, info: os.stat_result) -> bool:
        return self.mode is None or self.mode(info.st_mode) == info.st_mode

    def give(self, fd: int, info: os.stat_result, opened: bool = False) -> bool:
        """Owner first: chown clears setuid and setgid, and what the mode becomes must follow from that."""
        given = super().give(fd, info, opened)
        if self.mode is not None and not self.dry:
            now = os.fstat(fd).st_mode
            mode = self.mode(now)
            if mode != now:
                os.chmod(fd if opened else f"/proc/self/fd/{fd}", mode & 0o7777)
        return given
