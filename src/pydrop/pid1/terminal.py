"""The foreground of the terminal (termios(3), tcsetpgrp(3)): the command's process group has it while it runs.

The signals that a terminal sends to who is in the background (TTIN, TTOU) are blocked in both processes that call
this, so that no call here stops its caller.
"""

import _signal
import fcntl
import posix as os

ABOVE = 10  # descriptors below are the streams, and what a program may expect to inherit
TIOCSCTTY, TIOCNOTTY = 0x540E, 0x5422  # ioctl_tty(2)


def controlling() -> int:
    """A new descriptor of this session's terminal, where it is one of the streams; else -1.

    Who has its foreground is another question, and may change: a shell brings a background job to the front, and the
    command may have taken it before init looks."""
    for stream in (0, 1, 2):
        try:
            os.tcgetpgrp(stream)
            return fcntl.fcntl(stream, fcntl.F_DUPFD_CLOEXEC, ABOVE)
        except OSError:  # closed, no terminal, not the controlling one
            continue
    return -1


def give(terminal: int, group: int) -> None:
    """Put a process group into the foreground. A terminal that is gone has none."""
    try:
        os.tcsetpgrp(terminal, group)
    except OSError:
        pass


def is_in_front(terminal: int, group: int) -> bool:
    """Whether this process group has the foreground."""
    try:
        return os.tcgetpgrp(terminal) == group
    except OSError:
        return False


def stop_as_job(number: int) -> bool:
    """Stop this process by a terminal's stop signal, until its shell continues it. False where that could not be: the
    kernel stops no group that has no shell above it (setpgid(2), orphaned process groups).

    A CONT that has come already, since the command stopped, is not slept through: the stop would take it away."""
    if _signal.SIGCONT in _signal.sigpending():
        return True
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)  # here it stands still
    _signal.pthread_sigmask(_signal.SIG_BLOCK, [number])
    return _signal.SIGCONT in _signal.sigpending()


def let_go() -> None:
    """This process has no controlling terminal any more, so that the command's session may take it.

    Where this process led the terminal's session, the kernel sends HUP and CONT to the foreground, which is this
    process's group and nobody else's. The two are blocked here, and are taken back, else they would be passed on
    (dumb-init#136). One that somebody else had sent before stays."""
    try:
        fcntl.ioctl(0, TIOCNOTTY)
    except OSError:  # standard input is no terminal, or not this session's
        return
    for number in (_signal.SIGHUP, _signal.SIGCONT):
        came = _signal.sigtimedwait([number], 0)
        if came is not None and came.si_pid != os.getpid():
            os.kill(os.getpid(), number)


def take() -> None:
    """This process, which leads a session, gets the terminal of standard input, where that is one and nobody's."""
    try:
        fcntl.ioctl(0, TIOCSCTTY, 0)
    except OSError:
        pass


def in_group_of_its_own() -> None:
    """This process leads a process group of its own, which gets the foreground where its parent's had it."""
    terminal, parents = controlling(), os.getpgrp()
    os.setpgid(0, 0)
    if terminal < 0:
        return
    if is_in_front(terminal, parents):
        blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGTTOU])
        give(terminal, os.getpid())
        _signal.pthread_sigmask(_signal.SIG_SETMASK, blocked)
    os.close(terminal)
