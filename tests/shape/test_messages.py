"""docs/troubleshooting.md has an entry for every message of a start, and no entry for what is never said."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.shape.source import modules

PAGE = Path(__file__).parent.parent.parent / "docs" / "troubleshooting.md"
ERRORS = {"PydropError", "BadSetting", "Untrusted", "NotPermitted", "BadDrop", "HookFailed", "CommandFailed", "Refused"}
SAYING = {"warn", "error"}  # and planning appends warnings to lists
OTHERS = ("ctl.", "compat.", "settings.table", "settings.help")  # other programs; no messages


def text_of(node: ast.AST) -> str:
    """A text as a template: `…` where a value is put in. "" for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def is_message(text: str) -> bool:
    """What is made in one place and said in another: problem and remedy in one text, or what could not be done."""
    return text.startswith("unable to ") or "; " in text


def found() -> Iterator[tuple[str, str, bool]]:
    """(where, text, whether it is a message) of every text in the sources of a start."""
    for name, module in modules().items():
        if name.startswith(OTHERS):
            continue
        for node in ast.walk(module.tree):
            if text := text_of(node):
                yield f"{name}:{node.lineno}", text, isinstance(node, ast.JoinedStr) and is_message(text)  # type: ignore[attr-defined] # a text has a line
            if isinstance(node, ast.Call) and node.args:
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                words = text_of(node.args[0])
                collected = called == "append" and name.startswith("planning") and words.count(" ") > 3
                yield f"{name}:{node.lineno}", words, collected or (called in ERRORS | SAYING and words.count(" ") > 1)


FOUND = list(found())
MESSAGES = {where: text for where, text, message in FOUND if message and re.search(r"\w{3}", text)}
ENTRIES = re.findall(r"^\| `(.+?)` \|", PAGE.read_text(), re.MULTILINE)


def test_each_message_has_an_entry() -> None:
    """So that whoever looks one up finds it."""
    without = {where: text for where, text in MESSAGES.items() if not any(entry in text for entry in ENTRIES)}
    assert without == {}


def test_each_entry_is_of_a_message() -> None:
    """A message that has changed leaves none behind."""
    assert [entry for entry in ENTRIES if not any(entry in text for _, text, _ in FOUND)] == []


def test_there_are_messages_and_entries() -> None:
    """Otherwise the two tests above compare nothing with nothing."""
    assert len(MESSAGES) > 100 and len(ENTRIES) > 100
