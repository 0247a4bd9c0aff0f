"""The program that the kernel runs for a script: its `#!` line, which is followed as far as root's trust must reach.

A hook that is root's alone is of no use where its interpreter is the user's. The line is read as execve(2) reads it.
Behind env(1) the word that env looks up is found along the same PATH. Other paths in the line are looked at too: a
script (`#!/bin/sh /x`), a folder of modules (`-I/x`), what `env -S` sets and runs.
"""

import os

from pydrop.errors import Untrusted
from pydrop.trust import open_trusted

LONGEST_LINE = 256  # bytes of a file in which the kernel looks for the line's end (BINPRM_BUF_SIZE)
CUT = dict.fromkeys(map(ord, "=:;,\"'\\"), " ")  # what may stand beside a path in a word
MOST_INTERPRETERS = 5  # an interpreter may be a script too; the kernel gives up at the same depth


def require_trusted(script: str, search: str) -> None:
    """Raise Untrusted where `script`, or an interpreter that runs it, is not root's alone.

    `search` is the PATH by which env(1) would look for one. An interpreter that is missing is nobody's to plant where
    its folder is root's, and running the script says so."""
    todo = [script]
    for _ in range(MOST_INTERPRETERS + 1):
        todo = [found for path in todo for found in _interpreters(path, script, search)]
        if not todo:
            return


def _interpreters(path: str, script: str, search: str) -> list[str]:
    """What the first line of `path` has run: its interpreter, and the program that env(1) finds."""
    words = _line(path, script).split()
    if not words:
        return []
    if not words[0].startswith("/"):
        raise Untrusted(
            f"the hook {script} names the interpreter {words[0]}, which is looked up in the working folder",
            "name it from / on, as #!/bin/sh",
        )
    named = _behind_env(words[1:]) if words[0].rpartition("/")[2] == "env" else ""
    return [words[0], *_found(named, search), *_paths(words[1:])]


def _paths(words: list[str]) -> list[str]:
    """The absolute paths that stand in the words behind an interpreter.

    What `env -S NAME=/x` sets counts where it is a search path; DATA=/data is for the hook."""
    found = []
    for word in words:
        name, equals, _ = word.partition("=")
        if equals and name[:1] != "-" and not name.endswith("PATH") and not name.startswith("LD_"):
            continue
        for piece in word.translate(CUT).split():
            at = piece.find("/")
            if at == 0 or (at > 0 and piece[0] == "-"):  # -I/x, -S/x; no s/a/b/ of sed's
                found.append(piece[at:])
    return found


def _line(path: str, script: str) -> str:
    """The words behind `#!`; "" for a program that is no script, and for one that is not there."""
    try:
        file = open_trusted(path)
    except Untrusted as error:
        if path == script:
            raise
        raise Untrusted(f"the hook {script} is run by {path}: {error.problem}", error.remedy) from error
    except OSError:
        return ""
    try:
        begin = os.read(file, LONGEST_LINE)
    except OSError:
        return ""
    finally:
        os.close(file)
    return os.fsdecode(begin[2:].split(b"\n")[0]) if begin.startswith(b"#!") else ""


def _behind_env(words: list[str]) -> str:
    """The command of ``env [OPTION]... [NAME=VALUE]... COMMAND``, as far as a `#!` line can have them."""
    return next((word.strip("\"'") for word in words if not word.startswith("-") and "=" not in word), "")


def _found(name: str, search: str) -> list[str]:
    """The file that a look-up along `search` finds; none for no name."""
    if not name:
        return []
    if "/" in name:
        return [name]
    paths = [f"{folder}/{name}" for folder in search.split(":") if folder.startswith("/")]
    return [path for path in paths if os.path.lexists(path)][:1]
