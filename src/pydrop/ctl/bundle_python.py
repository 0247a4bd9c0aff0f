"""Whether this Python is a bundle's, which has its own loader and libraries, and how it is started then."""

import os
import sys

LOADER = "lib/ld.so"  # below the prefix; as launcher.c has it


def is_bundle() -> bool:
    return os.path.exists(f"{sys.prefix}/{LOADER}")


def environment() -> dict[str, str]:
    """What this Python's own executable needs to start once more: in a bundle, where its libraries are."""
    return {"LD_LIBRARY_PATH": f"{sys.prefix}/lib"} if is_bundle() else {}
