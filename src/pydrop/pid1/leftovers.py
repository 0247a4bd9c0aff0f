"""The processes below init: finds them in /proc by their parents, and sends them signals. `pid1.loop` calls it."""

import posix as os

from pydrop.encoding import decoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    Process = tuple[int, str]  # pid, name as in /proc/PID/comm
MOST_NAMED = 5  # processes that a message names one by one
GONE = ("Z", "X")  # the states zombie and dead (proc(5)), in which no signal reaches a process


def below(top: int) -> "list[Process]":
    """All living descendants of the process `top`, parents first. A zombie is left out, its children are not."""
    children: dict[int, list[tuple[int, str, str]]] = {}
    for pid, parent, state, name in _all():
        children.setdefault(parent, []).append((pid, state, name))
    found, todo = [], [top]
    for parent in todo:  # the list grows during the loop
        for pid, state, name in children.get(parent, ()):
            todo.append(pid)
            if state not in GONE:
                found.append((pid, name))
    return found


def _all() -> "list[tuple[int, int, str, str]]":
    """(pid, parent's pid, state, name) of all processes of this PID namespace that /proc shows."""
    found = []
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    for pid in pids:
        try:
            file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # the process has ended meanwhile
            continue
        try:
            line = decoded(os.read(file, 4096))
        except OSError:
            continue
        finally:
            os.close(file)
        head, _, rest = line.rpartition(")")  # the last bracket: a name may hold blanks and brackets
        fields = rest.split()
        if len(fields) > 1:
            found.append((int(pid), int(fields[1]), fields[0], head.partition("(")[2]))
    return found


def send(processes: "list[Process]", number: int) -> "list[Process]":
    """Send a signal to each process. Returns those to which the kernel refuses it."""
    refused = []
    for pid, name in processes:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        except OSError:
            refused.append((pid, name))
    return refused


def named(processes: "list[Process]") -> str:
    """The processes as words of a message: ``worker (pid 12), sh (pid 14) and 3 more``."""
    words = ", ".join([f"{name} (pid {pid})" for pid, name in processes[:MOST_NAMED]])
    more = len(processes) - MOST_NAMED
    return f"{words} and {more} more" if more > 0 else words
