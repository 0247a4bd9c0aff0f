"""The way through a volume: every folder below the top, once, led by descriptors and never by a path.

Folders are left for good only when all below is done, and change their owner at that moment: until then a folder of
root's stays one that nobody else can rearrange.
"""

import posix as os
import time

from .entries import Entries
from .folder import Folder, opened
from .volume_mount import VolumeMount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .far_folders import FarFolders
    from .sharing import Sharing
    from .target import Target
    from .volume_path import Surroundings
    from .volume_report import VolumeReport
    from .worker_count import Clock

    Tell = Callable[[int, int, float], None]

LOOK = 0.002  # seconds after which a walk watches how it goes
ALONE = 0.008  # seconds more before it may be shared out: a small volume needs no worker
FEW = 64  # entries that must have been looked at, however slow they were
FIRST_SWEEP, LONGEST_SWEEP = 16, 1024  # entries looked at in one go, before the walk is shared out
TICK = 0.1  # seconds between two calls of `tell`
OPEN = 24  # folders kept open on the way down: with their iterators, under 100 descriptors at any depth


class Walk:
    """One walk of one process, from the top of a volume down.

    A worker's walk begins at a slice of a folder that is not its own: the process that gave the slice away finishes
    that folder.
    """

    def __init__(
        self,
        target: "Target",
        report: "VolumeReport",
        alone: bool,
        around: "Surroundings",
        tell: "Tell | None" = None,
        lock: int = -1,
    ) -> None:
        """`alone`: see Entries. `tell` is called with entries looked at, changed, and the part done. Workers keep the
        descriptor `lock` of the top: it stays locked as long as any of them lives."""
        self.target = target
        self.report = report
        self.mount = VolumeMount(target.across_mounts, around, report)
        self.entries = Entries(target, report, self.mount, alone)
        self.way: list[Folder] = []  # leads down from the top
        self.far: FarFolders | None = None  # the way is not that long yet
        self.sweep = FIRST_SWEEP  # entries to look at before the walk may be shared, or shared again
        self.began = time.monotonic()
        self.clock: Clock | None = None  # not yet
        self.sharing: Sharing | None = None  # not yet
        self.lock = lock
        self.tell = tell
        self.next_tick = self.began + TICK
        self.told = False

    def run(self, top: int) -> int | None:
        """Look at everything below the folder `top` (O_PATH), and change what is wrong, but not the top itself.

        Returns the uid from which the top was taken, where it was, and is root's now; else None. Raises OSError where
        the top cannot be opened.
        """
        try:
            self.mount.begin(top)
            self._go_in(opened(".", top), ".", None)
            first = self.way[0]
            self._go()
            if self.told:
                self.next_tick = 0.0  # the last call says how it ended
                self.tick()
            return first.info.st_uid if first.taken else None
        finally:
            if self.sharing:  # first, since workers trust names as long as a folder is taken
                self.report.note_processes(self.sharing.processes())
                self.sharing.end()
            for folder in self.way:
                folder.give_back()
                folder.close()
            self.entries.close()

    def _go(self) -> None:
        """Go from folder to folder, to the end of the way; share the walk out once it has taken a while."""
        try:
            while self.way:
                if self.sharing:
                    lent = self.sharing.share(self.way)
                    if lent:
                        self._begin_in_worker(lent, self.sharing)
                else:
                    self._consider()
                if self.tell:
                    self.tick()
                self._go_on(self.way[-1])
        finally:
            if self.sharing:
                self.sharing.end_worker(complete=not self.way)

    def _begin_in_worker(self, folder: Folder, sharing: "Sharing") -> None:
        """This process is a worker now, which has nothing to do but the slice that is left of `folder`."""
        self.way, self.far = [folder], None
        self.mount.begin_in_worker(folder.fd)
        self.entries.begin_in_worker()
        if self.tell:
            self.tell = sharing.tell

    def _consider(self) -> None:
        """Share the walk out, if that is worth it. Sweeps grow until then, so that slow entries show soon."""
        if not self.clock:
            self.sweep = min(self.sweep * 2, LONGEST_SWEEP)
            if time.monotonic() - self.began > LOOK:
                from .worker_count import Clock

                self.clock = Clock(self.report.looked_at)
            return
        if self.clock.wall() < ALONE or self.report.looked_at < FEW:
            return
        from .sharing import Sharing

        waiting = self.tick if self.tell else None
        self.sharing = Sharing(self.clock, self.entries, self.report, self.lock, waiting)
        self.sweep = self.sharing.widths.sweep

    def tick(self) -> None:
        """Say how far the walk is, now and then."""
        now = time.monotonic()
        if self.tell and now >= self.next_tick:
            self.next_tick, self.told = now + TICK, True
            from .progress_estimate import part

            if self.sharing:
                self.tell(*self.sharing.count(), part(self.way, self.sharing.workers.lent))
            else:
                self.tell(self.report.looked_at, self.report.changed, part(self.way, None))

    def _go_in(self, fd: int, name: str, above: Folder | None) -> None:
        """Take over the descriptor of the next folder on the way, unless it is on another mount, or another volume."""
        try:
            folder = Folder(fd, name, above)
            if above is None:
                self.way.append(folder)
                fd = -1
            elif self.target.is_other(folder.info):
                pass
            elif self.mount.is_left_at(fd):
                self.mount.leave_alone(above.path(name), self.target.right(folder.info))
            else:
                self.way.append(folder)
                fd = -1
        finally:
            if fd >= 0:
                os.close(fd)

    def _go_on(self, folder: Folder) -> None:
        if folder.folders:
            self._enter(folder, folder.folders.pop())
        elif not folder.has_entries():
            self._leave()
        else:
            self.entries.sweep(folder, self.sweep)

    # -- from folder to folder --------------------------------------------------------------------

    def _enter(self, parent: Folder, name: str) -> None:
        try:
            fd = opened(name, parent.fd)
        except (FileNotFoundError, NotADirectoryError):  # gone since, or exchanged: for a symlink it is ENOTDIR too
            return
        except OSError as error:
            self.entries.refuse(error, parent, name)
            self.entries.change_unentered(parent, name)
            return
        try:
            self._go_in(fd, name, parent)
        except OSError as error:
            self.entries.refuse(error, parent, name)
        if len(self.way) > OPEN:
            self._keep_few_open()

    def _keep_few_open(self) -> None:
        if not self.far:
            from .far_folders import FarFolders

            self.far = FarFolders(self.entries, self.mount)
        if len(self.way) - self.far.closed > OPEN:
            self.far.close_farthest(self.way, self.sharing.workers.lent if self.sharing else None)

    def _leave(self) -> None:
        """The end of a folder: all below it is done, so it may change itself. VolumeWork changes the top."""
        folder = self.way[-1]
        if self.sharing and not self.sharing.workers.collect(folder):
            return
        self.way.pop()
        try:
            if self.way and folder.above is not None:
                self._finish(folder, folder.above)
                if self.far and folder.above.fd < 0:
                    self._climb(folder, self.far)
        finally:
            folder.leave()

    def _finish(self, folder: Folder, above: Folder) -> None:
        if self.target.right(folder.info) or self.mount.is_mapped():
            return
        try:
            self.report.count(0, 1, self.target.give(folder.fd, folder.info, opened=True))
        except OSError as error:
            self.entries.refuse(error, above, folder.name)
            folder.give_back()

    def _climb(self, folder: Folder, far: "FarFolders") -> None:
        """Back to the folder above, which was closed on the way down, or to one further up."""
        for lost in far.climb(self.way, folder):
            self.way.pop()
            if self.sharing:
                self.sharing.workers.collect(lost)
