"""The result of one check of `pydropctl verify`: its name, the verdict, the finding, and the remedy."""

from pydrop.model import Value


class Check(Value):
    """`verdict`: "ok"; "warn", which --strict counts as a failure; "fail"; "skip" with the reason in `found`.

    `remedy` is "" for "ok" and "skip"; else it says why the finding matters and what to do."""

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
