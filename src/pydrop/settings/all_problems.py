"""Every problem of a settings file at once, where a start stops at the first."""

from pydrop.errors import BadSetting
from pydrop.model import Value
from pydrop.settings.sources import from_key
from pydrop.settings.table import BY_NAME
from pydrop.settings.volume_tables import review

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.settings.volume_tables import Place


class Problem(Value):
    """One thing that is wrong in a settings file.

    `key` names the place for people (``volume[2].policy``), `where` is the way to it through the file's tables,
    counted from 0 (``("volume", 1, "policy")``), `nearest` the existing name that is most like a misspelt one, or "".
    """

    key: str
    where: "Place"
    problem: str
    remedy: str
    nearest: str = ""

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}"


def problems(table: dict[str, object], file: str) -> list[Problem]:
    """Every problem of a file's table, in the order of the file."""
    return [problem for key, value in table.items() for problem in _of_key(key, value, file)]


def _of_key(key: str, value: object, file: str) -> list[Problem]:
    try:
        given = from_key(key, value, file)
        if key == "volume":
            return [_problem((key, *place), fault) for place, fault in review(given)[1]]
        BY_NAME[key].parse(given)
    except BadSetting as fault:
        return [_problem((key,), fault)]
    return []


def _problem(where: "Place", fault: BadSetting) -> Problem:
    key = "".join([f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in where]).removeprefix(".")
    nearest = getattr(fault, "nearest", "")
    return Problem(key=key, where=where, problem=fault.problem, remedy=fault.remedy, nearest=nearest)
