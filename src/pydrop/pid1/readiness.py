"""How a command says that it is ready, and whom init tells: a ready file, and the socket that pydrop was given.

The command speaks sd_notify(3), or writes a line to a descriptor, as with s6. The kernel announces readable data by a
signal (fcntl(2), F_SETSIG). So `pid1.loop` waits for everything in one place, and nothing is polled.
"""

import fcntl
import posix as os
import sys

from pydrop.errors import PydropError
from pydrop.process import Supervision
from pydrop.signals import WAKE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable

LARGEST_MESSAGE = 4096  # bytes; systemd takes no more either (PIPE_BUF)
# What a program may say of itself is passed on, and nothing else: any other line of sd_notify(3) steers whoever runs
# the container (MAINPID=, FDSTORE=1, NOTIFYACCESS=, WATCHDOG_USEC=, WATCHDOG=trigger), or is init's own to say
# (READY=1, STOPPING=1, and RELOADING=1, behind which the manager waits for another READY=1).
PASSED_ON = ("STATUS=", "ERRNO=", "BUSERROR=", "VARLINKERROR=")
ALIVE = "WATCHDOG=1"
MORE_TIME = "EXTEND_TIMEOUT_USEC="  # for the start alone: a stop's time is init's to give
MOST_PARENTS = 64  # from a sender up to init


def _bound() -> "_socket.socket":
    """A datagram socket under a name that the kernel chooses (unix(7), autobind), so that it needs no folder."""
    import _socket

    kind = _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK
    bound = _socket.socket(_socket.AF_UNIX, kind)
    bound.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)
    bound.bind("")
    return bound


def connected(environment: tuple[str, ...]) -> "_socket.socket | None":
    """A socket connected to NOTIFY_SOCKET of `environment`; None where that is unset. PydropError where it fails."""
    import _socket

    address = next((line[14:] for line in environment if line.startswith("NOTIFY_SOCKET=")), "")
    if not address:
        return None
    outer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK)
    try:
        outer.connect("\0" + address[1:] if address.startswith("@") else address)
    except OSError as error:
        raise PydropError(
            f"unable to reach NOTIFY_SOCKET={address}: {error.strerror}",
            "leave it out, or mount the socket of whoever waits for READY=1",
        ) from error
    return outer


class Readiness:
    """Reads the command's messages, makes the ready file, and writes to the outer socket. `warn` prints a failure."""

    def __init__(self, asked: Supervision, warn: "Callable[[str], None]") -> None:
        self.asked = asked
        self.warn = warn
        self.heard: _socket.socket | None = None  # the socket to which the command speaks sd_notify
        self.line = -1  # the descriptor from which its line is read
        self.outer: _socket.socket | None = None  # connected to the NOTIFY_SOCKET that pydrop was given
        self.is_ready = False

    def open(self, pipe: str, environment: tuple[str, ...]) -> None:
        """Open all sockets and pipes, before the drop and before the starter becomes the command.

        `pipe` is a path in the starter's /proc entry. `environment` is pydrop's own, with its NOTIFY_SOCKET."""
        if self.asked.ready == "notify":
            self.heard = _bound()
            _wake_by_signal(self.heard.fileno())
        elif self.asked.ready != "started":
            self.line = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            _wake_by_signal(self.line)
        if self.asked.announces:
            self.outer = connected(environment)

    def address(self) -> str:
        """The command's NOTIFY_SOCKET; "" where it does not speak sd_notify to init."""
        if self.heard is None:
            return ""
        name: bytes = self.heard.getsockname()
        return "@" + name[1:].decode("ascii")

    def look(self) -> bool:
        """Read all that has come. Returns whether the command has said that it is ready.

        Of its messages' other lines those that a program may say are passed on to the outer socket."""
        is_ready = self._line()
        while self.heard is not None and (message := _message(self.heard)) is not None:
            lines = message.split("\n")
            is_ready = is_ready or "READY=1" in lines
            rest = passed_on(lines, self.is_ready)
            if rest:
                self._tell_outer("\n".join(rest))
        return is_ready

    def _line(self) -> bool:
        """Whether a line has come. The pipe is closed after its line, or when all its writers have closed it."""
        if self.line < 0:
            return False
        try:
            came = os.read(self.line, LARGEST_MESSAGE)
        except BlockingIOError:
            return False
        if not came or b"\n" in came:
            os.close(self.line)
            self.line = -1
        return b"\n" in came

    def begin(self) -> None:
        """Remove the ready file of an earlier run, which somebody would believe."""
        self._remove()

    def ready(self) -> None:
        """Announce that the command is ready: READY=1, and the ready file."""
        self.is_ready = True
        self._tell_outer("READY=1")
        if self.asked.ready_file is None:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            os.close(os.open(self.asked.ready_file, flags, 0o644))
        except OSError as error:
            self.warn(
                f"unable to make the ready file {self.asked.ready_file}: {error.strerror}; "
                "name one in a folder that the program's user may write, as one of PYDROP_RUN_DIRS"
            )

    def stopping(self) -> None:
        """Announce that the command is ready no longer: STOPPING=1, and no ready file."""
        self._tell_outer("STOPPING=1")
        self._remove()

    def _remove(self) -> None:
        if self.asked.ready_file is not None:
            try:
                os.unlink(self.asked.ready_file)
            except OSError:
                pass

    def _tell_outer(self, message: str) -> None:
        if self.outer is not None:
            try:
                self.outer.send(message.encode("utf-8", "surrogateescape"))
            except OSError:  # the receiver is gone
                pass


def _wake_by_signal(descriptor: int) -> None:
    """From now on the kernel sends WAKE when `descriptor` can be read. What came before has to be read without it."""
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, WAKE)
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_NONBLOCK | fcntl.FASYNC)


def passed_on(lines: list[str], is_ready: bool) -> list[str]:
    """The lines of a message that the command's own words are, for who started pydrop."""
    known = PASSED_ON if is_ready else (*PASSED_ON, MORE_TIME)
    return [line for line in lines if line.startswith(known) or line == ALIVE]


def _message(heard: "_socket.socket") -> str | None:
    """The next message of the supervised tree; "" for any other's and for none of sd_notify's, None where none is left.

    There is room for the sender's credentials alone. So the kernel closes descriptors that come along."""
    import _socket

    try:
        message, ancillary, flags, _ = heard.recvmsg(LARGEST_MESSAGE, _socket.CMSG_SPACE(12))  # struct ucred
    except OSError:
        return None
    pids = [
        int.from_bytes(content[:4], sys.byteorder)
        for level, kind, content in ancillary
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_CREDENTIALS
    ]
    message = message.rstrip(b"\0")
    if flags & _socket.MSG_TRUNC or b"\0" in message or not pids or not is_below(pids[0]):
        return ""
    return message.decode("utf-8", "surrogateescape")


def is_below(pid: int) -> bool:
    """Whether this process looks after `pid`. PID 1 does so for all of its PID namespace.

    Pid 0 is a process outside of that. On the host's network it can reach abstract names (unix(7)) too; and with the
    host's PIDs, or behind another init, so can processes that are none of this command's."""
    own = os.getpid()
    if own == 1:
        return pid > 0
    for _ in range(MOST_PARENTS):
        if pid in (0, 1, own):
            return pid == own
        try:
            descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # it has ended, so nobody can tell whose it was
            return False
        try:
            pid = int(os.read(descriptor, 4096).rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return False
        finally:
            os.close(descriptor)
    return False
