"""Odd states that a container's first process can be started in.

Run as a program it reads lines ``["STATE", "OUT", "WORD"...]`` (JSON). For each, a process becomes PID 1 of new
namespaces, puts itself into the state and becomes ``WORD... /mnt/probe OUT ARGUMENT...`` with the state's arguments and
environment, byte for byte. The answer is a line with the exit code. One interpreter serves all of them: to start one
for each took half of the tests' time.
"""

import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import sys
import termios
from collections.abc import Callable
from functools import partial

PATH = b"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = (PATH, b"HOME=/root", b"LANG=C.UTF-8", b"HOSTNAME=box")
BARE = (PATH, b"HOME=/root")
SIGNALS = [number for number in range(1, 65) if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33)]

libc = ctypes.CDLL(None, use_errno=True)


class State:
    """What is odd: `change` is done last, before exec."""

    def __init__(
        self,
        change: "Callable[[], object]" = lambda: None,
        environment: "tuple[bytes, ...]" = ENVIRONMENT,
        arguments: "tuple[bytes, ...]" = (),
    ) -> None:
        self.change, self.environment, self.arguments = change, environment, arguments


def each(*changes: "Callable[[], object]") -> State:
    return State(lambda: [change() for change in changes])


def ignoring(*numbers: int) -> State:
    return State(lambda: [signal.signal(number, signal.SIG_IGN) for number in numbers])


def blocking(*numbers: int) -> State:
    return State(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, numbers))


def pending(*numbers: int) -> State:
    """Blocked, and one of each has come."""

    def change() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        for number in numbers:
            os.kill(os.getpid(), number)

    return State(change)


def closed(*numbers: int) -> State:
    return each(*[lambda number=number: os.close(number) for number in numbers])


def with_environment(*lines: bytes) -> State:
    return State(environment=(*ENVIRONMENT, *lines))


def limited(which: int, soft: int, hard: int) -> State:
    return State(lambda: resource.setrlimit(which, (soft, hard)))


def prctl(option: int, value: int) -> State:
    return State(lambda: libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def proc(file: str, text: str) -> State:
    return State(lambda: _write(f"/proc/self/{file}", text))


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def descriptors() -> None:
    """Of many kinds, at numbers with gaps."""
    os.dup2(os.open("/etc/passwd", os.O_RDONLY), 3)
    os.lseek(3, 5, os.SEEK_SET)
    os.dup2(os.open("/mnt/written", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK), 5)
    os.dup2(os.open("/mnt", os.O_RDONLY | os.O_DIRECTORY), 9)
    os.dup2(os.open("/mnt", os.O_PATH), 10)
    gone = os.open("/mnt/gone", os.O_RDWR | os.O_CREAT)
    os.unlink("/mnt/gone")
    os.dup2(gone, 42)
    reader, writer = os.pipe()
    os.dup2(reader, 100)
    os.dup2(writer, 101)
    os.dup2(socket.socketpair()[0].detach(), 250)
    os.dup2(os.memfd_create("memory"), 251)


def streams(kind: str) -> "Callable[[], None]":
    def change() -> None:
        if kind == "pipes":
            ends = [os.pipe()[0], os.pipe()[1], os.pipe()[1]]
        elif kind == "sockets":
            ends = [socket.socketpair()[0].detach() for _ in range(3)]
        else:
            ends = [os.open("/mnt/written", os.O_RDWR | os.O_CREAT | os.O_APPEND) for _ in range(3)]
        for number, end in enumerate(ends):
            os.dup2(end, number)

    return change


def terminal() -> None:
    """A session of its own, with a controlling terminal, in the foreground."""
    os.setsid()
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.dup2(master, 60)
    for number in (0, 1, 2):
        os.dup2(slave, number)


def deleted_folder() -> None:
    os.mkdir("/mnt/deleted")
    os.chdir("/mnt/deleted")
    os.rmdir("/mnt/deleted")


def odd_folder() -> None:
    os.makedirs(b"/mnt/caf\xe9 \n", exist_ok=True)
    os.chdir(b"/mnt/caf\xe9 \n")


def roots_folder() -> None:
    """One that the program's user may not enter."""
    os.makedirs("/mnt/roots", exist_ok=True)
    os.chmod("/mnt/roots", 0o700)
    os.chdir("/mnt/roots")


def inheritable_capabilities() -> None:
    """capset(2): everything inheritable too, and one capability ambient."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    libc.capget(header, data)
    data[2], data[5] = data[1], data[4]
    libc.capset(header, data)
    libc.prctl(47, ctypes.c_ulong(2), ctypes.c_ulong(10), 0, 0)  # PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE


PR_SET_PDEATHSIG, PR_SET_SECUREBITS, PR_SET_TIMERSLACK = 1, 28, 29
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_SET_THP_DISABLE = 36, 38, 41
NO_CAP_AMBIENT_RAISE = 1 << 6
SYS_IOPRIO_SET = {"x86_64": 251}.get(os.uname().machine, 30)

STATES: "dict[str, State]" = {
    "nothing odd": State(),
    "no locale at all": State(environment=BARE),
    "LC_ALL=C": with_environment(b"LC_ALL=C"),
    "LANG=C": State(environment=(*BARE, b"LANG=C")),
    "LC_CTYPE=POSIX": State(environment=(*BARE, b"LC_CTYPE=POSIX")),
    "LC_ALL is empty": State(environment=(*BARE, b"LC_ALL=", b"LANG=")),
    "a locale that is not there": with_environment(b"LC_ALL=xx_XX.nonsense"),
    "an environment that is empty": State(environment=()),
    "HOME is not set": State(environment=(PATH,)),
    "HOME is empty": State(environment=(PATH, b"HOME=")),
    "HOME is /": State(environment=(PATH, b"HOME=/", b"LAST=1")),
    "HOME, USER and LOGNAME are root's": State(environment=(b"LOGNAME=root", b"HOME=/root", b"USER=root", PATH)),
    "a HOME that somebody chose": State(environment=(PATH, b"HOME=/srv", b"LAST=1")),
    "PATH is not set": State(environment=(b"HOME=/root",)),
    "values that are no UTF-8": with_environment(b"A=\xff\xfe", b"B=caf\xe9", b"C=\xed\xa0\x80", b"D=\xc3\xa9"),
    "names that are no UTF-8": with_environment(b"\xff\xfe=1", b"caf\xe9=2", b"\xc3\xa9=3"),
    "names that a shell would drop": with_environment(
        b"my.var=1", b"a-b=2", b"a b=3", b"1=4", b"BASH_FUNC_f%%=() { :; }"
    ),
    "names like the launcher's disguise": with_environment(b"!A=1", b"!!B=2", b"!=3"),
    "values with everything": with_environment(bytes([b"X="[i] if i < 2 else i - 1 for i in range(257)])),
    "values with newlines": with_environment(b"A=1\n2\n", b"B=\n", b"C=\r\n", b"D= ", b"E="),
    "a value of 100,000 bytes": with_environment(b"A=" + b"x" * 100_000),
    "3,000 variables": with_environment(*[b"V%d=%d" % (number, number) for number in range(3000)]),
    "variables that are there twice": with_environment(b"A=1", b"B=x", b"A=2", b"A=1", PATH, b"HOME=/root"),
    "a variable without =": with_environment(b"NOVALUE", b"A=1", b"=nameless", b"=", b""),
    "PYTHON variables": with_environment(
        b"PYTHONPATH=/nowhere", b"PYTHONHOME=/nowhere", b"PYTHONUNBUFFERED=1", b"PYTHONUTF8=1", b"PYTHONINSPECT=1",
        b"PYTHONCOERCECLOCALE=warn", b"PYTHONMALLOC=debug", b"PYTHONDEVMODE=1", b"PYTHONHASHSEED=bad",
        b"PYTHONVERBOSE=3", b"PYTHONSAFEPATH=1", b"PYTHONIOENCODING=ascii", b"PYTHONWARNINGS=error",
        b"PYTHONDONTWRITEBYTECODE=x", b"PYTHONTRACEMALLOC=1", b"PYTHONFAULTHANDLER=1",
        b"PYTHONPLATLIBDIR=x", b"PYTHONNODEBUGRANGES=1",
    ),
    "variables of the dynamic linker and of glibc": with_environment(
        b"LD_LIBRARY_PATH=/nowhere", b"LD_BIND_NOW=1", b"GLIBC_TUNABLES=glibc.malloc.check=3", b"MALLOC_PERTURB_=7",
        b"LOCPATH=/nowhere", b"GCONV_PATH=/nowhere", b"TZ=:/nowhere", b"TZDIR=/nowhere", b"NLSPATH=/nowhere",
        b"RES_OPTIONS=debug", b"LOCALDOMAIN=x", b"TMPDIR=/nowhere", b"MALLOC_TRACE=/nowhere",
    ),
    "arguments that are empty": State(arguments=(b"", b"", b"x", b"")),
    "arguments that are no UTF-8": State(arguments=(b"\xff\xfe", b"caf\xe9", b"\xed\xa0\x80", bytes(range(1, 256)))),
    "arguments like options": State(arguments=(b"--", b"--help", b"-c", b"-", b"--user", b"root", b"--chown=/", b"-I")),
    "arguments with blanks and newlines": State(arguments=(b" ", b"\n", b"a b", b"\t", b"'\"`$(id)`", b"*")),
    "an argument of 100,000 bytes": State(arguments=(b"x" * 100_000,)),
    "3,000 arguments": State(arguments=tuple([b"%d" % number for number in range(3000)])),
    "all signals ignored": ignoring(*SIGNALS),
    "all signals blocked": blocking(*SIGNALS),
    "all signals ignored and blocked": each(ignoring(*SIGNALS).change, blocking(*SIGNALS).change),
    **{
        f"{signal.Signals(number).name} ignored": ignoring(number)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT,
                       signal.SIGTERM, signal.SIGTTOU, signal.SIGRTMIN, signal.SIGRTMAX)
    },
    **{
        f"{signal.Signals(number).name} blocked": blocking(number)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT,
                       signal.SIGTERM, signal.SIGRTMIN)
    },
    "signals that are blocked and have come": pending(signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP, signal.SIGRTMIN),
    "umask 077": State(lambda: os.umask(0o077)),
    "umask 000": State(lambda: os.umask(0)),
    "descriptors above 2": State(descriptors),
    "0 is closed": closed(0),
    "1 is closed": closed(1),
    "2 is closed": closed(2),
    "0, 1 and 2 are closed": closed(0, 1, 2),
    "pipes on 0, 1 and 2": State(streams("pipes")),
    "sockets on 0, 1 and 2": State(streams("sockets")),
    "files on 0, 1 and 2": State(streams("files")),
    "a session with a terminal": State(terminal),
    "a session of its own": State(os.setsid),
    "a process group of its own": State(lambda: os.setpgid(0, 0)),
    "niceness 5": State(lambda: os.nice(5)),
    "niceness -5": State(lambda: os.nice(-5)),
    "SCHED_BATCH": State(lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))),
    "SCHED_IDLE": State(lambda: os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))),
    "SCHED_RR": State(lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(3))),
    "one processor": State(lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})),
    "an io priority": State(lambda: libc.syscall(SYS_IOPRIO_SET, 1, 0, 2 << 13 | 6)),
    "oom_score_adj 500": proc("oom_score_adj", "500"),
    "a coredump filter": proc("coredump_filter", "0x7f"),
    "timer slack": prctl(PR_SET_TIMERSLACK, 70_000),
    "a death signal": prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
    "a child subreaper": prctl(PR_SET_CHILD_SUBREAPER, 1),
    "no huge pages": prctl(PR_SET_THP_DISABLE, 1),
    "no_new_privs already": prctl(PR_SET_NO_NEW_PRIVS, 1),
    "securebits": prctl(PR_SET_SECUREBITS, NO_CAP_AMBIENT_RAISE),
    "inheritable and ambient capabilities": State(inheritable_capabilities),
    "a personality": State(lambda: libc.personality(0x0040000)),  # ADDR_NO_RANDOMIZE
    "a timer that runs": State(lambda: signal.setitimer(signal.ITIMER_REAL, 1000, 7)),
    "few descriptors": limited(resource.RLIMIT_NOFILE, 32, 64),
    "no core": limited(resource.RLIMIT_CORE, 0, 0),
    "small files": limited(resource.RLIMIT_FSIZE, 1 << 20, 1 << 20),
    "a small stack": limited(resource.RLIMIT_STACK, 1 << 20, 4 << 20),
    "little address space": limited(resource.RLIMIT_AS, 256 << 20, 512 << 20),
    "little locked memory": limited(resource.RLIMIT_MEMLOCK, 0, 65536),
    "little processor time": limited(resource.RLIMIT_CPU, 100, 200),
    "a folder that was deleted": State(deleted_folder),
    "a folder that is root's alone": State(roots_folder),
    "a folder with a name that is no UTF-8": State(odd_folder),
}  # fmt: skip


def settle() -> None:
    """Nothing odd: what this interpreter and its parents changed is undone."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.closerange(3, 1024)
    os.chdir("/")
    os.umask(0o022)


def become(words: "list[bytes]", environment: "tuple[bytes, ...]") -> None:
    """execve(2) with just these strings, also those that os.execve refuses."""
    argv = (ctypes.c_char_p * (len(words) + 1))(*words, None)
    envp = (ctypes.c_char_p * (len(environment) + 1))(*environment, None)
    libc.execve(words[0], argv, envp)
    os._exit(96)


CLONE_NEWNS, CLONE_NEWPID = 0x20000, 0x20000000


def in_namespaces(run: "Callable[[], None]") -> int:
    """How `run` ends as PID 1 of a PID namespace and a mount namespace of its own, with its own /proc."""
    between = os.fork()
    if between == 0:
        if libc.unshare(CLONE_NEWNS | CLONE_NEWPID):
            os._exit(97)
        pid_1 = os.fork()
        if pid_1 == 0:
            if libc.mount(b"proc", b"/proc", b"proc", 0, None):
                os._exit(98)
            run()
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid_1, 0)[1]) % 256)
    return os.waitstatus_to_exitcode(os.waitpid(between, 0)[1])


def started(name: str, out: str, words: "list[str]") -> None:
    """This process, in that state, becomes the words."""
    state = STATES[name]
    settle()
    state.change()
    become([*map(os.fsencode, words), b"/mnt/probe", os.fsencode(out), *state.arguments], state.environment)


if __name__ == "__main__":
    for line in sys.stdin:
        name, out, *words = json.loads(line)
        print(in_namespaces(partial(started, name, out, words)), flush=True)
