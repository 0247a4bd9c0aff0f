"""The steps that only a start without root has: a user may add its own account entry and its own folders.

`orders` names them for starts by `--user`. The steps as root are in `step_builders`.
"""

from pydrop.planning import step_builders
from pydrop.planning.decision import Decision
from pydrop.steps import AccountsStep, RunEntry, RuntimeStep, Step


def entry(decision: Decision) -> list[Step]:
    """The step that gives this process's uid an account entry, where it has none."""
    facts, change = decision.facts, decision.change
    if change is None:
        return []
    how = "append" if facts.account_files == "append" else "wrapper" if facts.nss_wrapper else "environment"
    if how == "environment":
        decision.warnings.append(step_builders.without_entry(decision.who.uid, "user:"))
    words = f"user {change.account.uid} is called {change.account.name}"
    return [AccountsStep(words=words, change=change, how=how, library=facts.nss_wrapper or "")]


def run_dirs(decision: Decision) -> list[Step]:
    """The step that creates missing run-dirs where this user may: a tmpfs on /run can be everybody's, or the user's."""
    who, paths = decision.who, decision.facts.makeable
    if not paths:
        return []
    entries = [RunEntry(kind="d", path=path, mode=0o755, uid=who.uid, gid=who.gid) for path in paths]
    words, why = f"{', '.join(paths)} there, and the user's", decision.settings.sources.get("run-dirs", "")
    return [RuntimeStep(words=words, why=why, entries=tuple(entries), hooks_folder=decision.settings.hooks)]
