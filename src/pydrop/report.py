"""What pydrop says: one line a message on standard error, beginning ``pydrop: ``.

A line holds no control character and no byte that is no UTF-8: names in a volume are written by
strangers, and a terminal obeys what is printed on it.
"""

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.model import Settings

LEVELS = ("error", "warn", "info", "debug")


class Report:
    """Prints what is at or above `level`, as `text` or `json`."""

    def __init__(self, level: str = "info", form: str = "text") -> None:
        self.level = level
        self.form = form

    def obey(self, settings: "Settings") -> None:
        """Speak as the settings say from now on."""
        self.level = settings.log_level
        self.form = settings.log_format
        if self.form == "json":
            import json  # noqa: F401 # now, since nothing may be imported after the drop
        if self.level == "debug":
            import traceback  # noqa: F401 # likewise

    def error(self, message: str) -> None:
        self.say("error", message)

    def warn(self, message: str) -> None:
        self.say("warn", message)

    def info(self, message: str) -> None:
        self.say("info", message)

    def debug(self, message: str) -> None:
        self.say("debug", message)

    def traceback_of(self, bug: BaseException) -> list[str]:
        """Where a bug of ours is, for who asked for `debug`."""
        if self.level != "debug":
            return []
        import traceback

        return "".join(traceback.format_exception(bug)).splitlines()

    def say(self, level: str, message: str) -> None:
        """Print one line; a standard error that is closed or full is nobody's failure."""
        if LEVELS.index(level) > LEVELS.index(self.level):
            return
        line = _as_json(level, message) if self.form == "json" else _as_text(level, message)
        try:
            os.write(2, line.encode("utf-8", "backslashreplace") + b"\n")
        except OSError:
            pass  # nobody is left to tell


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


def _as_text(level: str, message: str) -> str:
    prefix = "pydrop: warning: " if level == "warn" else "pydrop: "
    return prefix + escaped(message)


def _as_json(level: str, message: str) -> str:
    import json

    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
    return json.dumps({"time": stamp, "level": level, "program": "pydrop", "message": escaped(message)})
