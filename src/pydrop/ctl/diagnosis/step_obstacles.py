"""What would end a start at one of its steps, as far as a look can tell: each function asks one kind of step.

The message is the start's own wherever the step's performer can be asked for it without a change. What only the act
itself shows is in no function here: a full disk, a lock that somebody holds, a hook that fails.
"""

import errno
import os
import stat
from collections.abc import Callable
from typing import Any

from pydrop import handover, kernel, running
from pydrop.capabilities import mask_of
from pydrop.ctl.diagnosis.world import World
from pydrop.errors import HookFailed, NotPermitted, PydropError
from pydrop.perform import secrets
from pydrop.perform.accountfiles import account_file
from pydrop.perform.oom import FILE as OOM_FILE
from pydrop.pid1 import readiness
from pydrop.steps import AccountsStep, HomeStep, HooksStep, InitStep, OomStep, PrivilegesStep, SecretsStep, Step

BEGIN = 256  # bytes of a hook: the line in which the kernel looks for an interpreter
CHOWN, SYS_RESOURCE = mask_of(("chown",)), mask_of(("sys_resource",))


def found(world: World) -> list[PydropError]:
    """The obstacles of all steps, in the steps' order."""
    errors = []
    for step in world.plan.steps if world.plan else ():
        for kind, ask in ASKED.items():
            try:
                if isinstance(step, kind) and not step.done:
                    ask(world, step)
            except PydropError as error:
                errors.append(error)
    return errors


def _secrets(world: World, step: SecretsStep) -> None:
    """They are read as the start reads them; nothing of them is kept."""
    secrets.perform(step, world.start)


def _accounts(_world: World, step: AccountsStep) -> None:
    if step.how in ("wrapper", "environment"):
        names = ("passwd", "group") if step.how == "wrapper" else ()
        for name in names:
            _require_everybody_s(f"/etc/{name}")
        return
    folder = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in ("group", "passwd"):
            account_file.read(folder, name)
    except OSError as error:
        raise PydropError(f"unable to change the account files in /etc: {error.strerror}", "see ls -l /etc") from error
    finally:
        os.close(folder)


def _require_everybody_s(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) or not mode & stat.S_IROTH:
        raise PydropError(f"{path} is not a file that everybody may read", "make it one: mode 0644")


def _home(world: World, step: HomeStep) -> None:
    if step.errors == "fail" and not world.held.effective & CHOWN and os.path.isdir(step.volume.path):
        raise NotPermitted(
            f"unable to give the home {step.volume.path} to {step.uid}:{step.gid}", "add cap_add: [CHOWN]"
        )


def _oom(world: World, step: OomStep) -> None:
    """A value lower than the present one needs the capability."""
    try:
        with open(OOM_FILE, encoding="ascii") as file:
            present = int(file.read())
    except (OSError, ValueError):
        return
    if step.score_adj < present and not world.held.effective & SYS_RESOURCE:
        raise NotPermitted(
            f"unable to set oom_score_adj to {step.score_adj}: {os.strerror(errno.EACCES)}",
            f"have the runtime set it (docker: --oom-score-adj {step.score_adj}), or add cap_add: [SYS_RESOURCE]",
        )


def _hooks(_world: World, step: HooksStep) -> None:
    for hook in step.hooks:
        number = _exec_error(hook)
        if number:
            raise HookFailed(f"unable to run the hook {hook}: {os.strerror(number)}", running.REMEDIES[number])


def _exec_error(path: str) -> int:
    """The errno with which execve(2) would refuse a program, 0 where it would not. Its x bit is set."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
            begin = file.read(BEGIN)
        noexec = os.statvfs(path).f_flag & os.ST_NOEXEC
    except OSError:  # it cannot be looked into
        return 0
    if noexec:
        return errno.EACCES
    if not begin.startswith(b"#!"):
        return 0 if begin.startswith(b"\x7fELF") else errno.ENOEXEC
    words = begin[2:].split(b"\n")[0].split()
    if not words:
        return errno.ENOEXEC
    if not os.path.exists(words[0]):
        return errno.ENOENT
    return 0 if os.access(words[0], os.X_OK) and os.path.isfile(words[0]) else errno.EACCES


def _init(world: World, step: InitStep) -> None:
    """Whoever waits for READY=1 is looked for at once; nothing is sent."""
    outer = readiness.connected(world.start.environment) if step.supervision.announces else None
    if outer:
        outer.close()


def _privileges(world: World, step: PrivilegesStep) -> None:
    """What the drop and the hand-over load beforehand must be in the image."""
    if step.keep_caps:
        kernel.ambient_raiser()
    if world.plan:
        handover.Handover(world.plan.command, world.start.environment, world.start)


ASKED: "dict[type[Step], Callable[[World, Any], None]]" = {
    AccountsStep: _accounts,
    HomeStep: _home,
    SecretsStep: _secrets,
    HooksStep: _hooks,
    OomStep: _oom,
    InitStep: _init,
    PrivilegesStep: _privileges,
}
