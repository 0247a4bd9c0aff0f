"""Messages to the person: each is one line on standard error, after ``pydrop: `` or a compatibility name (``gosu: ``).

A line holds no control character and no byte that is not UTF-8. Strangers choose the names in a volume, and a terminal
obeys what is printed on it.
"""

import posix as os
import time

from pydrop.errors import MOST_SHOWN, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.model import Settings

ECHO = 2  # columns of the ^C that a terminal echoes behind a live line
LEVELS = ("error", "warn", "info", "debug")
LONGEST_LINE = 4096  # bytes, with its newline


class Report:
    """Prints the messages at or above `level`: as text, until the settings ask for JSON."""

    def __init__(self, level: str = "info", program: str = "pydrop") -> None:
        self.level = level
        self.program = program
        self.as_json = False
        self.drawn = 0  # columns of the live line that is on the terminal now; 0: there is none

    def obey(self, settings: "Settings") -> None:
        """From now on print with the level and the format of the settings."""
        self.speak(settings.log_level, settings.log_format)

    def speak(self, level: str, form: str) -> None:
        """From now on print messages at or above `level`, in the format `form` ("text", "json")."""
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
        """The lines of code that led to a bug of pydrop's, at level `debug` alone.

        The module `traceback` would open the source files."""
        lines, at = [], bug.__traceback__ if self.level == "debug" else None
        while at:
            code = at.tb_frame.f_code
            lines.append(f"{code.co_filename}:{at.tb_lineno} in {code.co_qualname}")
            at = at.tb_next
        return lines

    def say(self, level: str, message: str) -> None:
        """Print a message as one line, unless its level is below the report's."""
        if LEVELS.index(level) > LEVELS.index(self.level):
            return
        self.clear()
        message = moderate(escaped(message[: 2 * LONGEST_LINE]))
        line = self._as_json(level, message) if self.as_json else self._as_text(level, message)
        _tell(line + b"\n")

    def _as_text(self, level: str, message: str) -> bytes:
        warning = "warning: " if level == "warn" else ""
        return fitting(f"{self.program}: {warning}{message}", LONGEST_LINE - 1)

    def _as_json(self, level: str, message: str) -> bytes:
        """One object of four strings, made here, since the module `json` would cost 8 ms."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        head = f'{{"time": "{stamp}", "level": "{level}", "program": "{self.program}", "message": "'.encode()
        text = message.replace("\\", "\\\\").replace('"', '\\"')
        return head + fitting(text, LONGEST_LINE - len(head) - 3) + b'"}'

    def own_fault(self, bug: BaseException, to_see_where: str = "") -> None:
        """Print a bug of pydrop's as one line; the traceback follows at level `debug` alone."""
        self.error(f"pydrop itself failed: {type(bug).__name__}: {bug}; {to_see_where}report it")
        for line in self.traceback_of(bug):
            self.debug(line)

    def progress(self, text: str, due: bool) -> None:
        """Print how far a step is, at level `info` or below.

        On a terminal it is a live line, which the next one replaces; elsewhere an ordinary line, where `due`."""
        if not self.as_json and self.level in ("info", "debug") and os.isatty(2):
            self.draw(f"pydrop: {text}")
        elif due:
            self.info(text)

    def draw(self, line: str) -> None:
        """Replace the live line. It is cut to the terminal's width, since a line that has wrapped cannot be erased."""
        width = room()
        line = cut(escaped(line), width)
        blanks = " " * (min(self.drawn, width) - columns_of(line))
        # Noted before the line is there too: who presses Ctrl-C on seeing it interrupts right behind the writing.
        self.drawn = max(self.drawn, columns_of(line))
        _tell(f"\r{line}{blanks}".encode("utf-8", "backslashreplace"))
        self.drawn = columns_of(line)

    def clear(self) -> None:
        """Erase the live line; so before anything else is printed."""
        if self.drawn:
            _tell(b"\r" + b" " * (self.drawn + ECHO) + b"\r")
            self.drawn = 0


def _tell(octets: bytes) -> None:
    """Write to standard error. That it is closed or full is no failure: nobody is left to be told."""
    try:
        os.write(2, octets)
    except OSError:
        pass


def room() -> int:
    """The columns that a live line may take on the terminal of standard error.

    A terminal that does not report its width is taken to have 80."""
    try:
        columns = os.get_terminal_size(2).columns
    except OSError:
        columns = 0
    return max((columns or 80) - ECHO - 1, 0)


def columns_of(line: str) -> int:
    """The most columns that a line can take. Each character outside ASCII counts as two, which saves a big table."""
    return len(line) if line.isascii() else len(line) + sum([character > "\x7f" for character in line])


def cut(line: str, columns: int) -> str:
    """`line` shortened to at most `columns` columns; three dots stand for the missing end."""
    if columns_of(line) <= columns:
        return line
    line = line[:columns]
    while line and columns_of(line) > columns - 3:
        line = line[:-1]
    return line + "..." if columns > 3 else ""


def moderate(text: str) -> str:
    """The text, in which no word is longer than a value may be that a message shows."""
    if len(text) <= MOST_SHOWN:
        return text
    return " ".join([_moderate_word(word) if len(word) * 4 > MOST_SHOWN else word for word in text.split(" ")])


def _moderate_word(word: str) -> str:
    """With the mark of the sentence behind it."""
    return shortened(word[:-1]) + word[-1] if word[-1] in ":;," else shortened(word)


def fitting(text: str, most: int) -> bytes:
    """The text in UTF-8, cut where it has more than `most` bytes: neither within a character nor within an escape."""
    octets = text.encode("utf-8", "backslashreplace")
    if len(octets) <= most:
        return octets
    kept = octets[: most - 3].decode("utf-8", "ignore")
    whole = kept.rstrip("\\")
    return (whole + "\\" * ((len(kept) - len(whole)) // 2 * 2) + "…").encode()


def escaped(text: str) -> str:
    """`text` so that any terminal can print it: control characters and undecodable bytes become ``\\x..``."""
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
