"""Draws a timeline as an SVG picture: a row for each part, with its bar on an axis in milliseconds."""

import textwrap

from pydrop.ctl.timing.timeline_reader import Part, Timeline
from pydrop.report import columns_of, cut, escaped

WIDTH, EDGE = 1120, 20  # this and the next in SVG units (px)
LEFT, RIGHT = 120, 620  # x at which the axis begins and ends
WORDS = 720  # x at which the words begin
COLUMNS = 60  # letters of the words in one line
TOP, LINE, GAP = 78, 15, 9
COLOURS = {"phase": "#7a8ca3", "changed": "#c2410c", "already": "#15803d"}
MEANING = {"phase": "pydrop itself", "changed": "changed something", "already": "was so already"}
STYLE = """\
text { font: 12px "DejaVu Sans", Verdana, sans-serif; fill: #111827 }
.title { font-size: 16px; font-weight: bold }
.kind { font-weight: bold }
.axis, .took { fill: #374151; font-size: 11px }
.took { stroke: #ffffff; stroke-width: 3px; paint-order: stroke }
.grid { stroke: #d1d5db }"""


def svg(timeline: Timeline) -> str:
    """The picture. Every text in it is escaped, since names may be anything."""
    rows, y = [], TOP
    step = tick(timeline.total)
    scale = (RIGHT - LEFT) / max(timeline.total, step)
    for part in timeline.parts:
        lines = worded(part)
        rows += row(part, lines, y, scale)
        y += LINE * len(lines) + GAP
    rows += [axis_label(y + 6, LEFT + timeline.total * scale, "exec", "middle")]
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20}" viewBox="0 0 {WIDTH} {y + 20}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{y + 20}" fill="#ffffff"/>',
        f'<text class="title" x="{EDGE}" y="28">{xml(title(timeline))}</text>',
        *legend(),
        *axis(timeline.total, step, scale, y - GAP),
    ]
    return "\n".join([*head, *rows, "</svg>"]) + "\n"


def title(timeline: Timeline) -> str:
    return f"The start of {cut(escaped(timeline.program), 60)}: {timeline.total:.1f} ms from pydrop's beginning to exec"


def tick(total: float) -> float:
    """Milliseconds between two lines of the axis: 1, 2 or 5 times a power of ten, no more than eight of them."""
    power = 0.1
    while total / power > 80:
        power *= 10
    return round(next(power * times for times in (1, 2, 5, 10) if total / (power * times) <= 8), 1)


def axis(total: float, step: float, scale: float, bottom: int) -> list[str]:
    """The lines from top to bottom, each with its milliseconds above it."""
    found, count = [], int(total / step + 1e-9)
    for number in range(count + 1):
        x = LEFT + number * step * scale
        found.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}"/>')
        unit = " ms" if number == count else ""
        found.append(axis_label(TOP - 14, x, f"{number * step:g}{unit}", "middle"))
    x = LEFT + total * scale
    found.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="#111827"/>')
    return found


def axis_label(y: int, x: float, words: str, anchor: str) -> str:
    return f'<text class="axis" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{words}</text>'


def legend() -> list[str]:
    """What the colours mean."""
    found, x = [], WORDS
    for name, colour in COLOURS.items():
        found.append(f'<rect x="{x}" y="54" width="11" height="11" fill="{colour}"/>')
        found.append(f'<text class="axis" x="{x + 16}" y="64">{MEANING[name]}</text>')
        x += 30 + 7 * len(MEANING[name])
    return found


def worded(part: Part) -> list[str]:
    """The text of the part's row in lines that fit: what the part did, else what it was."""
    words = escaped(part.did or part.words)
    lines = textwrap.wrap(cut(words, COLUMNS * 3), COLUMNS // 2 if columns_of(words) > len(words) else COLUMNS)
    return lines or [""]


def row(part: Part, lines: list[str], y: int, scale: float) -> list[str]:
    """The part's name, its bar with the time that it took, and its lines. Pointing at the bar shows the whole text."""
    colour = COLOURS["phase" if part.changed is None else "changed" if part.changed else "already"]
    x, width = LEFT + part.began * scale, max(part.took * scale, 1.5)
    took = f"{part.took:.1f} ms" if part.took >= 0.05 else "&lt; 0.1 ms"
    beside = x + width + 6
    whole = xml(f"{part.kind}: {part.words}; {part.did}" if part.did else f"{part.kind}: {part.words}")
    found = [
        f'<text class="kind" x="{EDGE}" y="{y + 11}">{xml(cut(escaped(part.kind), 12))}</text>',
        f'<rect class="bar" x="{x:.1f}" y="{y}" width="{width:.1f}" height="14" fill="{colour}">'
        f"<title>{whole}</title></rect>",
        f'<text class="took" x="{beside:.1f}" y="{y + 11}">{took}</text>',
    ]
    found += [f'<text x="{WORDS}" y="{y + 11 + LINE * n}">{xml(line)}</text>' for n, line in enumerate(lines)]
    return found


def xml(text: str) -> str:
    """Printable ASCII text in which no browser sees markup."""
    text = escaped(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
