"""What a fuzzer makes inputs of: valid ones, words that are known to be nasty, huge sizes, and ways to spoil a text.

All of it goes by one `random.Random`, so that a seed says everything.
"""

# ruff: noqa: E501 # a row of material is one line

from random import Random

LARGEST = 131000  # characters: the kernel takes 128 KiB for one argument or variable
NUMBERS = (
    *(
        "0",
        "1",
        "-1",
        "+1",
        "00",
        "0x10",
        "0o17",
        "1_000",
        "1e3",
        "1.5",
        "nan",
        "inf",
        "-inf",
        "1e400",
        ".",
        "-",
        "٣",
        "²",
    ),
    *("1500", "65534", "65535", "4294967294", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808"),
    *(
        "18446744073709551616",
        "9" * 400,
        "9" * 4299,
        "9" * 4301,
        "9" * 5000,
        "0" * 5000,
        "0x" + "f" * 5000,
        "1" * LARGEST,
    ),
)
WORDS = (
    *("", " ", "\t", "\r", "\n", "\0", "\x1b[31m", "\x9b31m", "\udcff", "\ud800", "\u2028", "\u202e", "😀", "é", "\ufeff", "%s"),
    *("app", "root", "nobody", "true", "false", "yes", "on", "never", "top", "mismatch", "json", "debug", "notify", "fd:3"),
    *("TERM", "SIGTERM", "RTMIN+3", "RTMIN+99999", "net_raw", "all", "ALL", "DB", "10s", "1m30s", "500ms", "022", "u=rwX"),
    *("/", "//", "/data", "/data:top", "/data,/config", "/../x", "/a/./b", "/run/app", "~", "*", "[", "]", "{", "}", "\"", "'"),
    *("$", "$$", "${", "${}", "${A}", "${A:-x}", "${A:-${B}}", "${NOT}", "$A", "`id`", "$(id)", "\\", "\\n", "\\x", "%", "%%", "%t"),
    *(":", "::", ",", ";", "=", "==", "#", "!", "+", "-", "--", "_", ".", "..", "@", "<", ">", "|", "&", "?"),
)  # fmt: skip
MANY = ("a", "/a:", "a,", "1s", "\x1b", "\udcff", "é", "9", "0", ":", ",", "/", "/../", "[", "{", "(", "\"", "'", "\\", "%", "%t",
        "$", "${A}", "${", " ", "\n", "\t", "\0", "-", "_", "a.", "a=1\n", "u+r", "+r", "x:x:1:1:::\n", "a:x:1:\n", "#\n", "x ")  # fmt: skip


def nasty(random: Random) -> str:
    """One word: a number, a known one, or one that is huge."""
    kind = random.random()
    if kind < 0.35:
        return random.choice(NUMBERS)
    if kind < 0.85:
        return random.choice(WORDS)
    return repeated(random)


def repeated(random: Random) -> str:
    """Something small, often."""
    part = random.choice(MANY)
    return part * (random.choice((2, 17, 201, 4096, LARGEST)) // len(part))


def spoiled(random: Random, text: str) -> str:
    """The text with some parts of it dropped, doubled, exchanged, or replaced by something nasty."""
    for _ in range(random.randint(1, 4)):
        at, end = sorted((random.randint(0, len(text)), random.randint(0, len(text))))
        end = min(end, at + random.choice((0, 1, 2, 8, 10**6)))
        part = random.choice(
            ("", text[at:end] * 2, text[end:at], nasty(random), text[at:end].swapcase(), nasty(random))
        )
        text = text[:at] + part + text[end:]
    return text[: 8 * LARGEST]


def word(random: Random, good: tuple[str, ...]) -> str:
    """A good word, a good word that was spoiled, or a nasty one."""
    kind = random.random()
    if kind < 0.3:
        return random.choice(good)
    return spoiled(random, random.choice(good)) if kind < 0.65 else nasty(random)
