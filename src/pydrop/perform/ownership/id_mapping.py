"""The policy `idmap`: a volume is mounted over itself with a map, and nothing on the disk changes.

What the owner of its top has on the disk shows as the program's user's, and what that user creates belongs to the owner
on the disk. Entries of other owners show as nobody (65534), and stay closed. Where the owner is root, the user could so
create root's files: set-uid ones, and links that root follows at the next start, before the map. So none is mounted
there (volume_work).
"""

import _signal
import posix as os

from pydrop import mount_calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .volume_path import OpenVolume

MOST_ENTRIES = 1000  # right below the top that are looked at for other owners


def mount_mapped(place: "OpenVolume", uid: int, gid: int, recursive: bool) -> None:
    """Mount `place` over itself, so that its owner and group show as uid and gid. `recursive`: the mounts below too.

    Raises OSError with the name of the call that the kernel refused. Then nothing is mounted."""
    info = place.look()
    namespace = _user_namespace(f"{info.st_uid} {uid} 1", f"{info.st_gid} {gid} 1")
    tree = -1
    try:
        tree = mount_calls.clone_tree(place.fd)
        mount_calls.set_id_map(tree, namespace, recursive)
        mount_calls.mount_over(tree, place.fd)
        _follow_working_folder()
    finally:
        for descriptor in (namespace, tree):
            if descriptor >= 0:
                os.close(descriptor)


def others(place: "OpenVolume") -> list[str]:
    """Names right below the top whose owner or group is another than the top's: they will show as nobody's."""
    info = place.look()
    found: list[str] = []
    if not place.is_folder:
        return found
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=place.fd)
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(MOST_ENTRIES), entries):  # noqa: B905 # shorter on purpose
                inner = entry.stat(follow_symlinks=False)
                if (inner.st_uid, inner.st_gid) != (info.st_uid, info.st_gid):
                    found.append(entry.name)
    finally:
        os.close(folder)
    return found


def _follow_working_folder() -> None:
    """The program's working folder may lie in the volume: it is then the one on the new mount, found by its path."""
    before = os.open(".", os.O_PATH | os.O_DIRECTORY)
    try:
        os.chdir(os.getcwd())
        now, then = os.stat("."), os.fstat(before)
        if (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino):  # somebody has exchanged it meanwhile
            os.fchdir(before)
    except OSError:
        os.fchdir(before)
    finally:
        os.close(before)


def _user_namespace(uids: str, gids: str) -> int:
    """A descriptor of a new user namespace with these maps (user_namespaces(7)). No process is left in it."""
    unshare = mount_calls.user_namespace_maker()
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    child = 0
    wait, done = os.pipe()
    told, tell = os.pipe()
    ends = {wait, done, told, tell}
    try:
        child = os.fork()
        if child == 0:
            _stay(unshare, wait, done, tell)
        for end in (wait, tell):
            ends.discard(end)
            os.close(end)
        answer = os.read(told, 16)
        if answer != b"0":
            raise OSError(int(answer or b"5"), os.strerror(int(answer or b"5")), "unshare")
        for name, text in (("uid_map", uids), ("gid_map", gids)):
            _write(f"/proc/{child}/{name}", text)
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
    finally:
        for end in ends:
            os.close(end)
        _end(child)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def _stay(unshare: "Callable[[], None]", wait: int, done: int, tell: int) -> None:
    """In the child: be in a user namespace until the parent has a descriptor of it, or is gone. Never returns."""
    answer = b"5"
    try:
        os.close(done)
        unshare()
        answer = b"0"
    except OSError as error:
        answer = str(error.errno).encode()
    finally:
        os.write(tell, answer)
        os.read(wait, 1)
        os._exit(0)


def _write(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path.rpartition("/")[2]) from error
    finally:
        os.close(file)


def _end(child: int) -> None:
    if child:
        try:
            os.kill(child, _signal.SIGKILL)
            os.waitpid(child, 0)
        except OSError:  # SIGCHLD is ignored, and the kernel kept no status
            pass
