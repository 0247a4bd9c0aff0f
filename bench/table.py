"""The figures, for a person (at most 100 columns) and for a program."""

import json
import os
import platform

from results import Figures, Result
from timing import Command

WIDTH = 44  # columns that a command may take


def head(pydrop: str, way: str, disk: str) -> str:
    """What was measured where, and the names of the columns."""
    about = (
        f"{pydrop}\n{way}\non Linux {platform.release()}, {os.cpu_count()} processors; volumes on {disk}\n"
        "medians of runs in turn, from start to end of the process; each run is set up before it, untimed;\n"
        "memory is what the command's largest process held; processes are all it started, itself included"
    )
    return f"{about}\n\n{'':<{WIDTH}}{_figures('runs', 'median', 'pydrop takes', 'memory', 'processes')}"


def block(result: Result | Figures) -> str:
    """One case."""
    if isinstance(result, Figures):
        return _figures_block(result)
    lines = ["", f"{result.name}: {result.title}"]
    for number, command in enumerate(result.commands):
        lines += _line(command, _beside(result, number))
    for target in result.targets:
        met = "met" if target.met(result) else "NOT MET"
        lines.append(f"  target: {target.words}: {met} ({target.figure(result)})")
    return "\n".join(lines)


def _figures_block(result: Figures) -> str:
    lines = ["", f"{result.name}: {result.title}"]
    for row in result.rows:
        lines.append(f"  {row.shown:<{WIDTH - 2}}{row.runs:>5} {row.figure:>11}  {row.beside:>15}")
    for verdict in result.verdicts:
        lines.append(f"  target: {verdict.words}: {'met' if verdict.met else 'NOT MET'} ({verdict.figure})")
    return "\n".join(lines)


def _line(command: Command, beside: str) -> list[str]:
    """The command, on a line of its own where it is long, and its figures."""
    memory = f"{command.memory / 1e6:.1f} MB"
    runs, processes = str(len(command.seconds)), str(command.processes)
    figures = _figures(runs, _duration(command.median), beside, memory, processes)
    shown = f"  {command.shown}"
    if len(shown) > WIDTH:
        return [*_folded(shown), f"{'':<{WIDTH}}{figures}"]
    return [f"{shown:<{WIDTH}}{figures}"]


def _figures(runs: str, median: str, beside: str, memory: str, processes: str) -> str:
    return f"{runs:>5} {median:>11}  {beside:>15}  {memory:>9}  {processes:>9}"


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


def _beside(result: Result, number: int) -> str:
    """What the column says of pydrop: microseconds an entry, what it adds to the bare start, or how often a peer's."""
    if number == result.base:
        return "" if result.sizes else f"{result.cost() * 1000:+.2f} ms"
    if result.sizes:
        return f"{result.each(number) * 1e6:,.2f} µs"
    return "" if number == 0 else f"{result.ratio(number):.2f} times it"


def as_json(results: list[Result | Figures], way: str) -> str:
    """All figures; seconds, bytes, and `ratio` is how many times as long as that command's what pydrop takes is."""
    return json.dumps([{"pydrop": way} | _case(result) for result in results], indent=2)


def _case(result: Result | Figures) -> dict[str, object]:
    if isinstance(result, Figures):
        targets = [{"target": each.words, "met": each.met, "figure": each.figure} for each in result.verdicts]
        rows = [{"command": row.shown, "runs": row.runs, "figure": row.figure} for row in result.rows]
        return {"case": result.name, "title": result.title, "targets": targets, "met": result.met, "commands": rows}
    return {
        "case": result.name,
        "title": result.title,
        "targets": [
            {"target": target.words, "met": target.met(result), "figure": target.figure(result)}
            for target in result.targets
        ],
        "met": result.met,
        "cost": result.cost(),
        "commands": [_command(result, number) for number in range(len(result.commands))],
    }


def _command(result: Result, number: int) -> dict[str, object]:
    command = result.commands[number]
    each = {"entries": result.sizes[number], "each": result.each(number)} if number < len(result.sizes) else {}
    return {
        "command": command.shown,
        "runs": len(command.seconds),
        "median": command.median,
        "least": min(command.seconds),
        "most": max(command.seconds),
        "ratio": result.ratio(number),
        "memory": command.memory,
        "processes": command.processes,
        **each,
    }
