"""A volume as the engine would open it, for commands that look at it first."""

from pydrop.perform.ownership import volume_path


def vetted(path: str) -> volume_path.OpenVolume:
    """The opened volume, which is the caller's to close. Raises what place.opened and place.vet raise."""
    opened = volume_path.opened(path, create=False)
    try:
        volume_path.vet(opened, volume_path.Surroundings())
    except BaseException:
        opened.close()
        raise
    return opened
