"""Text of the docs as roff for manual pages: the marks that the docs use, and no others (groff_man(7), man(7))."""

import re
import textwrap

INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^]]+)\]\(([^)]*)\)")
SPECIAL = {"\\": "\\e", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", "…": "..."}


def plain(text: str) -> str:
    """Text that means nothing to roff. A hyphen stays one, where a line may be broken."""
    return "".join([SPECIAL.get(character, character) for character in text])


def literal(text: str) -> str:
    """What is typed as it stands: its dashes can be copied."""
    return plain(text).replace("-", "\\-")


def bold(text: str) -> str:
    """What is typed, not hyphenated."""
    return f"\\fB\\%{literal(text)}\\fR"


def inline(text: str) -> str:
    """A paragraph's words, with `code`, **emphasis** and [links](of the docs)."""
    found, at = [], 0
    for mark in INLINE.finditer(text):
        found.append(plain(text[at : mark.start()]))
        code, strong, words, place = mark.groups()
        page = place.partition("#")[0] if place else ""
        if page:
            found.append(plain(f"{words} (docs/{page})"))
        else:
            found.append(bold(code or strong or words))
        at = mark.end()
    return "".join([*found, plain(text[at:])])


def line(text: str) -> str:
    """A line that is no request, whatever it begins with."""
    return f"\\&{text}" if text.startswith((".", "\\(aq", "'")) else text


def filled(text: str) -> list[str]:
    """A paragraph in lines of the source."""
    lines = textwrap.wrap(" ".join(text.split()), 78, break_long_words=False, break_on_hyphens=False)
    return [line(each) for each in lines]


def paragraph(text: str) -> list[str]:
    return [".PP", *filled(inline(text))]


def entry(term: str, text: str, more: "list[str] | None" = None) -> list[str]:
    """A term and what it is; `more` are requests that belong to it."""
    return [".TP", line(term), *(filled(inline(text)) or ["\\&"]), *([".RS", *more, ".RE"] if more else [])]


def example(text: str) -> list[str]:
    """Lines as they stand."""
    return [".PP", ".EX", *[line(literal(each)) for each in text.strip("\n").split("\n")], ".EE"]


def section(title: str) -> list[str]:
    return [f'.SH "{plain(title)}"']


def document(text: str) -> list[str]:
    """Paragraphs, lists, tables and examples, as docs/*.md have them."""
    found: list[str] = []
    for part in re.split(r"(^```.*?^```$)", text.strip("\n"), flags=re.M | re.S):
        if part.startswith("```"):
            found += example(part.partition("\n")[2].removesuffix("```"))
            continue
        for block in re.split(r"\n\s*\n", part.strip("\n")):
            found += _block(block)
    return found


def _block(block: str) -> list[str]:
    if not block.strip():
        return []
    if block.startswith("|"):
        return _table(block)
    if block.startswith("- "):
        items = re.split(r"^- ", block, flags=re.M)[1:]
        return [request for item in items for request in (".IP \\(bu 2", *filled(inline(item)))]
    return paragraph(block)


def _table(block: str) -> list[str]:
    """A term a row; what stands in the other columns is named by their heads."""
    rows = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in block.split("\n")]
    heads, found = rows[0], []
    for row in rows[2:]:
        named = [f"{head}: {cell}" for head, cell in zip(heads[1:], row[1:], strict=True)]
        if len(row) == 2:
            found += entry(inline(row[0]), row[1])
        elif heads[-1] == "meaning":
            found += entry(inline(row[0]), f"{row[-1]} ({'; '.join(named[:-1])})")
        else:
            found += entry(inline(row[0]), "; ".join(named))
    return found
