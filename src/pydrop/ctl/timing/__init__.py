"""A start's times as `pydropctl timeline` shows them: read from what the start left, and drawn."""

from pydrop.ctl.timing.timeline_reader import NotLeft, Part, Timeline, left

__all__ = ["NotLeft", "Part", "Timeline", "left"]
