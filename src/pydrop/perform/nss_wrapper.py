"""Performs AccountsStep where /etc cannot be written: nss_wrapper(1) answers look-ups from copies with the change.

The copies hold the image's own accounts too, so that root and nobody still resolve.
"""

import os
import stat

from pydrop import accounts, checked_reads
from pydrop.checked_reads import is_privileged
from pydrop.encoding import decoded
from pydrop.errors import PydropError, Untrusted
from pydrop.model import Outcome, Start
from pydrop.steps import AccountsStep
from pydrop.trust import open_trusted

ETC = "/etc"
WORDS = "nss_wrapper names the user from {}"

Place = tuple[str, str, int]  # an existing folder, the path created below it, the mode of the path's last folder


def perform(step: AccountsStep, start: Start) -> Outcome:
    """Write both copies and set the wrapper's environment. No folder that can be written is a warning."""
    texts = {
        "passwd": accounts.passwd_with(accounts.entries_alone(_text("passwd"), accounts.accounts), step.change),
        "group": accounts.group_with(accounts.entries_alone(_text("group"), accounts.groups), step.change),
    }
    for place in _places(start):
        try:
            folder = _open_or_create(place)
        except OSError:
            continue
        if folder < 0:
            continue
        path = f"{place[0]}/{place[1]}"
        try:
            changed = sum([_write_copy(folder, name, text) for name, text in texts.items()])
        except OSError:
            continue
        finally:
            os.close(folder)
        words = WORDS.format(path) if changed else ""
        return Outcome(changed=changed, words=words, environment=_environment(path, step.library, start))
    return Outcome(warnings=(_no_folder_warning(step.change.account.uid),))


def _text(name: str) -> str:
    """An account file of the image as text; "" where it is missing.

    Raises PydropError for a file that not everybody may read, since everybody may read the copy."""
    try:
        file = os.open(f"{ETC}/{name}", os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise PydropError(f"unable to read /etc/{name}: {error.strerror}", "make it readable: mode 0644") from error
    try:
        if not os.fstat(file).st_mode & stat.S_IROTH:
            raise PydropError(f"/etc/{name} is not a file that everybody may read", "make it one: mode 0644")
        return decoded(checked_reads.whole(file, checked_reads.LARGE))
    except OSError as error:
        raise PydropError(f"unable to read /etc/{name}: {error.strerror}", "make it readable: mode 0644") from error
    finally:
        os.close(file)


def _places(start: Start) -> list[Place]:
    """The places for the copies, best first. Everybody may read root's copies, only the user itself a user's."""
    uid = os.geteuid()
    name = f"pydrop-nss-{uid}"
    if uid == 0:
        return [("/run", "pydrop/nss", 0o755), ("/dev/shm", name, 0o755), ("/tmp", name, 0o755)]
    session = _value("XDG_RUNTIME_DIR", start)
    places = [(f"/run/user/{uid}", name, 0o700), ("/tmp", name, 0o700), ("/dev/shm", name, 0o700)]
    return [(session, name, 0o700), *places] if session.startswith("/") else places


def _open_or_create(place: Place) -> int:
    """A descriptor of the folder, created where it is missing; -1 where somebody else could write or replace it."""
    parent, path, mode = place
    folder = _open_parent(parent)
    status = os.fstat(folder)
    safe = status.st_uid in (0, os.geteuid()) and (not status.st_mode & 0o022 or bool(status.st_mode & stat.S_ISVTX))
    for name in path.split("/"):
        if not safe:
            break
        outer = folder
        try:
            folder = _open_folder(outer, name)
        finally:
            os.close(outer)
        status = os.fstat(folder)
        safe = status.st_uid == os.geteuid() and not status.st_mode & 0o022
        if safe and stat.S_IMODE(status.st_mode) != mode:
            os.fchmod(folder, mode)  # created just now, or by a start that was killed here
    if safe:
        return folder
    os.close(folder)
    return -1


def _open_parent(path: str) -> int:
    """A descriptor of an existing folder, which may be anybody's. Raises OSError.

    Whoever holds capabilities is led to it by root alone: a link of the user's could lead to a folder that only the
    capability opens."""
    if not is_privileged():
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return open_trusted(path, os.O_RDONLY | os.O_DIRECTORY, content_may_be_foreign=True)
    except Untrusted as error:
        raise PermissionError(str(error)) from error


def _open_folder(folder: int, name: str) -> int:
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        pass
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)


def _write_copy(folder: int, name: str, text: str) -> bool:
    """Write a copy unless it has this text; returns whether that was necessary.

    A program that reads the copy meanwhile sees the whole old text or the whole new one."""
    data, new = text.encode("utf-8", "surrogateescape"), f".{name}.new"
    if _content(folder, name, len(data)) == data:
        return False
    try:
        os.unlink(new, dir_fd=folder)
    except FileNotFoundError:
        pass
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    with open(file, "wb") as copy:
        copy.write(data)
        os.fchmod(file, 0o644)
    os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    return True


def _content(folder: int, name: str, most: int) -> bytes | None:
    """What the copy holds; None where it is none, or longer than `most` bytes."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        try:
            return checked_reads.whole(file, most)
        finally:
            os.close(file)
    except OSError:
        return None


def _environment(path: str, library: str, start: Start) -> tuple[tuple[str, str | None], ...]:
    before = _value("LD_PRELOAD", start)
    preload = before if library in before.replace(":", " ").split() else f"{before}:{library}" if before else library
    return (("NSS_WRAPPER_PASSWD", f"{path}/passwd"), ("NSS_WRAPPER_GROUP", f"{path}/group"), ("LD_PRELOAD", preload))


def _value(name: str, start: Start) -> str:
    """The value of a variable in the program's environment, "" where it is unset; the first of doubles (getenv(3))."""
    return next((line[len(name) + 1 :] for line in start.environment if line.startswith(name + "=")), "")


def _no_folder_warning(uid: int) -> str:
    return (
        f"user {uid} has no name here: nss_wrapper is in the image, but no folder for its files can be written; "
        "add a tmpfs: docker run --tmpfs /run, in compose tmpfs: [/run]"
    )
