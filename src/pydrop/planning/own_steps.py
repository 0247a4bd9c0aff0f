"""The steps of a start without root that are not root's: what a user may do about its own name and folders."""

from pydrop.planning import step_builders
from pydrop.planning.decision import Decision
from pydrop.steps import AccountsStep, RunEntry, RuntimeStep, Step


def entry(decision: Decision) -> list[Step]:
    """The account entry for a uid that has none."""
    facts, change = decision.facts, decision.change
    if change is None:
        return []
    how = "append" if facts.account_files == "append" else "wrapper" if facts.nss_wrapper else "environment"
    if how == "environment":
        decision.warnings.append(step_builders.without_entry(decision.who.uid, "user:"))
    words = f"user {change.account.uid} is called {change.account.name}"
    return [AccountsStep(words=words, change=change, how=how, library=facts.nss_wrapper or "")]


def run_dirs(decision: Decision) -> list[Step]:
    """Those that are missing and that this user may make: a tmpfs on /run may be everybody's, or its own."""
    who, paths = decision.who, decision.facts.makeable
    if not paths:
        return []
    entries = [RunEntry(kind="d", path=path, mode=0o755, uid=who.uid, gid=who.gid) for path in paths]
    words, why = f"{', '.join(paths)} there, and the user's", decision.settings.sources.get("run-dirs", "")
    return [RuntimeStep(words=words, why=why, entries=tuple(entries))]
