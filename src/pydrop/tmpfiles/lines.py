"""Parses the lines for /run in tmpfiles.d(5) files.

Types `d`, `D`, `f` and `L` count. The start of a container is a boot, so lines with `!` count too. The other types
(globs, ages, attributes, removing) are no concern of a start. Text in, values out: the caller hands in the ids of
names and the values of specifiers.
"""

from pydrop.errors import shortened
from pydrop.process import MAX_ID
from pydrop.steps import RunEntry
from pydrop.tmpfiles import FOLDERS, merged

TYPES = "dDfL"
MODIFIERS = "+!-=~^$"
BLANKS = " \t\r\f\v"
ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
NUMERIC_ESCAPES = {"x": (1, 2, 16), "u": (1, 4, 16), "U": (1, 8, 16)}  # (prefix, digits, base)
LONGEST_NUMBER = 20  # digits; int() refuses thousands of them
MOST_WARNINGS = 20
LARGEST_TEXT = 1 << 18  # characters of a file; no image has one of a tenth of it
LONGEST_LINE = 1 << 14  # characters
# pam_nologin refuses every login while /run/nologin exists. systemd's line creates the file at boot for a
# service to remove, and no container runs that service.
NEVER = ("/run/nologin",)


class _Unusable(Exception):
    """A line cannot be used; the reason becomes a warning."""


def entries(
    files: tuple[tuple[str, str], ...], users: dict[str, int], groups: dict[str, int], specifiers: dict[str, str]
) -> tuple[list[RunEntry], list[str]]:
    """Returns the entries that the files' lines ask for in /run, and a warning for each reason why lines are not used.

    `files` are (path, text) in the order of `winners`. `users` and `groups` map a name to its id, `specifiers` map a
    letter to its value. Of several lines for a path the first counts; parents come first.
    """
    reader = _Reader(users, groups, specifiers)
    parsed: list[RunEntry] = []
    unusable: dict[tuple[str, str], list[int]] = {}
    for path, text in files:
        if len(text) > LARGEST_TEXT:
            unusable[(path, f"the file is larger than {LARGEST_TEXT >> 10} KiB")] = [1]
            continue
        for number, line in enumerate(text.split("\n"), 1):
            try:
                entry = reader.entry(line.strip(BLANKS), path)
            except _Unusable as why:
                unusable.setdefault((path, str(why)), []).append(number)
                continue
            if entry:
                parsed.append(entry)
    warnings = [_warning(path, why, lines) for (path, why), lines in list(unusable.items())[:MOST_WARNINGS]]
    if len(unusable) > MOST_WARNINGS:
        warnings.append(f"more lines of tmpfiles.d are not used, for {len(unusable) - MOST_WARNINGS} other reasons")
    return list(merged(parsed)), warnings


def _warning(path: str, why: str, lines: list[int]) -> str:
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"{path} line {lines[0]}{more} is not used: {why}; mend it, or put an empty file of its name in {FOLDERS[0]}"


class _Reader:
    """Parses one line at a time, with the names and specifiers of this machine."""

    def __init__(self, users: dict[str, int], groups: dict[str, int], specifiers: dict[str, str]) -> None:
        self.users = {"root": 0} | users
        self.groups = {"root": 0} | groups
        self.specifiers = specifiers

    def entry(self, line: str, source: str) -> RunEntry | None:
        """The entry that a line asks for; None for a line that does not count here. Raises _Unusable."""
        if not line or line[0] not in TYPES:
            return None
        if "/run" not in line and "%t" not in line:  # for another folder, so its mistakes are not told
            return None
        if len(line) > LONGEST_LINE:
            raise _Unusable(f"it is longer than {LONGEST_LINE >> 10} KiB")
        fields, argument = _fields(line)
        kind, modifiers = fields[0][0], fields[0][1:]
        path = self.run_path(fields[1])
        if path is None or (path == "/run" and kind in "fL") or path in NEVER:
            return None
        if modifiers.strip(MODIFIERS):
            raise _Unusable(f"{shortened(fields[0])} is no type of line")
        if "^" in modifiers:  # a service manager's credential, which is not set here
            return None
        content = self.content(argument, modifiers) if kind in "fL" else ""
        if kind == "L":
            target = content or f"/usr/share/factory{path}"
            link = RunEntry(kind=kind, path=path, mode=None, uid=0, gid=0, content=target, source=source)
            link.replaces = "+" in modifiers
            return link
        made = self.owned(kind, path, *fields[2:5])
        made.content, made.source, made.replaces = content, source, kind == "f" and "+" in modifiers
        return made

    def run_path(self, field: str) -> str | None:
        """The path with its specifiers expanded and /var/run written as /run; None where it is not in /run."""
        if not field.startswith(("/", "%t")):
            return None
        names = [name for name in self.expanded(field).split("/") if name not in ("", ".")]
        if names[:2] == ["var", "run"]:
            del names[0]
        if names[:1] != ["run"]:
            return None
        path = "/" + "/".join(names)
        if ".." in names or "\0" in path:
            raise _Unusable(f"{shortened(path)} leads out of itself")
        return path

    def owned(self, kind: str, path: str, mode: str, user: str, group: str) -> RunEntry:
        """The entry with its mode and owners. A field that the line leaves out, or marks with ":", applies only
        to a new file or folder."""
        spared = {
            "mode": not mode or ":" in mode[:2],
            "uid": not user or user[0] == ":",
            "gid": not group or group[0] == ":",
        }
        return RunEntry(
            kind=kind,
            path=path,
            mode=_mode(mode or ("0644" if kind == "f" else "0755")),
            uid=_id(user.removeprefix(":") or "root", self.users, "user"),
            gid=_id(group.removeprefix(":") or "root", self.groups, "group"),
            exact=True,
            spares=tuple([field for field, spare in spared.items() if spare]),
            masked="~" in mode[:2],
        )

    def content(self, argument: str, modifiers: str) -> str:
        """The text of a file or the target of a link."""
        if "~" not in modifiers:
            return self.expanded(_unescaped(argument))
        from binascii import Error, a2b_base64

        try:
            return a2b_base64(argument.encode("ascii")).decode("utf-8", "surrogateescape")
        except (Error, UnicodeEncodeError) as error:
            raise _Unusable("its argument is no Base64") from error

    def expanded(self, text: str) -> str:
        """`text` with each %x replaced; a % at the end stands for itself, as systemd has it."""
        out: list[str] = []
        at = 0
        while (mark := text.find("%", at)) >= 0:
            letter = text[mark + 1 : mark + 2] or "%"
            if letter != "%" and letter not in self.specifiers:
                raise _Unusable(f"nothing is known for %{letter}")
            out += [text[at:mark], "%" if letter == "%" else self.specifiers[letter]]
            at = mark + 2
        return "".join([*out, text[at:]])


def _mode(field: str) -> int:
    digits = field.lstrip("~:")
    if not digits or digits.strip("01234567") or len(digits) > LONGEST_NUMBER or int(digits, 8) > 0o7777:
        raise _Unusable(f"{shortened(field)} is no mode")
    return int(digits, 8)


def _id(name: str, known: dict[str, int], kind: str) -> int:
    if name.isascii() and name.isdigit():
        if len(name) > LONGEST_NUMBER or int(name) > MAX_ID:
            raise _Unusable(f"{shortened(name)} is no number of a {kind}")
        return int(name)
    if name not in known:
        raise _Unusable(f"there is no {kind} {shortened(name)}")
    return known[name]


def _fields(line: str) -> tuple[list[str], str]:
    """The line's type, path, mode, user, group and age, "" for a field that is left out or "-"; and the argument."""
    fields: list[str] = []
    at = 0
    while at < len(line) and len(fields) < 6:
        field, at = _word(line, at)
        fields.append("" if field == "-" else field)
    if len(fields) < 2:
        raise _Unusable("it has no path")
    argument = line[at:]
    return fields + [""] * (6 - len(fields)), "" if argument == "-" else argument


def _word(line: str, at: int) -> tuple[str, int]:
    """The field that begins at `at`, with quotes and escapes resolved, and the offset of the next field."""
    out: list[str] = []
    quote = ""
    while at < len(line) and (quote or line[at] not in BLANKS):
        char = line[at]
        at += 1
        if char == "\\":
            char, at = _escape(line, at)
            out.append(char)
        elif char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        else:
            out.append(char)
    if quote:
        raise _Unusable(f"a {quote} is not closed")
    while at < len(line) and line[at] in BLANKS:
        at += 1
    return _joined(out), at


def _unescaped(text: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\":
            char, at = _escape(text, at)
        out.append(char)
    return _joined(out)


def _escape(text: str, at: int) -> tuple[str, int]:
    """The character that the escape after a backslash stands for, and the offset of the escape's end.

    A letter that is no escape stands for itself, as in versions of systemd that know no C escapes in fields."""
    if at == len(text):
        raise _Unusable("it ends in a backslash")
    letter = text[at]
    prefix, digits, base = NUMERIC_ESCAPES.get(letter, (0, 3, 8))
    if letter not in NUMERIC_ESCAPES and letter not in "01234567":
        return ESCAPES.get(letter, letter), at + 1
    end = at + prefix + digits
    number = text[at + prefix : end]
    try:
        value = int(number, base) if len(number) == digits and number.isalnum() else 0
        if not value or (letter not in "uU" and value > 255):
            raise ValueError
        return chr(value) if value < 128 or letter in "uU" else chr(0xDC00 + value), end  # a lone byte
    except (ValueError, OverflowError) as error:
        raise _Unusable(f"\\{letter}{number if prefix else number[1:]} is no character") from error


def _joined(characters: list[str]) -> str:
    """The characters as one string; bytes that were escaped one by one become the characters that they encode."""
    try:
        return "".join(characters).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise _Unusable("an escape in it is no character") from error
