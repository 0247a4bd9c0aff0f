"""The mounts of a process's namespace as the kernel lists them in /proc/PID/mountinfo (proc_pid_mountinfo(5)).

A row is a line cut at its blanks: of ``36 35 98:0 /part /point rw,noatime master:1 - ext4 /dev/root rw`` the first six
words, and all the rest as a seventh. They are bytes as they stand there; `plain` reads a name, which few rows need.
"""

import posix as os

from pydrop.encoding import decoded

Row = list[bytes]
Rows = list[Row]

ID, PARENT, DEVICE, ROOT, POINT, OPTIONS, REST = range(7)  # the words of a row
PIECE = 65536  # bytes to read at once; Linux gives one page


def here() -> Rows:
    """The rows of this process's namespace; none where there is no /proc."""
    try:
        return of()
    except OSError:
        return []


def of(process: str = "self") -> Rows:
    """The rows of a process's namespace. OSError where they cannot be read."""
    file = os.open(f"/proc/{process}/mountinfo", os.O_RDONLY)
    try:
        parts = []
        while part := os.read(file, PIECE):
            parts.append(part)
    finally:
        os.close(file)
    return rows(b"".join(parts))


def rows(text: bytes) -> Rows:
    """The rows of mountinfo's text. Only a newline ends one: the kernel writes a carriage return as it is."""
    return [row for row in [line.split(b" ", REST) for line in text.split(b"\n")] if len(row) > REST]


def filesystem(row: Row) -> tuple[bytes, bytes, bytes]:
    """The filesystem's type, its source, and its own options, which are none of the mount's."""
    kind, source, options = [*row[REST].partition(b"- ")[2].split(b" ", 2), b"", b""][:3]
    return kind, source, options


def plain(word: bytes) -> str:
    """A name itself: blank, tab, newline and backslash are written as three octal digits behind a backslash."""
    name = decoded(word)
    if "\\" not in name:
        return name
    first, *rest = name.split("\\")
    return first + "".join([chr(int(part[:3], 8)) + part[3:] for part in rest])
