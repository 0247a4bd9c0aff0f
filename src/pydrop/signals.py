"""Signals by name and number (signal(7)), as Linux numbers them on x86 and ARM. Tables only: nothing is sent here."""

SIGNAL_NAMES = {
    **dict(enumerate("HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT".split(), 1)),
    **dict(enumerate("CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS".split(), 17)),
}
OTHER_NAMES = {"IOT": 6, "CLD": 17, "POLL": 29, "UNUSED": 31}
RTMIN, RTMAX = 34, 64  # as glibc counts them: it keeps the kernel's 32 and 33 for itself
HUP, INT, QUIT, KILL, TERM, CHLD, CONT, STOP, TSTP, TTIN, TTOU = 1, 2, 3, 9, 15, 17, 18, 19, 20, 21, 22
ALL = (*range(1, 32), *range(RTMIN, RTMAX + 1))
WAKE = RTMAX  # the kernel sends it when a descriptor can be read (pid1); sent by a person it has another si_code
ENDING = (TERM, INT, HUP, QUIT)  # each ends a start while root works; in the order of the launcher's letters
FROM_TERMINAL = (TSTP, TTIN, TTOU)  # a terminal stops a job by these


def name_of(number: int) -> str:
    """``SIGTERM``, ``SIGRTMIN+3``; the number itself where it has no name."""
    if number in SIGNAL_NAMES:
        return f"SIG{SIGNAL_NAMES[number]}"
    if RTMIN <= number <= RTMAX:
        return f"SIGRTMIN+{number - RTMIN}" if number > RTMIN else "SIGRTMIN"
    return str(number)


def number_of(word: str) -> int | None:
    """The number of a signal, from its name (``TERM``, ``SIGTERM``, ``RTMIN+3``, ``RTMAX-1``; in any case) or digits.

    None where a process cannot be sent such a signal."""
    if word.isascii() and word.isdigit():
        number = int(word[:4])
        return number if len(word) < 4 and (number in SIGNAL_NAMES or RTMIN <= number <= RTMAX) else None
    name = word.upper().removeprefix("SIG")
    for number, known in SIGNAL_NAMES.items():
        if name == known:
            return number
    return OTHER_NAMES.get(name) or _realtime(name)


def _realtime(name: str) -> int | None:
    for first, sign, base in (("RTMIN", "+", RTMIN), ("RTMAX", "-", RTMAX)):
        rest = name.removeprefix(first)
        if rest == name:
            continue
        if not rest:
            return base
        digits = rest[1:]
        if rest[0] != sign or not (digits.isascii() and digits.isdigit()) or len(digits) > 2:
            return None
        number = base + int(digits) if sign == "+" else base - int(digits)
        return number if RTMIN <= number <= RTMAX else None
    return None
