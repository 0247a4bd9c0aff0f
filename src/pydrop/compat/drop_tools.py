"""The common part of gosu, su-exec and s6-setuidgid: look up an account, change ids, become the command.

These tools do no other work of a start. They read no setting and change no file, and give up ids, groups and
capabilities alone. The order is that of a start: first all that can fail or needs an import, then the drop, then exec.
"""

from pydrop import checked_reads, handover, inherited, kernel
from pydrop.capabilities import mask_of
from pydrop.compat import userspec
from pydrop.compat.tool import Tool, attempt
from pydrop.errors import FAILED
from pydrop.ground import own_code
from pydrop.model import Credentials, Identity, Start, Value
from pydrop.perform import privileges
from pydrop.steps import PrivilegesStep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pydrop.compat.userspec import Files

    Decide = Callable[[Start, Files], "DropRequest"]

SETGID, SETUID = mask_of(("setgid",)), mask_of(("setuid",))


class DropRequest(Value):
    """The identity and the command that the arguments ask for, and changes to the environment (None removes a name)."""

    identity: Identity
    command: tuple[str, ...]
    changes: tuple[tuple[str, str | None], ...] = ()


def become(tool: Tool, start: Start, decide: "Decide") -> int:
    """Become the identity and the command that `decide` finds. On failure returns an exit code, after one line."""
    return attempt(tool, start, lambda: _become(start, decide))


def _become(start: Start, decide: "Decide") -> int:
    held = checked_reads.credentials()
    if checked_reads.is_privileged(held):
        own_code.require_own_code_safe(start.name, start.environment)
    caller = held.uids[1], held.gids[1]
    wanted = decide(start, userspec.files(checked_reads.text("/etc/passwd"), checked_reads.text("/etc/group"), caller))
    who = wanted.identity
    ready = handover.Handover(wanted.command, handover.environment(start.environment, wanted.changes), start)
    if is_that_already(held, who):
        ready.run()
    _require_possible(held, who)
    inherited.require_uninterrupted()
    # ---- the drop: from here on nothing is imported and nothing is opened ----
    privileges.perform(_step(who), start)
    ready.run()
    return FAILED


def is_that_already(held: Credentials, who: Identity) -> bool:
    """Whether this process has the ids of `who` already, and may not set groups.

    Then the command runs with its caller's credentials, unchanged: there is nothing to drop, and nothing is gained.
    (The original tools end here with "operation not permitted".)"""
    return held.uids == (who.uid,) * 4 and held.gids == (who.gid,) * 4 and not held.effective & SETGID


def _require_possible(held: Credentials, who: Identity) -> None:
    """NotPermitted that names what this process lacks. The module with these messages is loaded only for a doubt."""
    maps = checked_reads.id_map("uid_map"), checked_reads.id_map("gid_map")
    if held.effective & SETGID and held.effective & SETUID and maps == (checked_reads.EVERY_ID, checked_reads.EVERY_ID):
        return
    from pydrop.compat import missing_privileges

    missing_privileges.require_mapped(maps, held, who, kernel.setgroups_allowed())
    missing_privileges.require_capabilities(held, who)


def _step(who: Identity) -> PrivilegesStep:
    """The drop of these tools: ids and groups, with what the kernel does along with them, and nothing else."""
    return PrivilegesStep(
        words=f"this process is {who.uid}:{who.gid}",
        identity=who,
        keep_caps=0,
        no_new_privs=False,
        umask=None,
        keep_root=who.uid == 0,
        keep_inheritable=True,
    )
