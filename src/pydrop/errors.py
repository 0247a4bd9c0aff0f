"""The errors of pydrop. Each says what failed, why, and what to do about it, and has an exit code.

The grammar of every message is ``unable to VERB OBJECT: REASON; REMEDY``. For a value that a person wrote it is
``SOURCE=VALUE is not ...; REMEDY``. Each message is one line, whose values are escaped when it is printed (report).
Only the ways into pydrop (`entry`, `compat`, `ctl`) and init (`pid1.init`) turn an error into an exit.
"""

FAILED = 125  # pydrop itself failed and the command did not start; docker and env(1) use this code too
NOT_EXECUTABLE = 126
NOT_FOUND = 127
MOST_SHOWN = 200  # bytes of one value that a message shows
MOST_SAID = (
    1900  # bytes of a problem, and of a remedy: so that the line of both has 4 KiB at most (report.LONGEST_LINE)
)
WHOLE_PYTHON = "install the whole Python in the image (Debian: python3, not python3-minimal alone)"


class PydropError(Exception):
    """An error that ends a start. `str()` is the whole line, without the leading ``pydrop: ``."""

    def __init__(self, problem: str, remedy: str = "", code: int = FAILED) -> None:
        problem, remedy = shortened(problem, MOST_SAID), shortened(remedy, MOST_SAID)
        super().__init__(f"{problem}; {remedy}" if remedy else problem)
        self.problem = problem
        self.remedy = remedy
        self.code = code


def not_loaded(error: ImportError) -> PydropError:
    """The error for a module that this Python lacks: Debian's python3-minimal lacks a good part of the library."""
    remedy = "install pydrop with pip, which brings it" if error.name in ("click", "psutil") else WHOLE_PYTHON
    if error.name and error.name.startswith("pydrop"):
        remedy = "install pydrop anew: pip install --force-reinstall"
    return PydropError(f"this Python cannot load {error.name or 'a module'}: {error}", remedy)


class BadSetting(PydropError):
    """An option, a variable or the settings file has a value that cannot be used."""


class Untrusted(PydropError):
    """Another user than root can write or replace a path that root would use."""


class NotPermitted(PydropError):
    """The kernel or the container's runtime does not allow what this start needs."""


class BadDrop(PydropError):
    """Privileges could not be dropped, or the drop could not be verified: the command is not run."""


class HookFailed(PydropError):
    """A hook failed; `code` is its exit code."""


class CommandFailed(PydropError):
    """The command cannot be executed (126) or was not found (127)."""


class Interrupted(BaseException):
    """TERM, INT, HUP or QUIT came while root worked. It is no Exception, so that no step's ``except`` swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def shortened(text: str, most: int = MOST_SHOWN) -> str:
    """The text, cut where it has more than `most` bytes; then it ends in a `…`, which counts."""
    kept = text[:most]
    if len(kept) == len(text) and _size(kept) <= most:
        return text
    while (over := _size(kept) - (most - 3)) > 0:
        kept = kept[: -((over + 3) // 4)]
    return kept + "…"


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
