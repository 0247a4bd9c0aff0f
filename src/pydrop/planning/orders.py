"""Which steps a start has, in which order, and why in that one: the only place where that is decided.

runtime        first, since everything else may lie on /run; with the home folder of a new account, since a start that
               was killed with the account made would not come back to it
home           of an account whose numbers change: before the accounts, since only the old /etc/passwd knows the old
               numbers; a start that is killed in the home is so repeated by the next one
accounts       before volumes and hooks, so that names resolve
streams        the program reopens /dev/stdout after the drop; an `exec` brings streams of its own, root's again
volumes        before hooks, which expect the data to be the program's
secrets        before hooks, which see the program's environment
hooks          last of what root does for the program
record         for `exec` into this container
oom            late, so that root's own work is not what the kernel kills
init           in init mode: PID 1 drops privileges before the command can run
privileges     the drop, always the last
"""

from pydrop.planning import step_builders as as_root
from pydrop.planning.decision import Decision
from pydrop.steps import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Builder = Callable[[Decision], list[Step]]


def _own_entry(decision: Decision) -> list[Step]:
    from pydrop.planning import own_steps

    return own_steps.entry(decision)


def _own_run_dirs(decision: Decision) -> list[Step]:
    from pydrop.planning import own_steps

    return own_steps.run_dirs(decision)


_LAST: "tuple[Builder, ...]" = (as_root.oom, as_root.init, as_root.privileges)
AS_ROOT: "tuple[Builder, ...]" = (
    *(as_root.runtime, as_root.home, as_root.accounts, as_root.streams, as_root.volumes),
    *(as_root.secrets, as_root.hooks, as_root.record),
    *_LAST,
)
AGAIN: "tuple[Builder, ...]" = (as_root.streams, as_root.secrets, *_LAST)  # `exec` into the same container
WITHOUT_ROOT: "tuple[Builder, ...]" = (_own_entry, _own_run_dirs, as_root.secrets, *_LAST)
AGAIN_WITHOUT_ROOT: "tuple[Builder, ...]" = (as_root.secrets, *_LAST)


def steps(order: "tuple[Builder, ...]", decision: Decision) -> tuple[Step, ...]:
    """The steps of such a start; one that the settings do not ask for is not among them."""
    return tuple([step for build in order for step in build(decision)])
