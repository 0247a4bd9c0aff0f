"""Writes the diagram of init mode in docs/architecture.md: ``python docs/generate_lifecycle.py``.

It asks the machine itself: every event that TABLE has for a state is fed to a Lifecycle in that state, under each
setting that decides where the event leads. A test holds that the committed page has what this draws.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "src"))

from pydrop.lifecycle import MOST_KILLS, TABLE, Lifecycle  # noqa: E402 # from this tree
from pydrop.process import Supervision  # noqa: E402 # as above
from pydrop.signals import TERM  # noqa: E402 # as above

PAGE = HERE / "architecture.md"
BEGIN = "<!-- Written by docs/generate_lifecycle.py from the table of pydrop/lifecycle.py. -->\n```mermaid\n"
END = "```\n"
# An event, its value, the command's settings, how often KILL was sent, and how the arrow is called. The first case of
# an event is the rule; another one is an arrow only where it leads elsewhere
CASES = (
    ("signal", TERM, {}, 0, "a stop signal"),
    ("ended", 0, {}, 0, "the command ends"),
    ("ended", 0, {"clears": False}, 0, "the command ends, and what it leaves behind is left alone"),
    ("timeout", 0, {}, 0, "the time is over"),
    ("timeout", 0, {}, MOST_KILLS - 1, f"KILL was sent {MOST_KILLS} times"),
    ("empty", 0, {}, 0, "nothing is left"),
)


def arrows() -> list[tuple[str, str, str]]:
    """(from, to, label) of every event that leads from one state to another."""
    found: list[tuple[str, str, str]] = []
    for state in TABLE:
        rule: dict[str, str] = {}  # event -> where it leads by its first case
        for event, value, settings, kills, label in CASES:
            life = Lifecycle(Supervision(**settings), is_pid_1=True)  # type: ignore[arg-type] # by name
            life.state, life.kills = state, kills
            life.on(event, value)
            if life.state not in (state, rule.get(event)):
                found.append((state, life.state, label))
            rule.setdefault(event, life.state)
    return found


def diagram() -> str:
    """The block of the page, as GitHub draws it."""
    lines = ["stateDiagram-v2", "    [*] --> running"]
    lines += [f"    {first} --> {second}: {label}" for first, second, label in arrows()]
    lines.append("    gone --> [*]")
    return BEGIN + "\n".join(lines) + "\n" + END


def page(text: str) -> str:
    """The page with today's diagram in place of the one that it has."""
    before, _, rest = text.partition(BEGIN)
    return before + diagram() + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
