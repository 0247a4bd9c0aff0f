"""The foreground of the terminal (termios(3), tcsetpgrp(3)): the command's process group has it while the command runs.

Init and the starter call this module. A terminal stops a background process that touches it, by TTIN or TTOU. Both
signals are blocked where these functions run, so that no call here stops its caller.
"""

import _signal
import fcntl
import posix as os

ABOVE = 10  # the lowest descriptor for our own use: those below are streams, and others that a program may inherit
TIOCSCTTY, TIOCNOTTY = 0x540E, 0x5422  # ioctl_tty(2)


def controlling() -> int:
    """A new descriptor of this session's terminal, where one of the streams is that terminal; else -1.

    It does not matter here which group has the foreground, since that may change. A shell may bring a background job to
    the front, and the command may have taken the foreground before init looks."""
    for stream in (0, 1, 2):
        try:
            os.tcgetpgrp(stream)
            return fcntl.fcntl(stream, fcntl.F_DUPFD_CLOEXEC, ABOVE)
        except OSError:  # the stream is closed, no terminal, or not the controlling one
            continue
    return -1


def give(terminal: int, group: int) -> None:
    """Put a process group into the foreground. A terminal that is gone is no error: it has no foreground."""
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
    """Stop this process by a terminal's stop signal, until its shell continues it.

    Returns False where it could not stop: the kernel stops no group without a shell above it (setpgid(2), orphaned
    process groups). Where a CONT has come since the command stopped, this process does not stop at all: the stop would
    discard that CONT, and with it the shell's wish to go on."""
    if _signal.SIGCONT in _signal.sigpending():
        return True
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)  # the process stands still here
    _signal.pthread_sigmask(_signal.SIG_BLOCK, [number])
    return _signal.SIGCONT in _signal.sigpending()


def let_go() -> None:
    """Give the controlling terminal up, so that the command's session can take it.

    Where this process led the terminal's session, the kernel sends HUP and CONT to the foreground group, which is this
    process's own. Both are blocked here and are taken out of the queue, else init would pass them on (dumb-init#136).
    One that somebody else had sent before stays in the queue."""
    try:
        fcntl.ioctl(0, TIOCNOTTY)
    except OSError:  # standard input is no terminal, or not this session's
        return
    for number in (_signal.SIGHUP, _signal.SIGCONT):
        came = _signal.sigtimedwait([number], 0)
        if came is not None and came.si_pid != os.getpid():
            os.kill(os.getpid(), number)


def take() -> None:
    """Make standard input the controlling terminal of this process, which leads a session.

    Where it is no terminal, or another session has it, nothing happens."""
    try:
        fcntl.ioctl(0, TIOCSCTTY, 0)
    except OSError:
        pass


def in_group_of_its_own() -> None:
    """Make this process lead a process group of its own, which gets the foreground where its parent's group had it."""
    terminal, parent_group = controlling(), os.getpgrp()
    os.setpgid(0, 0)
    if terminal < 0:
        return
    if is_in_front(terminal, parent_group):
        blocked = _signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGTTOU])
        give(terminal, os.getpid())
        _signal.pthread_sigmask(_signal.SIG_SETMASK, blocked)
    os.close(terminal)
