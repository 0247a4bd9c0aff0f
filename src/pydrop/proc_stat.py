"""Processes by their /proc/PID/stat (proc(5)): the name of one that no later one gets, and its parent.

The start lock, the record and the timeline name the process that made the start, and hold while that lives.
"""

import posix as os

MOST = 4096  # bytes of /proc/PID/stat to read, which is far shorter
PARENT, STARTED = 1, 19  # fields 4 and 22, counted behind the process's name


def own_number() -> int:
    """This process's number as /proc shows it: in a PID namespace below it differs from getpid(2)."""
    return int(os.readlink("/proc/self"))


def parent(pid: int) -> int:
    """The parent's number; 0 for the first process of a PID namespace, and for one whose parent is outside of it.

    OSError where no process has that pid."""
    return int(_fields(pid)[PARENT])


def container() -> str:
    """A name for this container: its PID namespace, and its root filesystem, since containers of a pod may share both
    that namespace and /run."""
    return f"{os.readlink('/proc/self/ns/pid')}@{os.stat('/').st_dev:x}"


def instance(pid: int) -> str:
    """A name for a process that no later process gets: this container, the pid, and the start time.

    OSError where no process has that pid."""
    return f"{container()} {pid} {_fields(pid)[STARTED]}"


def lives(name: str) -> bool:
    """Whether the process with this instance name runs in this container, as whatever program it became."""
    try:
        return instance(pid_of(name)) == name
    except (OSError, ValueError, IndexError):
        return False


def pid_of(name: str) -> int:
    """The pid in an instance name. ValueError or IndexError where the text is none."""
    return int(name.split()[1])


def _fields(pid: int) -> list[str]:
    """The fields behind the process's name, which a program chooses, and may hold anything."""
    file = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    try:
        text = os.read(file, MOST).decode("ascii", "replace")
    finally:
        os.close(file)
    return text.rpartition(")")[2].split()
