"""Runs a function in a child process, which may give up root or change signals, and hands back what it returned."""

import os
import pickle
from collections.abc import Callable
from typing import Any


class Died(Exception):
    """The child ended without an answer."""


def forked(function: Callable[[], Any]) -> Any:
    """What `function` returns in a child; what it raises is raised here. Died where the child did not get so far."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            answer: tuple[bool, Any] = (True, function())
        except BaseException as error:
            answer = (False, (type(error), str(error), getattr(error, "code", None)))
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if not text:
        raise Died(os.waitstatus_to_exitcode(status))
    good, content = pickle.loads(text)
    if good:
        return content
    kind, message, _ = content
    raise Raised(kind, message)


class Raised(Exception):
    """The function raised: `kind` is the class, `str()` its message."""

    def __init__(self, kind: type[BaseException], message: str) -> None:
        super().__init__(message)
        self.kind = kind


def ended(function: Callable[[], Any]) -> int:
    """How a child that runs `function` ends: its exit code, or minus the signal. It returns normally with 0."""
    child = os.fork()
    if child == 0:
        try:
            function()
        except BaseException:
            os._exit(99)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def status() -> dict[str, str]:
    """The fields of /proc/self/status of whoever asks, as the kernel writes them."""
    with open("/proc/self/status") as file:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


__all__ = ["Died", "Raised", "ended", "forked", "status"]
