"""The outlook for a start here: its plan, the error with which it would end, and the steps that are known to fail."""

import os

from pydrop.capabilities import names_of
from pydrop.ctl.diagnosis.findings import Change, add_capabilities, add_tmpfs, advice
from pydrop.ctl.diagnosis.world import World
from pydrop.ctl.mount_list import holding
from pydrop.ctl.volume_opening import vetted
from pydrop.errors import CommandFailed, PydropError
from pydrop.model import Volume
from pydrop.planning import limits
from pydrop.planning.command_check import require_executable
from pydrop.steps import Plan

Outlook = tuple[str, Plan | None, tuple[str, ...], list[Change]]
SYS_ADMIN = 1 << 21  # the capability with which pydrop itself mounts a tmpfs on /run


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
    for failure in (_run_dirs(world), _volumes(world), _secrets(world), _command(world)):
        if failure:
            problem, change = failure
            error = error or problem
            changes.append(change)
    for warning in warnings:
        problem, _, remedy = warning.partition("; ")
        changes.append(advice(f"warning {problem}", problem, remedy or "nothing, if that is meant"))
    return error, world.plan, warnings, changes


def _lacking(world: World) -> list[str]:
    """The capabilities without which the start fails, and those that it would lack next."""
    if not (world.is_root and world.settings and world.facts and world.wanted):
        return []
    asked = world.settings
    drop, rest = limits.missing_capabilities(asked, world.facts, world.wanted, asked.keep_caps, asked.bounding_set)
    return names_of(drop | rest) if drop else []


def _run_dirs(world: World) -> tuple[str, Change] | None:
    """The first run-dir that cannot be created, because it lies on a read-only mount."""
    if not (world.settings and world.is_root) or world.held.effective & SYS_ADMIN:
        return None
    for path in world.settings.run_dirs:
        mount = holding(path, list(world.mounts))
        if mount and mount.read_only and not os.path.isdir(path):
            problem = f"{path} cannot be made, since {mount.point} is read-only"
            return problem, add_tmpfs("/run" if path.startswith(("/run/", "/var/run/")) else path, problem)
    return None


def _volumes(world: World) -> tuple[str, Change] | None:
    """The first volume that would end the start.

    A volume that must never be chowned always ends it. A volume whose chown fails ends it only where a setting
    asks for that (chown-errors=fail)."""
    for volume in world.settings.volumes if world.settings and world.is_root else ():
        try:
            found = vetted(volume.path)
        except PydropError as error:
            return str(error), advice(f"volume {volume.path}", error.problem, error.remedy)
        except OSError as error:
            problem = f"the volume {volume.path} cannot be owned: {error.strerror}"
            if _must_be_owned(world, volume) and not volume.create:
                return problem, advice(f"volume {volume.path}", problem, f"mount it, or take it out of {volume.source}")
            continue
        try:
            owned = found.look().st_uid == world.wanted.uid if world.wanted else True
            read_only = bool(os.statvfs(f"/proc/self/fd/{found.fd}").f_flag & os.ST_RDONLY)
        finally:
            found.close()
        if read_only and not owned and _must_be_owned(world, volume):
            problem = f"the volume {volume.path} cannot be owned: it is mounted read-only"
            remedy = f"take :ro (Kubernetes: readOnly: true) away, or {volume.path} out of {volume.source}"
            return problem, advice(f"volume {volume.path}", problem, remedy)
    return None


def _must_be_owned(world: World, volume: Volume) -> bool:
    return world.settings is not None and world.settings.chown_errors == "fail" and volume.policy != "never"


def _secrets(world: World) -> tuple[str, Change] | None:
    for secret in world.settings.secrets if world.settings else ():
        if world.is_root and not os.path.lexists(secret.path):
            problem = f"{secret.pointer}={secret.path} is not there"
            return problem, advice("secret", problem, f"mount it, or leave out {secret.pointer}")
    return None


def _command(world: World) -> tuple[str, Change] | None:
    """A command that was given and that surely cannot be executed, as a start finds it before its first step."""
    if not (world.command and world.plan and world.settings and world.facts):
        return None
    try:
        require_executable(world.settings, world.facts, world.plan)
    except CommandFailed as error:
        return str(error), advice("command", error.problem, error.remedy)
    return None
