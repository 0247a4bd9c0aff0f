"""The kernel's calls for mounts by descriptors (open_tree, mount_setattr, move_mount), and a user namespace.

Each function is one call, and raises OSError as the kernel reports it, with the call's name as `filename`; ENOSYS where
Python has no ctypes. The numbers of the calls are the same on every processor, as of all calls since Linux 5.0.
"""

import errno
import sys

from pydrop.distribution import ONE_FILE

if ONE_FILE:
    from pydrop.calls_built_in import system_call, unsharer
else:
    from pydrop.calls_by_libraries import system_call, unsharer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442  # Linux 5.2, 5.2, 5.12
AT_EMPTY_PATH, AT_RECURSIVE = 0x1000, 0x8000
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, 0o2000000
MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH = 0x4, 0x40
MOUNT_ATTR_IDMAP = 0x100000
CLONE_NEWUSER = 0x10000000


def clone_tree(place: int) -> int:
    """A descriptor of a new mount of what `place` is, with the mounts below it, that is nowhere mounted yet."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE
    return _call("open_tree", OPEN_TREE, place, b"", flags)


def set_id_map(tree: int, namespace: int, recursive: bool) -> None:
    """The ids of a new mount (with `recursive`, of all mounts in it) are those that the user namespace maps them to."""
    # struct mount_attr: what is set, what is cleared, propagation, the user namespace
    attributes = b"".join([field.to_bytes(8, sys.byteorder) for field in (MOUNT_ATTR_IDMAP, 0, 0, namespace)])
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    _call("mount_setattr", MOUNT_SETATTR, tree, b"", flags, attributes, len(attributes))


def mount_over(tree: int, place: int) -> None:
    """Mount a new mount on what `place` is, which must not be a path: nobody can exchange it."""
    flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
    _call("move_mount", MOVE_MOUNT, tree, b"", place, b"", flags)


def user_namespace_maker() -> "Callable[[], None]":
    """A function that moves its process into a user namespace of its own (unshare(2)), made before the process is."""
    try:
        unshare = unsharer()
    except ImportError as error:
        raise OSError(errno.ENOSYS, str(error), "unshare") from error

    def call() -> None:
        try:
            unshare(CLONE_NEWUSER)
        except OSError as error:
            error.filename = "unshare"
            raise

    return call


def _call(name: str, number: int, *arguments: "int | bytes") -> int:
    try:
        return system_call(number, *arguments)
    except ImportError as error:
        raise OSError(errno.ENOSYS, str(error), name) from error
    except OSError as error:
        error.filename = name
        raise
