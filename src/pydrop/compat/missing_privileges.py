"""The errors of the drop tools for missing privileges: what this process lacks to change ids, and how to add it.

`compat.drop_tools` loads this module only where a privilege may be missing.
"""

from pydrop.capabilities import names_of
from pydrop.errors import NotPermitted
from pydrop.model import Credentials, Identity, IdRange
from pydrop.planning import limits


def require_mapped(
    maps: tuple[tuple[IdRange, ...], tuple[IdRange, ...]], held: Credentials, who: Identity, setgroups_allowed: bool
) -> None:
    """NotPermitted where this user namespace does not map the ids of `who`, or forbids setting groups.

    `maps` are the ranges of uid_map and of gid_map."""
    limits.require_mapped(*maps, who)
    limits.require_setgroups(setgroups_allowed, held, who)


def require_capabilities(held: Credentials, who: Identity) -> None:
    """NotPermitted that names each missing capability for the change of ids and groups."""
    missing = names_of(limits.for_the_ids(held, who) & ~held.effective)
    if not missing:
        return
    uid, gid = held.uids[1], held.gids[1]
    if uid == 0:
        remedy = limits.cap_add(missing)
    else:
        remedy = f"start the container as root (without user: or --user), or ask for {uid}:{gid}, which is held already"
    raise NotPermitted(
        f"unable to become {who.uid}:{who.gid}: this process ({uid}:{gid}) lacks {', '.join(missing)}", remedy
    )
