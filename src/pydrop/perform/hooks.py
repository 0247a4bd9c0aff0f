"""Performs HooksStep: runs root's hooks, one after the other, and collects the variables that they add."""

import os

from pydrop import running
from pydrop.errors import HookFailed, Untrusted
from pydrop.model import Outcome, Start
from pydrop.record import PLACE
from pydrop.rootenv import for_root
from pydrop.steps import HooksStep
from pydrop.trust import roots_folder

LARGEST_FILE = 1 << 20  # bytes that a hook may add
LARGEST_LINE = 131070  # bytes of NAME=value without its final NUL, MAX_ARG_STRLEN (execve(2))


def perform(step: HooksStep, start: Start) -> Outcome:
    """Run every hook as root with the command as its arguments, and collect the variables that they add.

    Raises HookFailed with the hook's exit code: 128+N where signal N ended the hook, 125 where the hook
    cannot run or writes a line that sets no variable. Raises Untrusted for a hook that is not root's alone."""
    if not step.hooks:
        return Outcome()
    added: dict[str, str] = {}
    additions = Additions()
    workdir = running.Workdir()
    try:
        for hook in step.hooks:
            own = {"PYDROP_ENV": additions.fresh(), **workdir.variables}
            running.run(hook, (hook, *step.command), for_root(start.environment) | added | own, start)
            added |= parsed(additions.content(), hook)
    finally:
        workdir.leave()
        additions.close()
        running.reap_strangers()
    return Outcome(changed=len(step.hooks), words=f"ran {', '.join(step.hooks)}", environment=tuple(added.items()))


# -- what hooks add -------------------------------------------------------------------------------


class Additions:
    """The file that $PYDROP_ENV names: root's alone, new for each hook, removed at the end.

    It lies in /run/pydrop where that folder is root's alone, else in memory, where hooks reach it through /proc."""

    def __init__(self) -> None:
        self.name = f"env.{os.getpid()}"
        self.memory = -1
        self.folder = _own_folder()
        try:
            self.fresh()
        except OSError:  # the folder is -1 (not root's alone), read-only or full
            self.memory = os.memfd_create("pydrop-env")

    def fresh(self) -> str:
        """Create the file anew, empty, and return its path."""
        if self.memory >= 0:
            os.ftruncate(self.memory, 0)
            return f"/proc/{os.readlink('/proc/self')}/fd/{self.memory}"
        self._remove()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        os.close(os.open(self.name, flags, 0o600, dir_fd=self.folder))
        return f"{PLACE}/{self.name}"

    def content(self) -> bytes:
        """The bytes that the hook wrote, also into a new file of the same name; at most LARGEST_FILE + 1."""
        if self.memory >= 0:
            return os.pread(self.memory, LARGEST_FILE + 1, 0)
        try:
            file = os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.folder)
        except FileNotFoundError:  # the hook removed it: it adds nothing
            return b""
        try:
            return os.pread(file, LARGEST_FILE + 1, 0)
        finally:
            os.close(file)

    def close(self) -> None:
        if self.memory >= 0:
            os.close(self.memory)
        else:
            self._remove()
        if self.folder >= 0:
            os.close(self.folder)

    def _remove(self) -> None:
        try:
            os.unlink(self.name, dir_fd=self.folder)
        except FileNotFoundError:
            pass


def _own_folder() -> int:
    """A descriptor of /run/pydrop, created where it is missing; -1 where it cannot be root's alone."""
    try:
        return roots_folder(PLACE)
    except (OSError, Untrusted):
        return -1


def parsed(content: bytes, hook: str) -> dict[str, str]:
    """The variables that NAME=value lines set; blank lines are skipped.

    Raises HookFailed that names the hook and the line's number, never a value."""
    variables: dict[str, str] = {}
    if len(content) > LARGEST_FILE:
        raise HookFailed(
            f"the hook {hook} wrote more than {LARGEST_FILE} bytes to $PYDROP_ENV", "write one line a variable"
        )
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        name, equals, value = line.partition(b"=")
        if not equals or not name or b"\0" in line or name.split() != [name] or len(line) > LARGEST_LINE:
            raise HookFailed(
                f"line {number} that the hook {hook} wrote to $PYDROP_ENV sets no variable",
                "write NAME=value, one a line, without quotes, blanks around the name, or export",
            )
        variables[os.fsdecode(name)] = os.fsdecode(value)
    return variables
