"""The way through a volume: every folder below the top, once, led by descriptors and never by a path.

Folders are left for good only when all below is done, and change their owner at that moment: until then a folder of
root's stays one that nobody else can rearrange.
"""

import posix as os
from errno import ESTALE

from .entries import Entries
from .folder import Folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .report import Report
    from .wanted import Wanted

OPEN = 24  # folders kept open on the way down: with their iterators, under 100 descriptors at any depth
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK


class Walk:
    """One walk of one process. `way` leads down from the top; of it, 1 to `closed` have no descriptor just now."""

    __slots__ = ("closed", "entries", "report", "wanted", "way")

    def __init__(self, wanted: "Wanted", report: "Report") -> None:
        self.wanted = wanted
        self.report = report
        self.entries = Entries(wanted, report)
        self.way: list[Folder] = []
        self.closed = 0

    def run(self, top: int) -> None:
        """Look at everything below the folder `top` (O_PATH), and change what is wrong, but not the top itself.

        Raises OSError where the top cannot be opened.
        """
        try:
            self.entries.open(top)
            self._go_in(os.open(".", FOLDER, dir_fd=top), ".", None)
            while self.way:
                self._go_on(self.way[-1])
        finally:
            for folder in self.way:
                folder.close()
            self.entries.close()

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
        elif folder.ended:
            self._leave()
        else:
            self.entries.sweep(folder)

    # -- from folder to folder --------------------------------------------------------------------

    def _enter(self, parent: Folder, name: str) -> None:
        try:
            fd = os.open(name, FOLDER, dir_fd=parent.fd)
        except (FileNotFoundError, NotADirectoryError):  # gone since, or exchanged: for a symlink it is ENOTDIR too
            return
        except OSError as error:
            self.entries.refuse(error, parent, name)
            self._enter_not(parent, name)
            return
        try:
            self._go_in(fd, name, parent)
        except OSError as error:
            self.entries.refuse(error, parent, name)
        if len(self.way) - self.closed > OPEN:
            self._close_farthest()

    def _enter_not(self, parent: Folder, name: str) -> None:
        """Change a folder that cannot be looked into, as far as it is one."""
        try:
            held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY, dir_fd=parent.fd)
        except OSError:
            return
        try:
            info = os.fstat(held)
            if not self.wanted.right(info) and not self.entries.elsewhere(held):
                self.entries.change(held, info)
        except OSError as error:
            self.entries.refuse(error, parent, name)
        finally:
            os.close(held)

    def _leave(self) -> None:
        """The end of a folder: all below it is done, so it may change itself. The top is left to others."""
        folder = self.way.pop()
        try:
            if folder.above is not None:
                self._finish(folder, folder.above)
                if folder.above.fd < 0:
                    self._climb(folder, folder.above)
        finally:
            folder.close()

    def _finish(self, folder: Folder, above: Folder) -> None:
        if self.wanted.right(folder.info):
            return
        try:
            self.entries.change(folder.fd, folder.info, opened=True)
        except OSError as error:
            self.entries.refuse(error, above, folder.name)

    # -- deeper than there are descriptors --------------------------------------------------------

    def _close_farthest(self) -> None:
        """Close the folder next to the top that is still open, and read it to its end before that."""
        self.closed += 1
        folder = self.way[self.closed]
        while not folder.ended:
            self.entries.sweep(folder)
        folder.close()

    def _climb(self, child: Folder, above: Folder) -> None:
        """Open the folder above again, which was closed on the way down.

        ".." of a folder that somebody moved meanwhile may lie outside the volume: only the very folder that we came
        through is taken.
        """
        if self._open_again(above, "..", child.fd):
            self.closed -= 1
        else:
            self._descend_again()

    def _open_again(self, folder: Folder, name: str, start: int) -> bool:
        """Open what was closed by this name; whether it is what it was."""
        try:
            folder.fd = os.open(name, FOLDER, dir_fd=start)
            info = os.fstat(folder.fd)
            if (info.st_dev, info.st_ino) == folder.ident and not self.entries.elsewhere(folder.fd):
                return True
        except OSError:
            pass
        folder.close()
        return False

    def _descend_again(self) -> None:
        """Find the way down again by names; what is no longer on it is given up, and reported."""
        reached = self.way[0]
        for depth, folder in enumerate(self.way[1:], 1):
            if not self._open_again(folder, folder.name, reached.fd):
                self.report.refuse(ESTALE, folder.path(""))
                del self.way[depth:]
                break
            if reached.above is not None:
                reached.close()
            reached = folder
        self.closed = max(len(self.way) - 2, 0)
