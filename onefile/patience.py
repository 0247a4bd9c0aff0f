"""CPython's interpreter loop, which the dumped file has its own of: it does not specialize what runs once.

Specializing (PEP 659) writes into the code as it runs: of the pages that a start of milliseconds has copied for it, the
half would be pages of code, and nothing would be won. So the loop begins to count only after some hundred thousand of
the instructions that would be specialized: a walk through a large volume gets there, and runs as in any Python.
"""

from pathlib import Path

PATIENCE = 200_000  # instructions; a start has a tenth of them
CHANGES = {
    "ceval_macros.h": (
        (
            "    backoff_counter_triggers(forge_backoff_counter((COUNTER)))",
            "    (pydrop_patience == 0 && backoff_counter_triggers(forge_backoff_counter((COUNTER))))",
            1,
        ),
        (
            "        (COUNTER) = advance_backoff_counter((COUNTER)); \\",
            "        if (pydrop_patience) pydrop_patience--; else (COUNTER) = advance_backoff_counter((COUNTER)); \\",
            1,
        ),
    ),
    # Which way branches went is noted for an optimizer that Debian's CPython is built without, as this one is.
    "generated_cases.c.h": (
        (
            "this_instr[1].cache = (this_instr[1].cache << 1)",
            "if (0) this_instr[1].cache = (this_instr[1].cache << 1)",
            8,
        ),
    ),
    "ceval.c": (('#include "ceval_macros.h"', 'extern unsigned pydrop_patience;\n#include "ceval_macros.h"', 1),),
}


def write(python: Path, folder: Path) -> None:
    """The changed files; the others are found in CPython's own folder."""
    for name, changes in CHANGES.items():
        text = (python / name).read_text()
        for old, new, times in changes:
            if text.count(old) != times:
                raise SystemExit(f"onefile: {name} is another one: {old!r} stands {text.count(old)} times in it")
            text = text.replace(old, new)
        (folder / name).write_text(text)
