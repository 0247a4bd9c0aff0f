"""What a forked process of a walk does first, so that nothing of the process that forked it stays in it."""

import _signal
import posix as os

from pydrop import kernel
from pydrop.signals import ENDING


def begin(parent: int, kept: set[int]) -> None:
    """Die with `parent`, which forked this process; be ended by signals; keep these descriptors alone."""
    kernel.die_with_parent()
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)
    for number in ENDING:
        _signal.signal(number, _signal.SIG_DFL)
    close_all_but(kept)


def close_all_but(kept: set[int]) -> None:
    """Close every descriptor that a fork has brought along, but for these."""
    for descriptor in [int(name) for name in os.listdir("/proc/self/fd")]:
        if descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError:  # the one that listed them
                pass
