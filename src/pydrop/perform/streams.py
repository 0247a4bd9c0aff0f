"""Performs StreamsStep: gives the user the pipe, socket or terminal behind descriptors 0, 1 and 2.

Runtimes do the same for `--user`. Otherwise the user could write to descriptor 1 but not open /dev/stdout, where
nginx and apache log (moby/moby#31243). Files, and devices that are no terminal, keep their owner: /dev/null is
everybody's.
"""

import _stat as stat
import errno
import posix as os

from pydrop.model import Outcome, Start
from pydrop.steps import StreamsStep

STREAM_PATHS = ("/dev/stdin", "/dev/stdout", "/dev/stderr")
# Errors of fchown(2) where a kernel or a user namespace does not let the owner change; the streams themselves work.
NO_OWNER = (errno.EPERM, errno.EINVAL, errno.EROFS, errno.ENOSYS, errno.EOPNOTSUPP)
UNMAPPED = 65534  # the id that the kernel shows for an owner outside the user namespace's map, user_namespaces(7)


def perform(step: StreamsStep, _start: Start) -> Outcome:
    """Change the owner of the streams. One warning names all those that the user still cannot open by name."""
    chowned: list[str] = []
    closed: list[str] = []
    outside = False
    for descriptor, name in enumerate(STREAM_PATHS):
        try:
            status = os.fstat(descriptor)
        except OSError:  # closed, which is allowed
            continue
        if status.st_uid == step.uid or not _is_stream(descriptor, status):
            continue
        try:
            os.fchown(descriptor, step.uid, -1)  # the group stays: a terminal's is `tty`
            chowned.append(name)
        except OSError as error:
            if error.errno not in NO_OWNER:
                raise
            if _matters(descriptor, status):
                closed.append(name)
                outside = outside or status.st_uid == UNMAPPED
    words = f"{', '.join(chowned)} given to user {step.uid}" if chowned else ""
    return Outcome(changed=len(chowned), words=words, warnings=_warning(closed, step.uid, outside))


def _is_stream(descriptor: int, status: os.stat_result) -> bool:
    kind = stat.S_IFMT(status.st_mode)
    return kind in (stat.S_IFIFO, stat.S_IFSOCK) or (kind == stat.S_IFCHR and os.isatty(descriptor))


def _matters(descriptor: int, status: os.stat_result) -> bool:
    """Whether a program may want to open the stream by name and be refused: output that not everybody may write.

    A socket does not matter: its mode lets everybody write, and nobody can open a socket by name."""
    return descriptor != 0 and not status.st_mode & stat.S_IWOTH


def _warning(closed: list[str], uid: int, outside: bool) -> tuple[str, ...]:
    if not closed:
        return ()
    reason, remedy = "not permitted", "add cap_add: [CHOWN] to the service in compose"
    if outside:
        reason = "nobody in this user namespace owns them"
        remedy = "let it log to a file, or give the container a terminal: tty: true in compose (docker -t)"
    return (
        f"unable to give {' and '.join(closed)} to user {uid}: {reason}; a program that opens them by name "
        f"(nginx and apache do for their logs) will be refused: {remedy}",
    )
