"""Whether init mode is asked for, decided before anything else is loaded: PID 1 then holds nothing of a start.

An option says more than a variable, and that more than the settings file. What is decided here holds: the settings,
which are read later, cannot come to something else. What cannot be told here is decided by them (entry), and the
process that stays then holds what a start has loaded so far. That is so

- for a variable or a file that is obeyed by another process than PID 1: in a second pydrop only an option counts, and
  whether this is one takes a look at the world;
- for a settings file that says it in another way than with the plain line `init = true`, above all tables.
"""

import posix as os

from pydrop.option_words import FILE, FILE_VARIABLE, INIT_VARIABLE, UNKNOWN, cut, says_yes, value_of

LOOKED_AT = 65536  # bytes of a settings file
REGULAR, KIND = 0o100000, 0o170000  # of a file's mode; inode(7)


def surely(arguments: tuple[str, ...], environment: tuple[str, ...]) -> bool:
    """Whether the settings are certain to ask for init mode; False too where they are wrong, or only they can tell."""
    options, _, end = cut(arguments)
    if end not in ("", UNKNOWN):  # an unknown option may begin a command, for which the file has the first words
        return False
    asked = [value for name, value in options if name == "init"]
    if asked:
        return says_yes(asked[-1]) is True
    if os.getpid() != 1:
        return False
    variable = value_of(environment, INIT_VARIABLE)
    if variable:
        return says_yes(variable) is True
    return says_so_plainly(_text(value_of(environment, FILE_VARIABLE) or FILE))


def says_so_plainly(text: bytes) -> bool:
    """Whether one line of a TOML text is `init = true`, where that can mean nothing else.

    That is above the first table, and above all texts of several lines, which could hold such a line."""
    for line in [line.strip(b" \t\r") for line in text.split(b"\n")]:
        if line[:1] == b"[" or b'"""' in line or b"'''" in line:
            return False
        name, _, value = line.partition(b"=")
        if name.rstrip(b" \t") == b"init" and value.partition(b"#")[0].strip(b" \t") == b"true":
            return True
    return False


def _text(path: str) -> bytes:
    """The beginning of a regular file; b"" for anything else. Nothing of it is obeyed here: who may write it is asked
    where the settings are read. It is looked at first, since to open a device may set something off."""
    try:
        if not path.startswith("/") or os.stat(path).st_mode & KIND != REGULAR:
            return b""
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return b""
    try:
        return os.read(file, LOOKED_AT)
    except OSError:
        return b""
    finally:
        os.close(file)
