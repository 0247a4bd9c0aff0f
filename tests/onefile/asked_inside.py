"""In place of what pydrop.onefile runs (test_anew.py): tells what Python takes its surroundings to be."""


def launched() -> None:
    import _signal
    import json
    import locale
    import os
    import random
    import resource
    import sys
    import threading
    import time

    from pydrop.onefile import came

    start = came()
    child = os.fork()
    if child == 0:
        os._exit(len(threading.enumerate()))
    threads = []
    thread = threading.Thread(target=lambda: threads.append(threading.get_native_id()))
    thread.start()
    thread.join()
    large = bytearray(100 << 20)
    large[::4096] = bytes(len(large) // 4096)
    del large
    told = {
        "executable": [sys.executable, sys._base_executable],  # type: ignore[attr-defined]
        "words": [sys.argv, start.name, start.arguments],
        "environment": [dict(os.environ), start.environment],
        "came ignored": start.ignored,
        "came blocked": start.blocked,
        "signals": [
            getattr(_signal.getsignal(n), "__name__", _signal.getsignal(n)) for n in range(1, 65) if n not in (32, 33)
        ],
        "limits": [resource.getrlimit(n) for n in (resource.RLIMIT_NOFILE, resource.RLIMIT_STACK, resource.RLIMIT_AS)],
        "umask": os.umask(0o077),
        "folder": os.getcwd(),
        "ids": [os.getuid(), os.geteuid(), os.getgid(), os.getgroups()],
        "streams": [sys.stdin, sys.stdout, sys.stderr],
        "zone": [time.tzname, time.timezone, time.localtime(0)[:6]],
        "locale": [locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding(), sys.flags.utf8_mode],
        "path": [sys.path, sys.meta_path == [], sys.prefix, sys.flags.isolated],
        "child": os.waitpid(child, 0)[1],
        "threads": [len(threads), threads[0] != os.getpid(), threading.main_thread().native_id == os.getpid()],
        "main thread": threading.current_thread() is threading.main_thread(),
        "number": threading.get_native_id() == os.getpid(),
        "deep": deep(0),
        "raised": raised(),
        "random": [random.random(), os.urandom(8).hex()],
        "clocks": [time.time(), time.monotonic(), start.began],
    }
    os.write(1, json.dumps(told).encode())
    os._exit(0)


def deep(depth: int) -> int:
    """How deep calls may go."""
    try:
        return deep(depth + 1)
    except RecursionError:
        return depth


def raised() -> str:
    try:
        {}["none"]  # type: ignore[index]
    except KeyError:
        import traceback

        return traceback.format_exc().splitlines()[-1]
    return ""
