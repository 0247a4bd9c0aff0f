"""The kernel's interfaces under their own names: credentials, capabilities, prctl, user namespaces, mounts.

The module is thin: each function is one question or one call, and raises OSError as the kernel reports it. python-prctl
lacks ambient capabilities, mount(2), and capabilities newer than the header that it was built with. These go through
ctypes, which is loaded only where one of them is needed.
"""

import errno
import posix as os

from pydrop.capabilities import bits
from pydrop.encoding import encoded
from pydrop.errors import PydropError, not_loaded
from pydrop.process import Credentials, IdRange

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

PAGE, MANY = 4096, 65536  # bytes of a /proc file to read at first, which mostly gets all of it, and from then on
FULL = 2048  # bytes; each page of a /proc file except the last holds at least so many
PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2


# -- reading --------------------------------------------------------------------------------------


def is_there(path: str) -> bool:
    """Whether something has this path, a link that leads nowhere too; False where this process cannot tell."""
    try:
        os.lstat(path)
    except OSError:
        return False
    return True


def open_status() -> int:
    """A descriptor of /proc/self/status (proc(5)). `credentials` reads it again and again, also after the drop."""
    return os.open("/proc/self/status", os.O_RDONLY)


def credentials(status: int) -> Credentials:
    """This process's present credentials, read anew through the descriptor `status`. KeyError where a field lacks."""
    text = _whole(status)
    return Credentials(
        uids=_four(_field(text, "Uid")),
        gids=_four(_field(text, "Gid")),
        groups=tuple([int(gid) for gid in _field(text, "Groups").split()]),
        inheritable=int(_field(text, "CapInh"), 16),
        permitted=int(_field(text, "CapPrm"), 16),
        effective=int(_field(text, "CapEff"), 16),
        bounding=int(_field(text, "CapBnd"), 16),
        ambient=int(_field(text, "CapAmb", "0"), 16),  # Linux 4.3
        no_new_privs=_field(text, "NoNewPrivs", "0").strip() == "1",  # Linux 4.10
        umask=int(_field(text, "Umask"), 8),  # Linux 4.7
    )


def _field(text: str, name: str, missing: str | None = None) -> str:
    """The value of one line of /proc/self/status; else `missing`, or KeyError where that is None.

    To split all 60 lines would take three times as long. The search begins at the end of the text: the first line is
    the process's name, which a program chooses, and may hold anything where the kernel does not escape it.
    """
    start = text.rfind(f"\n{name}:")
    if start < 0:
        if missing is None:
            raise KeyError(name)
        return missing
    start += len(name) + 2
    return text[start : text.index("\n", start)]


def _whole(descriptor: int) -> str:
    """The text of a /proc file, from its beginning.

    The kernel hands it out page by page, each filled with whole lines. A read at the end of the file, only to find it,
    would make the kernel write all of it anew; so a page that is less than `FULL` counts as the last."""
    parts: list[bytes] = []
    size, most = 0, PAGE
    while part := os.pread(descriptor, most, size):
        most = MANY
        parts.append(part)
        size += len(part)
        if len(part) < FULL:
            break
    return b"".join(parts).decode("ascii", "replace")


def _read(path: str) -> str:
    """The text of a small file of /proc, which is opened and closed here."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return _whole(descriptor)
    finally:
        os.close(descriptor)


def _four(field: str) -> tuple[int, int, int, int]:
    real, effective, saved, filesystem = [int(number) for number in field.split()]
    return real, effective, saved, filesystem


def id_map(name: str) -> tuple[IdRange, ...]:
    """The ranges of /proc/self/uid_map or gid_map (user_namespaces(7))."""
    lines = _read(f"/proc/self/{name}").splitlines()
    return tuple([IdRange(inside=int(a), outside=int(b), count=int(c)) for a, b, c in map(str.split, lines)])


def setgroups_allowed() -> bool:
    """Whether setgroups(2) may be called: not in a user namespace made without newgidmap (user_namespaces(7))."""
    try:
        return _read("/proc/self/setgroups").strip() != "deny"
    except FileNotFoundError:  # before Linux 3.19
        return True


# -- changing -------------------------------------------------------------------------------------


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


def keep_capabilities_over_setuid() -> None:
    """PR_SET_KEEPCAPS: the permitted set stays when the uids leave 0. exec clears this flag."""
    _prctl.prctl(_prctl.PR_SET_KEEPCAPS, 1)


def die_with_parent() -> None:
    """Have the kernel kill this process (SIGKILL) as soon as its parent has ended."""
    set_parent_death_signal(9)


def set_subreaper(on: bool) -> bool:
    """PR_SET_CHILD_SUBREAPER (Linux 3.4): orphans below this process become its children. Returns the former flag."""
    before = bool(_prctl.prctl(_prctl.PR_GET_CHILD_SUBREAPER))
    _prctl.prctl(_prctl.PR_SET_CHILD_SUBREAPER, on)
    return before


def set_undumpable() -> None:
    """PR_SET_DUMPABLE off: nobody without CAP_SYS_PTRACE may attach to this process or read its memory."""
    _prctl.prctl(_prctl.PR_SET_DUMPABLE, 0)


def set_parent_death_signal(number: int) -> None:
    """PR_SET_PDEATHSIG: the kernel sends this signal when the parent dies. A change of ids clears it."""
    _prctl.prctl(_prctl.PR_SET_PDEATHSIG, number)


def set_title(title: str) -> None:
    """Set the text that ps(1) and top(1) show of this process in place of its arguments."""
    _prctl.set_proctitle(title)


def set_no_new_privs() -> None:
    """PR_SET_NO_NEW_PRIVS: exec grants nothing from now on, not even to set-uid programs."""
    _prctl.prctl(_prctl.PR_SET_NO_NEW_PRIVS, 1)


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
