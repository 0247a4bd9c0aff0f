"""What pydrop says: one line a message on standard error, beginning ``pydrop: ``, or a personality's own name.

A line holds no control character and no byte that is no UTF-8: names in a volume are written by
strangers, and a terminal obeys what is printed on it.
"""

import posix as os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.model import Settings

ECHO = 2  # columns of the ^C that a terminal puts behind a live line
LEVELS = ("error", "warn", "info", "debug")


class Report:
    """Prints what is at or above `level`: as text, until the settings ask for JSON."""

    def __init__(self, level: str = "info", program: str = "pydrop") -> None:
        self.level = level
        self.program = program
        self.as_json = False
        self.drawn = 0  # columns of the live line that stands on the terminal just now

    def obey(self, settings: "Settings") -> None:
        """Speak as the settings say from now on."""
        self.speak(settings.log_level, settings.log_format)

    def speak(self, level: str, form: str) -> None:
        """Print what is at or above `level`, as `form` ("text", "json") has it."""
        self.level = level
        self.as_json = form == "json"

    def error(self, message: str) -> None:
        self.say("error", message)

    def warn(self, message: str) -> None:
        self.say("warn", message)

    def info(self, message: str) -> None:
        self.say("info", message)

    def debug(self, message: str) -> None:
        self.say("debug", message)

    def traceback_of(self, bug: BaseException) -> list[str]:
        """Where a bug of ours is, for who asked for `debug`: without `traceback`, which opens the sources."""
        lines, at = [], bug.__traceback__ if self.level == "debug" else None
        while at:
            code = at.tb_frame.f_code
            lines.append(f"{code.co_filename}:{at.tb_lineno} in {code.co_qualname}")
            at = at.tb_next
        return lines

    def say(self, level: str, message: str) -> None:
        """Print one line."""
        if LEVELS.index(level) > LEVELS.index(self.level):
            return
        self.clear()
        line = self._as_json(level, message) if self.as_json else self._as_text(level, message)
        _tell(line.encode("utf-8", "backslashreplace") + b"\n")

    def _as_text(self, level: str, message: str) -> str:
        warning = "warning: " if level == "warn" else ""
        return f"{self.program}: {warning}{escaped(message)}"

    def _as_json(self, level: str, message: str) -> str:
        """One object of four texts. Nothing else is ever in it, and the json module would cost 8 ms."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        text = escaped(message).replace("\\", "\\\\").replace('"', '\\"')
        return f'{{"time": "{stamp}", "level": "{level}", "program": "{self.program}", "message": "{text}"}}'

    def own_fault(self, bug: BaseException, to_see_where: str = "") -> None:
        """A bug of ours is one line too; the traceback is for who asked for `debug`."""
        self.error(f"pydrop itself failed: {type(bug).__name__}: {bug}; {to_see_where}report it")
        for line in self.traceback_of(bug):
            self.debug(line)

    def progress(self, text: str, due: bool) -> None:
        """How far something is: at `info`, on a terminal a line that the next one replaces, else a line where `due`."""
        if not self.as_json and self.level in ("info", "debug") and os.isatty(2):
            self.draw(f"pydrop: {text}")
        elif due:
            self.info(text)

    def draw(self, line: str) -> None:
        """Put a live line in place of the last one. It never wraps, since what has wrapped cannot be taken back."""
        width = room()
        line = cut(escaped(line), width)
        blanks = " " * (min(self.drawn, width) - columns_of(line))
        _tell(f"\r{line}{blanks}".encode("utf-8", "backslashreplace"))
        self.drawn = columns_of(line)

    def clear(self) -> None:
        """Take the live line back, before anything else is printed."""
        if self.drawn:
            _tell(b"\r" + b" " * (self.drawn + ECHO) + b"\r")
            self.drawn = 0


def _tell(octets: bytes) -> None:
    """A standard error that is closed or full is nobody's failure: nobody is left to tell."""
    try:
        os.write(2, octets)
    except OSError:
        pass


def room() -> int:
    """The columns that a live line may take on the terminal of standard error, of 80 where it does not say."""
    try:
        columns = os.get_terminal_size(2).columns
    except OSError:
        columns = 0
    return max((columns or 80) - ECHO - 1, 0)


def columns_of(line: str) -> int:
    """How many columns a line takes at most: without big tables, whatever is not ASCII may take two."""
    return len(line) if line.isascii() else len(line) + sum([character > "\x7f" for character in line])


def cut(line: str, columns: int) -> str:
    """`line` so that it takes no more than so many columns, with three dots where something is missing."""
    if columns_of(line) <= columns:
        return line
    line = line[:columns]
    while line and columns_of(line) > columns - 3:
        line = line[:-1]
    return line + "..." if columns > 3 else ""


def escaped(text: str) -> str:
    """Printable on any terminal: control characters and undecodable bytes as ``\\x..``."""
    if text.isprintable():
        return text
    return "".join([character if character.isprintable() else _escape(character) for character in text])


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character == "\n":
        return "\\n"
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
