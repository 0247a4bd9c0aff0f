"""Looks at the file of a command as execve(2) will, so that what cannot run is told by its true reason, and early.

The kernel has few words: a folder, a FIFO and a noexec mount are all "Permission denied", a missing interpreter is "No
such file". What it says after the drop, when nothing may be opened any more, is explained by what was seen here before.
"""

import _stat as stat
import errno
import posix as os

from pydrop.capabilities import of_file
from pydrop.errors import NOT_FOUND
from pydrop.executable import Executable

DEFAULT_PATH = "/bin:/usr/bin"  # execvp(3) searches it where PATH is unset
MOST_INTERPRETERS = 5  # an interpreter may be a script too; the kernel gives up at the same depth
BEGIN = 4096  # bytes of a file that are read: its `#!` line, or its ELF header with the program headers
LONGEST_LINE = 256  # bytes in which the kernel looks for the end of a `#!` line (BINPRM_BUF_SIZE)
KINDS = (  # of files that nobody can execute
    (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip
MACHINES = {
    "x86_64": (62, 3),
    "aarch64": (183, 40),
    "armv7l": (40,),
    "riscv64": (243,),
    "ppc64le": (21,),
    "s390x": (22,),
}
INTERPRETER = 3  # PT_INTERP, elf(5)
CHMOD = "chmod a+rx it in the image (COPY --chmod=0755)"
INSTALL = "install that in the image, or fix the line"


def find(paths: list[str]) -> Executable | None:
    """What execvp(3) would come to along `paths`. None where there is nothing; of several refusals the first."""
    refused = None
    for path in paths:
        found = look(path)
        if found is not None and (not found.problem or not found.certain):
            return found
        refused = refused or found
    return refused


def candidates(name: str, environment: tuple[str, ...]) -> list[str]:
    """The paths that execvp(3) would try: the name itself where it has a slash, else one in each folder of PATH."""
    if "/" in name:
        return [name]
    search = next((line[5:] for line in environment if line.startswith("PATH=")), DEFAULT_PATH)
    return [f"{folder or '.'}/{name}" for folder in search.split(":")] if name else []


def look(path: str, depth: int = 0) -> Executable | None:
    """What stands against executing `path`. None where it is not there; no problem where that cannot be told."""
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)  # opens no device, and waits for no FIFO
    except OSError as error:
        return _unseen(path, error)
    except ValueError:  # a NUL in it
        return None
    try:
        return _look(path, file, depth)
    except OSError:  # it may be executed without being read
        return Executable(path=path)
    finally:
        os.close(file)


def _look(path: str, file: int, depth: int) -> Executable:
    mode = os.fstat(file).st_mode
    for is_kind, name in KINDS:
        if is_kind(mode):
            return Executable(path=path, problem=f"{path} is {name}", remedy="name a program", lasting=True)
    if not mode & 0o111:
        return Executable(path=path, problem=f"{path} has no execute bit", remedy=CHMOD)
    flags = os.fstatvfs(file).f_flag
    if flags & os.ST_NOEXEC:
        remedy = "mount it with exec (docker: --tmpfs /run:exec, compose: tmpfs: [/run:exec])"
        return Executable(path=path, problem=f"{path} lies on a mount that is noexec", remedy=remedy)
    found = _by_content(path, _begin(file), depth)
    if not found.problem and not found.capabilities and not flags & os.ST_NOSUID:
        found.capabilities, found.owner = _capabilities(file), path
    return found


def _unseen(path: str, error: OSError) -> Executable | None:
    """A path that stat(2) does not get behind: a link into nothing is there all the same."""
    if error.errno == errno.ELOOP:
        return Executable(path=path, problem=f"{path} is a link that leads in a circle", remedy="fix the link")
    if error.errno not in (errno.ENOENT, errno.ENOTDIR):
        return Executable(path=path)
    try:
        target = os.readlink(path)
    except OSError:
        return None
    problem = f"{path} is a link to {target}, which is not there"
    return Executable(path=path, problem=problem, remedy="install that in the image, or fix the link", code=NOT_FOUND)


def _begin(file: int) -> bytes:
    readable = os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(readable, BEGIN)
    finally:
        os.close(readable)


def _by_content(path: str, begin: bytes, depth: int) -> Executable:
    if begin.startswith(b"#!"):
        return _script(path, begin[2:LONGEST_LINE], depth)
    if begin.startswith(b"\x7fELF"):
        return _program(path, begin)
    remedy = "begin the script with a line like #!/bin/sh"
    if not begin:
        return Executable(path=path, problem=f"{path} is empty", remedy="copy the program anew")
    what = "is no program" if b"\0" in begin else "is a text without a #! line"
    return Executable(path=path, problem=f"{path} {what}", remedy=remedy, certain=False)


def _script(path: str, line: bytes, depth: int) -> Executable:
    """A script runs if its interpreter does."""
    words = line.split(b"\n")[0].strip(b" \t").replace(b"\t", b" ").split(b" ")
    name = words[0].decode("utf-8", "surrogateescape")
    if not name:
        return Executable(path=path, problem=f"{path} names no program in its first line (#!)", remedy="name one there")
    if depth == MOST_INTERPRETERS:
        return Executable(path=path)
    found = look(name, depth + 1)
    if found is None:
        ending = ", with a CR at the line's end" if name.endswith("\r") else ""
        problem = f"{path} is there, but the program that its first line (#!) names is not: {name.rstrip()}{ending}"
        return Executable(path=path, problem=problem, remedy=INSTALL, code=NOT_FOUND)
    if found.problem and found.certain:
        found.problem = f"{path} cannot be run, since its first line (#!) names {name}, and {found.problem}"
    elif found.problem:  # the kernel, too, would have to execute that one first
        found.problem = f"{path} is run by {name}, and {found.problem}"
    found.path = path
    return found


def _program(path: str, begin: bytes) -> Executable:
    """An ELF program: for this machine's processor, and with the loader that it names."""
    order = "big" if begin[5:6] == b"\2" else "little"
    machines = MACHINES.get(os.uname().machine, ())
    machine = int.from_bytes(begin[18:20], order)  # type: ignore[arg-type] # one of two words
    if machines and machine not in machines:
        problem = f"{path} is built for another processor than this machine's ({os.uname().machine})"
        return Executable(
            path=path, problem=problem, remedy="take the image for this platform (--platform)", certain=False
        )
    loader = _loader(begin, order == "little")
    if loader and not _is_there(loader):
        problem = f"{path} is there, but the loader that its ELF header names is not: {loader}"
        remedy = "build it for this image's C library (glibc, musl), or statically"
        return Executable(path=path, problem=problem, remedy=remedy, code=NOT_FOUND)
    return Executable(path=path)


def _loader(begin: bytes, little: bool) -> str:
    """The path in PT_INTERP of a 64-bit little-endian program; "" for any other, and where it has none."""
    if begin[4:5] != b"\2" or not little:
        return ""
    start, size, count = [int.from_bytes(begin[at : at + width], "little") for at, width in ((32, 8), (54, 2), (56, 2))]
    for at in range(start, min(start + size * count, len(begin)), size or BEGIN):
        if int.from_bytes(begin[at : at + 4], "little") == INTERPRETER:
            place = int.from_bytes(begin[at + 8 : at + 16], "little")
            return begin[place : place + 256].partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return ""


def _capabilities(file: int) -> int:
    """Those that the kernel must be able to give the file, or it refuses it (EPERM): permitted ones, with effect."""
    try:
        permitted, effective, foreign = of_file(os.getxattr(f"/proc/self/fd/{file}", "security.capability"))
    except OSError:
        return 0
    return permitted if effective and not foreign else 0


def _is_there(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True
