"""The fork of init mode, the only one: init stays as this process, and the child goes on as the starter.

`called_as` calls it before anything of a start is loaded, and `entry` where only the settings or a look at the world
could tell that init mode is asked for.
"""

import _signal
import posix as os

from pydrop import kernel  # noqa: F401 # both need it: where it cannot be loaded, one process says so, before the fork
from pydrop.errors import PydropError
from pydrop.process import InitProcess, Start, StarterProcess
from pydrop.signals import ALL


def fork(start: Start, program: str) -> None:
    """Fork into init (this process) and the starter (the child). The starter returns, with `start.init` set.

    Init never returns; its messages begin with `program`. Raises PydropError where this process cannot fork."""
    came_blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, ALL)
    child_signal = _signal.getsignal(_signal.SIGCHLD) or _signal.SIG_DFL
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # where it is ignored, the kernel keeps no child's exit code
    asks, ask = os.pipe()
    answer, answers = os.pipe()
    init = os.getpid()
    try:
        child = os.fork()
    except OSError as error:
        raise PydropError(
            f"unable to fork for init mode: {error.strerror}", "allow more processes (docker: --pids-limit, --ulimit)"
        ) from error
    if child:
        os.close(ask)
        os.close(answer)
        start.starter = StarterProcess(pid=child, asks=asks, answers=answers)
        from pydrop.pid1.init import stay

        stay(start, program)
    os.close(asks)
    os.close(answers)
    _signal.signal(_signal.SIGCHLD, child_signal)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, came_blocked)
    start.init = InitProcess(pid=init, ask=ask, answer=answer)
