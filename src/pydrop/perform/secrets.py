"""Performs SecretsStep: reads variables from files as root, so that the program's user need not be able to read them.

Root opens any path that a setting names, so nobody but root may be able to change the way to that path. In a folder
that the program's user can write, a link to /etc/shadow would hand that user the file at the next start.
"""

import os
import stat

from pydrop.checked_reads import is_privileged
from pydrop.errors import BadSetting, PydropError, Untrusted
from pydrop.model import Outcome, Secret, Start
from pydrop.steps import SecretsStep
from pydrop.trust import open_trusted

LARGEST_VARIABLE = 131072  # bytes of one NAME=value with its final NUL, MAX_ARG_STRLEN (execve(2))


def perform(step: SecretsStep, _start: Start) -> Outcome:
    """Set each variable to its file's content, and remove the variables that pointed at the files.

    Raises PydropError that names the variable and the path, never the value. Without root a file that
    may not be read is only a warning, and its variables stay as they came."""
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
    """The kernel refused to open the file. This stops a start as root; without root it becomes a warning."""


def _value(secret: Secret) -> str:
    pair = f"{secret.pointer}={secret.path}"
    content = _content(secret, pair)
    while content.endswith(b"\n"):
        content = content[:-1].removesuffix(b"\r")
    if b"\0" in content:
        raise BadSetting(f"{pair} holds a NUL byte, which no variable can hold", "let the program read the file itself")
    if len(os.fsencode(secret.name)) + len(content) + 2 > LARGEST_VARIABLE:
        raise BadSetting(f"{pair} is larger than a variable can be", "let the program read the file itself")
    return os.fsdecode(content)


def _content(secret: Secret, pair: str) -> bytes:
    """The file's bytes, cut a little above what a variable can hold, so that the caller sees what is too large."""
    try:
        file = _open(secret.path)
    except FileNotFoundError as error:
        raise BadSetting(f"{pair} is not there", f"mount it, or leave out {secret.pointer}") from error
    except Untrusted as error:
        remedy = f"mount it where only root can write, as /run/secrets/{secret.name.lower()}"
        how = "as root" if os.geteuid() == 0 else "with the capabilities that this start holds"
        raise Untrusted(f"{pair} is not safe to read {how}: {error.problem}", remedy) from error
    except OSError as error:
        raise _Unreadable(f"unable to read {pair}: {error.strerror}", "make it a file that may be read") from error
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise BadSetting(f"{pair} is no file", "name a file that holds the value alone")
        return _whole(file)
    except OSError as error:
        raise PydropError(f"unable to read {pair}: {error.strerror}", "make it a file that may be read") from error
    finally:
        os.close(file)


def _open(path: str) -> int:
    """Open the path; as root, or with any capability, only along folders that are root's alone.

    The file itself may have any owner, since compose mounts the host user's file. Without either an attacker
    gains nothing, so any path is opened."""
    if is_privileged():
        return open_trusted(path, content_may_be_foreign=True)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)


def _whole(file: int) -> bytes:
    content = b""
    while len(content) <= 2 * LARGEST_VARIABLE and (part := os.read(file, LARGEST_VARIABLE)):
        content += part
    return content
