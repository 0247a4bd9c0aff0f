"""System calls that Python's own modules have not, in the one static file: by its C module (onefile/module.c).

`kernel` and `mount_calls` hand them on. Nothing has to be prepared here; calls_by_libraries, which has the same
functions, prepares."""

import posix as os

import _onefile

from pydrop.encoding import encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
NOSUID_NODEV = 2 | 4


def prctl(option: int, argument: int = 0) -> int:
    """prctl(2)."""
    return _onefile.prctl(option, argument)


def set_capabilities(effective: int, permitted: int, inheritable: int) -> None:
    """capset(2): exactly these sets, which must be permitted. The kernel lowers the ambient set along with them."""
    _onefile.capset(effective, permitted, inheritable)


def bounding_dropper(bounding: int) -> "Callable[[int], None]":  # noqa: ARG001 # as in calls_by_libraries
    """A function that removes one capability from the bounding set, for good (needs CAP_SETPCAP)."""

    def drop(capability: int) -> None:
        _onefile.prctl(PR_CAPBSET_DROP, capability)

    return drop


def ambient_raiser() -> "Callable[[int], None]":
    """A function that raises one capability in the ambient set."""

    def call(capability: int) -> None:
        _onefile.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)

    return call


def set_title(title: str) -> None:
    """Set the text that ps(1) and top(1) show of this process in place of its arguments."""
    _onefile.set_title(encoded(title))


def mount_tmpfs(path: str) -> None:
    """Mount an empty tmpfs of mode 0755, without devices and set-uid programs. OSError without CAP_SYS_ADMIN."""
    try:
        _onefile.mount(b"tmpfs", encoded(path), b"tmpfs", NOSUID_NODEV, b"mode=0755")
    except OSError as error:
        error.filename = path
        raise


def exact_exec(arguments: tuple[str, ...], environment: tuple[str, ...]) -> "Callable[[str], None]":
    """A function that executes a path with these very strings. It raises OSError where exec fails."""
    words = tuple([encoded(word) for word in arguments])
    lines = tuple([encoded(line) for line in environment])

    def call(path: str) -> None:
        try:
            _onefile.execve(encoded(path), words, lines)
        except OSError as error:
            error.filename = path
            raise

    return call


def system_call(number: int, *arguments: "int | bytes") -> int:
    """syscall(2) with numbers, and with bytes that the kernel reads."""
    return _onefile.syscall(number, *arguments)


def unsharer() -> "Callable[[int], None]":
    """unshare(2)."""
    return os.unshare  # type: ignore[attr-defined, no-any-return] # Python 3.12 has it, and this is 3.13
