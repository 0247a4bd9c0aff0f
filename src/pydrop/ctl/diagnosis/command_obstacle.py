"""Whether the program's user can execute the command: what would end a start at its very end, with 126 or 127."""

import os

from pydrop import asked_as_user
from pydrop.command_lookup import candidates
from pydrop.ctl.diagnosis.world import World
from pydrop.errors import NOT_EXECUTABLE, NOT_FOUND, CommandFailed
from pydrop.planning.command_check import require_executable

THERE, EXECUTABLE = 1, 2  # what is answered for one path


def found(world: World) -> CommandFailed | None:
    """The error, None where nothing is known to be in the way, or no command was given."""
    if not world.command:
        return None
    if world.settings and world.facts and world.plan:
        try:
            require_executable(world.settings, world.facts, world.plan)
        except CommandFailed as error:
            return error
    paths = tuple(candidates(world.command[0], world.start.environment))
    who = asked_as_user.rights_of(world.wanted if world.is_root else None)
    answers = asked_as_user.answers(who, paths, _looked)
    if len(answers) < len(paths):  # who it is, or whether it may, cannot be asked here
        answers = bytes([_looked(path) for path in paths])
    runnable = [path for path, answer in zip(paths, answers, strict=True) if answer == EXECUTABLE]
    there = [path for path, answer in zip(paths, answers, strict=True) if answer]
    if runnable:
        return _no_program(runnable[0])
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


def _no_program(path: str) -> CommandFailed | None:
    """A file that is neither a script nor a program; a start learns that from exec, since binfmt_misc might run it."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
            begin = file.read(4)
    except OSError:  # it may be executed without being read
        return None
    if begin.startswith((b"#!", b"\x7fELF")):
        return None
    remedy = "begin the script with a line like #!/bin/sh, or build the program for this machine's processor"
    return CommandFailed(f"unable to run {path}: Exec format error", remedy, NOT_EXECUTABLE)
