"""The diagnosis that `pydropctl doctor` shows: sections of facts, the outlook for a start, and what to change."""

from pydrop.ctl.diagnosis import (
    files_section,
    host_section,
    identity_section,
    machine_section,
    privileges_section,
    settings_section,
    volumes_section,
)
from pydrop.ctl.diagnosis.findings import Change, Section
from pydrop.ctl.diagnosis.outlook import outlook
from pydrop.ctl.diagnosis.world import World, look
from pydrop.model import Value
from pydrop.steps import Plan


class Diagnosis(Value):
    """`error` is the message with which a start would end, "" where it works. `plan` is None where there is none."""

    error: str
    plan: Plan | None
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    changes: tuple[Change, ...]


EXAMINATIONS = (
    *(identity_section, privileges_section, host_section, files_section, volumes_section, machine_section),
    settings_section,
)


def diagnose(words: tuple[str, ...]) -> Diagnosis:
    """Look at the container as a start with these arguments would find it. Raises PydropError without /proc."""
    world = look(words)
    error, plan, warnings, changes = outlook(world)
    sections = []
    for examination in EXAMINATIONS:
        section, section_changes = examination.examine(world)
        sections.append(section)
        changes += section_changes
    once = {change.key: change for change in reversed(changes)}
    return Diagnosis(
        error=error,
        plan=plan,
        warnings=warnings,
        sections=tuple(sections),
        changes=tuple([change for change in changes if once[change.key] is change]),
    )


__all__ = ["Change", "Diagnosis", "Section", "World", "diagnose"]
