"""The times of a start for `pydropctl timeline`: timeline_reader reads the file, timeline_picture draws the picture."""

from pydrop.ctl.timing.timeline_reader import NotLeft, Part, Timeline, left

__all__ = ["NotLeft", "Part", "Timeline", "left"]
