"""Checks that no way to the host stands open for the program: what is more dangerous than root in the container."""

from pydrop.ctl import host_reach, mount_list
from pydrop.ctl.host_reach import Looker, Reach
from pydrop.ctl.verifying.check_result import Check, fail, ok, warn
from pydrop.ctl.verifying.subject import Subject

LEGITIMATE = ("host's processes",)  # what watches a machine has it; by itself it makes nobody root


def checks(subject: Subject) -> list[Check]:
    """A way that a setting asks for is a warning: PYDROP_GROUPS with the socket's group, PYDROP_DEVICES, keep-caps."""
    looker = Looker(
        who=None,
        settings=subject.settings,
        environment=tuple([f"{name}={value}" for name, value in subject.environment.items()]),
        mounts=tuple(mount_list.mounted()),
        capabilities=subject.held.permitted,
    )
    return [judged(way, host_reach.elsewhere(looker)) for way in host_reach.ways(looker)]


def judged(way: Reach, elsewhere: str) -> Check:
    """The row of one way; `elsewhere` is what host_reach says of a daemon that is not here."""
    if not way.found:
        return ok(way.name, elsewhere if elsewhere and way.name == "container runtime" else "out of reach")
    if way.asked:
        return warn(way.name, f"{way.found} ({way.asked} asks for it)", way.remedy)
    return (warn if way.name in LEGITIMATE else fail)(way.name, way.found, way.remedy)
