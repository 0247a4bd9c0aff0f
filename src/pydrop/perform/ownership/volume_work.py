"""The work on one volume, from the first look at its top to the change of it."""

import posix as os
import time

from pydrop import idmapped

from . import replaced_place, volume_lock, volume_path, walk
from .target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.model import Volume

    from .progress import Progress
    from .volume_path import OpenVolume, Surroundings
    from .volume_report import VolumeReport

    Watch = Callable[[Progress], None]


def target_of(volume: "Volume", uid: int, gid: int, dry: bool = False) -> Target:
    """What entries of `volume` must become. With `dry`, nothing is changed but counted. Raises BadSetting where the
    volume's mode is none."""
    if dry or volume.mode or volume.exclude or volume.only_from is not None or volume.former is not None:
        from .target_variants import Special

        return Special(volume, uid, gid, dry)
    return Target(volume, uid, gid)


class VolumeWork:
    """One volume, what it must become, and what came of it."""

    def __init__(
        self,
        volume: "Volume",
        target: Target,
        groups: tuple[int, ...],
        report: "VolumeReport",
        watch: "Watch | None",
        around: "Surroundings",
    ) -> None:
        self.volume = volume
        self.target = target
        self.groups = groups
        self.report = report
        self.watch = watch
        self.around = around
        self.began = time.monotonic()

    def on(self, found: "OpenVolume") -> None:
        """Do what the policy asks for, where that is not done. Raises BadSetting for what must never be given away."""
        try:
            if why := replaced_place.why(found, self.target.uid, self.around):
                self.report.note_replaced(why)
                return
            if self._is_done(found):
                return
            if found.trusted and found.seen.st_uid != 0:
                self.target.owners.add(found.seen.st_uid)
            volume_path.vet(found, self.around, self.volume.across_mounts)
            if self.volume.policy == "idmap" or (not self.target.right(found.seen) and self._is_mapped(found)):
                self._by_map(found)
            elif found.is_folder and self.volume.policy != "top":
                self._in_turn(found)
            else:
                self._give_top(found, found.fd)
            if self.report.refused or self.report.map_refused:
                self.report.note_filesystem(self.around.mounts().filesystem_type(found.fd))
        except OSError as error:  # no /proc, say
            self.report.refuse(error.errno or 0, ".")

    def _is_done(self, found: "OpenVolume") -> bool:
        """Whether the policy says so without a look below the top."""
        if self.volume.policy in ("on-root-mismatch", "idmap"):
            return self.target.reached(found.look())
        return self.volume.policy == "unless-writable" and self._user_can_write(found)

    def _by_map(self, found: "OpenVolume") -> None:
        """A volume whose owners are shown through a map, or shall be: nothing of it is chowned."""
        info, target = found.look(), self.target
        if (info.st_uid, info.st_gid) == (target.uid, target.gid):
            return
        if self._is_mapped(found):
            if not (target.right(info) or self._user_can_write(found)):
                self.report.shown = (info.st_uid, info.st_gid)
        elif info.st_uid == 0 != target.uid:
            self.report.note_roots()
        elif not target.dry:
            from . import id_mapping

            try:
                others = id_mapping.others(found)
                id_mapping.mount_mapped(found, target.uid, target.gid, self.volume.across_mounts)
            except OSError as error:
                self.report.map_refused = error
                return
            self.around.forget_mounts()
            self.report.mapped = (info.st_uid, info.st_gid)
            for name in others:
                self.report.others.add(name)

    def _is_mapped(self, found: "OpenVolume") -> bool:
        """A volume whose top is right is not asked: most starts need no table of mounts. The walk asks for what is
        wrong in it."""
        return idmapped.is_on(found.fd, self.around.mounts().idmapped)

    def _user_can_write(self, found: "OpenVolume") -> bool:
        from .writable import can_write

        return bool(can_write(found, self.target.uid, self.target.gid, self.groups))

    def _in_turn(self, found: "OpenVolume") -> None:
        """Walk, unless another container has done so while this one waited for it.

        A top that is wrong says that there is work, which one container does alone. Where it is right there is little
        or nothing to do: containers that only look do not wait for each other.
        """
        right = self.target.reached(found.seen)
        try:
            turn = volume_lock.Lock(found.fd)
        except OSError as error:
            self._refused(found, error)
            return
        try:
            turn.take(not right and not self.target.dry, self.target.uid, self.around.mounts, self._waiting)
            self.report.note_wait(turn.waited, in_vain=turn.refused)
            # Another container has done the work where the top, which is changed last, was wrong and is right now
            done = turn.waited and (self._is_done(found) or (not right and self.target.reached(found.look())))
            if not (turn.refused or done):
                self._walk(found, turn)
        finally:
            turn.close()

    def _walk(self, found: "OpenVolume", turn: volume_lock.Lock) -> None:
        tell = self._tell if self.watch else None
        if len(self.around.others) > 1 or self.volume.former is not None:
            from . import other_volumes

            self.target.leave_out(other_volumes.tops(self.around, self.volume.path, found.seen))
        try:
            alone = turn.alone and not replaced_place.may_look_private(found)
            taken = walk.Walk(self.target, self.report, alone, self.around, tell, turn.fd).run(found.fd)
        except OSError as error:
            self._refused(found, error)
            return
        self._give_top(found, turn.fd, taken)

    def _give_top(self, found: "OpenVolume", fd: int, former: int | None = None) -> None:
        """Change the top itself, whose descriptor is `fd`; `former` had it before the walk took it."""
        try:
            info = found.look()
            if self.target.right(info):
                return
            if not found.is_folder:
                from .by_descriptor import unsure

                if unsure(self.target, found.parent, found.name, info):
                    self.report.linked.add(".")
                    return
            self.report.count(0, 1, self.target.give(fd, info, opened=fd != found.fd))
        except OSError as error:
            if former is not None:
                os.chown(fd, former, -1)
            self._refused(found, error)

    def _refused(self, found: "OpenVolume", error: OSError) -> None:
        """The top refused. Where the user can write it, its owner is right enough, and it is no news either what else
        refused for that reason."""
        self.report.refuse(error.errno or 0, ".")
        if self._user_can_write(found):
            self.report.withdraw(error.errno or 0)

    def _waiting(self) -> None:
        self._tell(self.report.looked_at, 0, 0.0, waiting=True)

    def _tell(self, looked_at: int, changed: int, part: float, waiting: bool = False) -> None:
        if self.watch:
            from .progress import Progress

            seconds = time.monotonic() - self.began
            self.watch(
                Progress(
                    volume=self.volume,
                    looked_at=looked_at,
                    changed=changed,
                    part=part,
                    waiting=waiting,
                    seconds=seconds,
                )
            )
