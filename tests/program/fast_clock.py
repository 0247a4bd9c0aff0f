"""The installed product's own code in a Python whose clock runs ten times as fast: what is told after two seconds of
work is told after a fifth of one. Every constant is the product's own."""

import sys

from tests.program.terminal import slow_looks

FASTER = """
import time

def faster(clock):
    begun = clock()
    return lambda: begun + (clock() - begun) * 10

time.monotonic, time.time = faster(time.monotonic), faster(time.time)
"""
START = """
import sys
from pydrop import called_as, inherited
sys.argv[0] = "pydrop"
called_as.begin(inherited.without_launcher(sys.argv))
"""
CTL = """
import sys
from pydrop import inherited
from pydrop.ctl.main import run
run(inherited.without_launcher(sys.argv))
"""


def _python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", f"{FASTER}\n{program}")


FAST_PYDROP = _python(START)
FAST_CTL = _python(CTL)
FAST_SLOW = slow_looks(400)  # around one of these: a volume of 600 entries takes about three seconds of its clock
