"""What holds where a setting is not given, in the words of the docs. The values themselves stand in model.Settings."""

from pydrop import signals
from pydrop.model import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pydrop.settings.table import Row


def default(row: "Row") -> str:
    """The row's own words for it; else the value, spelt as the setting takes it; "none" for no value."""
    value = getattr(Settings, row.field)
    if row.default:
        return row.default
    return "none" if value in (None, ()) else f"`{_spelt(row, value)}`"


def _spelt(row: "Row", value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and row.form == "SIGNAL":
        return signals.name_of(value).removeprefix("SIG")
    return f"{value:g}s" if isinstance(value, float) else str(value)
