"""A volume as the engine would open it, for commands that look at it first."""

from pydrop.perform.ownership import place


def vetted(path: str) -> place.Place:
    """The opened volume, which is the caller's to close. Raises what place.opened and place.vet raise."""
    opened = place.opened(path, create=False)
    try:
        place.vet(opened, place.Surroundings())
    except BaseException:
        opened.close()
        raise
    return opened
