"""The error family: who failed at what, why, what to do about it, and the exit code.

Grammar of every message: ``unable to VERB OBJECT: REASON; REMEDY`` or, for what a person wrote,
``SOURCE=VALUE is not ...; REMEDY``. One line each; values are escaped by whoever prints them.
Only a launcher (`entry`, `ctl`) turns an error into an exit.
"""

FAILED = 125  # pydrop itself failed: the code that docker and env use for "not even started"
NOT_EXECUTABLE = 126
NOT_FOUND = 127


class PydropError(Exception):
    """Something that ends a start. `str()` is the whole line without the leading ``pydrop: ``."""

    def __init__(self, problem: str, remedy: str = "", code: int = FAILED) -> None:
        super().__init__(f"{problem}; {remedy}" if remedy else problem)
        self.problem = problem
        self.remedy = remedy
        self.code = code


class BadSetting(PydropError):
    """What a person wrote in an option, a variable or the settings file cannot be used."""


class Untrusted(PydropError):
    """A path that root would use can be written or replaced by somebody other than root."""


class NotPermitted(PydropError):
    """The kernel or the container's runtime does not allow what this start needs."""


class BadDrop(PydropError):
    """Root could not be given up, or could not be proven to be given up: nothing is run."""


class HookFailed(PydropError):
    """A hook ended with a failure; `code` is its exit code."""


class CommandFailed(PydropError):
    """The command cannot be executed (126) or was not found (127)."""


class Interrupted(BaseException):
    """TERM, INT, HUP or QUIT came while root worked; not an Exception, so that no step swallows it."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
