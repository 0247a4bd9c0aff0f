"""Rewrites an account file in place, where it is a mount point that rename(2) cannot replace.

accounts.in_place_journal decides the writes and their order; this module carries them out.
"""

import posix as os

from pydrop.accounts.in_place_journal import settled, writes
from pydrop.errors import PydropError
from pydrop.perform.accountfiles.account_file import content


def overwrite(folder: int, name: str, old: str, new: str) -> None:
    """Change the file's text from `old` to `new`. A kill at any moment leaves it whole; owner and mode stay.

    Raises PydropError where the text is not `old`, because another program has changed it without the lock."""
    file = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        before = content(file)
        if before != _bytes(old):
            raise PydropError(f"/etc/{name} was changed without the lock /etc/.pwd.lock", "start again")
        old = _without_rest(file, old)
        before = _bytes(old)
        prepare, change = writes(old, new)
        try:
            _write(file, prepare)
        except OSError:  # the disk is full; the old text is still untouched
            os.ftruncate(file, len(before))
            raise
        if prepare:
            os.fsync(file)
        _write(file, change)
        os.ftruncate(file, len(_bytes(new)))
        os.fsync(file)
    finally:
        os.close(file)


def _write(file: int, writes: list[tuple[int, bytes]]) -> None:
    for offset, data in writes:
        done = 0
        while done < len(data):
            done += os.pwrite(file, data[done:], offset + done)


def _without_rest(file: int, text: str) -> str:
    """Cut off what a killed rewriting left, where it had not begun to change lines; returns the text that stays."""
    whole = settled(text)
    if whole is text or not text.startswith(whole):
        return text
    os.ftruncate(file, len(_bytes(whole)))
    return whole


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
