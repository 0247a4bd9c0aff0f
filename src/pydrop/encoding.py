"""Bytes of the kernel's as text that keeps every one of them, and back: what os.fsdecode and os.fsencode do.

`os` itself costs 1.2 ms at a start, for the abstract classes behind os.environ. So what every start
runs takes `posix` instead, the calls that `os` wraps, under the name that everybody knows.
"""

import sys

ENCODING = sys.getfilesystemencoding()


def decoded(octets: bytes) -> str:
    return octets.decode(ENCODING, "surrogateescape")


def encoded(text: str) -> bytes:
    return text.encode(ENCODING, "surrogateescape")
