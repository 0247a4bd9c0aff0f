"""Which loader an executable names (elf(5), PT_INTERP), and which libraries that finds for it."""

import struct
import subprocess

from pydrop.errors import PydropError

PT_INTERP = 3
REMEDY = "pydropctl bundle needs a Python that is an ordinary dynamic executable of 64 bits"


def interpreter(content: bytes, file: str) -> tuple[int, int]:
    """Where in an executable the path of its loader stands: its offset and its length with the zero behind it."""
    if content[:5] != b"\x7fELF\x02" or content[5] not in (1, 2):
        raise PydropError(f"{file} is no ELF file of 64 bits", REMEDY)
    order = "<" if content[5] == 1 else ">"
    (headers,) = struct.unpack_from(f"{order}Q", content, 32)
    size, count = struct.unpack_from(f"{order}HH", content, 54)
    for number in range(count):
        at = headers + number * size
        (kind,) = struct.unpack_from(f"{order}I", content, at)
        if kind == PT_INTERP:
            (offset,) = struct.unpack_from(f"{order}Q", content, at + 8)
            (length,) = struct.unpack_from(f"{order}Q", content, at + 32)
            return offset, length
    raise PydropError(f"{file} names no loader", REMEDY)


def loader_of(content: bytes, file: str) -> str:
    offset, length = interpreter(content, file)
    return content[offset : offset + length].rstrip(b"\0").decode()


def with_loader(content: bytes, file: str, loader: str) -> bytes:
    """The same executable, started by another loader. There is only so much room: nothing is moved in the file."""
    offset, length = interpreter(content, file)
    path = loader.encode()
    if len(path) >= length:
        raise PydropError(
            f"{loader} is {len(path)} bytes long, and {file} has room for {length - 1}",
            "name a shorter folder: --prefix /opt/pydrop",
        )
    return content[:offset] + path.ljust(length, b"\0") + content[offset + length :]


def libraries(loader: str, file: str) -> dict[str, str]:
    """The names of the libraries that a file needs, at any remove, and where the loader finds each: as ldd(1) does."""
    done = subprocess.run([loader, "--list", file], env={"LC_ALL": "C"}, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().rpartition("shared libraries: ")[2]
        raise PydropError(f"unable to find the libraries of {file}: {reason}", "install what it needs")
    lines = [line.strip().partition(" => ") for line in done.stdout.splitlines()]
    return {name: place.partition(" (")[0] for name, arrow, place in lines if arrow}
