"""The checks of `pydropctl verify`: each is one row of its table, in the order in which the rows are shown."""

from pydrop.ctl.verifying import (
    command_checks,
    host_checks,
    identity_checks,
    own_code_checks,
    place_checks,
    privilege_checks,
)
from pydrop.ctl.verifying.check_result import Check
from pydrop.ctl.verifying.subject import Subject

__all__ = ["Check", "Subject", "checks"]


def checks(subject: Subject) -> list[Check]:
    """Every check, each with its verdict."""
    return [
        *identity_checks.checks(subject),
        *privilege_checks.checks(subject),
        *place_checks.checks(subject),
        *command_checks.checks(subject),
        *own_code_checks.checks(subject),
        *host_checks.checks(subject),
    ]
