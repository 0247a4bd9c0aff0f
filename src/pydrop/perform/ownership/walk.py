"""The way through a volume: every folder below the top, once, led by descriptors and never by a path.

Folders are left for good only when all below is done, and change their owner at that moment: until then a folder of
root's stays one that nobody else can rearrange.
"""

import posix as os
import time

from .entries import Entries
from .folder import Folder, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .sharing import Sharing
    from .target import Target
    from .volume_path import Surroundings
    from .volume_report import VolumeReport
    from .worker_count import Clock

    Tell = Callable[[int, int, float], None]

LOOK = 0.002  # seconds after which a walk watches how it goes
ALONE = 0.008  # seconds more before it may be shared out: a small volume needs no worker
FEW = 64  # entries that must have been looked at, however slow they were
NARROWEST, WIDEST = 16, 16384  # entries in one slice
MOST_NAMES = (
    65536  # in all slices together, if they may be wider for that: who gave them away keeps the names meanwhile
)
SLICE = 0.1  # seconds of work in one, about
BUSY_SLICE = 0.4  # the same where processors are what counts: each slice costs them 5 ms
BIT = 0.001  # seconds of work after which a worker that has ended its slice gets the next
FIRST = 1024  # the most in those before the walk is shared out, and in the first that is
TICK = 0.1  # seconds between two words to who watches
OPEN = 24  # folders kept open on the way down: with their iterators, under 100 descriptors at any depth


class Walk:
    """One walk of one process. `way` leads down from the top; of it, 1 to `closed` have no descriptor just now.

    A worker's walk begins at a part of a folder that is not its own: it is not the one to finish that folder.
    """

    def __init__(
        self, wanted: "Target", report: "VolumeReport", alone: bool, around: "Surroundings", tell: "Tell | None" = None
    ) -> None:
        """`alone`, `around`: see Entries. `tell` is called with entries looked at, changed, and the part done."""
        self.wanted = wanted
        self.report = report
        self.entries = Entries(wanted, report, alone, around)
        self.way: list[Folder] = []
        self.closed = 0
        self.began = time.monotonic()
        self.clock: Clock | None = None  # not yet
        self.width = NARROWEST
        self.widest = WIDEST
        self.bit = NARROWEST  # entries to look at before the walk may be shared again
        self.sharing: Sharing | None = None  # not yet
        self.tell = tell
        self.next_tick = self.began + TICK
        self.told = False
        self.lock = -1  # a descriptor that workers keep: the lock lasts as long as any of them

    def run(self, top: int) -> int | None:
        """Look at everything below the folder `top` (O_PATH), and change what is wrong, but not the top itself.

        Returns the uid from which the top was taken, where it was, and is root's now; else None. Raises OSError where
        the top cannot be opened.
        """
        try:
            self.entries.open(top)
            self._go_in(opened(".", top), ".", None)
            first = self.way[0]
            self._go()
            if self.told:
                self.next_tick = 0.0  # the last word is that of the end
                self.tick()
            return first.info.st_uid if first.taken else None
        finally:
            if self.sharing:  # first, since workers trust names as long as a folder is taken
                self.report.processes = self.sharing.processes()
                self.sharing.end()
            for folder in self.way:
                self.give_back(folder)
                folder.close()
            self.entries.close()

    def _go(self) -> None:
        """On from folder to folder, to the end of the way; shared out once it has taken a while."""
        try:
            while self.way:
                if self.sharing:
                    self.sharing.share(self)
                else:
                    self._consider()
                if self.tell:
                    self.tick()
                self._go_on(self.way[-1])
        finally:
            if self.sharing:
                self.sharing.leave(self)  # the end of a worker, which has forked from here

    def _consider(self) -> None:
        """Share the walk out, if that is worth it. Slices grow until then, so that slow entries show soon."""
        if not self.clock:
            self.width = min(self.width * 2, FIRST, WIDEST)
            if time.monotonic() - self.began > LOOK:
                from .worker_count import Clock

                self.clock = Clock(self.report.looked_at)
            return
        if self.clock.wall() < ALONE or self.report.looked_at < FEW:
            return
        from .sharing import Sharing

        pace = self.clock.pace(self.report.looked_at)
        self.sharing = Sharing.decided(self.clock.busy(), pace, told=self.tell is not None)
        seconds = BUSY_SLICE if self.sharing.is_busy else SLICE
        processes = self.sharing.tokens.count + 1 if self.sharing.tokens else 1
        self.widest = max(NARROWEST, min(int(seconds / pace), max(WIDEST, MOST_NAMES // processes)))
        self.width = min(FIRST, self.widest)
        self.bit = max(NARROWEST, min(int(BIT / pace), self.widest))

    def tick(self) -> None:
        """Tell who watches how far the walk is, now and then."""
        now = time.monotonic()
        if self.tell and now >= self.next_tick:
            self.next_tick, self.told = now + TICK, True
            from .progress_estimate import part

            looked_at, changed = self.report.looked_at, self.report.changed
            if self.sharing:
                looked_at, changed = self.sharing.count(looked_at, changed)
            self.tell(looked_at, changed, part(self.way, self.sharing))

    def _go_in(self, fd: int, name: str, above: Folder | None) -> None:
        """Take over the descriptor of the next folder on the way, unless it is on another mount."""
        try:
            if above is not None and self.entries.elsewhere(fd):
                self.report.mounts.add(above.path(name))
            else:
                self.way.append(Folder(fd, name, above))
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
            self.entries.sweep(folder, self.bit if self.sharing else self.width)

    # -- from folder to folder --------------------------------------------------------------------

    def _enter(self, parent: Folder, name: str) -> None:
        try:
            fd = opened(name, parent.fd)
        except (FileNotFoundError, NotADirectoryError):  # gone since, or exchanged: for a symlink it is ENOTDIR too
            return
        except OSError as error:
            from . import by_descriptor

            self.entries.refuse(error, parent, name)
            by_descriptor.change_unentered(self, parent, name)
            return
        try:
            self._go_in(fd, name, parent)
        except OSError as error:
            self.entries.refuse(error, parent, name)
        if len(self.way) - self.closed > OPEN:
            from . import open_folders

            open_folders.close_farthest(self)

    def _leave(self) -> None:
        """The end of a folder: all below it is done, so it may change itself. The top is left to others."""
        folder = self.way[-1]
        if self.sharing and not self.sharing.collect(self, folder):
            return
        self.way.pop()
        try:
            if self.way and folder.above is not None:
                folder.above.done += 1
                self._finish(folder, folder.above)
                if folder.above.fd < 0:
                    from . import open_folders

                    open_folders.climb(self, folder, folder.above)
        finally:
            folder.close()

    def _finish(self, folder: Folder, above: Folder) -> None:
        if self.wanted.right(folder.info):
            return
        try:
            self.entries.change(folder.fd, folder.info, opened=True)
        except OSError as error:
            self.entries.refuse(error, above, folder.name)
            self.give_back(folder)

    def give_back(self, folder: Folder) -> None:
        """To the owner it was taken from, if it was and the kernel lets us."""
        try:
            folder.give_back()
        except OSError:
            pass  # it stays root's, which the next start sees as wrong
