"""The outlook for a start here: its plan, the error with which it would end, and the steps that are known to fail."""

import os

from pydrop.capabilities import mask_of, names_of
from pydrop.ctl.diagnosis import command_obstacle, run_dir_obstacles, step_obstacles
from pydrop.ctl.diagnosis.findings import Change, add_capabilities, add_tmpfs, advice
from pydrop.ctl.diagnosis.world import World
from pydrop.ctl.volume_opening import SOMEBODY, replaced, vetted
from pydrop.errors import PydropError
from pydrop.model import Volume
from pydrop.planning import limits
from pydrop.steps import Plan

Outlook = tuple[str, Plan | None, tuple[str, ...], list[Change]]
CHOWN = mask_of(("chown",))


def outlook(world: World) -> Outlook:
    """Returns (the error with which the start would end or "", the plan, its warnings, the changes for all this)."""
    changes: list[Change] = []
    if world.error:
        lacking = _lacking(world)
        changes.append(
            add_capabilities(world.error.problem, lacking)
            if lacking
            else advice("error", world.error.problem, world.error.remedy or "see above")
        )
        return str(world.error), world.plan, (), changes
    warnings = world.plan.warnings if world.plan else ()
    error = ""
    for key, failure in obstacles(world):
        error = error or str(failure)
        changes.append(_run(failure) or advice(key, failure.problem, failure.remedy))
    changes += _left_alone(world)
    for warning in warnings:
        problem, _, remedy = warning.partition("; ")
        changes.append(advice(f"warning {problem}", problem, remedy or "nothing, if that is meant"))
    return error, world.plan, warnings, changes


def obstacles(world: World) -> list[tuple[str, PydropError]]:
    """(key of a change, error) of all that would end a start with this plan, in the order in which it would."""
    command = command_obstacle.found(world)
    return [
        *[(f"run-dir {error.problem}", error) for error in run_dir_obstacles.found(world)],
        *[(f"volume {volume.path}", error) for volume, error in _volumes(world)],
        *[(f"step {error.problem}", error) for error in step_obstacles.found(world)],
        *([("command", command)] if command else []),
    ]


def _run(error: PydropError) -> Change | None:
    """The change where it is a tmpfs that is missing."""
    place = error.remedy.removeprefix("add --tmpfs ").partition(" ")[0]
    return add_tmpfs(place, error.problem) if error.remedy.startswith("add --tmpfs ") else None


def _lacking(world: World) -> list[str]:
    """The capabilities without which the start fails, and those that it would lack next."""
    if not (world.is_root and world.settings and world.facts and world.wanted):
        return []
    asked = world.settings
    drop, rest = limits.missing_capabilities(asked, world.facts, world.wanted, asked.keep_caps, asked.bounding_set)
    return names_of(drop | rest) if drop else []


def _volumes(world: World) -> list[tuple[Volume, PydropError]]:
    """The volumes that would end the start.

    A volume that must never be chowned always ends it. A volume whose chown fails ends it only where a setting
    asks for that (chown-errors=fail)."""
    errors = []
    for volume in world.settings.volumes if world.settings and world.is_root else ():
        if gone := replaced(volume.path, world.wanted.uid if world.wanted else SOMEBODY):
            if _must_be_owned(world, volume):
                errors.append((volume, gone))
            continue
        try:
            _require_owned(world, volume)
        except PydropError as error:
            errors.append((volume, error))
    return errors


def _require_owned(world: World, volume: Volume) -> None:
    """Raise the error with which this volume ends a start."""
    try:
        found = vetted(volume.path)
    except OSError as error:
        if _must_be_owned(world, volume) and not volume.create:
            problem = f"the volume {volume.path} cannot be owned: {error.strerror}"
            raise PydropError(problem, f"mount it, or take it out of {volume.source}") from error
        return
    try:
        owned = found.look().st_uid == world.wanted.uid if world.wanted else True
        read_only = bool(os.statvfs(f"/proc/self/fd/{found.fd}").f_flag & os.ST_RDONLY)
    except OSError:  # a server that is gone, say; volumes_section tells it
        return
    finally:
        found.close()
    if owned or not _must_be_owned(world, volume):
        return
    if read_only:
        remedy = f"take :ro (Kubernetes: readOnly: true) away, or {volume.path} out of {volume.source}"
        raise PydropError(f"the volume {volume.path} cannot be owned: it is mounted read-only", remedy)
    if not world.held.effective & CHOWN:
        raise PydropError(f"the volume {volume.path} cannot be owned: root lacks CHOWN", "add cap_add: [CHOWN]")


def _left_alone(world: World) -> list[Change]:
    """What stands in the place of a volume or a run-dir, which a start warns of and leaves."""
    if not (world.settings and world.is_root):
        return []
    changes = []
    for volume in world.settings.volumes:
        gone = replaced(volume.path, world.wanted.uid if world.wanted else SOMEBODY)
        if gone and volume.policy != "never":
            changes.append(advice(f"volume {volume.path}", gone.problem, gone.remedy))
    changes += [advice(f"run-dir {each.problem}", each.problem, each.remedy) for each in run_dir_obstacles.left(world)]
    return changes


def _must_be_owned(world: World, volume: Volume) -> bool:
    return world.settings is not None and world.settings.chown_errors == "fail" and volume.policy != "never"
