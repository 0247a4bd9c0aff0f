"""Builders of the steps that run hooks, and of the record, by which a second `pydrop` does without them.

`orders` says in which order they are called, `step_builders` has the other steps.
"""

from pydrop.model import Record
from pydrop.planning import step_builders
from pydrop.planning.decision import Decision
from pydrop.steps import HooksStep, RecordStep, Step, UserHookStep


def hooks(decision: Decision) -> list[Step]:
    settings, facts = decision.settings, decision.facts
    if not facts.hooks:
        return []
    words = "run as root: " + ", ".join(facts.hooks)
    if facts.left_out:
        words += f" (without {', '.join(facts.left_out)}, which could make root run what the user wrote)"
    why = settings.sources.get("hooks", "")
    kept = _record(decision)
    return [HooksStep(words=words, why=why, hooks=facts.hooks, command=settings.command, record=kept)]


def user_hooks(decision: Decision) -> list[Step]:
    """A step for each, so that each is timed and said by itself."""
    settings, why = decision.settings, decision.settings.sources.get("user-hooks", "")
    left, drop, name = _record(decision), step_builders.drop_of(decision), decision.who.name
    return [
        UserHookStep(
            words=f"run as {name}: {hook}", why=why, hook=hook, command=settings.command, record=left, drop=drop
        )
        for hook in decision.facts.user_hooks
    ]


def record(decision: Decision) -> list[Step]:
    return [RecordStep(words="/run/pydrop/record tells a later `exec` who the program is", record=_record(decision))]


def _record(decision: Decision) -> Record:
    return Record(
        instance=decision.facts.instance,
        identity=decision.who,
        umask=decision.umask,
        keep_caps=decision.keep_caps,
        no_new_privs=decision.no_new_privs,
        bounding_set=decision.bounding_set,
        environment=(),
    )
