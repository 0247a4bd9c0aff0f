"""Performs HooksStep: runs root's hooks, one after the other, and collects the variables that they add."""

from pydrop import running
from pydrop.hook_environment import Additions, parsed
from pydrop.model import Identity, Outcome, Start
from pydrop.rootenv import for_root
from pydrop.steps import HooksStep
from pydrop.telling import NO_HOOK, Telling, Told


def perform(step: HooksStep, start: Start) -> Outcome:
    """Run every hook as root with the command as its arguments, and collect the variables that they add.

    Raises HookFailed with the hook's exit code: 128+N where signal N ended the hook, 125 where the hook
    cannot run or writes a line that sets no variable. Raises Untrusted for a hook that is not root's alone."""
    if not step.hooks:
        return Outcome()
    added: dict[str, str | None] = {}
    additions, telling = Additions(), Telling()
    workdir = running.Workdir()
    own = workdir.variables | named(step.record.identity)
    try:
        for hook in step.hooks:
            safe = for_root(with_changes(start.environment, added), step.given)
            given = safe | own | {"PYDROP_ENV": additions.fresh()}
            came, changes = start.environment, tuple(added.items())
            telling.starting(Told(record=step.record, came=came, changes=changes, given=given))
            running.run(hook, (hook, *step.command), given, start, telling.runs)
            telling.runs(NO_HOOK)
            added |= parsed(additions.content(f"the hook {hook}"), f"the hook {hook}")
    finally:
        workdir.leave()
        telling.close()
        additions.close()
        running.reap_strangers()
    return Outcome(
        changed=len(step.hooks),
        words=f"ran {', '.join(step.hooks)}",
        environment=tuple(added.items()),
    )


def named(who: Identity) -> dict[str, str]:
    """The variables that tell a hook who the program becomes."""
    numbers = {"PYDROP_UID": str(who.uid), "PYDROP_GID": str(who.gid)}
    return numbers | {"PYDROP_USER": who.name, "PYDROP_HOME": who.home}


def with_changes(lines: tuple[str, ...], changes: dict[str, str | None]) -> tuple[str, ...]:
    """`lines` (NAME=value) with what earlier hooks set, and without what they unset.

    They meant it for the program: a PATH=/data/bin:... among them makes no later hook run the user's code, since
    `for_root` sees all of it."""
    kept = [line for line in lines if line.partition("=")[0] not in changes]
    return (*kept, *[f"{name}={value}" for name, value in changes.items() if value is not None])
