"""The row of a check: what was looked at, the verdict, what was found, and what to do about it."""

from pydrop.model import Value


class Check(Value):
    """`verdict`: "ok"; "warn", which --strict takes for a failure; "fail"; "skip" with the reason in `found`.

    `remedy` is empty for what is ok; else why it matters and what to do."""

    name: str
    verdict: str
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    return Check(name=name, verdict="ok", found=found)


def warn(name: str, found: str, remedy: str) -> Check:
    return Check(name=name, verdict="warn", found=found, remedy=remedy)


def fail(name: str, found: str, remedy: str) -> Check:
    return Check(name=name, verdict="fail", found=found, remedy=remedy)


def skip(name: str, reason: str) -> Check:
    return Check(name=name, verdict="skip", found=reason)
