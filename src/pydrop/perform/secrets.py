"""Reads variables from files as root, so that secrets need not be readable after the drop.

Root reads what it is told to, so the way to the file must be root's: in a folder that the program's
user can write, a link to /etc/shadow would hand him that file at the next start.
"""

import os
import stat

from pydrop.errors import BadSetting, PydropError, Untrusted
from pydrop.model import Outcome, Secret, Start
from pydrop.steps import SecretsStep
from pydrop.trust import open_trusted

LARGEST_VARIABLE = 131072  # bytes of one NAME=value with its final NUL, MAX_ARG_STRLEN (execve(2))


def perform(step: SecretsStep, _start: Start) -> Outcome:
    """Each variable gets its file's content; the pointing variables are taken out.

    Raises PydropError that names the variable and the path, never the value. Without root one that
    may not be read is a warning, and its variables stay as they came."""
    environment: list[tuple[str, str | None]] = []
    warnings = []
    for secret in step.secrets:
        try:
            environment += [(secret.name, _value(secret)), (secret.pointer, None)]
        except _Unreadable as error:
            if os.geteuid() == 0:
                raise
            warnings.append(f"{error.problem}, so {secret.name} is not set; {error.remedy}")
    names = [name for name, value in environment if value is not None]
    words = f"{', '.join(names)} read from files" if names else ""
    return Outcome(changed=len(names), words=words, warnings=tuple(warnings), environment=tuple(environment))


class _Unreadable(PydropError):
    """The kernel does not let us read it."""


def _value(secret: Secret) -> str:
    what = f"{secret.pointer}={secret.path}"
    content = _content(secret, what)
    while content.endswith(b"\n"):
        content = content[:-1].removesuffix(b"\r")
    if b"\0" in content:
        raise BadSetting(f"{what} holds a NUL byte, which no variable can hold", "let the program read the file itself")
    if len(os.fsencode(secret.name)) + len(content) + 2 > LARGEST_VARIABLE:
        raise BadSetting(f"{what} is larger than a variable can be", "let the program read the file itself")
    return os.fsdecode(content)


def _content(secret: Secret, what: str) -> bytes:
    """At most a little more than a variable can hold: the caller sees that it is too much."""
    try:
        file = _open(secret.path)
    except FileNotFoundError as error:
        raise BadSetting(f"{what} is not there", f"mount it, or leave out {secret.pointer}") from error
    except Untrusted as error:
        remedy = f"mount it where only root can write, as /run/secrets/{secret.name.lower()}"
        raise Untrusted(f"{what} is not safe to read as root: {error.problem}", remedy) from error
    except OSError as error:
        raise _Unreadable(f"unable to read {what}: {error.strerror}", "make it a file that may be read") from error
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise BadSetting(f"{what} is no file", "name a file that holds the value alone")
        return _whole(file)
    except OSError as error:
        raise PydropError(f"unable to read {what}: {error.strerror}", "make it a file that may be read") from error
    finally:
        os.close(file)


def _open(path: str) -> int:
    """As root along a way that is root's alone, though the file may be anybody's (compose mounts the
    host user's); without root there is nothing to win, and any way will do."""
    if os.geteuid() == 0:
        return open_trusted(path, content_may_be_foreign=True)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)


def _whole(file: int) -> bytes:
    content = b""
    while len(content) <= 2 * LARGEST_VARIABLE and (part := os.read(file, LARGEST_VARIABLE)):
        content += part
    return content
