"""Write the file that people get: the ELF file that was linked, with the memory of its process once Python has begun.

Usage: python onefile/dump.py [--emulated] LINKED TARGET

LINKED stops by itself where its memory is to be written (dump.c). It becomes the content of the writable segment, which
holds all: data, blocks and CPython's arenas (memory.c). Nothing in it may point out of the file. So this refuses while
the process has another mapping, and where a word of its memory points to its stack, to what the kernel mapped into it,
or to where mappings would be. The symbols of LINKED tell what the C library writes anew at each start, which becomes 0.

With --emulated LINKED is of another architecture, and an emulator runs it. Its mappings are the emulator's then, and
low enough to be taken for numbers: nothing is judged. The build on a machine of that architecture judges it.
"""

import os
import signal
import struct
import subprocess
import sys
from array import array
from pathlib import Path
from typing import NamedTuple

PAGE = 4096
PT_LOAD, WRITABLE = 1, 2
# The kernel's own, one of each in any process, and no part of the file.
KERNELS = ("[stack]", "[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]")
NEAR = 64 << 20  # bytes around the place of one mapping, in which others would have been
# What musl 1.2.3 writes before main(): src/env/__libc_start_main.c, src/env/__stack_chk_fail.c.
BY_THE_C_LIBRARY = {
    **dict.fromkeys(("__environ", "__progname", "__progname_full", "__hwcap", "__sysinfo", "__stack_chk_guard"), 8),
    "__libc": 104,
}


# What musl finds out of the vdso at its first use (src/time/clock_gettime.c): as in LINKED, to be found out again.
AT_FIRST_USE = ("vdso_func",)


class Refused(SystemExit):
    """The memory cannot be a file's."""


class Mapping(NamedTuple):
    begin: int
    end: int
    name: str


class Segment(NamedTuple):
    """A program header of a 64-bit ELF file (elf(5)): where it stands in the file, and what it says."""

    place: int
    kind: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int


def main(linked: str, target: str, *, emulated: bool = False) -> None:
    content = Path(linked).read_bytes()
    segment = writable(content)
    process = subprocess.Popen([linked], env={}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise Refused(f"dump: {linked} did not stop: {status}")
        mappings = parsed(Path(f"/proc/{process.pid}/maps").read_text())
        with open(f"/proc/{process.pid}/mem", "rb", 0) as file:
            file.seek(segment.address)
            memory = bytearray(file.read(segment.memory_size))
    finally:
        process.kill()
    place = int(process.communicate()[0], 16)
    symbols = addresses(linked)
    forget(memory, segment, symbols, content)
    if not emulated:
        require_no_other(mappings, linked, segment)
        away = Mapping(place - NEAR, place + NEAR, "a mapping")
        require_no_pointer(bytes(memory), segment.address, [*mappings, away], symbols)
    size = int.from_bytes(memory[symbols["arenas_limit"] - segment.address :][:8], "little") - segment.address
    Path(target).write_bytes(dumped(content, segment, bytes(memory), size))
    Path(target).chmod(0o755)


def defaults() -> None:
    """Let no signal come ignored, as nohup and others have it: the interpreter would remember it."""
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def writable(content: bytes) -> Segment:
    """The segment that is written to; it must be the last."""
    offset, size, count = (int.from_bytes(content[a:b], "little") for a, b in ((32, 40), (54, 56), (56, 58)))
    found = []
    for place in range(offset, offset + count * size, size):
        kind, flags, at, address, _, file_size, memory_size, _ = struct.unpack_from("<IIQQQQQQ", content, place)
        found.append(Segment(place, kind, flags, at, address, file_size, memory_size))
    loaded = [segment for segment in found if segment.kind == PT_LOAD]
    if [bool(segment.flags & WRITABLE) for segment in loaded] != [False] * (len(loaded) - 1) + [True]:
        raise Refused("dump: the one writable segment is not the last")
    return loaded[-1]


def parsed(maps: str) -> list[Mapping]:
    """/proc/PID/maps, proc(5)."""
    rows = [line.split(maxsplit=5) for line in maps.splitlines()]
    places = [[int(number, 16) for number in row[0].split("-")] for row in rows]
    return [Mapping(begin, end, row[5] if len(row) > 5 else "") for (begin, end), row in zip(places, rows, strict=True)]


def require_no_other(mappings: list[Mapping], linked: str, segment: Segment) -> None:
    end = segment.address + segment.memory_size + PAGE
    for one in mappings:
        own = one.name == linked or (not one.name and segment.address <= one.begin and one.end <= end)
        if not own and one.name not in KERNELS:
            raise Refused(f"dump: {one.name or 'memory'} is mapped at {one.begin:#x}, which no start would have")


def addresses(linked: str) -> dict[str, int]:
    """Where each symbol is."""
    text = subprocess.run(["nm", linked], check=True, capture_output=True, text=True).stdout
    return {line.split()[2]: int(line.split()[0], 16) for line in text.splitlines() if len(line.split()) == 3}


def forget(memory: bytearray, segment: Segment, symbols: dict[str, int], content: bytes) -> None:
    """Make 0 of what the C library has from the kernel, and of its canary, a random number, wherever it stands."""
    at = symbols["__stack_chk_guard"] - segment.address
    canary = bytes(memory[at : at + 8])
    for name, size in BY_THE_C_LIBRARY.items():
        at = symbols[name] - segment.address
        memory[at : at + size] = bytes(size)
    memory[:] = memory.replace(canary, bytes(8))
    for name in AT_FIRST_USE:
        if name in symbols:
            at = symbols[name] - segment.address
            memory[at : at + 8] = content[segment.offset + at :][:8]


def require_no_pointer(memory: bytes, address: int, places: list[Mapping], symbols: dict[str, int]) -> None:
    """No word may point to one of the places but those in the memory itself."""
    outside = [one for one in places if one.begin >= address + len(memory)]
    lowest = min(one.begin for one in outside)
    for number, word in enumerate(array("Q", memory)):
        if word >= lowest:
            for one in outside:
                if one.begin <= word < one.end:
                    where = address + 8 * number
                    near = max((at, name) for name, at in symbols.items() if at <= where)[1]
                    raise Refused(f"dump: the word at {where:#x} ({near}) points to {one.name}: {word:#x}")


def dumped(content: bytes, segment: Segment, memory: bytes, size: int) -> bytes:
    """The ELF file with the memory in its last segment, and nothing behind it. What is 0 at its end needs no place."""
    used = memory.rstrip(b"\0")
    used += bytes(-len(used) % 16)
    head = bytearray(content[: segment.offset])
    struct.pack_into("<QQ", head, segment.place + 32, len(used), size)
    struct.pack_into("<Q", head, 40, 0)  # no table of sections
    struct.pack_into("<HHH", head, 58, 0, 0, 0)
    return bytes(head) + used


if __name__ == "__main__":
    defaults()
    words = [word for word in sys.argv[1:] if word != "--emulated"]
    main(*words, emulated="--emulated" in sys.argv)
