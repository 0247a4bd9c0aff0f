"""What `pydropctl verify` looks at: one Check a row, in the order in which they are told."""

from pydrop.ctl.verifying import dropped, places, protected, who
from pydrop.ctl.verifying.check import Check
from pydrop.ctl.verifying.question import Question

__all__ = ["Check", "Question", "checks"]


def checks(question: Question) -> list[Check]:
    """Every check, each with its verdict."""
    return [
        *who.checks(question),
        *dropped.checks(question),
        *places.checks(question),
        *protected.checks(question),
    ]
