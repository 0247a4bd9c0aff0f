"""What this `pydrop` is in its container: the start, a second one that goes on by the record, or inside a hook.

`entry` calls `inside_hook` before the settings are read, since a hook's environment holds variables that are none;
`known` before it decides about init mode; and `awaited` last, which may wait while another process makes the start.
"""

import posix as os

from pydrop import handover, state_folder
from pydrop.descent import Descent
from pydrop.errors import PydropError
from pydrop.inspection import earlier_start
from pydrop.model import Record, Start, Value
from pydrop.start_lock import StartLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.telling import Told

# Variables of a hook that a command inside it does not get: they are root's, the shell's own, or for hooks alone.
HOOKS_OWN = (
    *("HOME", "USER", "LOGNAME", "PWD", "OLDPWD", "SHLVL", "_"),
    *("PYDROP_ENV", "PYDROP_WORKDIR", "PYDROP_UID", "PYDROP_GID", "PYDROP_USER", "PYDROP_HOME"),
)


class Standing(Value):
    """`second`: the start was made by another process, or is being made. `record`: who the program is, for such a one.

    `lock` is held by the process that makes the start."""

    second: bool
    record: Record | None = None
    in_hook: bool = False
    lock: StartLock | None = None


def inside_hook(start: Start) -> Descent:
    """The processes above this one. Where one of them is a hook that runs, `start` has the program's environment from
    here on, with what the hook itself has changed. (Without root it is in a user hook, which has that already.)"""
    descent = Descent()
    if descent.told and os.geteuid() == 0:
        start.environment = _environment(start.environment, descent.told)
    return descent


def _environment(lines: tuple[str, ...], told: "Told") -> tuple[str, ...]:
    """The program's environment so far, with the variables that the hook has set or changed since it began."""
    program = handover.environment(told.came, told.changes)
    pairs = [line.partition("=") for line in lines]
    changed = [(name, value) for name, _, value in pairs if name not in HOOKS_OWN and told.given.get(name) != value]
    return handover.environment(program, tuple(changed))


def known(start: Start, descent: Descent) -> Standing | None:
    """What this process is, as far as that can be told without waiting; None where it may be the start."""
    if os.geteuid() != 0:
        entrypoint, told = _entrypoint(start), descent.told is not None or earlier_start.is_hooks(start.environment)
        return Standing(second=told or earlier_start.is_second(entrypoint) or earlier_start.is_exec(entrypoint))
    if descent.told:
        return Standing(second=True, record=descent.told.record, in_hook=True)
    left = earlier_start.record_left(_entrypoint(start))
    return Standing(second=True, record=left) if left else None


def is_made_by_another() -> bool:
    """Whether another process of this container makes the start just now."""
    return StartLock.is_held()


def awaited(start: Start, descent: Descent, say: "Callable[[str], None]") -> Standing:
    """What this process is, once no other one makes the start.

    The first process of a container makes it in any case. Raises PydropError for another one that waited in vain."""

    def before_waiting(holder: int) -> None:
        if holder in descent.hidden:
            raise PydropError(
                "this pydrop runs inside a hook, and may not look at the start that runs it",
                "run it with the hook's own capabilities, and in the hook's user namespace",
            )
        say(f"waiting for process {holder}, which makes this container's start")

    lock = StartLock()
    while not lock.take(before_waiting):
        if left := earlier_start.record_left(_entrypoint(start)):
            lock.release()
            return Standing(second=True, record=left)
        if _entrypoint(start) != 1:
            lock.release()
            raise PydropError(
                "this container's start, for which this pydrop has waited, failed or was ended",
                "its own messages say why (docker logs CONTAINER); the command was not run",
            )
    left = earlier_start.record_left(_entrypoint(start))
    if left is None:
        _require_first(_entrypoint(start), lock)
        return Standing(second=False, lock=lock)
    lock.give_back()  # the start was at its end when this process looked first
    return Standing(second=True, record=left)


def _require_first(entrypoint: int, lock: StartLock) -> None:
    """Raise PydropError where another process has made the start, and could leave no record: so much is known by the
    lock's file, which names that process, or where there can be no such file, by this process's descent."""
    maker = lock.maker if lock.place else 1 if earlier_start.is_exec(entrypoint) else 0
    if entrypoint == 1 or maker in (0, entrypoint, os.getpid()):
        return
    lock.give_back()
    why, remedy = state_folder.why_none()
    raise PydropError(
        f"process {maker} has made this container's start, of which no record could be kept ({why}), so who the "
        "program is cannot be known",
        f"{remedy}, or name the user: docker exec --user UID:GID CONTAINER ...",
    )


def _entrypoint(start: Start) -> int:
    return start.init.pid if start.init else os.getpid()
