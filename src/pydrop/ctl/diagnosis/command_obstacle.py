"""Whether the program's user can execute the command: what would end a start at its very end, with 126 or 127."""

import os

from pydrop.ctl.diagnosis.world import World
from pydrop.errors import NOT_EXECUTABLE, NOT_FOUND, CommandFailed
from pydrop.handover import candidates
from pydrop.inspection import asked_as_user

THERE, EXECUTABLE = 1, 2  # what is answered for one path
BEGIN = 256  # bytes in which the kernel looks for the end of a `#!` line


def found(world: World) -> CommandFailed | None:
    """The error, None where nothing is known to be in the way, or no command was given."""
    if not world.command:
        return None
    paths = tuple(candidates(world.command[0], world.start.environment))
    answers = asked_as_user.answers(world.wanted if world.is_root else None, paths, _looked)
    if len(answers) < len(paths):  # who it is, or whether it may, cannot be asked here
        answers = bytes([_looked(path) for path in paths])
    runnable = [path for path, answer in zip(paths, answers, strict=True) if answer == EXECUTABLE]
    there = [path for path, answer in zip(paths, answers, strict=True) if answer]
    if runnable:
        return _without_interpreter(runnable[0])
    if there:
        remedy = (
            "it must be a file that the program's user may execute (chmod a+rx, folders too), not on a noexec mount"
        )
        return CommandFailed(f"unable to run {there[0]}: Permission denied", remedy, NOT_EXECUTABLE)
    problem = f"the command {world.command[0]} was not found"
    return CommandFailed(problem, "install it in the image, or name it by its whole path", NOT_FOUND)


def _looked(path: str) -> int:
    try:
        os.stat(path)
    except PermissionError:
        return THERE
    except OSError:
        return 0
    return EXECUTABLE if os.path.isfile(path) and os.access(path, os.X_OK, effective_ids=True) else THERE


def _without_interpreter(path: str) -> CommandFailed | None:
    """A script whose interpreter is not there; or a file that is neither a script nor a program."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
            begin = file.read(BEGIN)
    except OSError:  # it may be executed without being read
        return None
    words = begin[2:].split(b"\n")[0].split(b" ")
    name = next((word for word in words if word), b"").strip(b"\t")
    if begin.startswith(b"#!") and name and not os.path.lexists(name):
        problem = f"{path} is there, but what its first line (#!) names to run it is not: {os.fsdecode(name)}"
        remedy = "install that in the image, or mend the line (a CR at its end hides it)"
        return CommandFailed(f"unable to run the command: {problem}", remedy, NOT_FOUND)
    if not begin.startswith((b"#!", b"\x7fELF")):
        remedy = "begin the script with a line like #!/bin/sh, or build the program for this machine's processor"
        return CommandFailed(f"unable to run {path}: Exec format error", remedy, NOT_EXECUTABLE)
    return None
