"""Which of its two ways this pydrop came: by pip, or as the one static file, which has all code in it (onefile/)."""

import sys

ONE_FILE = "_onefile" in sys.builtin_module_names


def holds() -> str:
    """What the one file was built of, as words behind the version; "" in the pip way."""
    if not ONE_FILE:
        return ""
    from _onefile import HOLDS

    return f" ({HOLDS})"
