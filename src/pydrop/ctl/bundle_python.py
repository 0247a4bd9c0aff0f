"""Tells whether this Python belongs to a bundle, which has its own loader and libraries, and how to start it again."""

import os
import sys

from pydrop.distribution import ONE_FILE

LOADER = "lib/ld.so"  # below the prefix; as launcher.c has it


def is_bundle() -> bool:
    return not ONE_FILE and os.path.exists(f"{sys.prefix}/{LOADER}")


def environment() -> dict[str, str]:
    """The variables that this Python's executable needs to start: in a bundle, the folder of its libraries."""
    return {"LD_LIBRARY_PATH": f"{sys.prefix}/lib"} if is_bundle() else {}
