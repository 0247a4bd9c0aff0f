"""Bytes from the kernel as text that keeps every byte, and back: the work of os.fsdecode and os.fsencode.

Importing `os` costs a start 1.2 ms, because of the abstract classes behind os.environ. So the modules that every start
runs import `posix`, which has the calls that `os` wraps. They import it as `os`, the name that every reader knows.
"""

import sys

ENCODING = sys.getfilesystemencoding()


def decoded(octets: bytes) -> str:
    return octets.decode(ENCODING, "surrogateescape")


def encoded(text: str) -> bytes:
    return text.encode(ENCODING, "surrogateescape")
