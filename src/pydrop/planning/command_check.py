"""Whether the command of a plan can be executed at all: else nothing is changed for it. `entry` asks before its steps.

What a step may still fix is no reason: a hook may install the command, a package's line for /run may make a link to it,
a volume's `mode` may make it executable. Then exec finds out.
"""

from pydrop.capabilities import names_of
from pydrop.executable import lacks, not_found, refused
from pydrop.model import Facts, Settings
from pydrop.planning.limits import cap_add
from pydrop.steps import Plan, PrivilegesStep


def require_executable(settings: Settings, facts: Facts, plan: Plan) -> None:
    """Raise CommandFailed (126, 127) where the command surely cannot be executed after this plan's steps.

    Not for a second pydrop that becomes somebody else than the program: it changes nothing, and has another PATH than
    was looked along."""
    if facts.record and plan.identity.uid != facts.record.identity.uid:
        return
    found, name = facts.command, plan.command[0]
    hooks = any(["hooks" in step.kind for step in plan.steps])
    if found is None:
        if not hooks and not name.startswith("/run/"):
            raise not_found(name, list(facts.command_paths))
        return
    changed = any([found.path.startswith(f"{volume.path}/") for volume in settings.volumes if volume.mode])
    if found.problem and found.certain and (found.lasting or not (hooks or changed)):
        raise refused(found)
    _require_capabilities(settings, facts, plan)


def _require_capabilities(settings: Settings, facts: Facts, plan: Plan) -> None:
    """CommandFailed for a file with capabilities that the bounding set lacks: the kernel says only EPERM."""
    found, drop, held = facts.command, plan.steps[-1], facts.credentials
    assert found is not None and isinstance(drop, PrivilegesStep)
    bounding = held.bounding & drop.keep_caps if drop.empty_bounding else held.bounding
    lacking = found.capabilities & ~bounding
    if lacking & held.bounding:
        asks = settings.sources.get("bounding-set", "the container's start")
        raise lacks(found, lacking, f"{asks} asks for an empty one: leave that out, or add them to keep-caps")
    if lacking:
        raise lacks(found, lacking, cap_add(names_of(lacking)))
