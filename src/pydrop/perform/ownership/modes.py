"""The `mode` of a volume: chmod(1)'s octal or symbolic form as a function from st_mode to st_mode.

setuid and setgid are never added to what is no folder. As in GNU chmod, a folder keeps its own unless they are named.
"""

from _stat import S_ISDIR, S_ISLNK

from pydrop.errors import BadSetting, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[int], int]

SPECIAL = 0o6000
UMASK = 0o022  # for a clause that names nobody ("+w"): the usual one, so that it never opens a volume to the world
CLASSES = {"u": (0o4700, 6), "g": (0o2070, 3), "o": (0o1007, 0)}
BITS = {"r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000, "t": 0o1000}


def rule(text: str) -> "Rule":
    """The function that `text` describes; it leaves symlinks, which have no mode, alone.

    Raises BadSetting where `text` is neither form.
    """
    if text and not text.strip("01234567") and len(text) <= 4:
        return _octal(int(text, 8))
    clauses = [_clause(text, clause) for clause in text.split(",")]

    def symbolic(mode: int) -> int:
        wanted = mode
        for who, operations in clauses:
            for sign, letters in operations:
                wanted = _operate(wanted, who, sign, letters)
        return _confined(mode, wanted)

    return symbolic


def _octal(bits: int) -> "Rule":
    def absolute(mode: int) -> int:
        kept = mode & SPECIAL if S_ISDIR(mode) else 0
        return _confined(mode, mode & ~0o7777 | bits | kept)

    return absolute


def _confined(mode: int, wanted: int) -> int:
    if S_ISLNK(mode):
        return mode
    return wanted if S_ISDIR(mode) else wanted & ~(SPECIAL & ~mode)


def _clause(text: str, clause: str) -> tuple[str, list[tuple[str, str]]]:
    """``ug=rX`` as ("ug", [("=", "rX")]); a clause may hold several operations."""
    rest = clause.lstrip("ugoa")
    who, operations = clause[: len(clause) - len(rest)], []
    while rest:
        sign, tail = rest[0], rest[1:]
        rest = tail.lstrip("rwxXst") if tail[:1] not in CLASSES else tail[1:]
        letters = tail[: len(tail) - len(rest)]
        if sign not in "+-=" or (rest and rest[0] not in "+-="):
            raise _bad(text)
        operations.append((sign, letters))
    if not operations:
        raise _bad(text)
    return who, operations


def _bad(text: str) -> BadSetting:
    return BadSetting(
        f"mode={shortened(repr(text))} is not a mode of chmod", 'write octal ("0750") or symbolic ("u=rwX,g=rX,o=")'
    )


def _operate(mode: int, who: str, sign: str, letters: str) -> int:
    reach = 0
    for name in "ugo" if not who or "a" in who else who:
        reach |= CLASSES[name][0]
    bits = _bits(mode, letters) & reach
    if not who:
        bits &= ~UMASK
    if sign == "+":
        return mode | bits
    if sign == "-":
        return mode & ~bits
    kept = SPECIAL if S_ISDIR(mode) and "s" not in letters else 0
    return mode & ~(reach & ~kept) | bits


def _bits(mode: int, letters: str) -> int:
    """The bits that letters mean for everybody; X is x for folders and for what somebody may execute."""
    bits = 0
    for letter in letters:
        if letter in CLASSES:
            bits |= (mode >> CLASSES[letter][1] & 7) * 0o111
        elif letter == "X":
            bits |= 0o111 if S_ISDIR(mode) or mode & 0o111 else 0
        else:
            bits |= BITS[letter]
    return bits
