"""Every problem of a settings file at once, where a start stops at the first."""

from pydrop.errors import BadSetting
from pydrop.model import Value
from pydrop.settings import interpolation
from pydrop.settings.init_values import not_both
from pydrop.settings.refusals import better, secret_of
from pydrop.settings.sources import from_key, parsed_or_refused
from pydrop.settings.volume_tables import review

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pydrop.settings.volume_tables import Place

OF_TWO = ("user", "puid", "keep-root")
MOST = 100  # problems; to say more would help nobody, and looking for what is near takes time


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


def problems(table: dict[str, object], environment: tuple[str, ...], file: str) -> list[Problem]:
    """The problems of a file's table, in the order of the file: all, or the first hundred. The last one says so."""
    filled, faults = interpolation.review(table, environment, file)
    found = [_problem(where, fault) for where, fault in faults[: MOST + 1]]
    for key, value in filled.items():
        if len(found) <= MOST:
            found += _of_key(key, value, file)
    places = {key: place for place, key in enumerate(table)}
    found.sort(key=lambda problem: places[problem.where[0]])  # type: ignore[index] # a key
    found += _of_two(filled, file) if not found else []
    if len(found) > MOST:
        more = BadSetting(f"{file} has more problems than the {MOST} before this one", "correct those first")
        found[MOST:] = [_problem((), more)]
    return found


def _of_two(table: dict[str, object], file: str) -> list[Problem]:
    """What is wrong with settings that are right alone."""
    asked: dict[str, Any] = {key: parsed_or_refused(from_key(key, table[key], file)) for key in OF_TWO if key in table}
    user, puid = asked.get("user"), asked.get("puid")
    names_root = bool(user and (user.name == "root" or user.uid == 0))
    found = []
    if asked.get("keep-root") and "ready-file" in table and not (puid.number == 0 if puid else names_root):
        fault = not_both(f"keep-root in {file}", f"ready-file in {file}", str(table["ready-file"]))
        found.append(_problem(("keep-root",), fault))
    if puid and puid.number and names_root:
        problem = f"puid in {file} asks for uid {puid.number}, but user in {file} names root, whose number 0 must stay"
        found.append(_problem(("puid",), BadSetting(problem, "leave one of them out")))
    return found


def _of_key(key: str, value: object, file: str) -> list[Problem]:
    try:
        given = from_key(key, value, file)
        if key == "volume":
            faults = review(given)[1]
            hides = bool(faults) and secret_of(value) is not None
            return [_problem((key, *place), better(given, fault) if hides else fault) for place, fault in faults]
        parsed_or_refused(given)
    except BadSetting as fault:
        return [_problem((key,), fault)]
    return []


def _problem(where: "Place", fault: BadSetting) -> Problem:
    key = "".join([f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in where]).removeprefix(".")
    nearest = getattr(fault, "nearest", "")
    return Problem(key=key, where=where, problem=fault.problem, remedy=fault.remedy, nearest=nearest)
