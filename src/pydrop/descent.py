"""How a `pydrop` inside a hook finds the start that runs the hook: by its descent, and by no variable.

It looks from parent to parent for one who holds such a file as `telling` makes, and is inside where the hook named
there is on its way. A daemon that a hook left behind is not below any hook.
"""

import posix as os

from pydrop import proc_stat, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.telling import Told

HELD = f"/memfd:{record.MEMORY} (deleted)"  # such a file as /proc/PID/fd shows it


class Descent:
    """The processes above this one: `told` by the start whose hook is one of them; None where there is none.

    `hidden` are those that do not let this process look at what they hold."""

    def __init__(self) -> None:
        self.hidden: list[int] = []
        self.told: Told | None = None
        try:
            self._look()
        except (OSError, ValueError):  # no /proc; or one of them has ended meanwhile, and so is no hook's
            pass

    def _look(self) -> None:
        child = proc_stat.own_number()
        while self.told is None and (parent := proc_stat.parent(child)) > 0:
            for memory in self._memories(parent):
                self.told = self.told or _told(memory, child, parent)
            child = parent

    def _memories(self, process: int) -> list[str]:
        """The paths of the files in memory of that name which a process holds."""
        folder, found = f"/proc/{process}/fd", []
        try:
            for name in os.listdir(folder):
                if os.readlink(f"{folder}/{name}") == HELD:
                    found.append(f"{folder}/{name}")
        except FileNotFoundError:  # closed meanwhile
            pass
        except PermissionError:
            self.hidden.append(process)
        return found


def _told(memory: str, child: int, parent: int) -> "Told | None":
    from pydrop import telling

    return telling.told(memory, child, parent)
