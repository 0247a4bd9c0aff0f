"""Which steps a start has, in which order, and why. This table is the only place that decides it.

runtime        first, since the other steps may need /run. It creates the home of a new account too: a start that was
               killed after the accounts step finds the account existing, and would not create its home
home           for an account whose numbers change. Before the accounts step, since only the old /etc/passwd has the old
               numbers: after a start that was killed in the home, the next start begins the home again
accounts       before hooks and volumes, so that names resolve
streams        since the program reopens /dev/stdout after the drop, as does what a hook runs as the program's user. An
               `exec` has streams of its own, which are root's
secrets        before hooks, which get the program's environment
hooks          before volumes, so that what a hook puts into one is the program's, and groups that a hook gives the
               account count there too
volumes        after the last step that makes files there as root
mounts         after volumes and hooks, which may have made a mount writable, and before user hooks, which may fail for
               one that is not; it only looks
user_hooks     after all that root does for the program, as which they run
record         for a later `exec` into this container
oom            late, so that the kernel does not kill root's own work first
init           in init mode: init has to drop privileges before the command can run
privileges     the drop, always last
"""

from pydrop.planning import step_builders
from pydrop.planning.decision import Decision
from pydrop.steps import AccountsStep, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Builder = Callable[[Decision], list[Step]]


def _own_entry(decision: Decision) -> list[Step]:
    from pydrop.planning import own_steps

    return own_steps.entry(decision)


def _own_name(decision: Decision) -> list[Step]:
    """The entry by nss_wrapper alone, whose copies are this user's own: a second pydrop changes no account file."""
    return [step for step in _own_entry(decision) if isinstance(step, AccountsStep) and step.how == "wrapper"]


def _own_run_dirs(decision: Decision) -> list[Step]:
    from pydrop.planning import own_steps

    return own_steps.run_dirs(decision)


def hooks(decision: Decision) -> list[Step]:
    if not decision.facts.hooks:
        return []
    from pydrop.planning import hook_steps

    return hook_steps.hooks(decision)


def user_hooks(decision: Decision) -> list[Step]:
    if not decision.facts.user_hooks:
        return []
    from pydrop.planning import hook_steps

    return hook_steps.user_hooks(decision)


def _mounts(decision: Decision) -> list[Step]:
    if not decision.facts.mounts:
        return []
    from pydrop.planning import mounts_step

    return mounts_step.steps(decision)


_LAST: "tuple[Builder, ...]" = (step_builders.oom, step_builders.init, step_builders.privileges)
AS_ROOT: "tuple[Builder, ...]" = (
    *(step_builders.runtime, step_builders.home, step_builders.accounts, step_builders.streams, step_builders.secrets),
    *(hooks, step_builders.volumes, _mounts, user_hooks, step_builders.record),
    *_LAST,
)
AGAIN: "tuple[Builder, ...]" = (step_builders.streams, step_builders.secrets, *_LAST)  # `exec` into the same container
IN_HOOK: "tuple[Builder, ...]" = (step_builders.secrets, *_LAST)  # whose streams are the start's
WITHOUT_ROOT: "tuple[Builder, ...]" = (
    *(_own_entry, _own_run_dirs, step_builders.secrets, _mounts, user_hooks),
    *_LAST,
)
AGAIN_WITHOUT_ROOT: "tuple[Builder, ...]" = (_own_name, step_builders.secrets, *_LAST)


def steps(order: "tuple[Builder, ...]", decision: Decision) -> tuple[Step, ...]:
    """The steps that the builders of `order` give, without those that no setting and no fact asks for."""
    return tuple([step for build in order for step in build(decision)])
