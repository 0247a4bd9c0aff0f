"""Performs HooksStep: runs root's hooks, one after the other, and collects what they add to the program's environment.

No handler takes the signals that arrive while a hook runs. TERM, INT, HUP, QUIT and CHLD are blocked before the hook
is started and then taken one at a time, so none can arrive between the start of a hook and the moment its process id
is known. posix_spawn runs no Python between fork and exec. It gives the hook the signal mask and the dispositions
with which this process was started.
"""

import _signal
import errno
import os
import time

from pydrop.errors import HookFailed, Untrusted
from pydrop.interpreter import require_trusted
from pydrop.model import Outcome, Start
from pydrop.record import PLACE
from pydrop.rootenv import for_root
from pydrop.signals import ENDING
from pydrop.steps import HooksStep
from pydrop.trust import open_trusted, roots_folder

IGNORED_BY_PYTHON = (_signal.SIGPIPE, _signal.SIGXFSZ)
PATIENCE = 0.06  # seconds from a signal until the hook is killed: a start must end within 0.1
LAST_WAIT = 1.0  # seconds to wait at most for a killed hook; the kernel ends it at once unless a disk hangs
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
    workdir = Workdir()
    try:
        for hook in step.hooks:
            own = {"PYDROP_ENV": additions.fresh(), **workdir.variables}
            _run(hook, (hook, *step.command), for_root(start.environment) | added | own, start)
            added |= parsed(additions.content(), hook)
    finally:
        workdir.leave()
        additions.close()
        _reap_strangers()
    return Outcome(changed=len(step.hooks), words=f"ran {', '.join(step.hooks)}", environment=tuple(added.items()))


class Workdir:
    """The image's working folder, which this process leaves while hooks run: they start in `/`.

    The folder may be a volume. What the user put there, a json.py, is what `python3 -c "import json"` finds first."""

    def __init__(self) -> None:
        self.folder = os.open(".", os.O_PATH | os.O_DIRECTORY)
        self.variables: dict[str, str] = {}
        try:
            self.variables["PYDROP_WORKDIR"] = os.getcwd()
        except FileNotFoundError:  # it was removed, and has no name any more
            pass
        os.chdir("/")

    def leave(self) -> None:
        """Go back there, for the program."""
        os.fchdir(self.folder)
        os.close(self.folder)


# -- one hook -------------------------------------------------------------------------------------


def _run(hook: str, arguments: tuple[str, ...], environment: dict[str, str], start: Start) -> None:
    """Run one hook to its end. Raises HookFailed, Untrusted.

    A signal that arrives meanwhile goes to the hook. When the hook is gone, the signal goes to this process's own
    handler, which ends the start."""
    came_blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
    child_signal = _signal.getsignal(_signal.SIGCHLD)
    held = [s for s in ENDING if s not in came_blocked and _signal.getsignal(s) != _signal.SIG_IGN]
    try:
        _signal.pthread_sigmask(_signal.SIG_BLOCK, [*held, _signal.SIGCHLD])
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # while SIGCHLD is ignored, wait(2) has no status
        process = _spawn(hook, arguments, environment, (set(came_blocked) - set(ENDING)) | set(start.blocked), start)
        status = _wait(process, held)
    finally:
        _signal.signal(_signal.SIGCHLD, child_signal or _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, came_blocked)  # a signal put back by _wait is handled here
    _require_success(hook, status)


def _spawn(hook: str, arguments: tuple[str, ...], environment: dict[str, str], mask: set[int], start: Start) -> int:
    """Start a hook and return its process id. The hook and its interpreter must still be root's alone; Untrusted where
    they are not."""
    try:
        os.close(open_trusted(hook, os.O_PATH))
        require_trusted(hook, environment["PATH"])
        return os.posix_spawn(
            hook,
            arguments,
            environment,
            setsigmask=mask,
            setsigdef=[s for s in IGNORED_BY_PYTHON if s not in start.ignored],
        )
    except OSError as error:
        remedy = REMEDIES.get(error.errno or 0, "mend it, or remove it from the hooks folder")
        raise HookFailed(f"unable to run the hook {hook}: {error.strerror}", remedy) from error


REMEDIES = {
    errno.ENOEXEC: "begin it with a line that names its interpreter, as #!/bin/sh",
    errno.ENOENT: "check that it is there, and so is the interpreter that its first line names (a CR there hides it)",
    errno.EACCES: "it must be executable (chmod a+x) and on a mount that is not noexec",
}


def _wait(process: int, held: list[int]) -> int:
    """The hook's wait status, as soon as the hook has ended. PID 1 reaps the orphans that it inherits meanwhile.

    The first of the `held` signals that arrives is passed on to the hook. A hook that does not end at once is killed.
    Then the signal is put back for this process's own handler."""
    while True:
        status = _reaped(process)
        if status is not None:
            return status
        came = _signal.sigwaitinfo([*held, _signal.SIGCHLD]).si_signo
        if came != _signal.SIGCHLD:
            status = _ended_by(process, came)
            os.kill(os.getpid(), came)
            return status


def _ended_by(process: int, signum: int) -> int:
    """Pass a signal on, wait for the hook's end, and kill the hook after PATIENCE. Returns its wait status."""
    os.kill(process, signum)
    os.kill(process, _signal.SIGCONT)  # a stopped process takes no signal until it is continued
    status = _within(PATIENCE, process)
    if status is None:
        os.kill(process, _signal.SIGKILL)
        status = _within(LAST_WAIT, process)
    return signum if status is None else status  # stuck in the kernel: it ends with the container


def _within(seconds: float, process: int) -> int | None:
    """The hook's wait status, or None where it has not ended within this time."""
    end = time.monotonic() + seconds
    while (status := _reaped(process)) is None and (left := end - time.monotonic()) > 0:
        _signal.sigtimedwait([_signal.SIGCHLD], left)
    return status


def _reaped(process: int) -> int | None:
    """The hook's wait status, or None while it runs.

    PID 1 reaps every other child that has ended too. Any other process may have children that belong to the program,
    and the program will want to wait for these itself."""
    waited_for = -1 if os.getpid() == 1 else process
    while True:
        try:
            pid, status = os.waitpid(waited_for, os.WNOHANG)
        except ChildProcessError as error:
            raise HookFailed("unable to learn how a hook ended", "leave reaping to pydrop") from error
        if pid == process:
            return status
        if pid == 0:
            return None


def _reap_strangers() -> None:
    try:
        while os.getpid() == 1 and os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:  # this process has no children
        pass


def _require_success(hook: str, status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    if code > 0:
        raise HookFailed(f"the hook {hook} failed with exit code {code}", "its messages above say why", code)
    if code < 0:
        raise HookFailed(f"the hook {hook} was ended by signal {-code}", "see what sent it", 128 - code)


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
