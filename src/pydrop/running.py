"""A child of root's: started in `/`, waited for, passed the signals that arrive meanwhile, and reaped.

No handler takes the signals that arrive while it runs. TERM, INT, HUP, QUIT and CHLD are blocked before the child is
started and then taken one at a time, so none can arrive between its start and the moment its process id is known.
posix_spawn runs no Python between fork and exec. It gives the child the signal mask and the dispositions with which
this process was started.
"""

import _signal
import errno
import os
import time

from pydrop.errors import HookFailed
from pydrop.interpreter import require_trusted
from pydrop.model import Start
from pydrop.signals import ENDING
from pydrop.trust import open_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

IGNORED_BY_PYTHON = (_signal.SIGPIPE, _signal.SIGXFSZ)
PATIENCE = 0.06  # seconds from a signal until the hook is killed: a start must end within 0.1
LAST_WAIT = 1.0  # seconds to wait at most for a killed hook; the kernel ends it at once unless a disk hangs


class Workdir:
    """The image's working folder, which this process leaves while hooks run: they start in `/`.

    The folder may be a volume. What the user put there, a json.py, is what `python3 -c "import json"` finds first."""

    def __init__(self) -> None:
        self.folder = os.open(".", os.O_PATH | os.O_DIRECTORY)
        self.variables: dict[str, str] = {}
        try:
            self.variables["PYDROP_WORKDIR"] = os.getcwd()
        except OSError:  # it was removed, and has no name any more, or one that is too long
            pass
        os.chdir("/")

    def leave(self) -> None:
        """Go back there, for the program."""
        os.fchdir(self.folder)
        os.close(self.folder)


def run(
    hook: str, arguments: tuple[str, ...], environment: dict[str, str], start: Start, began: "Callable[[int], None]"
) -> None:
    """Run one hook of root's to its end; `began` gets its process id. Raises HookFailed, Untrusted."""

    def begin(mask: set[int]) -> int:
        process = _spawn(hook, arguments, environment, mask, start)
        began(process)
        return process

    require_success(f"the hook {hook}", to_its_end(begin, start, os.kill))


def to_its_end(begin: "Callable[[set[int]], int]", start: Start, send: "Callable[[int, int], None]") -> int:
    """Start a hook and wait for its end; returns its wait status.

    `begin` starts it with a signal mask, and returns its process id. A signal that arrives meanwhile goes to the hook
    by `send`. When the hook is gone, the signal goes to this process's own handler, which ends the start."""
    came_blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
    child_signal = _signal.getsignal(_signal.SIGCHLD)
    held = [s for s in ENDING if s not in came_blocked and _signal.getsignal(s) != _signal.SIG_IGN]
    try:
        _signal.pthread_sigmask(_signal.SIG_BLOCK, [*held, _signal.SIGCHLD])
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # while SIGCHLD is ignored, wait(2) has no status
        return _wait(begin((set(came_blocked) - set(ENDING)) | set(start.blocked)), held, send)
    finally:
        _signal.signal(_signal.SIGCHLD, child_signal or _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, came_blocked)  # a signal put back by _wait is handled here


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


def _wait(process: int, held: list[int], send: "Callable[[int, int], None]") -> int:
    """The hook's wait status, as soon as the hook has ended. PID 1 reaps the orphans that it inherits meanwhile.

    The first of the `held` signals that arrives is passed on to the hook. A hook that does not end at once is killed.
    Then the signal is put back for this process's own handler."""
    while True:
        status = _reaped(process)
        if status is not None:
            return status
        came = _signal.sigwaitinfo([*held, _signal.SIGCHLD]).si_signo
        if came != _signal.SIGCHLD:
            status = _ended_by(process, came, send)
            os.kill(os.getpid(), came)
            return status


def _ended_by(process: int, signum: int, send: "Callable[[int, int], None]") -> int:
    """Pass a signal on, wait for the hook's end, and kill the hook after PATIENCE. Returns its wait status."""
    send(process, signum)
    send(process, _signal.SIGCONT)  # a stopped process takes no signal until it is continued
    status = _within(PATIENCE, process)
    if status is None:
        send(process, _signal.SIGKILL)
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


def reap_strangers() -> None:
    """PID 1 reaps the orphans that it has inherited."""
    try:
        while os.getpid() == 1 and os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:  # this process has no children
        pass


def require_success(hook: str, status: int) -> None:
    """Raise HookFailed where a wait status is no success."""
    code = os.waitstatus_to_exitcode(status)
    if code > 0:
        raise HookFailed(f"{hook} failed with exit code {code}", "its messages above say why", code)
    if code < 0:
        raise HookFailed(f"{hook} was ended by signal {-code}", "see what sent it", 128 - code)
