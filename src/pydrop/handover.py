"""The last act of a start: this process becomes the program, with its environment and its signals.

Everything else stays exactly as it came. Making a `Handover` does, before the drop, all that can fail or needs an
import. `Handover.run` then only restores the signals that CPython and the launcher changed, and calls execve(2).
Nothing is imported or opened after the drop. `entry` and `compat` call it.
"""

import _signal
import errno
import posix as os

from pydrop import command_lookup
from pydrop.errors import NOT_EXECUTABLE, NOT_FOUND, CommandFailed
from pydrop.executable import lacks, not_found, refused
from pydrop.inherited import IGNORED_BY_PYTHON
from pydrop.process import Start
from pydrop.signals import ENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.model import Facts

# After these errors execvp(3) tries the next folder of PATH.
GO_ON = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT)


class Handover:
    """A command, its environment, and how to become it."""

    def __init__(
        self, command: tuple[str, ...], environment: tuple[str, ...], start: Start, before: "Facts | None" = None
    ) -> None:
        """`before` is the world where nothing has changed it since: then the command is not looked at again."""
        self.command = command
        self.start = start
        self.paths = command_lookup.candidates(command[0], environment)
        same = before is not None and list(before.command_paths) == self.paths
        self.found = before.command if before and same else command_lookup.find(self.paths)
        self.execute = _executor(command, environment)

    def run(self) -> None:
        """Become the command. Never returns; raises CommandFailed (126, 127) where exec fails."""
        _restore_signals(self.start)
        failure = self._try_each()
        _signal.signal(_signal.SIGPIPE, _signal.SIG_IGN)  # the message may go into a pipe that nobody reads
        raise failure

    def _try_each(self) -> CommandFailed:
        """Execute the paths in turn until one works. Where none does, the error is the one that execvp(3) reports."""
        refused = None
        for path in self.paths:
            try:
                self.execute(path)
            except OSError as error:
                if error.errno not in GO_ON:
                    return self.failure(path, error)
                if error.errno == errno.EACCES:
                    refused = refused or self.failure(path, error)
        return refused or self.not_found()

    def not_found(self) -> CommandFailed:
        if self.found is not None and self.found.problem and self.found.code == NOT_FOUND:
            return refused(self.found)
        existing = [path for path in self.paths if _is_there(path)]
        if not existing:
            return not_found(self.command[0], self.paths)
        problem = f"{existing[0]} is there, but what its first line (#!) or ELF header names to run it is not"
        return CommandFailed(f"unable to run the command: {problem}", "install that in the image", NOT_FOUND)

    def failure(self, path: str, error: OSError) -> CommandFailed:
        """The error for a path that the kernel refused: in the words of the look before, where that saw why."""
        found, number = self.found, error.errno or 0
        if found is not None and found.path == path:
            if number == errno.EPERM and found.capabilities:
                return lacks(found, found.capabilities, "add them to the container (cap_add)")
            if number in SEEN and found.problem:
                return refused(found)
        remedy = REMEDIES.get(number, "check the file")
        return CommandFailed(f"unable to run {path}: {error.strerror}", remedy, NOT_EXECUTABLE)


SEEN = (errno.EACCES, errno.ENOEXEC, errno.ELOOP, errno.EINVAL)  # what command_lookup may have seen the reason of
REMEDIES = {
    errno.EACCES: "it must be a file that the program's user may execute (chmod a+rx, folders too), "
    "on a mount that is not noexec",
    errno.ELOOP: "its links lead in a circle; fix them",
    errno.ENAMETOOLONG: "no name in a path may have more than 255 bytes, and no path more than 4095",
    errno.ETXTBSY: "somebody is writing to the file; wait until that has ended",
    errno.ENOEXEC: "begin the script with a line like #!/bin/sh, or build the program for this machine's processor",
    errno.EAGAIN: "the user has too many processes; raise the limit (docker: --ulimit nproc=...)",
    errno.E2BIG: "shorten the arguments or the environment: the kernel takes 128 KiB for one of them, "
    "and 2 MiB or less for all",
    errno.ENOMEM: "give the container more memory",
    errno.EPERM: "the runtime forbids it; look for a seccomp or AppArmor profile",
}


def environment(
    came: tuple[str, ...], changes: "tuple[tuple[str, str | None], ...] | list[tuple[str, str | None]]"
) -> tuple[str, ...]:
    """`came` with `changes` applied. A changed name keeps its place, a new name goes to the end, None removes a name.

    All other lines stay byte for byte, also where a name occurs twice."""
    last = dict(changes)
    lines: list[str] = []
    seen: set[str] = set()
    for line in came:
        name = line.partition("=")[0]
        if name not in last or "=" not in line:
            lines.append(line)
            continue
        value = last[name]
        if value is not None and name not in seen:
            lines.append(f"{name}={value}")
        seen.add(name)
    lines += [f"{name}={value}" for name, value in last.items() if name not in seen and value is not None]
    return tuple(lines)


class _Lines:
    """An environment as a mapping, which os.execve wants. Unlike a dict it keeps a name that occurs twice."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self.lines = lines

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, name: str) -> str:
        raise KeyError(name)  # never called: os.execve takes keys() and values()

    def keys(self) -> list[str]:
        return [line.partition("=")[0] for line in self.lines]

    def values(self) -> list[str]:
        return [line.partition("=")[2] for line in self.lines]


def _executor(command: tuple[str, ...], environment: tuple[str, ...]) -> "Callable[[str], None]":
    """A function that executes a path: through ctypes where a line has no name or no `=`, which os.execve refuses."""
    if all([line.find("=") > 0 for line in environment]):
        lines = _Lines(environment)
        return lambda path: os.execve(path, command, lines)  # type: ignore[arg-type] # has the methods that it calls
    from pydrop.kernel import exact_exec

    return exact_exec(command, environment)


def _restore_signals(start: Start) -> None:
    """Undo what CPython and the launcher changed. pydrop's own handlers stay: exec resets them to the default."""
    for number in IGNORED_BY_PYTHON:
        if number not in start.ignored:
            _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [s for s in ENDING if s not in start.blocked])


def _is_there(path: str) -> bool:  # as in kernel, which the names of an init do not load
    try:
        os.lstat(path)
    except OSError:
        return False
    return True
