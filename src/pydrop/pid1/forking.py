"""The fork of init mode where the launcher did not make it: for ``python3 -m pydrop``, and where it guessed wrong.

The process that stays then holds all that the start has loaded until here.
"""

import _signal
import posix as os

from pydrop.errors import PydropError
from pydrop.process import InitProcess, Start, StarterProcess
from pydrop.signals import ALL


def fork(start: Start) -> None:
    """The child returns, with its init in `start`; init never does.

    Raises PydropError where this process cannot fork."""
    came_blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, ALL)
    child_signal = _signal.getsignal(_signal.SIGCHLD) or _signal.SIG_DFL
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # where it came ignored, no exit code would be kept
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

        stay(start)
    os.close(asks)
    os.close(answers)
    _signal.signal(_signal.SIGCHLD, child_signal)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, came_blocked)
    start.init = InitProcess(pid=init, ask=ask, answer=answer)
