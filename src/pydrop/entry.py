"""The door `pydrop`."""

import sys


def door() -> None:
    print(sys.argv)
