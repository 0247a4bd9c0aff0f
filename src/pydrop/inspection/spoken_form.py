"""How a start is to say why its settings cannot be read: log level and log format, as far as they can be told."""

from pydrop.errors import PydropError
from pydrop.inspection import settings_file
from pydrop.model import Settings, Start
from pydrop.settings import CONFIG, said_format, toml_text


def asked(start: Start) -> tuple[str, str]:
    """(log-level, log-format) of the strongest source with a good one, whatever else is wrong; "" for no level."""
    try:
        return said_format.asked(start.arguments, start.environment, _text(start))
    except Exception:  # whatever made the settings unreadable must not hide why
        return "", Settings.log_format


def _text(start: Start) -> str:
    """The settings file's text; "" where root must not obey it, or it is not there."""
    lines = [line.partition("=")[2].strip() for line in start.environment if line.startswith("PYDROP_CONFIG=")]
    try:
        return toml_text.text_of(settings_file.whole(lines[0] if lines and lines[0] else CONFIG), "")
    except PydropError:
        return ""
