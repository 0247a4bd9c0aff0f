"""A terminal of a given width around one command: what it shows, as a user sees it, and every byte it was sent."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable


def slow_looks(microseconds: int) -> tuple[str, ...]:
    """Around a command: each look at an entry takes so long, and the engine gets no other process to look elsewhere
    meanwhile."""
    strace = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=newfstatat,clone,fork")
    delay = f"inject=newfstatat:delay_enter={microseconds}"
    return (*strace, "-e", delay, "-e", "inject=clone,fork:error=EAGAIN")


SLOW = slow_looks(4000)  # as on a slow server: a volume of 600 entries takes about three seconds


class Screen:
    """What bytes without escape sequences do to a terminal: letters, ``\\r`` and ``\\n``, and wrapping at its edge."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows = [""]
        self.column = 0
        self.wrapped = False

    def feed(self, text: str) -> None:
        for character in text:
            if character == "\r":
                self.column = 0
            elif character == "\n":
                self.rows.append("")
            else:
                assert character.isprintable(), f"{character!r} was sent"
                self._put(character)

    def _put(self, character: str) -> None:
        if self.column >= self.columns:
            self.wrapped = True
            self.rows.append("")
            self.column = 0
        row = self.rows[-1].ljust(self.column)
        self.rows[-1] = row[: self.column] + character + row[self.column + 1 :]
        self.column += 1

    @property
    def lines(self) -> list[str]:
        """The rows from the top, without blanks at their ends; the last one is the cursor's."""
        return [row.rstrip() for row in self.rows]


class Terminal:
    """Runs a command whose standard error is a terminal; its standard output is not, and is kept in `stdout`."""

    def __init__(self, words: "list[str | bytes]", columns: int, env: "dict[str, str] | None" = None) -> None:
        self.screen = Screen(columns)
        self.frames: list[str] = []  # what the cursor's row showed, after each writing
        self.sent = ""
        self.stdout = b""
        self.own, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            words,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0),  # noqa: PLW1509 # Ctrl-C is the terminal's; no threads here
        )
        os.close(theirs)

    def watch(self, until: "Callable[[Terminal], bool]" = lambda _: False, seconds: float = 60) -> "Terminal":
        """Read on until something is true, or the command has closed the terminal."""
        end = time.monotonic() + seconds
        while not until(self):
            assert time.monotonic() < end, f"not within {seconds} s: {self.frames[-3:]}"
            if select.select([self.own], [], [], 0.1)[0]:
                try:
                    part = os.read(self.own, 65536).decode()
                except OSError:  # EIO: nobody has the other end any more
                    break
                self.sent += part
                self.screen.feed(part)
                self.frames.append(self.screen.lines[-1])
        return self

    def type(self, keys: str) -> None:
        os.write(self.own, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit code, or minus the signal."""
        self.watch()
        self.stdout = self.process.communicate(timeout=30)[0]
        os.close(self.own)
        return self.process.returncode
