"""The values of init mode: signals, times, and the two maps."""

from pydrop import signals
from pydrop.errors import BadSetting
from pydrop.settings.raw_setting import BLANKS, RawSetting, quoted
from pydrop.settings.values import text, texts

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST_TIME = 10 * 365 * 24 * 3600.0  # seconds; who writes a longer time means `never`
LONGEST_WORD = 64  # characters of a time or a number
LARGEST_DESCRIPTOR = 1023


def signal(given: RawSetting) -> int:
    """A signal by name or number."""
    return _signal(given, _word(given))


def _word(given: RawSetting) -> str:
    """The value as text; a file may have a whole number without quotes."""
    if isinstance(given.value, int) and not isinstance(given.value, bool):
        return str(given.value)
    return text(given)


def _signal(given: RawSetting, word: str) -> int:
    name = word.strip(BLANKS)
    number = signals.number_of(name)
    if number is not None:
        return number
    problem = f"{given} names no signal" if name == str(given.value).strip(BLANKS) else _part(given, name, "no signal")
    if not name or name[0].isdigit():
        raise BadSetting(problem, "write its name, as TERM, QUIT or RTMIN+3, or its number, 1 to 64")
    from pydrop.settings.nearest import misspelt

    known = {name: name for name in signals.SIGNAL_NAMES.values()}
    raise misspelt(problem, name.upper().removeprefix("SIG"), known, "write its name, as TERM, QUIT or RTMIN+3")


def _part(given: RawSetting, word: str, fault: str) -> str:
    return f"{given} has {quoted(word)}, which is {fault}"


def rewrites(given: RawSetting) -> tuple[tuple[int, int], ...]:
    """``TERM:QUIT,HUP:0`` as pairs (signal that comes, signal that is passed on instead; 0 for none)."""
    found: dict[int, int] = {}
    for item in texts(given, ","):
        came, colon, instead = item.partition(":")
        if not colon:
            problem = _part(given, item, "no pair of signals")
            raise BadSetting(problem, f"write {given.example('TERM:QUIT')}, or TERM:0 to pass nothing on")
        number = _signal(given, came)
        if number in (signals.KILL, signals.STOP):
            problem = f"{given} rewrites {signals.name_of(number)}, which no process can catch"
            raise BadSetting(problem, "leave it out")
        found[number] = 0 if instead.strip(BLANKS) == "0" else _signal(given, instead)
    return tuple(found.items())


def exit_codes(given: RawSetting) -> tuple[tuple[int, int], ...]:
    """``143:0,130:0`` as pairs (code that the command ends with, code that pydrop ends with instead)."""
    found: dict[int, int] = {}
    for item in texts(given, ","):
        came, _, instead = item.partition(":")
        found[_code(given, came)] = _code(given, instead)
    return tuple(found.items())


def _code(given: RawSetting, word: str) -> int:
    digits = word.strip(BLANKS)
    if digits.isascii() and digits.isdigit() and len(digits) <= 3 and int(digits) <= 255:
        return int(digits)
    problem = _part(given, digits, "no exit code (0 to 255)")
    raise BadSetting(problem, f"write {given.example('143:0')}: what the command ends with, a colon, what it becomes")


def seconds(given: RawSetting) -> float | None:
    """Seconds of a time: ``10``, ``10s``, ``500ms``, ``1m30s``; None for ``never``."""
    value = given.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _in_range(given, value)
    word = text(given).strip(BLANKS).lower()
    if word == "never":
        return None
    if len(word) > LONGEST_WORD:
        raise _no_time(given)
    total, rest = 0.0, word
    while rest:
        number, rest = _leading(rest, "0123456789.")
        unit, rest = _leading(rest, "abcdefghijklmnopqrstuvwxyz")
        whole, _, part = number.partition(".")
        if not (whole + part).isdigit() or "." in part or (unit or "s") not in UNITS or (not unit and rest):
            raise _no_time(given)
        total += float(number) * UNITS[unit or "s"]
    return _in_range(given, total)


def _leading(word: str, characters: str) -> tuple[str, str]:
    rest = word.lstrip(characters)
    return word[: len(word) - len(rest)], rest


def _in_range(given: RawSetting, found: int | float) -> float:
    if not 0 <= found <= LONGEST_TIME:  # refuses nan and inf too, which TOML has
        raise given.refuse("is no time that can be waited", f"write {given.example('10s')}, or never")
    return float(found)


def _no_time(given: RawSetting) -> BadSetting:
    return given.refuse("is no time", f"write {given.example('10s')}, 500ms, 1m30s, or never")


def grace(given: RawSetting) -> float:
    """As `seconds`, but ``never`` is refused."""
    found = seconds(given)
    if found is None:
        raise given.refuse("would wait for ever", f"write {given.example('3s')}")
    return found


def not_both(keep_root: str, ready_file: str, path: str) -> BadSetting:
    """The error where `keep-root` and `ready-file` are set by these two sources, and the program is not root."""
    return BadSetting(
        f"{keep_root} and {ready_file} cannot both be had: PID 1 would make {quoted(path)} as root where the program's "
        f"user may write, and could be led elsewhere",
        "leave one of them out; a program can make such a file itself",
    )


def readiness(given: RawSetting) -> str:
    """``started``, ``notify`` or ``fd:N``, N from 3 to 1023."""
    word = text(given).strip(BLANKS)
    kind, colon, number = word.partition(":")
    if word in ("started", "notify"):
        return word
    if kind == "fd" and colon and number.isascii() and number.isdigit() and len(number) < 5:
        descriptor = int(number)
        if 3 <= descriptor <= LARGEST_DESCRIPTOR:
            return f"fd:{descriptor}"
    raise given.refuse(
        "is not one of started, notify, fd:N",
        f"write {given.example('notify')} for sd_notify's READY=1, {given.example('fd:3')} for a line on descriptor 3",
    )


def oom_score_adj(given: RawSetting) -> int:
    """-1000 to 1000 (proc(5))."""
    word = _word(given).strip(BLANKS)
    digits = word.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) <= 4 and int(digits) <= 1000:
        return int(word)
    remedy = f"write {given.example('500')}: the higher, the sooner it is killed"
    raise given.refuse("is no number from -1000 to 1000", remedy)
