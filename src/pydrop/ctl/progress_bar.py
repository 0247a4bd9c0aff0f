"""The progress bar that `pydropctl chown` shows on a terminal while it works on a volume."""

import time

import click

from pydrop.model import Volume
from pydrop.perform.ownership.progress import Progress
from pydrop.perform.ownership.progress_messages import ProgressMessages
from pydrop.report import Report, columns_of, escaped, room

STEPS = 1000  # of a whole bar
NARROW, WIDE = 4, 40  # columns between the bar's brackets


class Bar:
    """One volume's bar, to be called with each Progress. click formats the line, and Report draws it.

    click does not draw the line itself: it would ask standard output for the width, hide the cursor, and wrap where
    there is little room.
    """

    def __init__(self, report: Report, volume: Volume, dry: bool) -> None:
        self.report = report
        self.path = escaped(volume.path)
        self.changed = "to change" if dry else "changed"
        self.hints = ProgressMessages(lambda _text, _due: None, report.info, dry)
        self.bar = click.progressbar(length=STEPS, item_show_func=lambda text: text)
        self.waited = 0.0  # seconds
        self.brevity = 0  # index of the text that fitted last: a longer text would only flicker

    def __call__(self, progress: Progress) -> None:
        self.hints(progress)
        if progress.waiting:
            self.waited = progress.seconds
            self.bar.start = time.time()  # from it click works out the time that is left
            words = f": waiting for another container, {progress.seconds:.0f} s"
            self.report.draw(shortened(self.path, room() - len(words)) + words)
        else:
            self.report.draw(self.line(progress, room()))

    def line(self, progress: Progress, columns: int) -> str:
        """The fitting part of ``/data  [####------]   40%  00:00:12  31200 looked at, 200 changed, 4500/s``."""
        bar = self.bar
        if progress.part and int(progress.part * STEPS) > bar.pos:
            bar.make_step(min(int(progress.part * STEPS), STEPS - 1) - bar.pos)
        bar.show_percent = bar.pos > 0
        bar.label = shortened(self.path, max(columns - 60, 8))
        texts = self.texts(progress)
        left = self._left(columns, texts)
        while left < NARROW and self.brevity < len(texts) - 1:
            self.brevity += 1
            left = self._left(columns, texts)
        bar.width = max(0, min(left, WIDE))
        return bar.format_progress_line()

    def _left(self, columns: int, texts: list[tuple[str, bool]]) -> int:
        """The columns that are left for the bar itself, beside the chosen text."""
        self.bar.current_item, in_time = texts[self.brevity]
        self.bar.show_eta = in_time and self.bar.pos > 0
        self.bar.width = 0
        return columns - columns_of(self.bar.format_progress_line())

    def texts(self, progress: Progress) -> list[tuple[str, bool]]:
        """The counts in fewer and fewer words, each with whether the time that is left stands before the text."""
        looked_at, changed = progress.looked_at, f"{progress.changed} {self.changed}"
        entries = "entry" if looked_at == 1 else "entries"
        rate = f"{looked_at / max(progress.seconds - self.waited, 0.1):.0f}"
        return [
            (f"{looked_at} {entries} looked at, {changed}, {rate} a second", True),
            (f"{looked_at} looked at, {changed}, {rate}/s", True),
            (f"{looked_at} looked at, {changed}, {rate}/s", False),
            (f"{looked_at} looked at, {changed}", False),
            (f"{looked_at} looked at", False),
            (f"{looked_at}", False),
            ("", False),
        ]


def shortened(path: str, columns: int) -> str:
    """The path cut to so many columns. Its end is kept, since the end tells more than the beginning."""
    if columns_of(path) <= columns:
        return path
    path = path[-max(columns, 1) :]
    while path and columns_of(path) > columns - 3:
        path = path[1:]
    return f"...{path}"
