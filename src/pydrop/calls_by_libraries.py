"""System calls that Python's own modules have not, in the pip way: by python-prctl, and by ctypes what that lacks.

python-prctl lacks ambient capabilities, mount(2), and capabilities newer than the header that it was built with. ctypes
is loaded only where one of them is needed. `kernel` hands these functions on, and `mount_calls` the last two;
calls_built_in has the same ones.
"""

import errno
import posix as os

from pydrop.capabilities import bits
from pydrop.encoding import encoded
from pydrop.errors import PydropError, not_loaded

try:
    import _prctl  # only the C half of python-prctl: its Python half fails to import on headers newer than itself
except ImportError as error:
    raise PydropError(
        f"unable to load python-prctl: {error}",
        "install it with the pip of the Python that runs pydrop (pip install python-prctl), and libcap2 in the image",
    ) from error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2


def prctl(option: int, argument: int = 0) -> int:
    """prctl(2), for the options that python-prctl knows. ValueError for others."""
    return int(_prctl.prctl(option, argument) or 0)  # None where the kernel answers with nothing but success


def bounding_dropper(bounding: int) -> "Callable[[int], None]":
    """A function that removes one capability from the bounding set, for good (needs CAP_SETPCAP).

    It is made before the drop and called during it. `bounding` is the present set. Where that holds a capability newer
    than the header that python-prctl was built with, ctypes is loaded now."""
    try:
        if bounding:
            _prctl.prctl(_prctl.PR_CAPBSET_READ, bounding.bit_length() - 1)
    except ValueError:
        call = _libc_prctl()
        return lambda capability: call(PR_CAPBSET_DROP, capability, 0)

    def drop(capability: int) -> None:
        _prctl.prctl(_prctl.PR_CAPBSET_DROP, capability)

    return drop


def set_capabilities(effective: int, permitted: int, inheritable: int) -> None:
    """capset(2): exactly these sets, which must be permitted. The kernel lowers the ambient set along with them."""
    wanted = [bits(effective), bits(permitted), bits(inheritable)]
    cleared = [[number for number in range(64) if number not in keep] for keep in wanted]
    _prctl.set_caps(*wanted, *cleared)


def set_title(title: str) -> None:
    """Set the text that ps(1) and top(1) show of this process in place of its arguments."""
    _prctl.set_proctitle(title)


def ambient_raiser() -> "Callable[[int], None]":
    """A function that raises one capability in the ambient set. It is made before the drop and called during it."""
    call = _libc_prctl()
    return lambda capability: call(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def _libc_prctl() -> "Callable[[int, int, int], None]":
    """prctl(2) through ctypes. Raises PydropError where Python has no ctypes, as python3-minimal."""
    try:
        import ctypes
    except ImportError as error:
        raise not_loaded(error) from error
    function = ctypes.CDLL(None, use_errno=True).prctl
    long = ctypes.c_ulong

    def call(option: int, second: int, third: int) -> None:
        if function(option, long(second), long(third), long(0), long(0)) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return call


def mount_tmpfs(path: str) -> None:
    """Mount an empty tmpfs of mode 0755, without devices and set-uid programs.

    Raises OSError without CAP_SYS_ADMIN, and without ctypes."""
    try:
        import ctypes
    except ImportError as error:
        raise OSError(errno.ENOSYS, str(error)) from error

    nosuid_nodev = 2 | 4
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", encoded(path), b"tmpfs", ctypes.c_ulong(nosuid_nodev), b"mode=0755") != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)


def exact_exec(arguments: tuple[str, ...], environment: tuple[str, ...]) -> "Callable[[str], None]":
    """execve(2) for environments that os.execve refuses (strings without a name or a `=`).

    Returns a function that takes the path. It is made before the drop, and raises OSError where exec fails."""
    import ctypes

    function = ctypes.CDLL(None, use_errno=True).execve
    words = [encoded(word) for word in arguments]
    lines = [encoded(line) for line in environment]
    argv = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    envp = (ctypes.c_char_p * (len(lines) + 1))(*lines, None)

    def call(path: str) -> None:
        function(encoded(path), argv, envp)
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)

    return call


def system_call(number: int, *arguments: "int | bytes") -> int:
    """syscall(2) with numbers, and with bytes that the kernel reads. ImportError where there is no ctypes."""
    import ctypes

    function = ctypes.CDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    # As long: of an int the upper half of the register is anything
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(function(ctypes.c_long(number), *words))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def unsharer() -> "Callable[[int], None]":
    """unshare(2), which Python has from 3.12 on. ImportError where there is no ctypes."""
    import ctypes

    function = ctypes.CDLL(None, use_errno=True).unshare

    def call(namespaces: int) -> None:
        if function(namespaces) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return call
