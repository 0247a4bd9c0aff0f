"""The links of the pages lead somewhere: to a file of this repository, and to a heading that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """Without its blocks, in which a bracket is a program's."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """What the headings are called in a link: in lower case, a dash for a blank, without other signs."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return (link.startswith("https://") or target.exists()) and (not anchor or anchor in anchors(target))


def test_each_link_leads_somewhere():
    links = [(page, link) for page in PAGES for link in LINK.findall(prose(page))]
    assert len(links) > len(PAGES), "the pages have lost their links"
    assert [f"{page}: {link}" for page, link in links if not leads_somewhere(page, link)] == []


def test_each_page_of_docs_is_named_in_the_readme():
    named = {(ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(prose(ROOT / "README.md"))}
    assert set((ROOT / "docs").glob("*.md")) <= named
