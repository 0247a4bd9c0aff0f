"""The figures, for a person (at most 100 columns) and for a program."""

import json
import os
import platform

from cases import Result
from timing import Command

WIDTH = 60  # columns that a command may take


def as_text(results: list[Result], pydrop: str) -> str:
    """One table, a block a case: pydrop's line, then each peer's with how long pydrop takes beside it."""
    lines = [_about(pydrop), "", f"{'':<{WIDTH}}  {'median':>10}  {'pydrop takes':>15}"]
    for result in results:
        runs = len(result.commands[0].seconds)
        lines += ["", f"{result.name}: {result.title} ({runs} runs of each, in turn)"]
        for number, command in enumerate(result.commands):
            lines += _line(command, "" if number == 0 else _times(result.ratio(number)))
        if result.target:
            lines.append(f"  target: {result.target.words}: {'met' if result.met else 'NOT MET'} ({_factor(result)})")
    return "\n".join(lines)


def _about(pydrop: str) -> str:
    return (
        f"{pydrop}\non Linux {platform.release()}, {os.cpu_count()} processors; medians of runs in turn, "
        "from start to end\nof the process; a run is set up again before it, which is not timed"
    )


def _line(command: Command, times: str) -> list[str]:
    """The command, on a line of its own where it is long, and its figures."""
    figures = f"{_duration(command.median):>10}  {times:>15}".rstrip()
    shown = f"  {command.shown}"
    if len(shown) > WIDTH:
        return [*_folded(shown), f"{'':<{WIDTH}}  {figures}"]
    return [f"{shown:<{WIDTH}}  {figures}"]


def _folded(text: str) -> list[str]:
    """Lines of at most 98 columns, broken at blanks."""
    lines = [""]
    for word in text.strip().split(" "):
        if len(lines[-1]) + len(word) > 96:
            lines.append("   ")
        lines[-1] += f" {word}"
    lines[0] = " " + lines[0]
    return lines


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times it"


def _factor(result: Result) -> str:
    """The figure in the words of its target: times as long, or times faster."""
    ratio = result.ratio(result.target.peer) if result.target else 0.0
    return f"{1 / ratio:.2f} times faster" if ratio < 1 else f"{ratio:.2f} times as long"


def as_json(results: list[Result]) -> str:
    """All figures; seconds, and `ratio` is pydrop's median divided by that command's."""
    return json.dumps([_case(result) for result in results], indent=2)


def _case(result: Result) -> dict[str, object]:
    return {
        "case": result.name,
        "title": result.title,
        "target": result.target and result.target.words,
        "met": result.met,
        "commands": [
            {
                "command": command.shown,
                "runs": len(command.seconds),
                "median": command.median,
                "least": min(command.seconds),
                "most": max(command.seconds),
                "ratio": result.ratio(number),
            }
            for number, command in enumerate(result.commands)
        ],
    }
