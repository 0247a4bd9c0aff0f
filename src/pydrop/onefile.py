"""The start of the one static file: what the launcher and by_pip do by pip. onefile/main.c calls `launched`."""

import sys
import time

import _onefile

from pydrop import called_as
from pydrop.inherited import IGNORED_BY_PYTHON
from pydrop.process import Start
from pydrop.signals import ENDING

# name, mode, and what becomes of what is no UTF-8, as CPython has it
STREAMS = (("stdin", "r", "surrogateescape"), ("stdout", "w", "surrogateescape"), ("stderr", "w", "backslashreplace"))


def launched() -> None:
    """Begin what argv[0] names. Never returns."""
    start = came()
    if start.name.rpartition("/")[2] == "pydropctl":
        _open_streams()
    called_as.begin(start)


def _open_streams() -> None:
    """The streams, for which CPython's own start has looked in vain (main.c). One that came closed, or is a folder,
    stays None, as in any Python."""
    import io

    for descriptor, (name, mode, errors) in enumerate(STREAMS):
        try:
            stream = io.open(descriptor, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115, UP020 # not yet the builtin open
        except OSError:
            continue
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def came() -> Start:
    """How this process was started. Nothing of it has to be taken off again: main.c hides the environment from the C
    library and from Python, and no signal's disposition was changed."""
    words, environment, ignored, blocked, began = _onefile.came()
    return Start(
        name=words[0] if words else "pydrop",
        arguments=words[1:],
        environment=environment,
        ignored=tuple([number for number, is_so in zip(IGNORED_BY_PYTHON, ignored, strict=True) if is_so]),
        blocked=tuple([number for number, is_so in zip(ENDING, blocked, strict=True) if is_so]),
        began=began,
        loading=time.monotonic(),
    )
