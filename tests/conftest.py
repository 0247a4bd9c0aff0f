"""What all tests share: the sources first on the path, so that pure and kernel tests see the working tree."""

import gc
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

# A shell's background job ignores INT and QUIT, nohup's HUP; what the tests start would inherit that.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """The tests themselves stay to the end. Frozen, they are gone through by no collection of garbage, which in a child
    would copy all their memory."""
    gc.collect()
    gc.freeze()
