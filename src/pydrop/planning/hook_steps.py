"""Builders of the steps that run hooks.

`orders` loads them only where there are hooks, and says in which order they come; `step_builders` has the other steps.
"""

from pydrop.planning import step_builders
from pydrop.planning.decision import Decision, record_of
from pydrop.steps import HooksStep, Step, UserHookStep


def hooks(decision: Decision) -> list[Step]:
    settings, facts = decision.settings, decision.facts
    words = "run as root: " + ", ".join(facts.hooks)
    if facts.left_out:
        words += f" (without {', '.join(facts.left_out)}, which could make root run what the user wrote)"
    why = settings.sources.get("hooks", "")
    kept = record_of(decision)
    given = tuple([volume.path for volume in settings.volumes if volume.policy != "never"])
    return [HooksStep(words=words, why=why, hooks=facts.hooks, command=settings.command, given=given, record=kept)]


def user_hooks(decision: Decision) -> list[Step]:
    """A step for each, so that each is timed and said by itself."""
    settings, why = decision.settings, decision.settings.sources.get("user-hooks", "")
    left, drop, name = record_of(decision), step_builders.drop_of(decision), decision.who.name
    return [
        UserHookStep(
            words=f"run as {name}: {hook}", why=why, hook=hook, command=settings.command, record=left, drop=drop
        )
        for hook in decision.facts.user_hooks
    ]
