"""How far the work on a volume is: loaded for one that takes a while and is watched."""

from pydrop.model import Value, Volume

SILENT = 2.0  # seconds of work on a volume of which nothing is told


class Progress(Value):
    """How far the work on one volume is, for somebody who watches it."""

    volume: Volume
    looked_at: int  # entries until now, by all processes
    changed: int
    part: float  # 0 to 1: an estimate of how much is done; 0.0 while nothing is known
    waiting: bool  # for another container, which works on this volume
    seconds: float  # since the work on it began
