"""How a command says that it is ready (sd_notify(3), or a line on a descriptor as s6 has it), and who is told.

What is to be read tells so by a signal (fcntl(2), F_SETSIG), so that everything that happens is waited for in one place
and nothing is asked again and again.
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

LARGEST_MESSAGE = 4096  # bytes of a message
OF_THIS_PROCESS = ("MAINPID=", "FDSTORE", "FDNAME=", "BARRIER=")  # mean nothing to who does not see our processes


def _bound() -> "_socket.socket":
    """A datagram socket under a name that the kernel chooses (unix(7), autobind): no folder is needed."""
    import _socket

    kind = _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK
    heard = _socket.socket(_socket.AF_UNIX, kind)
    heard.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)
    heard.bind("")
    return heard


def _connected(environment: tuple[str, ...]) -> "_socket.socket | None":
    import _socket

    place = next((line[14:] for line in environment if line.startswith("NOTIFY_SOCKET=")), "")
    if not place:
        return None
    outer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK)
    try:
        outer.connect("\0" + place[1:] if place.startswith("@") else place)
    except OSError as error:
        raise PydropError(
            f"unable to reach NOTIFY_SOCKET={place}: {error.strerror}",
            "leave it out, or mount the socket of whoever waits for READY=1",
        ) from error
    return outer


class Readiness:
    """Hears the command, and tells the ready file and the outer socket. `warn` says what could not be told."""

    def __init__(self, asked: Supervision, warn: "Callable[[str], None]") -> None:
        self.asked = asked
        self.warn = warn
        self.heard: _socket.socket | None = None  # where the command speaks sd_notify
        self.line = -1  # descriptor on which it writes a line
        self.outer: _socket.socket | None = None  # connected to the NOTIFY_SOCKET that pydrop was given

    def open(self, pipe: str, environment: tuple[str, ...]) -> None:
        """Everything that needs root, the child as it is yet (`pipe` is in its /proc), or the first environment."""
        if self.asked.ready == "notify":
            self.heard = _bound()
            _wake_by_signal(self.heard.fileno())
        elif self.asked.ready != "started":
            self.line = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            _wake_by_signal(self.line)
        if self.asked.announces:
            self.outer = _connected(environment)

    def address(self) -> str:
        """What the command finds as NOTIFY_SOCKET; "" where it is not to find one of ours."""
        if self.heard is None:
            return ""
        name: bytes = self.heard.getsockname()
        return "@" + name[1:].decode("ascii")

    def look(self) -> bool:
        """Read what has come; whether the command has said that it is ready."""
        said = self._line()
        while self.heard is not None and (message := _message(self.heard)) is not None:
            lines = message.split("\n")
            said = said or "READY=1" in lines
            more = [line for line in lines if line and not line.startswith((*OF_THIS_PROCESS, "READY=", "STOPPING="))]
            if more:
                self._tell_outer("\n".join(more))
        return said

    def _line(self) -> bool:
        """Whether a line is there; a pipe that has ended, or said its line, is not looked at any more."""
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
        """A ready file that another run has left would be believed."""
        self._remove()

    def ready(self) -> None:
        """The command is ready."""
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
        """It is ready no longer."""
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
            except OSError:  # who wanted to know is gone
                pass


def _wake_by_signal(descriptor: int) -> None:
    """From now on the kernel sends WAKE when there is something to read; look once for what came before."""
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, WAKE)
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_NONBLOCK | fcntl.FASYNC)


def _message(heard: "_socket.socket") -> str | None:
    """One message of a process of this container's; "" for one of somebody else's, None where none is left."""
    import _socket

    try:
        message, ancillary, _, _ = heard.recvmsg(LARGEST_MESSAGE, _socket.CMSG_SPACE(12))  # struct ucred: pid, uid, gid
    except OSError:
        return None
    pids = [
        int.from_bytes(content[:4], sys.byteorder)
        for level, kind, content in ancillary
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_CREDENTIALS
    ]
    # 0 is a process that this PID namespace does not show: on the host's network abstract names are the host's
    return message.decode("utf-8", "surrogateescape") if pids and pids[0] > 0 else ""
