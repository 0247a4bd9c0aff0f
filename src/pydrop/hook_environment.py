"""What a hook adds to the program's environment: the file that $PYDROP_ENV names, and its lines.

A line is `NAME=value`, whose value is taken as it stands, or `NAME` alone, which unsets the variable. A value that
begins with a single quote ends with the next one and may span lines; a quote inside is written as for a shell, `'\''`.
perform/hooks and user_hooks call this module.
"""

import os

from pydrop.errors import HookFailed, Untrusted
from pydrop.record import PLACE
from pydrop.trust import roots_folder

LARGEST_FILE = 1 << 20  # bytes that a hook may add
LARGEST_LINE = 131070  # bytes of NAME=value without its final NUL, MAX_ARG_STRLEN (execve(2))
QUOTE, INNER_QUOTE = b"'", b"'\\''"


class Additions:
    """The file that $PYDROP_ENV names for root's hooks: root's alone, new for each hook, removed at the end.

    It lies in /run/pydrop where that folder is root's alone, else in memory, where hooks reach it through /proc."""

    def __init__(self) -> None:
        self.name = f"env.{os.getpid()}"
        self.memory = -1
        self.folder = own_folder()
        try:
            self.fresh()
        except OSError:  # the folder is -1 (not root's alone), read-only or full
            self.memory = os.memfd_create("pydrop-env")

    def fresh(self) -> str:
        """Create the file anew, empty, and return its path."""
        if self.memory >= 0:
            os.ftruncate(self.memory, 0)
            return f"/proc/{os.readlink('/proc/self')}/fd/{self.memory}"
        self._remove()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        os.close(os.open(self.name, flags, 0o600, dir_fd=self.folder))
        return f"{PLACE}/{self.name}"

    def content(self, hook: str) -> bytes:
        """The bytes that the hook wrote, also into a new file of the same name; at most LARGEST_FILE + 1.

        HookFailed where the hook has left there what is no file."""
        if self.memory >= 0:
            return os.pread(self.memory, LARGEST_FILE + 1, 0)
        try:
            file = os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.folder)
            try:
                return os.pread(file, LARGEST_FILE + 1, 0)
            finally:
                os.close(file)
        except FileNotFoundError:  # the hook removed it: it adds nothing
            return b""
        except OSError as error:  # a link, a folder, a FIFO
            raise HookFailed(
                f"unable to read what {hook} left at $PYDROP_ENV: {error.strerror}",
                "append lines to that file, and put nothing else in its place",
            ) from error

    def close(self) -> None:
        if self.memory >= 0:
            os.close(self.memory)
        else:
            self._remove()
        if self.folder >= 0:
            os.close(self.folder)

    def _remove(self) -> None:
        try:
            os.unlink(self.name, dir_fd=self.folder)
        except (FileNotFoundError, IsADirectoryError):  # a folder that a hook has left there ends the start anyway
            pass


def own_folder() -> int:
    """A descriptor of /run/pydrop, created where it is missing; -1 where it cannot be root's alone."""
    try:
        return roots_folder(PLACE)
    except (OSError, Untrusted):
        return -1


def parsed(content: bytes, hook: str) -> dict[str, str | None]:
    """The variables that the lines set, None for one that they unset; blank lines are skipped.

    Raises HookFailed that names the hook and the line's number, never a value."""
    if len(content) > LARGEST_FILE:
        raise HookFailed(f"{hook} wrote more than {LARGEST_FILE} bytes to $PYDROP_ENV", "write one line a variable")
    variables: dict[str, str | None] = {}
    at, number = 0, 1
    while at < len(content):
        end = content.find(b"\n", at)
        end = len(content) if end < 0 else end
        name, equals, value = content[at:end].partition(b"=")
        if equals and value.startswith(QUOTE):
            end = _end_of_quoted(content, at + len(name) + 2, hook, number)
            value = content[at + len(name) + 2 : end - 1].replace(INNER_QUOTE, QUOTE)
        if name.strip() or equals:
            _require_good(name, value if equals else None, hook, number)
            variables[os.fsdecode(name)] = os.fsdecode(value) if equals else None
        number += content.count(b"\n", at, end) + 1
        at = end + 1
    return variables


def _end_of_quoted(content: bytes, at: int, hook: str, number: int) -> int:
    """The end of the line on which a value in single quotes ends, whose text begins at `at`."""
    while (at := content.find(QUOTE, at)) >= 0 and content.startswith(INNER_QUOTE, at):
        at += len(INNER_QUOTE)
    if at < 0 or content[at + 1 : at + 2] not in (b"", b"\n"):
        raise HookFailed(
            f"line {number} that {hook} wrote to $PYDROP_ENV begins a value in single quotes that has no end",
            "end it with a single quote and the line, and write one inside as '\\''",
        )
    return at + 1


def _require_good(name: bytes, value: bytes | None, hook: str, number: int) -> None:
    """Raise HookFailed for a line that is neither NAME=value nor NAME."""
    if value is None:
        good = name.replace(b"_", b"a").isalnum() and name.isascii() and not name[:1].isdigit()
    else:
        fits = len(name) + 1 + len(value) <= LARGEST_LINE
        good = fits and b"\0" not in name + value and name.split() == [name]
    if not good:
        raise HookFailed(
            f"line {number} that {hook} wrote to $PYDROP_ENV sets no variable",
            "write NAME=value, one a line, without blanks around the name or export; NAME alone unsets it",
        )
