"""Checks of what is to be executed: the command, where one was named, and the files with capabilities in the PATH."""

import os

from pydrop import command_lookup
from pydrop.capabilities import names_of
from pydrop.ctl.verifying.check_result import Check, fail, ok, warn
from pydrop.ctl.verifying.subject import Subject
from pydrop.executable import lacks
from pydrop.report import escaped

ADD = "give the container these capabilities (cap_add), and leave bounding-set=empty out"
SHOWN = 3  # files that a message names


def checks(subject: Subject) -> list[Check]:
    return [_file_capabilities(subject), *([_command(subject)] if subject.command else [])]


def _file_capabilities(subject: Subject) -> Check:
    """The programs in the folders of PATH that the kernel does not execute here, since it could not give them theirs.

    A shell script that calls one fails, whatever the command is."""
    name, bounding = "file capabilities", subject.held.bounding
    folders = [folder for folder in subject.environment.get("PATH", "").split(":") if folder.startswith("/")]
    looked, refused = 0, []
    for path in sorted({entry for folder in dict.fromkeys(folders) for entry in _with_capabilities(folder)}):
        found = command_lookup.look(path)
        looked += 1
        if found is not None and found.capabilities & ~bounding:
            refused.append(f"{path} ({', '.join(names_of(found.capabilities & ~bounding))})")
    if not refused:
        return ok(name, f"each of the {looked} files that have some can be executed" if looked else "no file has any")
    more = f" and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
    found_words = f"the kernel refuses to execute {escaped(', '.join(refused[:SHOWN]))}{more}"
    return warn(name, f"{found_words}: the bounding set lacks what they have", f"{ADD}; or RUN setcap -r FILE")


def _with_capabilities(folder: str) -> list[str]:
    """The files of a folder that have the attribute security.capability, links followed."""
    found = []
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    for name in names:
        try:
            os.getxattr(f"{folder}/{name}", "security.capability")
        except OSError:
            continue
        found.append(os.path.realpath(f"{folder}/{name}"))
    return found


def _command(subject: Subject) -> Check:
    """Look for the command along PATH as execvp(3) does, without running it."""
    name = subject.command[0]
    lines = (f"PATH={subject.environment['PATH']}",) if "PATH" in subject.environment else ()
    paths = command_lookup.candidates(name, lines)
    existing = [path for path in paths if os.path.lexists(path)]
    runnable = [path for path in existing if os.path.isfile(path) and os.access(path, os.X_OK, effective_ids=True)]
    found = command_lookup.find(runnable or existing)
    if found is None:
        return fail("command", f"{name} was not found", "install it in the image, or name it by its whole path")
    if found.problem and found.certain:
        return fail("command", found.problem, found.remedy)
    if lacking := found.capabilities & ~subject.held.bounding:
        error = lacks(found, lacking, ADD)
        return fail("command", error.problem, error.remedy)
    if not runnable:
        why = "it is there, but this user may not execute it"
        return fail("command", f"{existing[0]}: {why}", "chmod a+rx, its folders too; not on a mount that is noexec")
    if found.problem:
        return warn("command", found.problem, found.remedy)
    return ok("command", f"{found.path} can be executed")
