"""Runs root's hooks, one after the other, and takes what they add to the program's environment.

Signals are not handled here but waited for: TERM, INT, HUP, QUIT and CHLD are blocked before a hook
is started and then taken one at a time, so none can come between the start of a hook and our
knowing its process. posix_spawn runs no Python between fork and exec, and the hook gets the mask
and dispositions that this process was given.
"""

import _signal
import errno
import os
import time

from pydrop.errors import HookFailed, Untrusted
from pydrop.model import Outcome, Start
from pydrop.record import PLACE
from pydrop.rootenv import for_root
from pydrop.signals import ENDING
from pydrop.steps import HooksStep
from pydrop.trust import open_trusted, roots_folder

IGNORED_BY_PYTHON = (_signal.SIGPIPE, _signal.SIGXFSZ)
PATIENCE = 0.06  # seconds from a signal until the hook is killed: a start must end within 0.1
LAST_WAIT = 1.0  # seconds at most for the kernel to end what was killed; it takes none but where a disk hangs
LARGEST_FILE = 1 << 20  # bytes that a hook may add
LARGEST_LINE = 131070  # bytes of NAME=value without its final NUL, MAX_ARG_STRLEN (execve(2))


def perform(step: HooksStep, start: Start) -> Outcome:
    """Run every hook as root with the command as its arguments, and collect what they add.

    Raises HookFailed with the hook's exit code (128+N where a signal ended it, 125 for one
    that cannot run or writes what sets no variable), and Untrusted."""
    if not step.hooks:
        return Outcome()
    added: dict[str, str] = {}
    additions = Additions()
    try:
        for hook in step.hooks:
            path = additions.fresh()
            environment = for_root(start.environment) | added | {"PYDROP_ENV": path}
            _run(hook, (hook, *step.command), environment, start)
            added |= parsed(additions.content(), hook)
    finally:
        additions.close()
        _reap_strangers()
    return Outcome(changed=len(step.hooks), words=f"ran {', '.join(step.hooks)}", environment=tuple(added.items()))


# -- one hook -------------------------------------------------------------------------------------


def _run(hook: str, arguments: tuple[str, ...], environment: dict[str, str], start: Start) -> None:
    """Run one hook to its end. A signal that comes meanwhile goes to the hook, and when the hook is
    gone to our own handler, which ends the start. Raises HookFailed, Untrusted."""
    came_blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
    child_signal = _signal.getsignal(_signal.SIGCHLD)
    held = [s for s in ENDING if s not in came_blocked and _signal.getsignal(s) != _signal.SIG_IGN]
    try:
        _signal.pthread_sigmask(_signal.SIG_BLOCK, [*held, _signal.SIGCHLD])
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # where it came ignored, no status would be kept
        process = _spawn(hook, arguments, environment, (set(came_blocked) - set(ENDING)) | set(start.blocked), start)
        status = _wait(process, held)
    finally:
        _signal.signal(_signal.SIGCHLD, child_signal or _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, came_blocked)  # one that was passed on is raised here
    _require_success(hook, status)


def _spawn(hook: str, arguments: tuple[str, ...], environment: dict[str, str], mask: set[int], start: Start) -> int:
    """Start a hook that is still root's alone, and return its process id."""
    try:
        os.close(open_trusted(hook, os.O_PATH))
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
    """The hook's wait status, when it has ended; orphans that PID 1 inherits meanwhile are reaped.

    The first of `held` that comes is passed on, the hook killed if that does not end it at once,
    and the signal put back for our own handler."""
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
    """Pass a signal on and see the hook gone, killed where it takes too long."""
    os.kill(process, signum)
    os.kill(process, _signal.SIGCONT)  # one that is stopped would not see it
    status = _within(PATIENCE, process)
    if status is None:
        os.kill(process, _signal.SIGKILL)
        status = _within(LAST_WAIT, process)
    return signum if status is None else status  # stuck in the kernel: the container's end takes it


def _within(seconds: float, process: int) -> int | None:
    end = time.monotonic() + seconds
    while (status := _reaped(process)) is None and (left := end - time.monotonic()) > 0:
        _signal.sigtimedwait([_signal.SIGCHLD], left)
    return status


def _reaped(process: int) -> int | None:
    """The status of our hook if it has ended. PID 1 reaps whatever else has ended too; any other
    process may have children of the program's, who will want to wait for them itself."""
    anybody_or_it = -1 if os.getpid() == 1 else process
    while True:
        try:
            pid, status = os.waitpid(anybody_or_it, os.WNOHANG)
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
    except ChildProcessError:  # none at all
        pass


def _require_success(hook: str, status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    if code > 0:
        raise HookFailed(f"the hook {hook} failed with exit code {code}", "its messages above say why", code)
    if code < 0:
        raise HookFailed(f"the hook {hook} was ended by signal {-code}", "see what sent it", 128 - code)


# -- what hooks add -------------------------------------------------------------------------------


class Additions:
    """The file that $PYDROP_ENV names: root's alone, new for each hook, gone at the end.

    In /run/pydrop where that is root's alone, else in memory, reached through /proc."""

    def __init__(self) -> None:
        self.name = f"env.{os.getpid()}"
        self.memory = -1
        self.folder = _own_folder()
        try:
            self.fresh()
        except OSError:  # -1, read-only, full
            self.memory = os.memfd_create("pydrop-env")

    def fresh(self) -> str:
        """Make the file anew, empty, and return its path."""
        if self.memory >= 0:
            os.ftruncate(self.memory, 0)
            return f"/proc/{os.readlink('/proc/self')}/fd/{self.memory}"
        self._remove()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        os.close(os.open(self.name, flags, 0o600, dir_fd=self.folder))
        return f"{PLACE}/{self.name}"

    def content(self) -> bytes:
        """What the hook wrote, also where it put a new file in place of ours; a little over LARGEST_FILE at most."""
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
    """A descriptor of /run/pydrop, made where it is missing; -1 where it cannot be root's alone."""
    try:
        return roots_folder(PLACE)
    except (OSError, Untrusted):
        return -1


def parsed(content: bytes, hook: str) -> dict[str, str]:
    """The variables of NAME=value lines; blank lines are none. Raises HookFailed that names the
    hook and the line's number, never its value."""
    found: dict[str, str] = {}
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
        found[os.fsdecode(name)] = os.fsdecode(value)
    return found
