"""The noun of a command's file: what a look at it has found before it is executed, and the errors that say so.

`command_lookup` makes it. Before the first change planning raises these errors, after a failed exec `handover` does.
"""

from pydrop.capabilities import names_of
from pydrop.errors import NOT_EXECUTABLE, NOT_FOUND, CommandFailed
from pydrop.process import Value


class Executable(Value):
    """The file that execvp(3) comes to, and what keeps the kernel from executing it.

    `problem` "" is nothing that is known. `certain`: no setting of the kernel's (binfmt_misc) can make it run.
    `lasting`: nor can a hook that runs before. `capabilities` is the bit mask of those without which the kernel refuses
    the file."""

    path: str
    problem: str = ""
    remedy: str = ""
    code: int = NOT_EXECUTABLE
    certain: bool = True
    lasting: bool = False
    capabilities: int = 0
    owner: str = ""  # the file that has the capabilities, where it is an interpreter of the command's


def not_found(name: str, paths: list[str]) -> CommandFailed:
    """The error for a command that is at none of `paths`."""
    searched = ":".join([path.rpartition("/")[0] for path in paths])
    problem, remedy = (
        f"{name} was not found in PATH={searched}",
        "install it in the image, or name it by its whole path",
    )
    if "/" in name:
        problem, remedy = f"{name} is not there", "check the path"
    elif not name:
        problem, remedy = "its name is empty", "name a program (in compose, an empty variable in command: gives this)"
    return CommandFailed(f"unable to run the command: {problem}", remedy, NOT_FOUND)


def refused(found: Executable) -> CommandFailed:
    """The error for what stands against executing the file."""
    return CommandFailed(f"unable to run the command: {found.problem}", found.remedy, found.code)


def lacks(found: Executable, capabilities: int, remedy: str) -> CommandFailed:
    """The error for a file with capabilities (bit mask) that the bounding set lacks."""
    problem = (
        f"{found.owner} has file capabilities ({', '.join(names_of(capabilities))}) "
        "that the capability bounding set lacks, so the kernel does not execute it"
    )
    remedy = f"{remedy}; or take them off the file in the image: RUN setcap -r {found.owner}"
    return CommandFailed(f"unable to run the command: {problem}", remedy, NOT_EXECUTABLE)
