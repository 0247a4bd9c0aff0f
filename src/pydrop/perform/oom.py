"""Performs OomStep: sets how soon the kernel kills the program when memory runs out (oom_score_adj, proc(5))."""

import posix as os

from pydrop.errors import NotPermitted
from pydrop.model import Outcome, Start
from pydrop.steps import OomStep

FILE = "/proc/self/oom_score_adj"


def perform(step: OomStep, _start: Start) -> Outcome:
    """Write the value, which exec keeps and children inherit.

    Raises NotPermitted: a value lower than the present one needs CAP_SYS_RESOURCE."""
    try:
        file = os.open(FILE, os.O_RDWR | os.O_CLOEXEC)
        try:
            before = int(os.read(file, 16))
            if before == step.score_adj:
                return Outcome()
            os.pwrite(file, str(step.score_adj).encode("ascii"), 0)
        finally:
            os.close(file)
    except OSError as error:
        raise NotPermitted(
            f"unable to set oom_score_adj to {step.score_adj}: {error.strerror}",
            f"have the runtime set it (docker: --oom-score-adj {step.score_adj}), or add cap_add: [SYS_RESOURCE]",
        ) from error
    return Outcome(changed=1, words=f"oom_score_adj {step.score_adj}")
